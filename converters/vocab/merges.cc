#include "converters/vocab/merges.h"

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/file.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "converters/vocab/tokenizer_files.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;
using base::Member;
using base::StringMember;

constexpr absl::string_view kByteLevelSpace = "\xC4\xA0";  // U+0120

// Collects merges, each checked against the vocabulary.
class MergeList {
 public:
  MergeList(absl::string_view file, const TokenIds& trained,
            absl::string_view continuing_prefix)
      : file_(file), trained_(trained), continuing_prefix_(continuing_prefix) {}

  absl::Status Add(absl::string_view left, absl::string_view right) {
    // A part that continues a word may carry a prefix that merging removes.
    absl::string_view joined = right;
    if (absl::StartsWith(joined, continuing_prefix_)) {
      joined.remove_prefix(continuing_prefix_.size());
    }
    for (const std::string& token :
         {std::string(left), std::string(right), absl::StrCat(left, joined)}) {
      if (!trained_.contains(token)) {
        return absl::InvalidArgumentError(absl::StrCat(
            file_, ": merge ", merges_.size(), " (\"", base::Printable(left),
            "\", \"", base::Printable(right), "\") needs the token \"",
            base::Printable(token), "\", which the vocabulary does not have"));
      }
    }
    merges_.push_back(absl::StrCat(Escape(left), " ", Escape(right)));
    return absl::OkStatus();
  }

  absl::Status WrongShape() const {
    return absl::InvalidArgumentError(
        absl::StrCat(file_, ": merge ", merges_.size(),
                     ": expected two tokens, as \"a b\" or [\"a\", \"b\"]"));
  }

  std::vector<std::string> Take() && { return std::move(merges_); }

 private:
  static std::string Escape(absl::string_view part) {
    return absl::StrReplaceAll(part, {{" ", kByteLevelSpace}});
  }

  const absl::string_view file_;
  const TokenIds& trained_;
  const absl::string_view continuing_prefix_;
  std::vector<std::string> merges_;
};

absl::Status AddFromJson(const Json& merge, MergeList& merges) {
  if (const auto* text = merge.get_ptr<const std::string*>()) {
    const std::vector<absl::string_view> parts = absl::StrSplit(*text, ' ');
    if (parts.size() != 2) return merges.WrongShape();
    return merges.Add(parts[0], parts[1]);
  }
  if (!merge.is_array() || merge.size() != 2 || !merge[0].is_string() ||
      !merge[1].is_string()) {
    return merges.WrongShape();
  }
  return merges.Add(merge[0].get_ref<const std::string&>(),
                    merge[1].get_ref<const std::string&>());
}

absl::StatusOr<std::vector<std::string>> FromMergesTxt(
    const std::string& directory, const TokenIds& trained) {
  const std::string path = absl::StrCat(directory, "/merges.txt");
  ASSIGN_OR_RETURN(const std::string text,
                   base::ReadFile(path, kMaxTokenizerFile));
  if (!base::IsValidUtf8(text)) {
    return absl::DataLossError(absl::StrCat(path, ": not valid UTF-8"));
  }
  MergeList merges("merges.txt", trained, "");
  bool first = true;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    const bool is_header = first && absl::StartsWith(line, "#");
    first = false;
    if (line.empty() || is_header) continue;
    const std::vector<absl::string_view> parts =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (parts.size() != 2) return merges.WrongShape();
    RETURN_IF_ERROR(merges.Add(parts[0], parts[1]));
  }
  return std::move(merges).Take();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> LoadMerges(
    const Json& tokenizer, const std::string& directory,
    const TokenIds& trained) {
  const Json& model = Member(tokenizer, "model");
  const Json& list = Member(model, "merges");
  if (!list.is_null() && !list.is_array()) {
    return absl::InvalidArgumentError(
        absl::StrCat("tokenizer.json: model.merges: expected a list, found ",
                     list.type_name()));
  }
  if (list.empty()) {
    if (!IsThere(directory, "merges.txt")) return std::vector<std::string>();
    return FromMergesTxt(directory, trained);
  }
  const std::string* prefix = StringMember(model, "continuing_subword_prefix");
  MergeList merges(
      "tokenizer.json", trained,
      prefix == nullptr ? absl::string_view() : absl::string_view(*prefix));
  for (const Json& merge : list) {
    RETURN_IF_ERROR(AddFromJson(merge, merges));
  }
  return std::move(merges).Take();
}

}  // namespace vocab
