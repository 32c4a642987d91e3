#include "converters/vocab/vocab.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "converters/vocab/added_tokens.h"
#include "converters/vocab/merges.h"
#include "converters/vocab/pre_tokenizer.h"
#include "converters/vocab/sentencepiece.h"
#include "converters/vocab/special_tokens.h"
#include "converters/vocab/token_list.h"
#include "converters/vocab/tokenizer_class.h"
#include "converters/vocab/tokenizer_files.h"
#include "converters/vocab/tokenizer_json.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;

// A config with vocab_size 0 says nothing.
std::optional<uint64_t> ModelVocabSize(const VocabInput& input) {
  return input.vocab_size == uint64_t{0} ? std::nullopt : input.vocab_size;
}

absl::Status AppendSpecialTokens(const VocabInput& input,
                                 const TokenizerFiles& files,
                                 std::optional<uint64_t> vocabulary_size,
                                 gguf::Metadata& metadata) {
  absl::StatusOr<SpecialTokens> special =
      LoadSpecialTokens({&files.tokenizer, &files.tokenizer_config,
                         input.config, files.directory},
                        DefaultTokenKinds(), vocabulary_size);
  if (!special.ok()) return special.status();
  special->AppendTo(metadata);
  return absl::OkStatus();
}

// The keys of a vocabulary with scores, which the runtime tokenizes the way
// SentencePiece does.
absl::StatusOr<gguf::Metadata> ScoredMetadata(const VocabInput& input,
                                              const TokenizerFiles& files,
                                              TokenList list) {
  const uint64_t size = list.size();
  gguf::Metadata metadata;
  metadata.Set("tokenizer.ggml.model", std::string("llama"));
  metadata.Set("tokenizer.ggml.pre", input.pre_tokenizer.value_or("default"));
  metadata.SetArray("tokenizer.ggml.tokens", std::move(list.texts));
  metadata.SetArray("tokenizer.ggml.scores", std::move(list.scores));
  metadata.SetArray("tokenizer.ggml.token_type", std::move(list.types));
  absl::Status status = AppendSpecialTokens(input, files, size, metadata);
  if (!status.ok()) return status;
  return metadata;
}

absl::StatusOr<gguf::Metadata> SentencePieceMetadata(
    const VocabInput& input, const TokenizerFiles& files) {
  absl::StatusOr<TokenList> list = SentencePieceTokens(
      files, ModelVocabSize(input),
      input.ignore_extra_tokens ? ExtraTokens::kLeaveOut : ExtraTokens::kRefuse,
      input.warnings);
  if (!list.ok()) return list.status();
  return ScoredMetadata(input, files, *std::move(list));
}

absl::StatusOr<gguf::Metadata> LlamaHfMetadata(const VocabInput& input,
                                               const TokenizerFiles& files) {
  const TokenizerClass& kind =
      FindTokenizerClass(*input.config, files.tokenizer_config);
  absl::StatusOr<TokenIds> trained = ReadTrainedTokens(files, kind);
  if (!trained.ok()) return trained.status();
  absl::StatusOr<TokenList> list =
      SentencePieceLikeTokens(files, kind, *trained, ModelVocabSize(input));
  if (!list.ok()) return list.status();
  return ScoredMetadata(input, files, *std::move(list));
}

bool IsStarCoder(const Json& config) {
  const std::string* model_type = StringMember(config, "model_type");
  return model_type != nullptr &&
         (*model_type == "gpt_bigcode" || *model_type == "starcoder2");
}

absl::StatusOr<std::string> PreTokenizerName(const VocabInput& input,
                                             const TokenizerFiles& files,
                                             const TokenizerClass& kind) {
  if (input.pre_tokenizer) return *input.pre_tokenizer;
  if (files.tokenizer.is_null()) return std::string(kind.pre_tokenizer);
  SplitStructure structure =
      ReadSplitStructure(files.tokenizer, files.tokenizer_config);
  // Newer transformers write into every file that spaces are kept; for
  // StarCoder itself that must not tell it from its descendants.
  if (IsStarCoder(*input.config)) structure.keeps_spaces = false;
  return FindPreTokenizer(structure);
}

absl::StatusOr<gguf::Metadata> ByteLevelMetadata(const VocabInput& input,
                                                 const TokenizerFiles& files) {
  const TokenizerClass& stated =
      FindTokenizerClass(*input.config, files.tokenizer_config);
  // A class for SentencePiece would take such a vocabulary apart; the files
  // themselves say better what is meant, but for the tokens that it brings.
  TokenizerClass kind = stated.byte_level ? stated : PlainTokenizerClass();
  kind.defaults = stated.defaults;
  absl::StatusOr<TokenIds> trained = ReadTrainedTokens(files, kind);
  if (!trained.ok()) return trained.status();
  absl::StatusOr<TokenList> list =
      ByteLevelTokens(files, kind, *trained, ModelVocabSize(input));
  if (!list.ok()) return list.status();
  absl::StatusOr<std::string> pre = PreTokenizerName(input, files, kind);
  if (!pre.ok()) return pre.status();
  absl::StatusOr<std::vector<std::string>> merges =
      LoadMerges(files.tokenizer, files.directory, *trained);
  if (!merges.ok()) return merges.status();

  gguf::Metadata metadata;
  metadata.Set("tokenizer.ggml.model", std::string("gpt2"));
  metadata.Set("tokenizer.ggml.pre", *std::move(pre));
  metadata.SetArray("tokenizer.ggml.tokens", std::move(list->texts));
  metadata.SetArray("tokenizer.ggml.token_type", std::move(list->types));
  if (!merges->empty()) {
    metadata.SetArray("tokenizer.ggml.merges", *std::move(merges));
  }
  absl::Status status =
      AppendSpecialTokens(input, files, std::nullopt, metadata);
  if (!status.ok()) return status;
  return metadata;
}

// CodeLlama's infill tokens stand at fixed ids; a vocabulary of this size is
// how it is known. Only the end of turn has a key.
absl::Status AppendCodeLlamaTokens(const VocabInput& input,
                                   const TokenizerFiles& files,
                                   gguf::Metadata& metadata) {
  constexpr uint32_t kEndOfTurn = 32010;
  absl::StatusOr<SpecialTokens> special =
      LoadSpecialTokens({&files.tokenizer, &files.tokenizer_config,
                         input.config, files.directory},
                        {"prefix", "suffix", "middle", "eot"}, std::nullopt);
  if (!special.ok()) return special.status();
  special->SetId("eot", kEndOfTurn);
  special->AppendTo(metadata);
  return absl::OkStatus();
}

// Reads the files and hands them to `load`.
template <typename Load>
absl::StatusOr<gguf::Metadata> WithFiles(const VocabInput& input, Load load) {
  absl::StatusOr<TokenizerFiles> files = ReadTokenizerFiles(input.directory);
  if (!files.ok()) return files.status();
  return load(input, *files);
}

absl::StatusOr<gguf::Metadata> AnyLlamaMetadata(const VocabInput& input,
                                                const TokenizerFiles& files) {
  if (HasSentencePieceModel(files.directory)) {
    return SentencePieceMetadata(input, files);
  }
  if (IsSentencePieceLike(files)) return LlamaHfMetadata(input, files);
  return ByteLevelMetadata(input, files);
}

absl::StatusOr<gguf::Metadata> LlamaMetadata(const VocabInput& input,
                                             const TokenizerFiles& files) {
  constexpr uint64_t kCodeLlamaSize = 32016;
  constexpr uint64_t kGraniteSize = 49152;
  gguf::Metadata metadata;
  if (const auto prefix =
          BoolMember(files.tokenizer_config, "add_prefix_space")) {
    metadata.Set("tokenizer.ggml.add_space_prefix", *prefix);
  }
  absl::StatusOr<gguf::Metadata> vocabulary = AnyLlamaMetadata(input, files);
  if (!vocabulary.ok()) return vocabulary.status();
  metadata.Append(*vocabulary);
  if (input.vocab_size == kCodeLlamaSize) {
    absl::Status status = AppendCodeLlamaTokens(input, files, metadata);
    if (!status.ok()) return status;
  }
  if (input.vocab_size == kGraniteSize) {
    metadata.Set("tokenizer.ggml.add_bos_token", false);
  }
  return metadata;
}

}  // namespace

bool HasSentencePieceModel(const std::string& directory) {
  return FileExists(directory, "tokenizer.model");
}

bool HasTokenizerJson(const std::string& directory) {
  return FileExists(directory, "tokenizer.json");
}

absl::StatusOr<gguf::Metadata> LoadSentencePiece(const VocabInput& input) {
  return WithFiles(input, SentencePieceMetadata);
}

absl::StatusOr<gguf::Metadata> LoadLlamaHf(const VocabInput& input) {
  return WithFiles(input, LlamaHfMetadata);
}

absl::StatusOr<gguf::Metadata> LoadByteLevelBpe(const VocabInput& input) {
  return WithFiles(input, ByteLevelMetadata);
}

absl::StatusOr<gguf::Metadata> LoadLlamaVocab(const VocabInput& input) {
  return WithFiles(input, LlamaMetadata);
}

}  // namespace vocab
