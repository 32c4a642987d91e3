#include "converters/model_name.h"

#include <optional>

#include "gtest/gtest.h"

namespace converters {
namespace {

struct Case {
  const char* id;
  uint64_t parameters;
  std::optional<const char*> organization, basename, finetune, version, size;
};

constexpr auto kNone = std::nullopt;

// What gguf-py 0.19 reads from these names.
TEST(ParseModelNameTest, ReadsTheHabitsOfTheHub) {
  const Case cases[] = {
      {"meta-llama/Llama-2-7b-chat-hf", 6738415616, "meta-llama", "Llama-2",
       "chat-hf", kNone, "7B"},
      {"Mistral-7B-Instruct-v0.3", 7248023552, kNone, "Mistral", "Instruct",
       "v0.3", "7B"},
      {"Mixtral-8x7B-v0.1", 46702792704, kNone, "Mixtral", kNone, "v0.1",
       "8x7B"},
      {"starcoder2-3b", 3030371328, kNone, "starcoder2", kNone, kNone, "3B"},
      {"bloom-7b1", 7069016064, kNone, "bloom", kNone, kNone, "7.1B"},
      // Far from the number of weights it must mean something else.
      {"Phi-3-mini-128k-instruct", 3821079552, kNone, "Phi-3", "128k-instruct",
       kNone, "mini"},
      {"llama-13b", 4194304, kNone, "llama", "13b", kNone, kNone},
      // A name without parts tells nothing.
      {"tiny-llama", 409600, kNone, kNone, kNone, kNone, kNone},
      {"A normal sentence", 0, kNone, kNone, kNone, kNone, kNone},
      {"./local-7B", 7000000000, kNone, "local", kNone, kNone, "7B"},
  };
  for (const Case& c : cases) {
    const ModelName name = ParseModelName(c.id, c.parameters);
    EXPECT_EQ(name.organization, c.organization) << c.id;
    EXPECT_EQ(name.basename, c.basename) << c.id;
    EXPECT_EQ(name.finetune, c.finetune) << c.id;
    EXPECT_EQ(name.version, c.version) << c.id;
    EXPECT_EQ(name.size_label, c.size) << c.id;
  }
}

TEST(ParseModelNameTest, EmptyAndStrangeNamesAreNames) {
  EXPECT_EQ(ParseModelName("", 1).full_name, "");
  EXPECT_EQ(ParseModelName("---", 1).full_name, "---");
  EXPECT_EQ(ParseModelName("/", 1).organization, "");
  EXPECT_EQ(ParseModelName("a/b/c", 1).full_name, "b/c");
}

TEST(TitleFromNameTest, CapitalizesWordsButNotVersions) {
  EXPECT_EQ(TitleFromName("tiny-llama-v2"), "Tiny Llama v2");
  EXPECT_EQ(TitleFromName("gpt_neox"), "Gpt_Neox");
  EXPECT_EQ(TitleFromName("llama3-st2"), "Llama3 St2");
  EXPECT_EQ(TitleFromName("LLaMA-7b-hf"), "LLaMA 7b Hf");
  EXPECT_EQ(TitleFromName("a--b c"), "A B C");
  EXPECT_EQ(TitleFromName("modèle"), "Modèle");
}

TEST(SizeLabelTest, HasTwoDigitsAtLeast) {
  EXPECT_EQ(SizeLabel({.total = 4194304}), "4.2M");
  EXPECT_EQ(SizeLabel({.total = 6738415616}), "6.7B");
  EXPECT_EQ(SizeLabel({.total = 13015864320}), "13B");
  EXPECT_EQ(SizeLabel({.total = 999}), "1.0K");
  EXPECT_EQ(SizeLabel({.total = 500}), "0.50K");
  EXPECT_EQ(SizeLabel({.total = 1000000}), "1000K");
  EXPECT_EQ(SizeLabel({.total = 1500000000000}), "1.5T");
}

TEST(SizeLabelTest, OfAMixtureCountsOneExpert) {
  EXPECT_EQ(SizeLabel({.total = 46702792704,
                       .shared = 1605636096,
                       .expert = 5637144576,
                       .experts = 8}),
            "8x7.2B");
}

}  // namespace
}  // namespace converters
