#include "converters/tensor_rules.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "converters/model_plan.h"
#include "converters/tensor_source.h"

namespace converters {
namespace {

// As many names as an error lists before it only counts.
constexpr size_t kListedNames = 8;

constexpr absl::string_view kWeight = ".weight";
constexpr absl::string_view kBias = ".bias";

constexpr absl::string_view kIgnored[] = {
    ".attention.masked_bias", ".attention.bias", ".rotary_emb.inv_freq"};

// "a.3.b.weight" is pattern "a.{}.b", numbers {3}, suffix ".weight".
struct ParsedName {
  std::string pattern;
  std::vector<uint64_t> numbers;
  absl::string_view suffix;
};

std::optional<ParsedName> Parse(absl::string_view name) {
  ParsedName parsed;
  for (absl::string_view suffix : {kWeight, kBias}) {
    if (absl::ConsumeSuffix(&name, suffix)) {
      parsed.suffix = suffix;
      break;
    }
  }
  if (parsed.suffix.empty()) return std::nullopt;
  std::vector<absl::string_view> parts = absl::StrSplit(name, '.');
  for (absl::string_view& part : parts) {
    uint64_t number = 0;
    if (!std::all_of(part.begin(), part.end(), absl::ascii_isdigit) ||
        !absl::SimpleAtoi(part, &number)) {
      continue;
    }
    parsed.numbers.push_back(number);
    part = "{}";
  }
  parsed.pattern = absl::StrJoin(parts, ".");
  return parsed;
}

// `pattern` with its "{}" replaced by the numbers, in order.
std::string Format(absl::string_view pattern,
                   absl::Span<const uint64_t> numbers) {
  std::string name;
  const std::vector<absl::string_view> pieces = absl::StrSplit(pattern, "{}");
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0) absl::StrAppend(&name, numbers[i - 1]);
    absl::StrAppend(&name, pieces[i]);
  }
  return name;
}

std::string ShapeText(absl::Span<const uint64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

Precision PrecisionOf(absl::string_view name, size_t dimensions) {
  const bool is_f32 = dimensions <= 1 || !absl::EndsWith(name, kWeight) ||
                      absl::EndsWith(name, "_norm.weight") ||
                      absl::EndsWith(name, ".ffn_gate_inp.weight") ||
                      name == "position_embd.weight";
  return is_f32 ? Precision::kF32 : Precision::kFileType;
}

class Planner {
 public:
  Planner(const TensorRules& rules, const TensorSource& source)
      : rules_(rules), source_(source) {
    for (const TensorRule& rule : rules.rules) {
      by_pattern_[rule.source] = &rule;
      if (rule.stack > 0) stack_slices_ += rule.stack;
    }
  }

  absl::StatusOr<std::vector<TensorPlan>> Plan() {
    for (size_t i = 0; i < source_.tensors().size(); ++i) {
      if (IsIgnored(source_.tensors()[i].name)) continue;
      const absl::Status status = PlanOne(i);
      if (!status.ok()) return status;
    }
    if (!unknown_.empty()) return UnknownError();
    const absl::Status status = CheckNothingIsMissing();
    if (!status.ok()) return status;
    return std::move(plans_);
  }

 private:
  bool IsIgnored(absl::string_view name) const {
    const auto ends = [name](absl::string_view end) {
      return absl::EndsWith(name, end);
    };
    return std::any_of(std::begin(kIgnored), std::end(kIgnored), ends) ||
           std::any_of(rules_.ignored.begin(), rules_.ignored.end(), ends);
  }

  absl::Status PlanOne(size_t index) {
    const SourceTensor& tensor = source_.tensors()[index];
    const std::optional<ParsedName> name = Parse(tensor.name);
    const auto it = name ? by_pattern_.find(name->pattern) : by_pattern_.end();
    if (it == by_pattern_.end() || !Covers(*it->second, *name)) {
      unknown_.push_back(absl::StrCat(tensor.name, " (", tensor.file, ")"));
      return absl::OkStatus();
    }
    const TensorRule& rule = *it->second;
    std::vector<uint64_t> shape = rule.shape;
    if (name->suffix == kBias) shape.resize(1);
    if (tensor.shape != shape) {
      return absl::InvalidArgumentError(absl::StrCat(
          tensor.file, ": tensor ", tensor.name, " has shape ",
          ShapeText(tensor.shape), ", config.json expects ", ShapeText(shape)));
    }
    if (rule.stack > 0) return AddSlice(rule, *name, index);
    for (const TensorTarget& target : rule.targets) {
      const absl::Status status =
          Add(absl::StrCat(Format(target.name, name->numbers), name->suffix),
              MakePlan(target, shape, index));
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  // Whether the rule knows such a tensor, of a block and slice that there is.
  bool Covers(const TensorRule& rule, const ParsedName& name) const {
    if (name.suffix == kBias && rule.bias == Need::kNever) return false;
    if (name.numbers.empty()) return true;
    if (name.numbers[0] >= rules_.blocks) return false;
    return name.numbers.size() < 2 || name.numbers[1] < rule.stack;
  }

  // The plan, without its name, of one target of source tensor `index`.
  TensorPlan MakePlan(const TensorTarget& target, std::vector<uint64_t> shape,
                      size_t index) const {
    TensorPlan plan;
    if (target.rows.empty()) {
      plan.parts.push_back({TensorView::Of(index, shape), {}});
    } else {
      uint64_t row_size = 1;
      for (size_t i = 1; i < shape.size(); ++i) row_size *= shape[i];
      shape[0] = 0;
      for (const RowMap& map : target.rows) {
        TensorView view;
        view.source = index;
        view.offset = map.first * row_size;
        view.elements = row_size;
        uint64_t rows = 1;
        for (const TensorView::Dim& digit : map.digits) {
          view.dims.push_back({digit.extent, digit.stride * row_size});
          rows *= digit.extent;
        }
        if (view.dims.back().stride == row_size) {
          view.dims.back().extent *= row_size;
          view.dims.back().stride = 1;
        } else {
          view.dims.push_back({row_size, 1});
        }
        view.elements *= rows;
        shape[0] += rows;
        plan.parts.push_back({std::move(view), {}});
      }
    }
    plan.shape.assign(shape.rbegin(), shape.rend());
    return plan;
  }

  absl::Status Add(std::string name, TensorPlan plan) {
    plan.name = std::move(name);
    plan.precision = PrecisionOf(plan.name, plan.shape.size());
    if (!planned_.insert(plan.name).second) {
      const SourceTensor& tensor = source_.tensors()[plan.parts[0].view.source];
      return absl::InvalidArgumentError(
          absl::StrCat(tensor.file, ": tensor ", tensor.name, " gives ",
                       plan.name, ", which another tensor has given already"));
    }
    plans_.push_back(std::move(plan));
    return absl::OkStatus();
  }

  // Keeps a slice until its block has all of all its stacks.
  absl::Status AddSlice(const TensorRule& rule, const ParsedName& name,
                        size_t index) {
    const uint64_t block = name.numbers[0];
    slices_[absl::StrCat(Format(rule.source, name.numbers), name.suffix)] =
        index;
    if (++slices_of_block_[block] < stack_slices_) return absl::OkStatus();
    for (const TensorRule& stack : rules_.rules) {
      if (stack.stack == 0) continue;
      const absl::Status status =
          Add(absl::StrCat(Format(stack.targets[0].name, {block}), kWeight),
              MakeStack(stack, block));
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  TensorPlan MakeStack(const TensorRule& rule, uint64_t block) const {
    TensorPlan plan;
    for (uint64_t slice = 0; slice < rule.stack; ++slice) {
      const std::string name =
          absl::StrCat(Format(rule.source, {block, slice}), kWeight);
      TensorPlan part = MakePlan(rule.targets[0], rule.shape, slices_.at(name));
      if (slice == 0) {
        plan = std::move(part);
      } else {
        plan.parts.push_back(std::move(part.parts[0]));
      }
    }
    plan.shape.push_back(rule.stack);
    return plan;
  }

  absl::Status UnknownError() const {
    return absl::InvalidArgumentError(
        absl::StrCat(ListNames(unknown_), unknown_.size() == 1 ? " is" : " are",
                     " no tensor of a ", rules_.architecture, " model with ",
                     rules_.blocks, " blocks, as config.json describes it"));
  }

  absl::Status CheckNothingIsMissing() const {
    // A checkpoint has at least one tensor per block and per expert, so that
    // more of these than tensors need not be listed.
    const uint64_t tensors = source_.tensors().size();
    if (rules_.blocks > tensors || stack_slices_ > tensors) {
      return absl::InvalidArgumentError(
          absl::StrCat("config.json promises ", rules_.blocks, " blocks",
                       stack_slices_ > 0 ? " of experts" : "",
                       ", but the checkpoint has only ", tensors, " tensors"));
    }
    std::vector<std::string> missing;
    absl::flat_hash_set<std::string> looked_for;
    for (const TensorRule& rule : rules_.rules) {
      for (absl::string_view suffix : {kWeight, kBias}) {
        FindMissing(rule, suffix, looked_for, missing);
      }
    }
    if (missing.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("the checkpoint lacks ", ListNames(missing),
                     "; is a shard missing, or config.json of another model?"));
  }

  void FindMissing(const TensorRule& rule, absl::string_view suffix,
                   absl::flat_hash_set<std::string>& looked_for,
                   std::vector<std::string>& missing) const {
    const Need need = suffix == kWeight ? rule.weight : rule.bias;
    if (need == Need::kNever) return;
    const bool per_block = absl::StrContains(rule.source, "{}");
    const uint64_t blocks = per_block ? rules_.blocks : 1;
    std::vector<uint64_t> absent;
    for (uint64_t block = 0; block < blocks; ++block) {
      const std::string target =
          absl::StrCat(Format(rule.targets[0].name, {block}), suffix);
      if (!looked_for.insert(target).second) return;  // by another spelling
      if (!planned_.contains(target)) absent.push_back(block);
    }
    if (need == Need::kOptional && absent.size() == blocks) return;
    for (uint64_t block : absent) {
      if (rule.stack == 0) {
        missing.push_back(absl::StrCat(Format(rule.source, {block}), suffix));
        continue;
      }
      for (uint64_t slice = 0; slice < rule.stack; ++slice) {
        std::string name =
            absl::StrCat(Format(rule.source, {block, slice}), suffix);
        if (!slices_.contains(name)) missing.push_back(std::move(name));
      }
    }
  }

  static std::string ListNames(absl::Span<const std::string> names) {
    const size_t listed = std::min(names.size(), kListedNames);
    std::string list = absl::StrJoin(names.subspan(0, listed), ", ");
    if (names.size() > listed) {
      absl::StrAppend(&list, " and ", names.size() - listed, " more");
    }
    return list;
  }

  const TensorRules& rules_;
  const TensorSource& source_;
  absl::flat_hash_map<std::string, const TensorRule*> by_pattern_;
  std::vector<TensorPlan> plans_;
  absl::flat_hash_set<std::string> planned_;  // their names
  std::vector<std::string> unknown_;
  uint64_t stack_slices_ = 0;  // per block
  absl::flat_hash_map<std::string, size_t> slices_;
  absl::flat_hash_map<uint64_t, uint64_t> slices_of_block_;
};

}  // namespace

absl::StatusOr<std::vector<TensorPlan>> PlanTensors(
    const TensorRules& rules, const TensorSource& source) {
  return Planner(rules, source).Plan();
}

}  // namespace converters
