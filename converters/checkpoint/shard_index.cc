#include "converters/checkpoint/shard_index.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/printable.h"
#include "converters/checkpoint/stored_tensor.h"
#include "nlohmann/json.hpp"

namespace checkpoint {
namespace {

// Takes the weight_map from the parser's events and skips all else.
class IndexBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit IndexBuilder(ShardIndex& index) : index_(index) {}

  const std::string& error() const { return error_; }
  bool found() const { return found_; }

  bool null() override { return Other(); }
  bool boolean(bool) override { return Other(); }
  bool number_integer(number_integer_t) override { return Other(); }
  bool number_unsigned(number_unsigned_t) override { return Other(); }
  bool number_float(number_float_t, const string_t&) override {
    return Other();
  }
  bool binary(binary_t&) override { return Other(); }

  bool string(string_t& value) override {
    if (!InMap()) return Other();
    if (index_.weight_map.emplace(key_, std::move(value)).second) return true;
    error_ = absl::StrCat("tensor ", base::Printable(key_), " occurs twice");
    return false;
  }
  bool start_object(size_t) override {
    if (depth_ == 1 && is_map_) {
      found_ = true;
    } else if (!Other()) {
      return false;
    }
    ++depth_;
    return true;
  }
  bool key(string_t& value) override {
    if (depth_ == 1) is_map_ = value == "weight_map";
    key_ = std::move(value);
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(size_t) override {
    if (!Other()) return false;
    ++depth_;
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    error_ = absl::StrCat("no valid JSON at byte ", position);
    return false;
  }

 private:
  bool InMap() const { return depth_ == 2 && is_map_; }
  // A value that is skipped, unless it is in the map's place or in the map.
  bool Other() {
    if (!is_map_) return true;
    error_ = InMap()
                 ? absl::StrCat("\"weight_map\" gives ", base::Printable(key_),
                                " something else than a file's name")
                 : "\"weight_map\" is no object";
    return false;
  }

  ShardIndex& index_;
  std::string error_;
  std::string key_;
  int depth_ = 0;
  bool is_map_ = false;
  bool found_ = false;
};

absl::Status CheckFileName(absl::string_view file, absl::string_view suffix) {
  if (file.find('/') != absl::string_view::npos ||
      file.find('\\') != absl::string_view::npos ||
      file.find('\0') != absl::string_view::npos || file.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("it names the file \"", base::Printable(file),
                     "\", which is not one in the checkpoint's directory"));
  }
  if (!absl::EndsWith(file, suffix)) {
    return absl::InvalidArgumentError(
        absl::StrCat("it names the file \"", base::Printable(file),
                     "\", which is no ", suffix, " file"));
  }
  return absl::OkStatus();
}

absl::Status Annotate(absl::string_view name, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(name, ": ", status.message()));
}

// A name "PREFIXnnnnn-of-mmmmmSUFFIX" in its parts.
struct NumberedName {
  std::string prefix;
  std::string suffix;
  int number = 0;
  int count = 0;
};

std::optional<NumberedName> ParseNumberedName(absl::string_view file) {
  constexpr size_t kDigits = 5;
  const size_t of = file.find("-of-");
  if (of == absl::string_view::npos || of < kDigits) return std::nullopt;
  const absl::string_view number = file.substr(of - kDigits, kDigits);
  const absl::string_view count = file.substr(of + 4, kDigits);
  NumberedName parts;
  if (!absl::c_all_of(number, absl::ascii_isdigit) ||
      !absl::c_all_of(count, absl::ascii_isdigit) || count.size() != kDigits ||
      !absl::SimpleAtoi(number, &parts.number) ||
      !absl::SimpleAtoi(count, &parts.count)) {
    return std::nullopt;
  }
  parts.prefix = file.substr(0, of - kDigits);
  parts.suffix = file.substr(of + 4 + kDigits);
  return parts;
}

}  // namespace

std::vector<std::string> ShardIndex::files() const {
  std::set<std::string> names;
  for (const auto& [tensor, file] : weight_map) names.insert(file);
  return std::vector<std::string>(names.begin(), names.end());
}

absl::StatusOr<ShardIndex> ParseShardIndex(absl::string_view text,
                                           absl::string_view name,
                                           absl::string_view suffix) {
  ShardIndex index;
  IndexBuilder builder(index);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
    return Annotate(name, absl::DataLossError(builder.error()));
  }
  if (!builder.found()) {
    return Annotate(name, absl::DataLossError("it has no \"weight_map\""));
  }
  for (const std::string& file : index.files()) {
    if (absl::Status status = CheckFileName(file, suffix); !status.ok()) {
      return Annotate(name, status);
    }
  }
  return index;
}

absl::Status CheckAgainstIndex(const ShardIndex& index, absl::string_view name,
                               absl::Span<const StoredTensor> tensors) {
  absl::flat_hash_set<absl::string_view> found;
  std::vector<std::string> unlisted;
  for (const StoredTensor& tensor : tensors) {
    found.insert(tensor.name);
    const auto listed = index.weight_map.find(tensor.name);
    if (listed == index.weight_map.end()) {
      unlisted.push_back(absl::StrCat(base::Printable(tensor.name), " (in ",
                                      base::Printable(tensor.file), ")"));
    } else if (listed->second != tensor.file) {
      return Annotate(name,
                      absl::DataLossError(absl::StrCat(
                          "it says that tensor ", base::Printable(tensor.name),
                          " is in ", base::Printable(listed->second),
                          ", but it is in ", base::Printable(tensor.file))));
    }
  }
  std::vector<std::string> missing;
  for (const auto& [tensor, file] : index.weight_map) {
    if (found.contains(tensor)) continue;
    missing.push_back(absl::StrCat(base::Printable(tensor), " (should be in ",
                                   base::Printable(file), ")"));
  }
  std::string error;
  if (!missing.empty()) {
    error = absl::StrCat("the files lack tensors that it lists: ",
                         ListNames(missing));
  }
  if (!unlisted.empty()) {
    absl::StrAppend(
        &error, error.empty() ? "" : "; ",
        "the files hold tensors that it does not list: ", ListNames(unlisted));
  }
  if (error.empty()) return absl::OkStatus();
  return Annotate(name, absl::DataLossError(error));
}

std::string ListNames(absl::Span<const std::string> names) {
  constexpr size_t kListed = 5;
  std::string list =
      absl::StrJoin(names.subspan(0, kListed), ", ",
                    [](std::string* out, const std::string& name) {
                      out->append(base::Printable(name));
                    });
  if (names.size() > kListed) {
    absl::StrAppend(&list, " and ", names.size() - kListed, " more");
  }
  return list;
}

std::vector<std::string> MissingFromNumberedSet(
    absl::Span<const std::string> files) {
  const absl::flat_hash_set<absl::string_view> present(files.begin(),
                                                       files.end());
  std::vector<std::string> missing;
  std::set<std::string> checked;
  for (const std::string& file : files) {
    const std::optional<NumberedName> parts = ParseNumberedName(file);
    if (!parts.has_value() || !checked.insert(parts->prefix).second) continue;
    for (int number = 1; number <= parts->count; ++number) {
      std::string sibling =
          absl::StrFormat("%s%05d-of-%05d%s", parts->prefix, number,
                          parts->count, parts->suffix);
      if (!present.contains(sibling)) {
        missing.push_back(std::move(sibling));
      }
    }
  }
  return missing;
}

}  // namespace checkpoint
