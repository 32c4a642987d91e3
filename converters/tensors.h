// File: converters/tensors.h
//
// The tensors of a model, as its architecture lists them in ordinary loops:
// which tensors of the checkpoint become which GGUF tensor, of which shape, in
// which order. Names and shapes are enough for it.

#ifndef CONVERTERS_TENSORS_H_
#define CONVERTERS_TENSORS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/model_plan.h"
#include "converters/tensor_source.h"
#include "converters/tensor_view.h"
#include "converters/value_map.h"
#include "converters/warning.h"

namespace converters {

class Tensors;

// What a target is made of: parts that follow each other, and the shape that
// they have together (PyTorch's order).
struct TensorParts {
  TensorParts() = default;
  TensorParts(TensorView view)  // NOLINT: a view is one part
      : shape(view.shape), fits(view.fits()) {
    parts.push_back({std::move(view), {}});
  }
  // The same with a map of all values, after those that it has.
  TensorParts Map(ValueMap map) const;

  std::vector<TensorPart> parts;
  TensorView::Shape shape;
  bool fits = true;
};

// Joined by rows (axis 0), of which all other axes must be alike.
TensorParts Join(absl::Span<const TensorParts> pieces);
// Stacked in a new outermost axis; all of one shape.
TensorParts Stack(absl::Span<const TensorParts> pieces);

// The target that was listed last; to be used before the next is listed.
class Target {
 public:
  // It need not be there. In blocks it must be in all or in none: where blocks
  // differ, ask Has.
  Target& Optional();
  // Of a matrix or vector: its bias, in the same order of rows. One that isn't
  // asked for is an unknown tensor.
  Target& WithBias();
  Target& MaybeBias();
  // With its rows (axis 0) in another order, or put together from parts, its
  // bias in the same.
  using Order = std::function<TensorParts(const TensorView&)>;
  Target& Rows(Order order);
  // In the order of rotary pairs (TensorView::Rotary).
  Target& Rotary(uint64_t heads);
  // Each value mapped; of a weight and its bias, the weight's.
  Target& Map(ValueMap map);
  // Always F32, whatever the name says (see Tensors), or never.
  Target& F32();
  Target& FileType();
  // Before all tensors that have no such wish.
  Target& First();

 private:
  friend class Names;
  explicit Target(Tensors& tensors) : tensors_(tensors) {}
  Tensors& tensors_;
};

// One of a mixture's stacks: "ffn_up_exps" of each expert's "up_proj".
struct ExpertStack {
  absl::string_view target;
  absl::string_view source;
  std::vector<uint64_t> shape;  // of one expert's matrix
};

// A family of names: those of one block, or all. Names are given without what
// they have in common, "blk.3." and "model.layers.3.".
class Names {
 public:
  // target.weight, which is source.weight: a matrix of this many rows and
  // columns (PyTorch's shape [rows, columns]), a vector, or of any shape.
  Target Matrix(absl::string_view target, absl::string_view source,
                uint64_t rows, uint64_t columns);
  Target Vector(absl::string_view target, absl::string_view source,
                uint64_t size);
  Target Weight(absl::string_view target, absl::string_view source,
                std::vector<uint64_t> shape);
  // A target of any name and any making. The names are whole, with ".weight" or
  // what there is.
  Target Add(absl::string_view target, TensorParts parts);

  // A source tensor, which must have this shape; `source` is whole.
  TensorView View(absl::string_view source,
                  absl::Span<const uint64_t> shape) const;
  // Those named `before`, a number below `count`, `after`: experts, mostly.
  TensorParts Stacked(absl::string_view before, uint64_t count,
                      absl::string_view after,
                      absl::Span<const uint64_t> shape) const;
  // All stacks of a mixture, of sources "mlp.experts." 17 ".up_proj.weight".
  // They come together, in this order, when the last of them all has come.
  void Experts(absl::string_view prefix, uint64_t experts,
               std::initializer_list<ExpertStack> stacks);

  // Whether the checkpoint has the tensor `source` (its whole name), and what
  // it says of it; null if it has none.
  bool Has(absl::string_view source) const { return Find(source) != nullptr; }
  const SourceTensor* Find(absl::string_view source) const;

  // What `list` lists comes together, in this order, when the last of all its
  // sources has come.
  void Together(absl::FunctionRef<void()> list);

  // The block's number.
  uint64_t block() const { return block_; }

 protected:
  Names(Tensors& tensors, uint64_t block, std::string target_prefix,
        std::string source_prefix, std::string pattern)
      : tensors_(tensors),
        block_(block),
        target_prefix_(std::move(target_prefix)),
        source_prefix_(std::move(source_prefix)),
        pattern_(std::move(pattern)) {}

 private:
  friend class Blocks;
  friend class Tensors;
  Tensors& tensors_;
  uint64_t block_;
  std::string target_prefix_;
  std::string source_prefix_;
  std::string pattern_;  // the source's prefix, without the block's number
};

// The blocks of a model, for a range-based loop.
class Blocks {
 public:
  class Iterator {
   public:
    Iterator(const Blocks& blocks, uint64_t block)
        : blocks_(blocks), block_(block) {}
    Names operator*() const { return blocks_.At(block_); }
    Iterator& operator++() {
      ++block_;
      return *this;
    }
    bool operator!=(const Iterator& end) const;

   private:
    const Blocks& blocks_;
    uint64_t block_;
  };
  Iterator begin() const { return Iterator(*this, 0); }
  Iterator end() const { return Iterator(*this, count_); }

 private:
  friend class Tensors;
  Blocks(Tensors& tensors, uint64_t count, absl::string_view source_prefix,
         absl::string_view target_prefix)
      : tensors_(tensors),
        count_(count),
        source_prefix_(source_prefix),
        target_prefix_(target_prefix) {}
  Names At(uint64_t block) const;

  Tensors& tensors_;
  uint64_t count_;
  std::string source_prefix_;
  std::string target_prefix_;
};

// Vectors, norms, routers, convolutions, position embeddings and what is no
// ".weight" stay F32, as the runtime expects it by their GGUF names.
class Tensors : public Names {
 public:
  // `source` must outlive it.
  explicit Tensors(const TensorSource& source);
  Tensors(const Tensors&) = delete;
  Tensors& operator=(const Tensors&) = delete;

  // Names as the checkpoint has them, and as the list does. Before the list.
  // Takes `part` out wherever it stands in a name.
  void CutFromNames(absl::string_view part);
  // Names in the checkpoint may lack `prefix`, which those in the list have:
  // base models without a head were saved so.
  void MayLack(absl::string_view prefix);
  void Rename(absl::FunctionRef<std::string(absl::string_view)> rename);

  // The blocks 0 to count - 1, of sources "model.layers.3." and targets
  // "blk.3.". None, and an error, if there are more than tensors.
  Blocks Each(uint64_t count, absl::string_view source_prefix,
              absl::string_view target_prefix = "blk.");
  // A block of other names: of multi-token prediction, say.
  Names Block(uint64_t block, absl::string_view source_prefix);

  // Tensors that no target is made of may be left out, by name, in which "*"
  // stands for anything. The user is told how many for each reason; an empty
  // one says that nobody needs to know.
  void Drop(absl::string_view pattern, absl::string_view reason);

  // A tensor that is made of nothing but these values, before all others. Its
  // name is whole.
  void Compute(absl::string_view target, std::vector<float> values);

  // The values of a small source tensor, which become metadata.
  // Errors: InvalidArgument if there is none of this shape; those of
  // TensorSource::Read.
  absl::StatusOr<std::vector<float>> Values(
      absl::string_view source, absl::Span<const uint64_t> shape) const;

  // The plans of all that was listed: a target stands where the last of its
  // sources stands in the checkpoint. To be called once, at the end.
  // Errors: InvalidArgument for a tensor of another shape than the list says,
  // and for those that the list doesn't know or that are missing; each is named
  // with its file.
  absl::StatusOr<std::vector<TensorPlan>> Plan(absl::string_view architecture,
                                               std::vector<Warning>& warnings);

 private:
  friend class Blocks;
  friend class Names;
  friend class Target;

  enum class Need { kNever, kOptional, kRequired };

  // The target that is being listed.
  struct Listing {
    std::string target;  // whole
    std::string pattern;
    TensorParts parts;
    Need need = Need::kRequired;
    // Of weights: the bias.
    Need bias = Need::kNever;
    std::string bias_source = {};
    Target::Order order = nullptr;
    std::optional<Precision> precision = std::nullopt;
    bool is_first = false;
  };
  // Targets that come together.
  struct Group {
    std::vector<TensorPlan> targets;
    size_t last_source = 0;
    bool is_first = false;
  };
  // Whether something optional is there.
  struct Presence {
    bool seen = false;
    uint64_t absent = 0;
    std::vector<std::string> absent_names;  // the first of them
  };
  struct Dropping {
    std::string pattern;
    std::string reason;
  };

  std::optional<size_t> Index(absl::string_view name) const;
  TensorView MakeView(absl::string_view name, absl::Span<const uint64_t> shape);
  // Whether a listing of so much that isn't there has been given up.
  bool exhausted() const;
  // Begins a listing, ends it, and what comes of it.
  void List(Listing listing);
  void Settle();
  bool Put(Listing listing);
  void AddTarget(Listing listing);
  void IndexNames();
  void Miss(absl::string_view name);
  void Fail(absl::string_view what);  // keeps the first error

  void CheckMissing();
  void CheckUnused(absl::string_view architecture,
                   std::vector<Warning>& warnings);

  const TensorSource& source_;
  absl::Span<const SourceTensor> sources_;
  std::vector<std::string> names_;  // of the sources, as the list has them
  absl::flat_hash_map<absl::string_view, size_t> index_;
  std::vector<std::string> lackable_;
  std::vector<Dropping> dropped_;

  std::optional<Listing> listing_;
  bool is_together_ = false;
  std::vector<Group> groups_;
  absl::flat_hash_set<std::string> targets_;
  std::vector<bool> is_used_;  // of the sources
  // Sources that are not there have numbers from sources_.size() on.
  std::vector<std::string> absent_;
  absl::flat_hash_map<std::string, Presence> presence_;
  std::vector<std::string> missing_;  // the first of them
  uint64_t missing_count_ = 0;
  uint64_t blocks_ = 0;
  uint64_t experts_ = 0;
  absl::Status status_;  // the first error
};

// The feed-forward of most models: gate_proj, up_proj and down_proj below
// `prefix`, with or without biases.
void GatedFeedForward(Names& names, absl::string_view prefix,
                      uint64_t feed_forward, uint64_t hidden);

}  // namespace converters

#endif  // CONVERTERS_TENSORS_H_
