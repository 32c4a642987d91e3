// File: converters/vocab/token_decoder.h
//
// The text that a single token stands for, as the `decoder` section of a
// tokenizer.json tells.

#ifndef CONVERTERS_VOCAB_TOKEN_DECODER_H_
#define CONVERTERS_VOCAB_TOKEN_DECODER_H_

#include <string>

#include "nlohmann/json_fwd.hpp"

namespace vocab {

// The text of the token `text` (valid UTF-8) alone under `decoder`, which may
// be null: no change. Steps known: ByteLevel, Sequence, Replace of a string,
// ByteFallback, Fuse, Strip, Metaspace; others (which no BPE model uses) leave
// the text as it is.
std::string DecodeToken(const nlohmann::json& decoder, std::string text);

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_TOKEN_DECODER_H_
