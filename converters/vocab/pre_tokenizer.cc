#include "converters/vocab/pre_tokenizer.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "base/json.h"
#include "base/printable.h"
#include "converters/vocab/pre_tokenizer_table.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;
using base::BoolMember;
using base::Member;
using base::StringMember;

constexpr absl::string_view kEachDigit = R"(Split Isolated \p{N})";

std::string StringOr(const Json& object, absl::string_view key,
                     absl::string_view fallback) {
  const std::string* value = StringMember(object, key);
  return value == nullptr ? std::string(fallback) : *value;
}

// One spelling for patterns that match alike. Possessive quantifiers only save
// time here: what follows them never starts with what they repeat.
std::string CanonicalRegex(const std::string& regex) {
  constexpr absl::string_view kContractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
  return absl::StrReplaceAll(
      regex, {{"\r", R"(\r)"},
              {"\n", R"(\n)"},
              {"\t", R"(\t)"},
              // An escaped backslash stays one.
              {R"(\\)", R"(\\)"},
              {R"(\")", "\""},
              {"]?+", "]?"},
              {"]++", "]+"},
              {"]*+", "]*"},
              {"}++", "}+"},
              {"'(?i:[sdmt]|ll|ve|re)", kContractions},
              {"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])",
               kContractions}});
}

// A pattern is {"Regex": …} or {"String": …}; the latter is quoted.
std::string RenderPattern(const Json& step) {
  const Json& pattern = Member(step, "pattern");
  if (const std::string* regex = StringMember(pattern, "Regex")) {
    return CanonicalRegex(*regex);
  }
  return absl::StrCat("\"", StringOr(pattern, "String", "?"), "\"");
}

std::string RenderByteLevel(const Json& step) {
  return absl::StrCat(
      "ByteLevel",
      BoolMember(step, "use_regex").value_or(true) ? " by words" : "",
      BoolMember(step, "add_prefix_space").value_or(false)
          ? " with prefix space"
          : "");
}

// "Removed, inverted" keeps the matches and drops what lies between them; the
// patterns that are used so match everything, and then it is "Isolated".
std::string RenderSplit(const Json& step) {
  const std::string behavior = StringOr(step, "behavior", "?");
  const bool inverted = BoolMember(step, "invert").value_or(false);
  if (inverted && behavior == "Removed") {
    return absl::StrCat("Split Isolated ", RenderPattern(step));
  }
  return absl::StrCat("Split ", behavior, inverted ? " inverted " : " ",
                      RenderPattern(step));
}

std::string RenderPreTokenizer(const std::string& type, const Json& step) {
  if (type == "ByteLevel") return RenderByteLevel(step);
  if (type == "Split") return RenderSplit(step);
  if (type == "Digits") {
    const bool each = BoolMember(step, "individual_digits").value_or(false);
    return each ? std::string(kEachDigit) : "Digits";
  }
  if (type == "Punctuation") {
    return absl::StrCat("Punctuation ", StringOr(step, "behavior", "Isolated"));
  }
  if (type == "Metaspace") {
    return absl::StrCat("Metaspace ", StringOr(step, "replacement", "?"), " ",
                        StringOr(step, "prepend_scheme", "always"));
  }
  return type;
}

std::string RenderNormalizer(const std::string& type, const Json& step) {
  if (type == "Replace") {
    return absl::StrCat("Replace ", RenderPattern(step), " by \"",
                        StringOr(step, "content", ""), "\"");
  }
  if (type == "Prepend") {
    return absl::StrCat("Prepend \"", StringOr(step, "prepend", ""), "\"");
  }
  return type;
}

// Appends the steps of `value`, with sequences (whose members stand under
// `list_key`) flattened.
template <typename Render>
void Flatten(const Json& value, absl::string_view list_key, Render render,
             std::vector<std::string>& steps) {
  const std::string* type = StringMember(value, "type");
  if (type == nullptr) return;
  if (*type != "Sequence") {
    steps.push_back(render(*type, value));
    return;
  }
  const Json& members = Member(value, list_key);
  if (!members.is_array()) return;
  for (const Json& member : members) Flatten(member, list_key, render, steps);
}

// True if a template starts with a special token.
bool AddsBos(const Json& post_processor) {
  const Json& steps = Member(post_processor, "processors");
  if (steps.is_array()) return std::any_of(steps.begin(), steps.end(), AddsBos);
  const Json& single = Member(post_processor, "single");
  return single.is_array() && !single.empty() &&
         !Member(single.front(), "SpecialToken").is_null();
}

bool NormalizersMatch(absl::string_view row,
                      const std::vector<std::string>& normalizers) {
  const std::string found = absl::StrJoin(normalizers, ", ");
  return row == kNoneOrNfc ? found.empty() || found == "NFC" : found == row;
}

bool StepMatches(absl::string_view row, absl::string_view step) {
  return absl::ConsumeSuffix(&row, "…") ? absl::StartsWith(step, row)
                                        : step == row;
}

bool ConditionHolds(Condition condition, const SplitStructure& structure) {
  switch (condition) {
    case Condition::kAlways:
      return true;
    case Condition::kIgnoresMerges:
      return structure.ignore_merges;
    case Condition::kAddsBos:
      return structure.adds_bos;
    case Condition::kKeepsSpaces:
      return structure.keeps_spaces;
  }
  return false;
}

bool Matches(const PreTokenizerRow& row, const SplitStructure& structure) {
  return NormalizersMatch(row.normalizers, structure.normalizers) &&
         ConditionHolds(row.condition, structure) &&
         std::equal(row.steps.begin(), row.steps.end(),
                    structure.pre_tokenizers.begin(),
                    structure.pre_tokenizers.end(), StepMatches);
}

// Number of insertions, deletions and replacements between two texts, which
// are cut to bound the time.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  constexpr size_t kMaxLength = 1500;
  a = a.substr(0, kMaxLength);
  b = b.substr(0, kMaxLength);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j < row.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

// The rows that resemble `structure` most, as "NAME (STEPS)" lines.
std::string NearestRows(const SplitStructure& structure) {
  constexpr size_t kShown = 3;
  const std::string found = absl::StrJoin(structure.pre_tokenizers, "\n");
  std::vector<std::pair<size_t, const PreTokenizerRow*>> ranked;
  for (const PreTokenizerRow& row : PreTokenizerTable()) {
    ranked.emplace_back(EditDistance(found, absl::StrJoin(row.steps, "\n")),
                        &row);
  }
  std::stable_sort(
      ranked.begin(), ranked.end(),
      [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text;
  for (size_t i = 0; i < std::min(kShown, ranked.size()); ++i) {
    absl::StrAppend(&text, "  ", ranked[i].second->name, ":\n    ",
                    absl::StrJoin(ranked[i].second->steps, "\n    "), "\n");
  }
  return text;
}

}  // namespace

SplitStructure ReadSplitStructure(const Json& tokenizer,
                                  const Json& tokenizer_config) {
  SplitStructure structure;
  Flatten(Member(tokenizer, "normalizer"), "normalizers", RenderNormalizer,
          structure.normalizers);
  Flatten(Member(tokenizer, "pre_tokenizer"), "pretokenizers",
          RenderPreTokenizer, structure.pre_tokenizers);
  structure.ignore_merges =
      BoolMember(Member(tokenizer, "model"), "ignore_merges").value_or(false);
  structure.adds_bos = AddsBos(Member(tokenizer, "post_processor"));
  structure.keeps_spaces =
      BoolMember(tokenizer_config, "clean_up_tokenization_spaces") == false;
  return structure;
}

std::string Describe(const SplitStructure& structure) {
  // Longer ones are no one's to read.
  static constexpr size_t kSteps = 20, kStepBytes = 1000;
  const auto lines = [](const std::vector<std::string>& steps) {
    if (steps.empty()) return std::string("(none)");
    std::vector<std::string> shown;
    for (size_t i = 0; i < std::min(steps.size(), kSteps); ++i) {
      shown.push_back(base::Printable(steps[i], kStepBytes));
    }
    return absl::StrCat(absl::StrJoin(shown, "\n    "),
                        shown.size() < steps.size() ? "\n    …" : "");
  };
  return absl::StrCat(
      "  normalizer:\n    ", lines(structure.normalizers),
      "\n  pre_tokenizer:\n    ", lines(structure.pre_tokenizers),
      "\n  ignore_merges: ", structure.ignore_merges ? "true" : "false", "\n");
}

absl::StatusOr<std::string> FindPreTokenizer(
    const SplitStructure& structure,
    absl::Span<const PreTokenizerName> own_names) {
  for (const PreTokenizerRow& row : PreTokenizerTable()) {
    if (!Matches(row, structure)) continue;
    for (const PreTokenizerName& name : own_names) {
      if (name.known == row.name && ConditionHolds(name.condition, structure)) {
        return std::string(name.own);
      }
    }
    return std::string(row.name);
  }
  return absl::NotFoundError(absl::StrCat(
      "tokenizer.json: no known pre-tokenizer splits text like this:\n",
      Describe(structure), "The nearest that are known:\n",
      NearestRows(structure),
      "If one of them is right for this model, give its name with "
      "--pre=NAME."));
}

}  // namespace vocab
