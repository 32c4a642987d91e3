// File: converters/vocab/added_vocabulary.h
//
// The tokens that were added to a tokenizer after training, with the ids that
// Hugging Face's `tokenizers` gives them.

#ifndef CONVERTERS_VOCAB_ADDED_VOCABULARY_H_
#define CONVERTERS_VOCAB_ADDED_VOCABULARY_H_

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

namespace vocab {

// The trained part of a vocabulary: token text to id.
using TokenIds = std::unordered_map<std::string, uint32_t>;

struct AddedToken {
  std::string content;
  bool special = false;
  // Whether the text is normalized before this token is searched in it.
  bool normalized = true;
};

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

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_ADDED_VOCABULARY_H_
