// File: base/json.h
//
// Reads JSON that others wrote. What writes model repositories is Python, so
// text is taken as Python's json.load takes it; and as nobody vouches for it,
// within limits, one policy for all files.

#ifndef BASE_JSON_H_
#define BASE_JSON_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json_fwd.hpp"

namespace base {

// No value may nest deeper, which bounds every recursion over it.
inline constexpr int kMaxJsonDepth = 128;

struct JsonLimits {
  uint64_t bytes;   // of the text
  uint64_t memory;  // of the values made of it, in bytes, as an estimate
};
// What settings, indexes and answers of servers keep far below.
inline constexpr JsonLimits kSmallJson = {64 << 20, 64 << 20};
// For tokenizers: three times what the largest vocabularies of today take.
inline constexpr JsonLimits kLargeJson = {128 << 20, 512 << 20};

// The names of members in the order of the text: under "" those of the
// outermost object, under a name those of the object that is its value.
using JsonOrder = std::map<std::string, std::vector<std::string>>;

// The value of `text`, which messages call `name`. Beyond RFC 8259:
// - NaN, Infinity and -Infinity are numbers; numbers that a double can't hold
//   are infinite, integers beyond 64 bits doubles;
// - of members with the same name the last counts, at the place of the first;
// - a lone surrogate (\ud800) in a string is read as U+FFFD, since nothing that
//   is written from here could hold it; in a name, where two could become one,
//   it is an error;
// - a byte order mark is an error.
// `order`, unless null, receives the order of the names.
// Errors: DataLoss, with line and column, for what is no such JSON, or is
// beyond the limits.
absl::StatusOr<nlohmann::json> ParseJson(absl::string_view text,
                                         absl::string_view name,
                                         const JsonLimits& limits = kSmallJson,
                                         JsonOrder* order = nullptr);

// The same for a file. Errors: also those of ReadFile (file.h).
absl::StatusOr<nlohmann::json> ReadJsonFile(
    const std::string& path, const JsonLimits& limits = kSmallJson,
    JsonOrder* order = nullptr);

// The member `key` of `object`; null (the JSON value) if `object` is no object
// or has no such member.
const nlohmann::json& Member(const nlohmann::json& object,
                             absl::string_view key);

// The same if it is a string, an integer that fits, an integer of 0 or more, a
// boolean; nothing otherwise.
const std::string* StringMember(const nlohmann::json& object,
                                absl::string_view key);
std::optional<int64_t> IntegerMember(const nlohmann::json& object,
                                     absl::string_view key);
std::optional<uint64_t> UintMember(const nlohmann::json& object,
                                   absl::string_view key);
std::optional<bool> BoolMember(const nlohmann::json& object,
                               absl::string_view key);

// `value` if it is an integer of 0 or more.
std::optional<uint64_t> UintOf(const nlohmann::json& value);

// What Python's `if value` asks.
bool IsTruthy(const nlohmann::json& value);

// `value` for a message: short, in one line, in ASCII without control
// characters.
std::string ShowJson(const nlohmann::json& value);

}  // namespace base

#endif  // BASE_JSON_H_
