#include "fetch/selection/file_selection.h"

#include <string>
#include <vector>

#include "fetch/protocol/repo_listing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Select(const std::vector<std::string>& paths,
                                const std::vector<std::string>& include = {},
                                const std::vector<std::string>& exclude = {}) {
  std::vector<RepoFile> files;
  for (const std::string& path : paths) {
    RepoFile file;
    file.path = path;
    files.push_back(file);
  }
  std::vector<std::string> selected;
  for (const RepoFile& file : SelectFiles(files, include, exclude)) {
    selected.push_back(file.path);
  }
  return selected;
}

TEST(MatchesPatternTest, AsPythonsFnmatchcase) {
  EXPECT_TRUE(MatchesPattern("*.json", "a/b.json"));
  EXPECT_TRUE(MatchesPattern("*", ""));
  EXPECT_TRUE(MatchesPattern("a?c", "abc"));
  EXPECT_FALSE(MatchesPattern("a?c", "ac"));
  EXPECT_TRUE(MatchesPattern("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(MatchesPattern("a*b*c", "aXcYb"));
  EXPECT_FALSE(MatchesPattern("*.JSON", "a.json"));
  EXPECT_TRUE(MatchesPattern("[a-c]x", "bx"));
  EXPECT_FALSE(MatchesPattern("[!a-c]x", "bx"));
  EXPECT_TRUE(MatchesPattern("[!a-c]x", "dx"));
  EXPECT_TRUE(MatchesPattern("[]]", "]"));
  EXPECT_TRUE(MatchesPattern("[a", "[a"));
  EXPECT_TRUE(MatchesPattern("[-a]", "-"));
}

TEST(MatchesPatternTest, ManyStarsDoNotExplode) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "a*";
  EXPECT_FALSE(MatchesPattern(pattern + "b", std::string(5000, 'a')));
}

TEST(SelectFilesTest, SafetensorsRatherThanBin) {
  EXPECT_THAT(
      Select({".gitattributes", "README.md", "config.json", "model.safetensors",
              "pytorch_model.bin", "tokenizer.json", "tokenizer.model",
              "training_args.bin"}),
      ElementsAre("README.md", "config.json", "model.safetensors",
                  "tokenizer.json", "tokenizer.model"));
}

TEST(SelectFilesTest, ShardsWithTheirIndex) {
  EXPECT_THAT(
      Select({"config.json", "consolidated.safetensors",
              "model-00001-of-00002.safetensors",
              "model-00002-of-00002.safetensors",
              "model.safetensors.index.json", "pytorch_model.bin.index.json"}),
      ElementsAre("config.json", "model-00001-of-00002.safetensors",
                  "model-00002-of-00002.safetensors",
                  "model.safetensors.index.json"));
}

TEST(SelectFilesTest, BinWhereThereIsNothingElse) {
  EXPECT_THAT(
      Select({"config.json", "pytorch_model-00001-of-00001.bin",
              "pytorch_model.bin.index.json", "tf_model.h5", "flax.msgpack"}),
      ElementsAre("config.json", "pytorch_model-00001-of-00001.bin",
                  "pytorch_model.bin.index.json"));
}

TEST(SelectFilesTest, OneSetOfBinsIsEnough) {
  EXPECT_THAT(Select({"pytorch_model.bin", "pytorch_model.fp16.bin"}),
              ElementsAre("pytorch_model.bin"));
}

TEST(SelectFilesTest, MetasOwnFilesWhereThereIsNothingElse) {
  EXPECT_THAT(Select({"config.json", "consolidated.00.pth", "params.json"}),
              ElementsAre("config.json", "consolidated.00.pth", "params.json"));
  EXPECT_THAT(Select({"consolidated.00.pth", "pytorch_model.bin"}),
              ElementsAre("pytorch_model.bin"));
}

TEST(SelectFilesTest, WeightsThatNoConversionReadsAreNotDownloaded) {
  EXPECT_THAT(
      Select({"params.json", "consolidated.safetensors", "tekken.json",
              "gptq_model-4bit-128g.safetensors", "adapter_model.safetensors"}),
      ElementsAre("params.json", "tekken.json"));
}

TEST(SelectFilesTest, ForeignFilesAndTrainingStatesAreLeftOut) {
  EXPECT_THAT(
      Select({"model.safetensors", "adapter_config.json",
              "adapter_model.safetensors", "checkpoint-5/model.safetensors",
              "checkpoint-5/config.json", "coreml/x.mlpackage", "model.gguf",
              "model.onnx", "onnx/model.onnx", "optimizer.pt", "modeling.py",
              "original/consolidated.00.pth", "original/params.json",
              "rng_state.pth", "runs/events.out.tfevents", "scheduler.pt",
              "trainer_state.json", "all_results.json", "picture.png"}),
      ElementsAre("model.safetensors"));
}

TEST(SelectFilesTest, ChatTemplates) {
  EXPECT_THAT(Select({"model.safetensors", "chat_template.jinja",
                      "additional_chat_templates/tool_use.jinja",
                      "additional_chat_templates/x.py"}),
              ElementsAre("model.safetensors", "chat_template.jinja",
                          "additional_chat_templates/tool_use.jinja"));
}

TEST(SelectFilesTest, IncludeIsExact) {
  EXPECT_THAT(Select({"a.json", "b.txt", "d/c.json", "d/e/f"}, {"*.json"}),
              ElementsAre("a.json", "d/c.json"));
  EXPECT_THAT(Select({"a.json", "d/c.json", "d/e/f"}, {"d/"}),
              ElementsAre("d/c.json", "d/e/f"));
  EXPECT_THAT(Select({"a.json", "b.json"}, {"*.json"}, {"b*"}),
              ElementsAre("a.json"));
  EXPECT_THAT(Select({"a.json"}, {"*.txt"}), IsEmpty());
}

TEST(SelectFilesTest, ExcludingOneKindOfWeightsGivesAnother) {
  EXPECT_THAT(
      Select({"model.safetensors", "pytorch_model.bin"}, {}, {"*.safetensors"}),
      ElementsAre("pytorch_model.bin"));
}

}  // namespace
}  // namespace fetch
