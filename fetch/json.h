// File: fetch/json.h
//
// Reading JSON from a server without trust: members that are missing or of
// another type read as nothing, never as an exception.

#ifndef FETCH_JSON_H_
#define FETCH_JSON_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace fetch {

// A discarded value (`is_discarded()`) if the text is not JSON. What is nested
// deeper than any answer of a hub is left out, so that a short text cannot take
// much memory.
nlohmann::json ParseJson(absl::string_view text);

// The member of this name; a null value if `object` is none or lacks it.
const nlohmann::json& JsonMember(const nlohmann::json& object,
                                 const char* name);

// Empty, or nullopt, if there is no member of this name and type.
std::string JsonString(const nlohmann::json& object, const char* name);
std::optional<uint64_t> JsonUint(const nlohmann::json& object,
                                 const char* name);

}  // namespace fetch

#endif  // FETCH_JSON_H_
