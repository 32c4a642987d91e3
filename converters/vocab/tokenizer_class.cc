#include "converters/vocab/tokenizer_class.h"

#include "absl/strings/strip.h"
#include "converters/vocab/tokenizer_files.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

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
    {"TokenizersBackend", false, false, false, "", {}},
    {"GPT2Tokenizer", true, true, false, "gpt-2", kGpt2Defaults},
    {"CodeGenTokenizer", true, true, false, "gpt-2", kGpt2Defaults},
    {"GPTNeoXTokenizer", true, true, false, "olmo", kGptNeoXDefaults},
    {"Qwen2Tokenizer", true, true, true, "qwen2", kQwen2Defaults},
    {"LlamaTokenizer", true, false, false, "", kLlamaDefaults},
    {"CodeLlamaTokenizer", true, false, false, "", kLlamaDefaults},
};

// The class that transformers registers for a model type. Where that is the
// plain backend, it is used whatever tokenizer_config.json says.
struct ModelRow {
  absl::string_view model_type, class_name;
};
constexpr ModelRow kModels[] = {
    {"mistral", "TokenizersBackend"},
    {"mixtral", "TokenizersBackend"},
    {"gpt2", "GPT2Tokenizer"},
    {"gpt_bigcode", "GPT2Tokenizer"},
    {"starcoder2", "GPT2Tokenizer"},
    {"gpt_neox", "GPTNeoXTokenizer"},
    {"code_llama", "CodeLlamaTokenizer"},
};

const TokenizerClass& ClassNamed(absl::string_view name) {
  for (const TokenizerClass& row : kClasses) {
    if (row.name == name) return row;
  }
  return kClasses[0];
}

const ModelRow* FindModel(const nlohmann::json& config) {
  const std::string* model_type = StringMember(config, "model_type");
  if (model_type == nullptr) return nullptr;
  for (const ModelRow& row : kModels) {
    if (row.model_type == *model_type) return &row;
  }
  return nullptr;
}

}  // namespace

const TokenizerClass& PlainTokenizerClass() { return kClasses[0]; }

const TokenizerClass& FindTokenizerClass(
    const nlohmann::json& config, const nlohmann::json& tokenizer_config) {
  const ModelRow* model = FindModel(config);
  const std::string* stated = StringMember(tokenizer_config, "tokenizer_class");
  if (stated == nullptr) stated = StringMember(config, "tokenizer_class");
  if (stated == nullptr) {
    return ClassNamed(model == nullptr ? "" : model->class_name);
  }
  if (model != nullptr && model->class_name == kClasses[0].name) {
    return kClasses[0];
  }
  return ClassNamed(absl::StripSuffix(*stated, "Fast"));
}

}  // namespace vocab
