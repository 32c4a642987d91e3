// File: converters/vocab/tokenizer_files.h
//
// Reading the small files of a tokenizer: whole files, JSON that is safe to
// walk recursively, and lookups that never throw.

#ifndef CONVERTERS_VOCAB_TOKENIZER_FILES_H_
#define CONVERTERS_VOCAB_TOKENIZER_FILES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace vocab {

// True if `directory`/`name` is there and is a regular file.
bool FileExists(const std::string& directory, absl::string_view name);

// The bytes of `directory`/`name`. NotFound if it is not there, DataLoss if it
// can't be read.
absl::StatusOr<std::string> ReadTextFile(const std::string& directory,
                                         absl::string_view name);

// The JSON object in `directory`/`name`, or null if there is no such file.
// DataLoss, naming the file, for what is no valid JSON or no object, or is
// nested deeper than any tokenizer file (which bounds every recursion over it).
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
