#include "converters/vocab/vocab.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "converters/vocab/added_tokens.h"
#include "converters/vocab/merges.h"
#include "converters/vocab/pre_tokenizer.h"
#include "converters/vocab/sentencepiece.h"
#include "converters/vocab/special_tokens.h"
#include "converters/vocab/token_list.h"
#include "converters/vocab/tokenizer_class.h"
#include "converters/vocab/tokenizer_files.h"
#include "converters/vocab/tokenizer_json.h"

namespace vocab {
namespace {

class Loader {
 public:
  Loader(const Vocabulary& vocabulary, const VocabInput& input,
         const TokenizerFiles& files)
      : vocabulary_(vocabulary),
        input_(input),
        files_(files),
        class_(FindTokenizerClass(*files.config, files.tokenizer_config,
                                  vocabulary.tokenizer_classes)) {}

  absl::Status Load() {
    if (vocabulary_.kind == Kind::kLlama) {
      RETURN_IF_ERROR(AddSpacePrefix(files_, metadata_));
    }
    RETURN_IF_ERROR(LoadTokens());
    if (vocabulary_.finish == nullptr) return absl::OkStatus();
    return vocabulary_.finish(files_, metadata_);
  }

  gguf::Metadata Take() && { return std::move(metadata_); }

 private:
  absl::Status LoadTokens() {
    const bool has_model = IsThere(files_.directory, "tokenizer.model");
    switch (vocabulary_.kind) {
      case Kind::kByteLevelBpe:
        return ByteLevel();
      case Kind::kSentencePiece:
        return SentencePiece();
      case Kind::kSentencePieceOrByteLevel:
        return has_model || HasByteFallback(files_) ? SentencePiece()
                                                    : ByteLevel();
      case Kind::kByteLevelOrSentencePiece:
        return has_model && files_.tokenizer.is_null() &&
                       !IsThere(files_.directory, "vocab.json")
                   ? SentencePiece()
                   : ByteLevel();
      case Kind::kSentencePieceLike:
        return SentencePieceLike();
      case Kind::kLlama:
        if (has_model) return SentencePiece();
        return IsSentencePieceLike(files_) ? SentencePieceLike() : ByteLevel();
    }
    return absl::InternalError("vocabulary of an unknown kind");
  }

  // A config with vocab_size 0 says nothing.
  std::optional<uint64_t> size() const {
    if (vocabulary_.size == 0) return std::nullopt;
    return vocabulary_.size;
  }

  absl::Status SentencePiece() {
    ASSIGN_OR_RETURN(TokenList list,
                     SentencePieceTokens(files_, size(), input_.warnings,
                                         vocabulary_.marks_decide));
    return AddScored(std::move(list));
  }

  absl::Status SentencePieceLike() {
    ASSIGN_OR_RETURN(const TokenIds trained, ReadTrainedTokens(files_, class_));
    ASSIGN_OR_RETURN(TokenList list,
                     SentencePieceLikeTokens(files_, class_, trained, size()));
    return AddScored(std::move(list));
  }

  // The keys of a vocabulary with scores, which the runtime tokenizes the way
  // SentencePiece does.
  absl::Status AddScored(TokenList list) {
    const uint64_t count = list.size();
    RETURN_IF_ERROR(Edit(list));
    metadata_.Set("tokenizer.ggml.model", std::string("llama"));
    metadata_.Set("tokenizer.ggml.pre",
                  input_.pre_tokenizer.value_or("default"));
    metadata_.SetArray("tokenizer.ggml.tokens", std::move(list.texts));
    if (vocabulary_.has_scores) {
      metadata_.SetArray("tokenizer.ggml.scores", std::move(list.scores));
    }
    metadata_.SetArray("tokenizer.ggml.token_type", std::move(list.types));
    return AddSpecial(count);
  }

  absl::Status ByteLevel() {
    // A class for SentencePiece would take such a vocabulary apart; the files
    // themselves say better what is meant, but for the tokens that it brings.
    TokenizerClass kind = class_.byte_level ? class_ : PlainTokenizerClass();
    kind.defaults = class_.defaults;
    ASSIGN_OR_RETURN(const TokenIds trained, ReadTrainedTokens(files_, kind));
    ASSIGN_OR_RETURN(TokenList list,
                     ByteLevelTokens(files_, kind, trained, size()));
    RETURN_IF_ERROR(Edit(list));
    ASSIGN_OR_RETURN(std::string pre, PreTokenizer(kind));
    ASSIGN_OR_RETURN(std::vector<std::string> merges,
                     LoadMerges(files_.tokenizer, files_.directory, trained));
    metadata_.Set("tokenizer.ggml.model", std::string("gpt2"));
    metadata_.Set("tokenizer.ggml.pre", std::move(pre));
    metadata_.SetArray("tokenizer.ggml.tokens", std::move(list.texts));
    metadata_.SetArray("tokenizer.ggml.token_type", std::move(list.types));
    if (!merges.empty()) {
      metadata_.SetArray("tokenizer.ggml.merges", std::move(merges));
    }
    return AddSpecial(std::nullopt);
  }

  absl::StatusOr<std::string> PreTokenizer(const TokenizerClass& kind) const {
    if (input_.pre_tokenizer) return *input_.pre_tokenizer;
    if (files_.tokenizer.is_null()) return std::string(kind.pre_tokenizer);
    return FindPreTokenizer(
        ReadSplitStructure(files_.tokenizer, files_.tokenizer_config),
        vocabulary_.pre_tokenizers);
  }

  absl::Status Edit(TokenList& list) const {
    if (vocabulary_.edit == nullptr) return absl::OkStatus();
    return vocabulary_.edit(files_, list);
  }

  absl::Status AddSpecial(std::optional<uint64_t> token_count) {
    if (vocabulary_.after_tokens != nullptr) {
      RETURN_IF_ERROR(vocabulary_.after_tokens(files_, metadata_));
    }
    ASSIGN_OR_RETURN(
        SpecialTokens special,
        LoadSpecialTokens(files_, DefaultTokenKinds(), token_count));
    special.SetIds(vocabulary_.named_tokens, files_);
    special.AppendTo(metadata_);
    return absl::OkStatus();
  }

  const Vocabulary& vocabulary_;
  const VocabInput& input_;
  const TokenizerFiles& files_;
  const TokenizerClass& class_;
  gguf::Metadata metadata_;
};

}  // namespace

absl::Status AddSpacePrefix(const TokenizerFiles& files,
                            gguf::Metadata& metadata) {
  if (const auto prefix =
          base::BoolMember(files.tokenizer_config, "add_prefix_space")) {
    metadata.Set("tokenizer.ggml.add_space_prefix", *prefix);
  }
  return absl::OkStatus();
}

absl::StatusOr<gguf::Metadata> LoadVocabulary(const Vocabulary& vocabulary,
                                              const VocabInput& input) {
  ASSIGN_OR_RETURN(const TokenizerFiles files,
                   ReadTokenizerFiles(input.directory, *input.config));
  Loader loader(vocabulary, input, files);
  RETURN_IF_ERROR(loader.Load());
  return std::move(loader).Take();
}

}  // namespace vocab
