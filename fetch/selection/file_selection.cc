#include "fetch/selection/file_selection.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "fetch/protocol/repo_listing.h"

namespace fetch {
namespace {

using Patterns = std::vector<std::string>;

// Matches the bracket expression at the start of `pattern` against `c` and
// sets `length` to its length; a length of 0 says that the "[" has no end and
// stands for itself.
bool MatchesBracket(absl::string_view pattern, char c, size_t* length) {
  size_t i = 1;
  const bool negated = pattern.substr(1, 1) == "!";
  if (negated) ++i;
  const size_t close = pattern.find(']', i + 1);
  *length = close == absl::string_view::npos ? 0 : close + 1;
  if (*length == 0) return false;
  bool found = false;
  while (i < close) {
    const bool is_range = i + 2 < close && pattern[i + 1] == '-';
    const char last = is_range ? pattern[i + 2] : pattern[i];
    found = found || (pattern[i] <= c && c <= last);
    i += is_range ? 3 : 1;
  }
  return found != negated;
}

// Matches one character of the text; sets the length of what it took of the
// pattern. `pattern` is not empty and does not start with "*".
bool MatchesOne(absl::string_view pattern, char c, size_t* length) {
  *length = 1;
  if (pattern[0] == '?') return true;
  if (pattern[0] == '[') {
    size_t bracket = 0;
    const bool matches = MatchesBracket(pattern, c, &bracket);
    if (bracket > 0) {
      *length = bracket;
      return matches;
    }
  }
  return pattern[0] == c;
}

bool MatchesAny(absl::Span<const std::string> patterns,
                absl::string_view path) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [path](const std::string& pattern) {
                       return MatchesPattern(pattern, path);
                     });
}

// "dir/" means all below it; a backslash is a Windows user's slash.
Patterns Normalize(absl::Span<const std::string> patterns) {
  Patterns result;
  for (const std::string& pattern : patterns) {
    result.push_back(absl::StrReplaceAll(pattern, {{"\\", "/"}}));
    if (absl::EndsWith(result.back(), "/")) result.back() += "*";
  }
  return result;
}

bool IsTopLevel(absl::string_view path) {
  return !absl::StrContains(path, '/');
}

const Patterns& DescriptionPatterns() {
  static const Patterns* const kPatterns =
      new Patterns{"README.md", "LICENSE*",   "*.json",    "*.jinja",
                   "*.model",   "*.tiktoken", "vocab.txt", "merges.txt"};
  return *kPatterns;
}

// Descriptions of something else than the model: of training, of other formats
// of its weights, of adapters.
const Patterns& ForeignPatterns() {
  static const Patterns* const kPatterns =
      new Patterns{"trainer_state.json",
                   "optimizer*",
                   "scheduler*",
                   "training_args*",
                   "*_results.json",
                   "zero_to_fp32*",
                   "*.onnx*",
                   "tf_model*",
                   "flax_model*",
                   "openvino*",
                   "adapter_*",
                   "*.bin.index.json",
                   "*.safetensors.index.json"};
  return *kPatterns;
}

bool IsDescription(absl::string_view path) {
  if (absl::StartsWith(path, "additional_chat_templates/")) {
    return absl::EndsWith(path, ".jinja");
  }
  return IsTopLevel(path) && MatchesAny(DescriptionPatterns(), path) &&
         !MatchesAny(ForeignPatterns(), path);
}

// One kind of weights: files that match the pattern, and the index that lists
// them where there is one.
struct WeightsKind {
  absl::string_view pattern;
  absl::string_view index;  // empty if the files stand alone
  bool needs_index;
};

constexpr absl::string_view kSafetensorsIndex = "model.safetensors.index.json";
constexpr absl::string_view kPyTorchIndex = "pytorch_model.bin.index.json";

// In the order of preference.
constexpr WeightsKind kWeightsKinds[] = {
    {"model-*-of-*.safetensors", kSafetensorsIndex, true},
    {"model.safetensors", "", false},
    {"model*.safetensors", kSafetensorsIndex, false},
    {"pytorch_model-*-of-*.bin", kPyTorchIndex, true},
    {"pytorch_model.bin", "", false},
    {"pytorch_model*.bin", kPyTorchIndex, false},
    {"consolidated*.pth", "", false},
};

std::vector<absl::string_view> WeightsOfKind(absl::Span<const RepoFile> files,
                                             const WeightsKind& kind) {
  std::vector<absl::string_view> paths;
  bool has_index = false;
  for (const RepoFile& file : files) {
    if (!IsTopLevel(file.path)) continue;
    has_index = has_index || file.path == kind.index;
    if (MatchesPattern(kind.pattern, file.path)) paths.push_back(file.path);
  }
  if (paths.empty() || (kind.needs_index && !has_index)) return {};
  if (has_index) paths.push_back(kind.index);
  return paths;
}

std::vector<absl::string_view> ChooseWeights(absl::Span<const RepoFile> files) {
  for (const WeightsKind& kind : kWeightsKinds) {
    std::vector<absl::string_view> paths = WeightsOfKind(files, kind);
    if (!paths.empty()) return paths;
  }
  return {};
}

}  // namespace

bool MatchesPattern(absl::string_view pattern, absl::string_view text) {
  size_t p = 0;
  size_t t = 0;
  // Where to go back to: after the last "*", which then takes one more.
  size_t star = absl::string_view::npos;
  size_t star_text = 0;
  while (t < text.size()) {
    size_t length = 0;
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_text = t;
    } else if (p < pattern.size() &&
               MatchesOne(pattern.substr(p), text[t], &length)) {
      p += length;
      ++t;
    } else if (star != absl::string_view::npos) {
      p = star;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool IsWeightsFile(absl::string_view path) {
  return absl::EndsWith(path, ".safetensors") || absl::EndsWith(path, ".bin") ||
         absl::EndsWith(path, ".pth") || absl::EndsWith(path, ".pt");
}

std::vector<RepoFile> SelectFiles(absl::Span<const RepoFile> files,
                                  absl::Span<const std::string> include,
                                  absl::Span<const std::string> exclude) {
  const Patterns included = Normalize(include);
  const Patterns excluded = Normalize(exclude);
  // Weights are chosen among what is not excluded, so that excluding one kind
  // is a way to get another.
  std::vector<RepoFile> candidates;
  std::copy_if(files.begin(), files.end(), std::back_inserter(candidates),
               [&excluded](const RepoFile& file) {
                 return !MatchesAny(excluded, file.path);
               });
  const std::vector<absl::string_view> weights = ChooseWeights(candidates);
  std::vector<RepoFile> selected;
  for (const RepoFile& file : candidates) {
    const bool wanted = included.empty()
                            ? IsDescription(file.path) ||
                                  std::find(weights.begin(), weights.end(),
                                            file.path) != weights.end()
                            : MatchesAny(included, file.path);
    if (wanted) selected.push_back(file);
  }
  return selected;
}

}  // namespace fetch
