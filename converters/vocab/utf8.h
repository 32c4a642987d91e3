// File: converters/vocab/utf8.h
//
// UTF-8 as tokenizers need it: strict validation, repair, and the byte-level
// alphabet that spells any byte as a printable character.

#ifndef CONVERTERS_VOCAB_UTF8_H_
#define CONVERTERS_VOCAB_UTF8_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace vocab {

// True if `text` is well-formed UTF-8 (no overlong forms, no surrogates).
bool IsValidUtf8(absl::string_view text);

// `text` with each maximal ill-formed part replaced by U+FFFD, as the Unicode
// Standard recommends (chapter 3, "U+FFFD Substitution of Maximal Subparts").
std::string RepairUtf8(absl::string_view text);

// The bytes that `text` spells in GPT-2's byte-level alphabet, where the
// printable Latin-1 characters stand for themselves and U+0100 … U+0143 for
// the other 68 bytes in their order (so U+0120 is a space). nullopt if `text`
// holds any other character. `text` must be valid UTF-8.
std::optional<std::string> FromByteLevel(absl::string_view text);

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_UTF8_H_
