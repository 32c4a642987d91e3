// Compares whole vocabularies with what the reference made of the same files;
// testdata/README.md says how those were made.

#include <fstream>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"
#include "converters/vocab/sentencepiece_model.pb.h"
#include "converters/vocab/test_directory.h"
#include "converters/vocab/vocab.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;

std::string TypeName(const gguf::Value& value) {
  std::string name(gguf::ValueTypeName(gguf::TypeOf(value)));
  if (const auto* array = std::get_if<gguf::Array>(&value)) {
    name += " " + std::string(gguf::ValueTypeName(array->element_type()));
  }
  return name;
}

// The value as the cases spell it; null for types that no vocabulary has.
Json ToJson(const gguf::Value& value) {
  const auto scalar = [](const auto& v) -> Json {
    if constexpr (std::is_same_v<std::decay_t<decltype(v)>, gguf::Array>) {
      return {};
    } else {
      return v;
    }
  };
  const auto* array = std::get_if<gguf::Array>(&value);
  if (array == nullptr) return std::visit(scalar, value);
  if (const auto* v = std::get_if<std::vector<std::string>>(&array->elements)) {
    return *v;
  }
  if (const auto* v = std::get_if<std::vector<float>>(&array->elements)) {
    return *v;
  }
  if (const auto* v = std::get_if<std::vector<int32_t>>(&array->elements)) {
    return *v;
  }
  return {};
}

std::string MakeModel(const Json& pieces) {
  sentencepiece::Model model;
  for (const Json& entry : pieces) {
    sentencepiece::Piece& piece = *model.add_pieces();
    piece.set_text(entry[0].get<std::string>());
    piece.set_score(entry[1].get<float>());
    piece.set_type(sentencepiece::Piece::Type(entry[2].get<int>()));
  }
  model.set_trainer_spec("");
  return model.SerializeAsString();
}

// What the architectures of the cases say.
Vocabulary VocabularyOf(const Json& config) {
  static constexpr ModelTokenizerClass kClasses[] = {
      {"mistral", kPlainTokenizerClass},   {"mixtral", kPlainTokenizerClass},
      {"gpt2", "GPT2Tokenizer"},           {"gpt_bigcode", "GPT2Tokenizer"},
      {"starcoder2", "GPT2Tokenizer"},     {"gpt_neox", "GPTNeoXTokenizer"},
      {"code_llama", "CodeLlamaTokenizer"}};
  static constexpr PreTokenizerName kStarCoder[] = {{"smollm", "starcoder"}};
  Vocabulary vocabulary = {
      .kind = Kind::kLlama,
      .size = base::UintMember(config, "vocab_size").value_or(0),
      .tokenizer_classes = kClasses};
  const std::string type = config.value("model_type", "");
  if (type == "gpt_bigcode" || type == "starcoder2") {
    vocabulary.pre_tokenizers = kStarCoder;
  }
  return vocabulary;
}

struct Case {
  std::string name;
  Json json;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::vector<Case> ReadCases() {
  std::ifstream file("converters/vocab/testdata/reference_cases.json");
  std::vector<Case> cases;
  for (Json& json : Json::parse(file, nullptr, /*allow_exceptions=*/false)) {
    std::string name = json.value("name", "");
    cases.push_back({std::move(name), std::move(json)});
  }
  return cases;
}

class VocabReferenceTest : public testing::TestWithParam<Case> {
 protected:
  absl::StatusOr<gguf::Metadata> Load(const Json& test_case) {
    for (const auto& [name, content] : test_case["files"].items()) {
      directory_.Write(name, content.is_string() ? content.get<std::string>()
                                                 : content.dump());
    }
    if (test_case.contains("pieces")) {
      directory_.Write("tokenizer.model", MakeModel(test_case["pieces"]));
    }
    const Json& config = test_case["config"];
    Vocabulary vocabulary = VocabularyOf(config);
    const std::string loader = test_case.value("loader", "");
    if (loader == "byte_level") vocabulary.kind = Kind::kByteLevelBpe;
    if (loader == "sentencepiece") vocabulary.kind = Kind::kSentencePiece;
    return LoadVocabulary(vocabulary, {.directory = directory_.path(),
                                       .config = &config,
                                       .warnings = nullptr});
  }

  TestDirectory directory_;
};

TEST_P(VocabReferenceTest, KeysTypesValuesAndOrderAreTheReferences) {
  const absl::StatusOr<gguf::Metadata> metadata = Load(GetParam().json);
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  Json found = Json::array();
  for (const gguf::Metadata::Entry& entry : metadata->entries()) {
    found.push_back({entry.key, TypeName(entry.value), ToJson(entry.value)});
  }
  const Json& expected = GetParam().json["metadata"];
  ASSERT_GT(expected.size(), 3);
  for (size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
    EXPECT_EQ(found[i], expected[i]) << "entry " << i;
  }
  EXPECT_EQ(found.size(), expected.size());
}

INSTANTIATE_TEST_SUITE_P(Cases, VocabReferenceTest,
                         testing::ValuesIn(ReadCases()),
                         [](const testing::TestParamInfo<Case>& info) {
                           return info.param.name;
                         });

// A parametrized suite without parameters would pass.
TEST(VocabReferenceTest, CasesAreThere) { EXPECT_EQ(ReadCases().size(), 37); }

}  // namespace
}  // namespace vocab
