// File: converters/tensor_rules.h
//
// The tensors of an architecture as a table: which Hugging Face tensor becomes
// which GGUF tensor, of which shape, with which order of rows.

#ifndef CONVERTERS_TENSOR_RULES_H_
#define CONVERTERS_TENSOR_RULES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/model_plan.h"
#include "converters/tensor_source.h"
#include "converters/tensor_view.h"

namespace converters {

// Rows of a source tensor: view dimensions in units of rows.
struct RowMap {
  uint64_t first = 0;
  std::vector<TensorView::Dim> digits;
};

// One GGUF tensor that a source tensor goes to.
struct TensorTarget {
  std::string name;          // "blk.{}.attn_q"; "{}" stands for the block
  std::vector<RowMap> rows;  // of the source, one after the other; none: all
};

// Whether a tensor must be there. What is optional must be in all blocks or
// in none.
enum class Need { kNever, kOptional, kRequired };

// A row of the table. Names are without ".weight" and ".bias": a rule covers
// both, the bias being the weight's outermost dimension, in the same order of
// rows. Weights are required and biases unknown unless said otherwise.
struct TensorRule {
  // `source_shape` is the weight's, in PyTorch's order.
  TensorRule(absl::string_view source_name,
             std::vector<TensorTarget> source_targets,
             std::vector<uint64_t> source_shape)
      : source(source_name),
        targets(std::move(source_targets)),
        shape(std::move(source_shape)) {}
  // One target, with the rows as they are or as mapped.
  TensorRule(absl::string_view source_name, absl::string_view target,
             std::vector<uint64_t> source_shape, std::vector<RowMap> rows = {})
      : TensorRule(source_name,
                   {TensorTarget{std::string(target), std::move(rows)}},
                   std::move(source_shape)) {}

  TensorRule Optional() && {
    weight = Need::kOptional;
    return std::move(*this);
  }
  TensorRule WithBias() && {
    bias = Need::kRequired;
    return std::move(*this);
  }
  TensorRule MaybeBias() && {
    bias = Need::kOptional;
    return std::move(*this);
  }
  // The source's second "{}" counts `slices` tensors, which become the
  // outermost dimension of the target: the experts of a mixture. All stacks of
  // a block are listed together, where the last of their slices stands.
  TensorRule Stacked(uint64_t slices) && {
    stack = slices;
    return std::move(*this);
  }

  std::string source;  // "model.layers.{}.self_attn.q_proj"
  std::vector<TensorTarget> targets;
  std::vector<uint64_t> shape;
  Need weight = Need::kRequired;
  Need bias = Need::kNever;
  uint64_t stack = 0;
};

struct TensorRules {
  absl::string_view architecture;  // for messages
  uint64_t blocks = 0;             // "{}" runs from 0 to here
  std::vector<TensorRule> rules;
  // Ends of names to skip, beside the buffers that no model needs (rotary
  // frequencies, attention masks).
  std::vector<absl::string_view> ignored = {};
};

// The plans for all tensors of `source`, in its order. Vectors, norms, router
// inputs and position embeddings stay F32, as the runtime expects.
// Errors: InvalidArgument for tensors that no rule knows, that are missing or
// not of the rule's shape; each is named with its file.
absl::StatusOr<std::vector<TensorPlan>> PlanTensors(const TensorRules& rules,
                                                    const TensorSource& source);

}  // namespace converters

#endif  // CONVERTERS_TENSOR_RULES_H_
