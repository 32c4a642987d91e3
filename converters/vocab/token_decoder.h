// File: converters/vocab/token_decoder.h
//
// The text that a single token stands for, as the `decoder` section of a
// tokenizer.json tells.

#ifndef CONVERTERS_VOCAB_TOKEN_DECODER_H_
#define CONVERTERS_VOCAB_TOKEN_DECODER_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "nlohmann/json_fwd.hpp"

namespace vocab {

// The text of the token `text` (valid UTF-8) alone under `decoder`, which may
// be null: no change. Steps known: ByteLevel, Sequence, Replace of a string,
// ByteFallback, Fuse, Strip, Metaspace; others (which no BPE model uses) leave
// the text as it is.
std::string DecodeToken(const nlohmann::json& decoder, std::string text);

// The bytes that `text` spells in GPT-2's byte-level alphabet, where the
// printable Latin-1 characters stand for themselves and U+0100 … U+0143 for
// the other 68 bytes in their order (so U+0120 is a space). nullopt if `text`
// holds any other character. `text` must be valid UTF-8.
std::optional<std::string> FromByteLevel(absl::string_view text);

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_TOKEN_DECODER_H_
