#include "converters/vocab/tokenizer_class.h"

#include "absl/strings/strip.h"
#include "base/json.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using base::StringMember;

using Default = TokenizerClass::Default;

constexpr Default kGpt2Defaults[] = {{"bos_token", "<|endoftext|>"},
                                     {"eos_token", "<|endoftext|>"},
                                     {"unk_token", "<|endoftext|>"}};
constexpr Default kGptNeoXDefaults[] = {{"bos_token", "<|endoftext|>"},
                                        {"eos_token", "<|endoftext|>"},
                                        {"unk_token", "<|endoftext|>"},
                                        {"pad_token", "<|padding|>"}};
constexpr Default kQwen2Defaults[] = {{"eos_token", "<|endoftext|>"},
                                      {"unk_token", "<|endoftext|>"},
                                      {"pad_token", "<|endoftext|>"}};
constexpr Default kLlamaDefaults[] = {
    {"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}};

// The first row is the class that keeps tokenizer.json as it is; every name
// that is not in the table stands for it.
constexpr TokenizerClass kClasses[] = {
    {kPlainTokenizerClass, false, false, false, "", {}},
    {"GPT2Tokenizer", true, true, false, "gpt-2", kGpt2Defaults},
    {"CodeGenTokenizer", true, true, false, "gpt-2", kGpt2Defaults},
    {"GPTNeoXTokenizer", true, true, false, "olmo", kGptNeoXDefaults},
    {"Qwen2Tokenizer", true, true, true, "qwen2", kQwen2Defaults},
    {"LlamaTokenizer", true, false, false, "", kLlamaDefaults},
    {"CodeLlamaTokenizer", true, false, false, "", kLlamaDefaults},
};

const TokenizerClass& ClassNamed(absl::string_view name) {
  for (const TokenizerClass& row : kClasses) {
    if (row.name == name) return row;
  }
  return kClasses[0];
}

}  // namespace

const TokenizerClass& PlainTokenizerClass() { return kClasses[0]; }

const TokenizerClass& FindTokenizerClass(
    const nlohmann::json& config, const nlohmann::json& tokenizer_config,
    absl::Span<const ModelTokenizerClass> models) {
  absl::string_view of_model;
  if (const auto* model_type = StringMember(config, "model_type")) {
    for (const ModelTokenizerClass& row : models) {
      if (row.model_type == *model_type) of_model = row.class_name;
    }
  }
  const std::string* stated = StringMember(tokenizer_config, "tokenizer_class");
  if (stated == nullptr) stated = StringMember(config, "tokenizer_class");
  if (stated == nullptr || of_model == kPlainTokenizerClass) {
    return ClassNamed(of_model);
  }
  return ClassNamed(absl::StripSuffix(*stated, "Fast"));
}

}  // namespace vocab
