#include "converters/vocab/added_vocabulary.h"

namespace vocab {

uint32_t AddedVocabulary::NextId() const {
  const uint32_t trained = static_cast<uint32_t>(trained_.size());
  if (tokens_.empty()) return trained;
  const uint32_t last = tokens_.rbegin()->first;
  return last >= trained ? last + 1 : trained;
}

void AddedVocabulary::Add(const AddedToken& token) {
  if (token.content.empty()) return;
  auto known = ids_.find(token.content);
  if (known == ids_.end()) {
    const auto trained = trained_.find(token.content);
    const uint32_t id = trained != trained_.end() ? trained->second : NextId();
    known = ids_.emplace(token.content, id).first;
  }
  tokens_[known->second] = token;
}

}  // namespace vocab
