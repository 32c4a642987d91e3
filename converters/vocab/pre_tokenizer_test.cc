#include "converters/vocab/pre_tokenizer.h"

#include <fstream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "converters/vocab/pre_tokenizer_table.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;

constexpr char kThreeDigits[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr char kOneDigit[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

Json Split(const std::string& regex, const std::string& behavior = "Isolated",
           bool invert = false) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", regex}}},
          {"behavior", behavior},
          {"invert", invert}};
}

Json ByteLevel(bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

Json Digits(bool individual) {
  return {{"type", "Digits"}, {"individual_digits", individual}};
}

// In braces, compilers differ on whether one value is a list or itself.
Json OneStep(Json step) { return Json::array({std::move(step)}); }

Json Sequence(Json steps) {
  return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
}

// The name found for a tokenizer.json of these sections, or the error.
std::string NameOf(const Json& pre_tokenizer, const Json& normalizer = {},
                   bool ignore_merges = false, const Json& config = {}) {
  const Json tokenizer = {{"normalizer", normalizer},
                          {"pre_tokenizer", pre_tokenizer},
                          {"model", {{"ignore_merges", ignore_merges}}}};
  const auto name = FindPreTokenizer(ReadSplitStructure(tokenizer, config));
  return name.ok() ? *name : std::string(name.status().message());
}

const Json kNfc = {{"type", "NFC"}};

TEST(PreTokenizerTest, LlamaFamily) {
  const Json llama3 = Sequence({Split(kThreeDigits), ByteLevel(false)});
  EXPECT_EQ(NameOf(llama3, {}, true), "llama-bpe");
  EXPECT_EQ(NameOf(llama3, kNfc, true), "llama-bpe");
  // The same splitting for models that build every word from merges.
  EXPECT_EQ(NameOf(llama3, {}, false), "smaug-bpe");
  // Whatever it begins with: Llama 3's tokenizer as it was published first.
  const Json tokenizer = Json::parse(R"json({
    "post_processor": {"type": "Sequence", "processors": [
      {"type": "ByteLevel"},
      {"type": "TemplateProcessing",
       "single": [{"SpecialToken": {"id": "<|begin_of_text|>", "type_id": 0}},
                  {"Sequence": {"id": "A", "type_id": 0}}]}]}})json");
  SplitStructure structure = ReadSplitStructure(tokenizer, {});
  EXPECT_TRUE(structure.adds_bos);
  structure.pre_tokenizers =
      ReadSplitStructure({{"pre_tokenizer", llama3}}, {}).pre_tokenizers;
  EXPECT_EQ(*FindPreTokenizer(structure), "smaug-bpe");
  EXPECT_EQ(NameOf(Sequence({Split(kOneDigit), ByteLevel(false)}), kNfc),
            "qwen2");
}

// GLM-4 and DBRX share Llama 3's structure and have names of their own.
TEST(PreTokenizerTest, FamiliesHaveNamesOfTheirOwn) {
  constexpr PreTokenizerName kNames[] = {
      {"smaug-bpe", "with-bos", Condition::kAddsBos},
      {"smaug-bpe", "glm4"},
      {"qwen2", "stablelm2"}};
  SplitStructure structure = ReadSplitStructure(
      {{"pre_tokenizer", Sequence({Split(kThreeDigits), ByteLevel(false)})}},
      {});
  EXPECT_EQ(*FindPreTokenizer(structure, kNames), "glm4");
  structure.adds_bos = true;
  EXPECT_EQ(*FindPreTokenizer(structure, kNames), "with-bos");
  structure.ignore_merges = true;
  EXPECT_EQ(*FindPreTokenizer(structure, kNames), "llama-bpe");
}

TEST(PreTokenizerTest, Gpt2Family) {
  // Early files don't state use_regex; it is on.
  EXPECT_EQ(NameOf({{"type", "ByteLevel"}, {"add_prefix_space", false}}),
            "gpt-2");
  EXPECT_EQ(NameOf(ByteLevel(true), kNfc), "olmo");
  const Json digits = Sequence({Digits(true), ByteLevel(true)});
  EXPECT_EQ(NameOf(digits), "starcoder");
  EXPECT_EQ(NameOf(digits, kNfc), "command-r");
  EXPECT_EQ(NameOf(digits, {}, false, {{"clean_up_tokenization_spaces", true}}),
            "starcoder");
  EXPECT_EQ(
      NameOf(digits, {}, false, {{"clean_up_tokenization_spaces", false}}),
      "smollm");
  EXPECT_EQ(
      NameOf(Sequence({{{"type", "Punctuation"}, {"behavior", "Contiguous"}},
                       ByteLevel(true),
                       Digits(false),
                       Split("[0-9][0-9][0-9]")})),
      "falcon");
}

TEST(PreTokenizerTest, DeepSeekFamily) {
  const Json han = Split("[一-龥ࠀ-一가-퟿]+");
  EXPECT_EQ(
      NameOf(Sequence({Split("[\r\n]"),
                       Split(R"(\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿ𞤀-𞥃]+)"),
                       Split(R"(\s?[!-/:-~！-／：-～‘-‟　-。]+)"),
                       Split(R"(\s+$)"), han, Digits(true), ByteLevel(false)})),
      "deepseek-llm");
  // These files hold the control characters themselves.
  EXPECT_EQ(NameOf(Sequence({Split("[\r\n]"), Split(R"(\s?\p{L}+)"),
                             Split(R"(\s?\p{P}+)"), han, Digits(true),
                             ByteLevel(false)}),
                   {{"type", "Sequence"}, {"normalizers", Json::array()}}),
            "deepseek-coder");
  EXPECT_EQ(
      NameOf(Sequence(
          {Split(R"(\p{N}{1,3})"), Split("[一-龥぀-ゟ゠-ヿ]+"),
           Split(absl::StrCat(
               R"re([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|)re",
               "[^\r\n", R"(\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+)",
               "[\r\n]*|", R"(\s*)", "[\r\n]+|", R"(\s+(?!\S)|\s+)")),
           ByteLevel(false)})),
      "deepseek-v3");
}

TEST(PreTokenizerTest, SpellingsThatMeanTheSameAreTheSame) {
  const Json bytes = ByteLevel(false);
  EXPECT_EQ(NameOf(Sequence({Split(kOneDigit, "Removed", true), bytes})),
            "qwen2");
  EXPECT_EQ(NameOf(Sequence({Split(R"(\p{N})"), ByteLevel(true)})),
            "starcoder");
  EXPECT_EQ(
      NameOf(Sequence(
          {Split(
               R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"),
           bytes})),
      "smaug-bpe");
  // A sequence in a sequence.
  EXPECT_EQ(NameOf(Sequence({Sequence(OneStep(Split(kOneDigit))),
                             Sequence(OneStep(bytes))})),
            "qwen2");
}

TEST(PreTokenizerTest, EscapedQuotesAreQuotes) {
  constexpr char kBefore[] = "[!";
  constexpr char kBehind[] =
      R"re(#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";
  const auto name = [&](const std::string& quote) {
    return NameOf(Sequence(
        {Split(R"(\p{N}{1,3})"), Split("[一-龥぀-ゟ゠-ヿ]+"),
         Split(absl::StrCat(kBefore, quote, kBehind)), ByteLevel(false)}));
  };
  EXPECT_EQ(name("\""), "deepseek-v3");
  EXPECT_EQ(name(R"(\")"), "deepseek-v3");
  // A backslash of its own, and a quote.
  EXPECT_NE(name(R"(\\")"), "deepseek-v3");
}

TEST(PreTokenizerTest, SeedOss) {
  EXPECT_EQ(
      NameOf(Sequence(
          {Split(
               R"((?:\r?\n)+(?!\r?\n)| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|\s+(?!\S)|\s+)"),
           ByteLevel(false)})),
      "seed-coder");
}

TEST(PreTokenizerTest, SettingsThatChangeTheSplittingAreNotPassedOver) {
  const Json bytes = ByteLevel(false);
  for (const Json& changed :
       {Sequence({Split(kThreeDigits, "MergedWithNext"), bytes}),
        Sequence({Split(kThreeDigits, "Isolated", true), bytes}),
        Sequence({Split(absl::StrCat(kThreeDigits, "|x")), bytes}),
        Sequence({Split(kThreeDigits), ByteLevel(true)}),
        Sequence({bytes, Split(kThreeDigits)}), Sequence(OneStep(bytes)),
        Json(),
        Sequence({{{"type", "Split"},
                   {"pattern", {{"String", kThreeDigits}}},
                   {"behavior", "Isolated"}},
                  bytes})}) {
    EXPECT_TRUE(absl::StrContains(NameOf(changed, {}, true), "--pre=NAME"))
        << changed;
  }
  EXPECT_TRUE(absl::StrContains(
      NameOf(ByteLevel(true), {{"type", "Lowercase"}}), "--pre=NAME"));
  Json with_space = ByteLevel(true);
  with_space["add_prefix_space"] = true;
  EXPECT_TRUE(absl::StrContains(NameOf(with_space), "with prefix space"));
}

TEST(PreTokenizerTest, ErrorShowsWhatWasFoundAndTheNearest) {
  const std::string error = NameOf(
      Sequence({Split(absl::StrCat(kThreeDigits, "|#")), ByteLevel(false)}),
      {{"type", "Lowercase"}}, true);
  EXPECT_TRUE(absl::StrContains(
      error, absl::StrCat("Split Isolated ", kThreeDigits, "|#\n")))
      << error;
  EXPECT_TRUE(absl::StrContains(error, "Lowercase")) << error;
  EXPECT_TRUE(absl::StrContains(error, "ignore_merges: true")) << error;
  EXPECT_TRUE(absl::StrContains(error, "nearest that are known:\n  llama-bpe:"))
      << error;
}

TEST(PreTokenizerTest, HugePatternsAreComparedInBoundedTimeAndShownInPart) {
  std::vector<Json> steps(1000, Split(std::string(1 << 12, 'x')));
  for (const Json& huge :
       {Sequence({Split(std::string(1 << 20, 'x')), ByteLevel(false)}),
        Sequence(steps)}) {
    const std::string error = NameOf(huge);
    EXPECT_TRUE(absl::StrContains(error, "--pre=NAME"));
    EXPECT_LT(error.size(), 30000u);
  }
}

TEST(PreTokenizerTest, NoRowHidesAnother) {
  for (const PreTokenizerRow& row : PreTokenizerTable()) {
    SplitStructure structure;
    structure.pre_tokenizers.assign(row.steps.begin(), row.steps.end());
    if (row.normalizers == "NFC") structure.normalizers = {"NFC"};
    structure.ignore_merges = row.condition == Condition::kIgnoresMerges;
    structure.keeps_spaces = row.condition == Condition::kKeepsSpaces;
    EXPECT_EQ(*FindPreTokenizer(structure), row.name);
  }
}

// Structures as published tokenizers have them: testdata/README.md.
TEST(PreTokenizerTest, EveryRowIsMetByAPublishedStructure) {
  std::ifstream file("converters/vocab/testdata/pre_tokenizers.json");
  const Json cases = Json::parse(file, nullptr, /*allow_exceptions=*/false);
  ASSERT_GT(cases.size(), 20u);
  std::set<std::string> met;
  for (const Json& test_case : cases) {
    const std::string name =
        NameOf(test_case["pre_tokenizer"], test_case["normalizer"],
               test_case["ignore_merges"].get<bool>());
    EXPECT_EQ(name, test_case["known"]) << test_case["pre_tokenizer"];
    met.insert(name);
  }
  // What no case has yet is known from a table of the runtime's alone, or from
  // the structures that are typed in above.
  const std::set<std::string> without_case = {
      "deepseek-coder", "jais-2",   "laguna",   "minicpm5", "smollm",
      "superbpe",       "tiny_aya", "ufakzeka", "viking"};
  for (const PreTokenizerRow& row : PreTokenizerTable()) {
    const std::string name(row.name);
    EXPECT_NE(met.contains(name), without_case.contains(name)) << name;
  }
}

}  // namespace
}  // namespace vocab
