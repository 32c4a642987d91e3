#include "converters/general_metadata.h"

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "converters/warning.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

auto IsWarning(const std::string& code, const std::string& part) {
  return AllOf(Field(&Warning::code, code),
               Field(&Warning::text, HasSubstr(part)));
}

class GeneralMetadataTest : public ::testing::Test {
 protected:
  GeneralMetadataTest() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    directory_ = ::testing::TempDir() + "/" + info->name();
    std::filesystem::create_directories(directory_);
  }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ + "/" + name) << text;
  }

  gguf::Metadata Load(const std::string& name, uint64_t parameters,
                      nlohmann::json config = nlohmann::json::object()) {
    return GeneralMetadata({.directory = directory_,
                            .model_name = name,
                            .config = &config,
                            .parameters = {.total = parameters}},
                           warnings_);
  }

  static std::vector<std::string> Keys(const gguf::Metadata& metadata) {
    std::vector<std::string> keys;
    for (const auto& entry : metadata.entries()) keys.push_back(entry.key);
    return keys;
  }

  static std::string Text(const gguf::Metadata& metadata, const char* key) {
    const auto* text = metadata.FindAs<std::string>(key);
    return text == nullptr ? "(absent)" : *text;
  }

  std::string directory_;
  std::vector<Warning> warnings_;
};

TEST_F(GeneralMetadataTest, ANameAloneGivesItsParts) {
  const gguf::Metadata metadata =
      Load("meta-llama/Llama-2-7b-chat-hf", 6738415616);
  EXPECT_THAT(
      Keys(metadata),
      ElementsAre("general.name", "general.organization", "general.finetune",
                  "general.basename", "general.size_label"));
  EXPECT_EQ(Text(metadata, "general.name"), "Llama 2 7b Chat Hf");
  EXPECT_EQ(Text(metadata, "general.organization"), "Meta Llama");
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(GeneralMetadataTest, ConfigsNameComesBeforeTheDirectorys) {
  EXPECT_EQ(
      Text(Load("dir", 1, {{"_name_or_path", "org/Real-7B"}}), "general.name"),
      "Real 7B");
  // A path on somebody's computer is none.
  EXPECT_EQ(
      Text(Load("dir", 1, {{"_name_or_path", "/home/me/x"}}), "general.name"),
      "Dir");
  // An empty one leaves the model without a name, as the reference does.
  EXPECT_EQ(Text(Load("dir", 1, {{"_name_or_path", ""}}), "general.name"),
            "(absent)");
}

TEST_F(GeneralMetadataTest, TheCardComesFirst) {
  Write("README.md",
        "---\n"
        "model_name: My Model\nmodel_creator: Somebody\nversion: 1.0\n"
        "license: [mit, gpl-3.0]\nlicense_link: http://l\n"
        "pipeline_tag: text-generation\ntags:\n- a\n- b\nlanguage: en\n"
        "base_model: org/Base-7B-v2\n"
        "datasets:\n- {name: Data, url: http://d}\n---\n");
  const gguf::Metadata metadata = Load("other-name", 4194304);
  EXPECT_THAT(
      Keys(metadata),
      ElementsAre("general.name", "general.author", "general.version",
                  "general.size_label", "general.license",
                  "general.license.link", "general.base_model.count",
                  "general.base_model.0.name", "general.base_model.0.version",
                  "general.base_model.0.organization",
                  "general.base_model.0.repo_url", "general.dataset.count",
                  "general.dataset.0.name", "general.dataset.0.url",
                  "general.tags", "general.languages"));
  EXPECT_EQ(Text(metadata, "general.name"), "My Model");
  EXPECT_EQ(Text(metadata, "general.author"), "Somebody");
  EXPECT_EQ(Text(metadata, "general.version"), "1.0");
  EXPECT_EQ(Text(metadata, "general.license"), "mit,gpl-3.0");
  EXPECT_EQ(Text(metadata, "general.base_model.0.name"), "Base 7B v2");
  EXPECT_EQ(Text(metadata, "general.base_model.0.organization"), "Org");
  EXPECT_EQ(Text(metadata, "general.base_model.0.repo_url"),
            "https://huggingface.co/org/Base-7B-v2");
  const auto* tags = metadata.FindAs<gguf::Array>("general.tags");
  EXPECT_EQ(std::get<std::vector<std::string>>(tags->elements),
            (std::vector<std::string>{"a", "b", "text-generation"}));
}

TEST_F(GeneralMetadataTest, BaseModelsByUrl) {
  Write("README.md",
        "---\nbase_models:\n- https://huggingface.co/org/name\n"
        "- https://example.com/x\n-\n---\n");
  const gguf::Metadata metadata = Load("x", 1);
  EXPECT_EQ(*metadata.FindAs<uint32_t>("general.base_model.count"), 3u);
  EXPECT_EQ(Text(metadata, "general.base_model.0.name"), "Name");
  EXPECT_EQ(Text(metadata, "general.base_model.1.name"), "(absent)");
  EXPECT_EQ(Text(metadata, "general.base_model.1.repo_url"),
            "https://example.com/x");
}

TEST_F(GeneralMetadataTest, SamplingDefaultsStandInFront) {
  Write("generation_config.json",
        R"({"temperature": 1, "top_k": 40, "repetition_penalty": 1.5,
            "top_p": null, "do_sample": true})");
  const gguf::Metadata metadata = Load("x", 1);
  EXPECT_THAT(Keys(metadata),
              ElementsAre("general.sampling.top_k", "general.sampling.temp",
                          "general.sampling.penalty_repeat", "general.name",
                          "general.size_label"));
  EXPECT_EQ(*metadata.FindAs<int32_t>("general.sampling.top_k"), 40);
  EXPECT_EQ(*metadata.FindAs<float>("general.sampling.temp"), 1.0f);
  EXPECT_EQ(*metadata.FindAs<float>("general.sampling.penalty_repeat"), 1.5f);
}

// What the author got wrong in a side file doesn't stop a conversion.
TEST_F(GeneralMetadataTest, DamagedFilesAreReported) {
  Write("README.md", "---\na: [b\n---\n");
  Write("generation_config.json", R"({"top_k": "many", "top_p": 0.5})");
  const gguf::Metadata metadata = Load("x", 1);
  EXPECT_EQ(*metadata.FindAs<float>("general.sampling.top_p"), 0.5f);
  EXPECT_EQ(metadata.Find("general.sampling.top_k"), nullptr);
  EXPECT_THAT(warnings_,
              ElementsAre(IsWarning("model-card-ignored", "README.md: ignored"),
                          IsWarning("generation-setting-ignored",
                                    "top_k is \"many\"")));
  Write("generation_config.json", "{");
  warnings_.clear();
  Load("x", 1);
  EXPECT_THAT(warnings_, testing::Contains(IsWarning(
                             "generation-config-ignored", "not valid JSON")));
}

TEST_F(GeneralMetadataTest, SourcesWithoutEndAreCut) {
  std::string card = "---\ndatasets:\n";
  for (int i = 0; i < 20000; ++i) card += "- {name: a, author: b}\n";
  Write("README.md", card + "---\n");
  const gguf::Metadata metadata = Load("x", 1);
  EXPECT_EQ(*metadata.FindAs<uint32_t>("general.dataset.count"), 1000u);
  EXPECT_LT(metadata.entries().size(), 2100u);
  EXPECT_THAT(warnings_, testing::Contains(
                             IsWarning("model-card-cut", "of 20000 entries")));
}

// Whatever keeps a file from being read is said, not taken for its absence.
TEST_F(GeneralMetadataTest, DeadLinksAreReported) {
  for (const char* name : {"README.md", "generation_config.json"}) {
    ASSERT_EQ(symlink("nowhere", (directory_ + "/" + name).c_str()), 0);
  }
  Load("x", 1);
  EXPECT_THAT(warnings_,
              testing::UnorderedElementsAre(
                  IsWarning("model-card-ignored", "a link to a file"),
                  IsWarning("generation-config-ignored", "a link to a file")));
}

TEST_F(GeneralMetadataTest, ACardThatIsNoUtf8IsIgnored) {
  Write("README.md", "---\nname: caf\xe9\n---\n");
  EXPECT_EQ(Text(Load("my-model", 1), "general.name"), "My Model");
  EXPECT_THAT(warnings_, testing::Contains(IsWarning("model-card-ignored",
                                                     "not valid UTF-8")));
}

// Python writes these words; they must not cost the other settings.
TEST_F(GeneralMetadataTest, NumbersThatOnlyPythonWrites) {
  Write("generation_config.json",
        "{\"top_p\": 0.5, \"temperature\": Infinity, \"top_k\": NaN}");
  const gguf::Metadata metadata = Load("x", 1);
  EXPECT_EQ(*metadata.FindAs<float>("general.sampling.top_p"), 0.5f);
  EXPECT_TRUE(std::isinf(*metadata.FindAs<float>("general.sampling.temp")));
  EXPECT_EQ(metadata.Find("general.sampling.top_k"), nullptr);
}

}  // namespace
}  // namespace converters
