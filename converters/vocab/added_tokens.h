// File: converters/vocab/added_tokens.h
//
// Which tokens a checkpoint's files add to the trained vocabulary. Five files
// can name some, and the tokenizer's class more; the result is the one that
// transformers 5 comes to when it loads the tokenizer.

#ifndef CONVERTERS_VOCAB_ADDED_TOKENS_H_
#define CONVERTERS_VOCAB_ADDED_TOKENS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "converters/vocab/tokenizer_class.h"
#include "converters/vocab/tokenizer_files.h"

namespace vocab {

// The trained part of a vocabulary: token text to id.
using TokenIds = std::unordered_map<std::string, uint32_t>;

struct AddedToken {
  std::string content;
  bool special = false;
  // Whether the text is normalized before this token is searched in it.
  bool normalized = true;
};

// The added tokens with the ids that Hugging Face's `tokenizers` gives them.
class AddedVocabulary {
 public:
  // `trained` outlives this object.
  explicit AddedVocabulary(const TokenIds& trained) : trained_(trained) {}

  // Adds `token`, or changes its flags if it is there. An id that the file
  // states does not count: a trained token keeps its id, a new one gets the
  // next id after the trained vocabulary and all added tokens. Empty tokens
  // are ignored.
  void Add(const AddedToken& token);

  bool Contains(const std::string& content) const {
    return ids_.contains(content);
  }
  // The id that the next token gets if it is new.
  uint32_t NextId() const;
  // By id.
  const std::map<uint32_t, AddedToken>& tokens() const { return tokens_; }

 private:
  const TokenIds& trained_;
  TokenIds ids_;
  std::map<uint32_t, AddedToken> tokens_;
};

// Adds the tokens to `added`, and returns the texts of all tokens that are
// special by name or by list (not those that only their flag makes special).
// A token that only the class's defaults name is left out if it would not fit
// into `vocab_size`.
// Errors: InvalidArgument, naming file and key, for entries of a wrong type.
absl::StatusOr<std::vector<std::string>> CollectAddedTokens(
    const TokenizerFiles& files, const TokenizerClass& tokenizer_class,
    std::optional<uint64_t> vocab_size, const TokenIds& trained,
    AddedVocabulary& added);

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_ADDED_TOKENS_H_
