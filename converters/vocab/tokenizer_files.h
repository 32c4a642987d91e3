// File: converters/vocab/tokenizer_files.h
//
// Reading the small JSON files of a tokenizer, and lookups that never throw.

#ifndef CONVERTERS_VOCAB_TOKENIZER_FILES_H_
#define CONVERTERS_VOCAB_TOKENIZER_FILES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json_fwd.hpp"

namespace vocab {

// True if `directory`/`name` is there and is a regular file.
bool FileExists(const std::string& directory, absl::string_view name);

// The JSON object in `directory`/`name`, or null if there is no such file.
// Errors: those of converters::ReadJsonFile; DataLoss if it is no object.
absl::StatusOr<nlohmann::json> ReadJsonObject(const std::string& directory,
                                              absl::string_view name);

// The member `key` of `object`; null (the JSON value) if `object` is no object
// or has no such key.
const nlohmann::json& Member(const nlohmann::json& object,
                             absl::string_view key);

// The same if the member is a string, an integer that fits, a boolean.
const std::string* StringMember(const nlohmann::json& object,
                                absl::string_view key);
std::optional<int64_t> IntegerMember(const nlohmann::json& object,
                                     absl::string_view key);
std::optional<bool> BoolMember(const nlohmann::json& object,
                               absl::string_view key);

// `value` if it is an integer of 0 or more.
std::optional<uint64_t> UnsignedOf(const nlohmann::json& value);

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_TOKENIZER_FILES_H_
