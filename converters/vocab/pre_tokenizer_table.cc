#include "converters/vocab/pre_tokenizer_table.h"

namespace vocab {
namespace {

// English contractions in any case, then a word, then numbers, then marks,
// then white space: the pattern of OpenAI's cl100k and of its descendants,
// which differ in how many digits stay together.
#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define WORD R"([^\r\n\p{L}\p{N}]?\p{L}+)"
#define MARKS_AND_SPACE R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"
constexpr absl::string_view kDigits3 =
    "Split Isolated " CONTRACTIONS "|" WORD R"(|\p{N}{1,3}|)" MARKS_AND_SPACE;
constexpr absl::string_view kDigits1 =
    "Split Isolated " CONTRACTIONS "|" WORD R"(|\p{N}|)" MARKS_AND_SPACE;
constexpr absl::string_view kDigitRuns =
    "Split Isolated " CONTRACTIONS "|" WORD R"(|\p{N}+|)" MARKS_AND_SPACE;
constexpr absl::string_view kNoContractions =
    "Split Isolated " WORD R"(|\p{N}|)" MARKS_AND_SPACE;
constexpr absl::string_view kOneNewline =
    "Split Isolated " CONTRACTIONS "|" WORD
    R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr absl::string_view kDigits3OneNewline =
    "Split Isolated " CONTRACTIONS "|" WORD
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr absl::string_view kSeedOss =
    R"(Split Isolated (?:\r?\n)+(?!\r?\n)| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|\s+(?!\S)|\s+)";
constexpr absl::string_view kSeedCoder =
    "Split Isolated " CONTRACTIONS "|" WORD
    R"(|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr absl::string_view kJais2 =
    "Split Isolated " CONTRACTIONS "|" WORD
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1})";
constexpr absl::string_view kWithAccents =
    "Split Isolated " CONTRACTIONS
    R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr absl::string_view kWordGroups =
    "Split Isolated " CONTRACTIONS
    R"(|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)";

// Words that are split where lower case ends: OpenAI's o200k and descendants.
#define LOWER_WORD \
  R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
#define UPPER_WORD \
  R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
#define MARKS_SLASH_AND_SPACE \
  R"( ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"
constexpr absl::string_view kO200k =
    "Split Isolated " LOWER_WORD CONTRACTIONS "?|" UPPER_WORD CONTRACTIONS
    R"(?|\p{N}{1,3}|)" MARKS_SLASH_AND_SPACE;
constexpr absl::string_view kKimiK2 =
    R"(Split Isolated [\p{Han}]+|)" LOWER_WORD CONTRACTIONS
    "?|" UPPER_WORD CONTRACTIONS R"(?|\p{N}{1,3}|)" MARKS_AND_SPACE;
constexpr absl::string_view kTekken =
    "Split Isolated " LOWER_WORD "|" UPPER_WORD
    R"(|\p{N}|)" MARKS_SLASH_AND_SPACE;

// DeepSeek's steps.
constexpr absl::string_view kNewlines = R"(Split Isolated [\r\n])";
constexpr absl::string_view kHan = "Split Isolated [一-龥ࠀ-一가-퟿]+";
constexpr absl::string_view kHanAndKana =
    "Split Isolated [一-龥぀-ゟ゠-ヿ]+";
// Hundreds of ranges of letters that have case.
constexpr absl::string_view kCasedLetters =
    R"(Split Isolated \s?[A-Za-zµÀ-ÖØ-öø-…)";
constexpr absl::string_view kAsciiAndWideMarks =
    R"(Split Isolated \s?[!-/:-~！-／：-～‘-‟　-。]+)";
constexpr absl::string_view kWordsAfterMark =
    R"re(Split Isolated [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";

// Any run without sentence marks, with the space before it.
constexpr absl::string_view kClauses =
    R"(Split Isolated  ?[^(\s|[.,!?…。，、।۔،])]+)";

constexpr absl::string_view kNumbers3 = R"(Split Isolated \p{N}{1,3})";
constexpr absl::string_view kEachDigit = R"(Split Isolated \p{N})";
constexpr absl::string_view kWords = "ByteLevel by words";
constexpr absl::string_view kBytes = "ByteLevel";

std::vector<PreTokenizerRow> MakeTable() {
  using enum Condition;
  return {
      // The cl100k family.
      // Both split alike, but with llama-bpe the runtime ignores merges.
      {"llama-bpe", kNoneOrNfc, kIgnoresMerges, {kDigits3, kBytes}},
      {"smaug-bpe", kNoneOrNfc, kAlways, {kDigits3, kBytes}},
      {"dbrx", kNoneOrNfc, kAlways, {kDigits3OneNewline, kBytes}},
      {"qwen2", kNoneOrNfc, kAlways, {kDigits1, kBytes}},
      {"bailingmoe", kNoneOrNfc, kAlways, {kOneNewline, kBytes}},
      {"seed-coder", kNoneOrNfc, kAlways, {kSeedCoder, kBytes}},
      {"seed-coder", kNoneOrNfc, kAlways, {kSeedOss, kBytes}},
      {"jais-2", kNoneOrNfc, kAlways, {kJais2, kBytes}},
      {"qwen35", kNoneOrNfc, kAlways, {kWithAccents, kBytes}},
      {"exaone-moe", kNoneOrNfc, kAlways, {kWordGroups, kBytes}},
      {"ufakzeka", kNoneOrNfc, kAlways, {kNoContractions, kBytes}},
      {"minicpm5", kNoneOrNfc, kAlways, {kNumbers3, kDigitRuns, kBytes}},
      // The o200k family.
      {"gpt-4o", kNoneOrNfc, kAlways, {kO200k, kBytes}},
      {"kimi-k2", kNoneOrNfc, kAlways, {kKimiK2, kBytes}},
      {"tekken", kNoneOrNfc, kAlways, {kTekken, kBytes}},
      // The GPT-2 family. The normalizer tells GPT-NeoX's descendants apart.
      {"olmo", "NFC", kAlways, {kWords}},
      {"gpt-2", "", kAlways, {kWords}},
      {"smollm", "", kKeepsSpaces, {kEachDigit, kWords}},
      {"starcoder", "", kAlways, {kEachDigit, kWords}},
      {"command-r", "NFC", kAlways, {kEachDigit, kWords}},
      {"falcon",
       kNoneOrNfc,
       kAlways,
       {"Punctuation Contiguous", kWords, "Digits",
        "Split Isolated [0-9][0-9][0-9]"}},
      // DeepSeek.
      {"deepseek-llm",
       kNoneOrNfc,
       kAlways,
       {kNewlines, kCasedLetters, kAsciiAndWideMarks, R"(Split Isolated \s+$)",
        kHan, kEachDigit, kBytes}},
      {"deepseek-coder",
       kNoneOrNfc,
       kAlways,
       {kNewlines, R"(Split Isolated \s?\p{L}+)", R"(Split Isolated \s?\p{P}+)",
        kHan, kEachDigit, kBytes}},
      {"deepseek-v3",
       kNoneOrNfc,
       kAlways,
       {kNumbers3, kHanAndKana, kWordsAfterMark, kBytes}},
      // Others.
      {"bloom", kNoneOrNfc, kAlways, {kClauses, kBytes}},
      {"viking", kNoneOrNfc, kAlways, {kClauses, kEachDigit, kBytes}},
      {"superbpe",
       kNoneOrNfc,
       kAlways,
       {R"(Split Isolated \p{N}+)", R"(Split Isolated (?=(\d{3})+(?!\d)))",
        kBytes}},
      {"laguna",
       kNoneOrNfc,
       kAlways,
       {R"(Split MergedWithNext (?:\r?\n)+(?!\r?\n))", kDigits1, kBytes}},
      {"tiny_aya",
       kNoneOrNfc,
       kAlways,
       {R"(Split Isolated \d{1,3}(?=(?:\d{3})*\b))", kO200k, kBytes}},
  };
}

}  // namespace

absl::Span<const PreTokenizerRow> PreTokenizerTable() {
  static const auto* const kTable =
      new std::vector<PreTokenizerRow>(MakeTable());
  return *kTable;
}

}  // namespace vocab
