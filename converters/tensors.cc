#include "converters/tensors.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/log/check.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "base/printable.h"

namespace converters {
namespace {

// As many names as an error lists before it only counts, and how long they are
// shown.
constexpr size_t kListedNames = 8;
constexpr size_t kShownName = 120;

constexpr absl::string_view kWeight = ".weight";
constexpr absl::string_view kBias = ".bias";

// Buffers that no model needs.
constexpr absl::string_view kIgnored[] = {
    ".attention.masked_bias", ".attention.bias", ".rotary_emb.inv_freq"};

// Matrices that the runtime wants in F32.
constexpr absl::string_view kF32Weights[] = {
    ".ffn_gate_inp.weight",       ".ffn_gate_inp_shexp.weight",
    ".ssm_conv1d.weight",         ".shortconv.conv.weight",
    ".altup_correct_coef.weight", ".altup_predict_coef.weight",
    ".indexer.proj.weight",       "position_embd.weight",
    "token_types.weight"};

// The most values that become metadata.
constexpr uint64_t kMaxValues = 1 << 16;

std::string Shown(absl::string_view name) {
  return base::Printable(name, kShownName);
}

std::string ShapeText(absl::Span<const uint64_t> shape) {
  const size_t shown = std::min<size_t>(shape.size(), 8);
  return absl::StrCat("[", absl::StrJoin(shape.first(shown), ", "),
                      shown < shape.size() ? ", ...]" : "]");
}

std::string ListNames(absl::Span<const std::string> first, uint64_t count) {
  std::string list = absl::StrJoin(first, ", ");
  if (count > first.size()) {
    absl::StrAppend(&list, " and ", count - first.size(), " more");
  }
  return list;
}

std::string SizeText(uint64_t bytes) {
  return bytes < 1'000'000'000 ? absl::StrFormat("%.1f MB", bytes / 1e6)
                               : absl::StrFormat("%.1f GB", bytes / 1e9);
}

// Whether `name` is `pattern`, in which "*" stands for anything.
bool Matches(absl::string_view pattern, absl::string_view name) {
  size_t p = 0, n = 0;
  std::optional<size_t> star;  // the last one, and where it ends in the name
  size_t star_end = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_end = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star.has_value()) {
      p = *star + 1;
      n = ++star_end;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == absl::string_view::npos;
}

Precision PrecisionOf(absl::string_view name, size_t dimensions) {
  const auto ends = [name](absl::string_view end) {
    return absl::EndsWith(name, end);
  };
  const bool is_f32 = dimensions <= 1 || !ends(kWeight) ||
                      ends("_norm.weight") || absl::c_any_of(kF32Weights, ends);
  return is_f32 ? Precision::kF32 : Precision::kFileType;
}

}  // namespace

TensorParts TensorParts::Map(ValueMap map) const {
  TensorParts mapped = *this;
  for (TensorPart& part : mapped.parts) part.maps.push_back(map);
  return mapped;
}

TensorParts Join(absl::Span<const TensorParts> pieces) {
  TensorParts joined;
  for (const TensorParts& piece : pieces) {
    // All parts, whether they fit or not: they tell what is missing.
    absl::c_copy(piece.parts, std::back_inserter(joined.parts));
    joined.fits &= piece.fits && !piece.shape.empty();
    if (!joined.fits) continue;
    if (joined.shape.empty()) {
      joined.shape = piece.shape;
    } else {
      joined.shape[0] += piece.shape[0];
      joined.fits = absl::MakeSpan(joined.shape).subspan(1) ==
                    absl::MakeSpan(piece.shape).subspan(1);
    }
  }
  return joined;
}

TensorParts Stack(absl::Span<const TensorParts> pieces) {
  TensorParts stack;
  for (const TensorParts& piece : pieces) {
    stack.fits &= piece.fits && piece.shape == pieces[0].shape;
    absl::c_copy(piece.parts, std::back_inserter(stack.parts));
  }
  stack.shape.push_back(pieces.size());
  if (!pieces.empty())
    absl::c_copy(pieces[0].shape, std::back_inserter(stack.shape));
  return stack;
}

Target& Target::Optional() {
  tensors_.listing_->need = Tensors::Need::kOptional;
  return *this;
}

Target& Target::WithBias() {
  tensors_.listing_->bias = Tensors::Need::kRequired;
  return *this;
}

Target& Target::MaybeBias() {
  tensors_.listing_->bias = Tensors::Need::kOptional;
  return *this;
}

Target& Target::Rows(Order order) {
  tensors_.listing_->order = std::move(order);
  return *this;
}

Target& Target::Rotary(uint64_t heads) {
  return Rows([heads](const TensorView& view) { return view.Rotary(heads); });
}

Target& Target::Map(ValueMap map) {
  tensors_.listing_->parts = tensors_.listing_->parts.Map(map);
  return *this;
}

Target& Target::F32() {
  tensors_.listing_->precision = Precision::kF32;
  return *this;
}

Target& Target::FileType() {
  tensors_.listing_->precision = Precision::kFileType;
  return *this;
}

Target& Target::First() {
  tensors_.listing_->is_first = true;
  return *this;
}

Target Names::Matrix(absl::string_view target, absl::string_view source,
                     uint64_t rows, uint64_t columns) {
  return Weight(target, source, {rows, columns});
}

Target Names::Vector(absl::string_view target, absl::string_view source,
                     uint64_t size) {
  return Weight(target, source, {size});
}

Target Names::Weight(absl::string_view target, absl::string_view source,
                     std::vector<uint64_t> shape) {
  const Target listed = Add(absl::StrCat(target, kWeight),
                            View(absl::StrCat(source, kWeight), shape));
  tensors_.listing_->bias_source = absl::StrCat(source_prefix_, source, kBias);
  return listed;
}

Target Names::Add(absl::string_view target, TensorParts parts) {
  tensors_.List({.target = absl::StrCat(target_prefix_, target),
                 .pattern = absl::StrCat(pattern_, target),
                 .parts = std::move(parts)});
  return Target(tensors_);
}

TensorView Names::View(absl::string_view source,
                       absl::Span<const uint64_t> shape) const {
  return tensors_.MakeView(absl::StrCat(source_prefix_, source), shape);
}

TensorParts Names::Stacked(absl::string_view before, uint64_t count,
                           absl::string_view after,
                           absl::Span<const uint64_t> shape) const {
  tensors_.experts_ = std::max(tensors_.experts_, count);
  std::vector<TensorParts> slices;
  for (uint64_t i = 0; i < count && !tensors_.exhausted(); ++i) {
    slices.push_back(View(absl::StrCat(before, i, after), shape));
  }
  return Stack(slices);
}

void Names::Experts(absl::string_view prefix, uint64_t experts,
                    std::initializer_list<ExpertStack> stacks) {
  Together([&] {
    for (const ExpertStack& stack : stacks) {
      Add(absl::StrCat(stack.target, kWeight),
          Stacked(prefix, experts, absl::StrCat(".", stack.source, kWeight),
                  stack.shape));
    }
  });
}

const SourceTensor* Names::Find(absl::string_view source) const {
  const std::optional<size_t> index =
      tensors_.Index(absl::StrCat(source_prefix_, source));
  return index.has_value() ? &tensors_.sources_[*index] : nullptr;
}

void Names::Together(absl::FunctionRef<void()> list) {
  tensors_.Settle();
  tensors_.groups_.emplace_back();
  tensors_.is_together_ = true;
  list();
  tensors_.Settle();
  tensors_.is_together_ = false;
}

Names Blocks::At(uint64_t block) const {
  return Names(tensors_, block, absl::StrCat(target_prefix_, block, "."),
               absl::StrCat(source_prefix_, block, "."),
               absl::StrCat(target_prefix_, "*."));
}

bool Blocks::Iterator::operator!=(const Iterator& end) const {
  return block_ != end.block_ && !blocks_.tensors_.exhausted();
}

Tensors::Tensors(const TensorSource& source)
    : Names(*this, 0, "", "", ""),
      source_(source),
      sources_(source.tensors()),
      is_used_(sources_.size()) {
  for (const SourceTensor& tensor : sources_) names_.push_back(tensor.name);
  IndexNames();
}

void Tensors::IndexNames() {
  index_.clear();
  for (size_t i = 0; i < names_.size(); ++i) {
    const auto [it, is_new] = index_.emplace(names_[i], i);
    if (is_new) continue;
    Fail(absl::StrCat(sources_[i].file, ": tensor ", Shown(sources_[i].name),
                      " is there twice, also as ",
                      Shown(sources_[it->second].name)));
  }
}

void Tensors::CutFromNames(absl::string_view part) {
  Rename([part](absl::string_view name) {
    const size_t at = name.find(part);
    if (at == absl::string_view::npos) return std::string(name);
    return absl::StrCat(name.substr(0, at), name.substr(at + part.size()));
  });
}

void Tensors::MayLack(absl::string_view prefix) {
  lackable_.emplace_back(prefix);
}

void Tensors::Rename(absl::FunctionRef<std::string(absl::string_view)> rename) {
  index_.clear();
  for (std::string& name : names_) name = rename(name);
  IndexNames();
}

std::optional<size_t> Tensors::Index(absl::string_view name) const {
  const auto it = index_.find(name);
  if (it != index_.end()) return it->second;
  for (absl::string_view prefix : lackable_) {
    if (!absl::StartsWith(name, prefix)) continue;
    const auto shorter = index_.find(name.substr(prefix.size()));
    if (shorter != index_.end()) return shorter->second;
  }
  return std::nullopt;
}

TensorView Tensors::MakeView(absl::string_view name,
                             absl::Span<const uint64_t> shape) {
  const std::optional<size_t> index = Index(name);
  if (!index.has_value()) {
    absent_.emplace_back(name);
    return TensorView::Of(sources_.size() + absent_.size() - 1, shape);
  }
  const SourceTensor& tensor = sources_[*index];
  if (tensor.shape != shape) {
    Fail(absl::StrCat(tensor.file, ": tensor ", Shown(tensor.name),
                      " has shape ", ShapeText(tensor.shape),
                      ", config.json expects ", ShapeText(shape)));
  }
  return TensorView::Of(*index, shape);
}

Blocks Tensors::Each(uint64_t count, absl::string_view source_prefix,
                     absl::string_view target_prefix) {
  // A block has a tensor at least.
  blocks_ = std::max(blocks_, count);
  if (count > sources_.size()) count = 0;
  return Blocks(*this, count, source_prefix, target_prefix);
}

Names Tensors::Block(uint64_t block, absl::string_view source_prefix) {
  return Names(*this, block, absl::StrCat("blk.", block, "."),
               std::string(source_prefix), absl::StrCat(source_prefix, "*."));
}

void Tensors::Drop(absl::string_view pattern, absl::string_view reason) {
  dropped_.push_back({std::string(pattern), std::string(reason)});
}

void Tensors::Compute(absl::string_view target, std::vector<float> values) {
  Settle();
  TensorPlan plan;
  plan.name = std::string(target);
  plan.precision = Precision::kF32;
  plan.shape = {values.size()};
  plan.values = std::move(values);
  Group group;
  group.is_first = true;
  group.targets.push_back(std::move(plan));
  groups_.push_back(std::move(group));
}

absl::StatusOr<std::vector<float>> Tensors::Values(
    absl::string_view source, absl::Span<const uint64_t> shape) const {
  const std::optional<size_t> index = Index(source);
  if (!index.has_value() || sources_[*index].shape != shape ||
      sources_[*index].elements() > kMaxValues) {
    return absl::InvalidArgumentError(
        absl::StrCat("the checkpoint has no tensor ", Shown(source),
                     " of shape ", ShapeText(shape),
                     "; is a shard missing, or config.json of another model?"));
  }
  std::vector<float> values(sources_[*index].elements());
  absl::Status status = source_.Read(*index, 0, absl::MakeSpan(values));
  if (!status.ok()) return status;
  return values;
}

bool Tensors::exhausted() const {
  // What a checkpoint has not is a small part of what it has, or config.json
  // is that of another model.
  const uint64_t limit = 4 * sources_.size() + 4096;
  return blocks_ > sources_.size() || absent_.size() > limit;
}

void Tensors::List(Listing listing) {
  Settle();
  listing_ = std::move(listing);
}

void Tensors::Settle() {
  if (!listing_.has_value()) return;
  Listing listing = *std::exchange(listing_, std::nullopt);
  std::optional<Listing> bias;
  if (listing.bias != Need::kNever) {
    bias = listing;
    bias->bias = Need::kNever;
    bias->need = listing.bias;
    bias->target =
        absl::StrCat(absl::StripSuffix(listing.target, kWeight), kBias);
    bias->pattern += kBias;
    const TensorView::Shape& shape = listing.parts.shape;
    bias->parts = MakeView(listing.bias_source, {shape.empty() ? 0 : shape[0]});
    bias->precision.reset();
  }
  const bool is_optional = listing.need == Need::kOptional;
  const bool is_there = Put(std::move(listing));
  if (!bias.has_value()) return;
  if (is_optional && !is_there) bias->need = Need::kOptional;
  Put(*std::move(bias));
}

bool Tensors::Put(Listing listing) {
  std::vector<absl::string_view> absent;
  for (const TensorPart& part : listing.parts.parts) {
    const size_t source = part.view.source;
    if (source == TensorView::kZeros) continue;
    if (source >= sources_.size()) {
      absent.push_back(absent_[source - sources_.size()]);
    } else {
      is_used_[source] = true;
    }
  }
  const bool is_there = absent.empty();
  if (listing.need == Need::kOptional) {
    Presence& presence = presence_[listing.pattern];
    if (is_there) {
      presence.seen = true;
    } else {
      ++presence.absent;
      if (presence.absent_names.size() < kListedNames) {
        presence.absent_names.emplace_back(Shown(absent[0]));
      }
    }
  } else {
    for (absl::string_view name : absent) Miss(name);
  }
  if (is_there) AddTarget(std::move(listing));
  return is_there;
}

void Tensors::AddTarget(Listing listing) {
  TensorParts& made = listing.parts;
  if (listing.order != nullptr) {
    CHECK_EQ(made.parts.size(), 1) << listing.target;
    const TensorPart part = std::move(made.parts[0]);
    made = listing.order(part.view);
    for (TensorPart& piece : made.parts) piece.maps = part.maps;
  }
  const size_t first =
      made.parts.empty() ? TensorView::kZeros : made.parts[0].view.source;
  if (!made.fits || made.parts.empty()) {
    return Fail(absl::StrCat("the sizes in config.json don't fit each other: ",
                             listing.target, " can't be made with them"));
  }
  if (!targets_.insert(listing.target).second) {
    return Fail(absl::StrCat(
        first == TensorView::kZeros
            ? ""
            : absl::StrCat(sources_[first].file, ": tensor ",
                           Shown(sources_[first].name), " "),
        "gives ", listing.target, ", which another tensor has given already"));
  }
  TensorPlan plan;
  plan.name = std::move(listing.target);
  plan.shape.assign(made.shape.rbegin(), made.shape.rend());
  plan.precision =
      listing.precision.value_or(PrecisionOf(plan.name, plan.shape.size()));
  if (!is_together_) groups_.emplace_back();
  Group& group = groups_.back();
  group.is_first |= listing.is_first;
  for (TensorPart& part : made.parts) {
    const size_t source = part.view.source;
    const bool in_f16 =
        source != TensorView::kZeros && sources_[source].dtype == "F16";
    for (ValueMap& map : part.maps) map.in_f16 = in_f16;
    if (source != TensorView::kZeros) {
      group.last_source = std::max(group.last_source, source);
    }
    plan.parts.push_back(std::move(part));
  }
  group.targets.push_back(std::move(plan));
}

void Tensors::Miss(absl::string_view name) {
  ++missing_count_;
  if (missing_.size() < kListedNames) missing_.push_back(Shown(name));
}

void Tensors::Fail(absl::string_view what) {
  status_.Update(absl::InvalidArgumentError(what));
}

void Tensors::CheckMissing() {
  for (const auto& [pattern, presence] : presence_) {
    if (!presence.seen) continue;
    missing_count_ += presence.absent - presence.absent_names.size();
    for (const std::string& name : presence.absent_names) Miss(name);
  }
  if (missing_count_ == 0) return;
  Fail(absl::StrCat("the checkpoint lacks ",
                    ListNames(missing_, missing_count_),
                    "; is a shard missing, or config.json of another model?"));
}

void Tensors::CheckUnused(absl::string_view architecture,
                          std::vector<Warning>& warnings) {
  struct Share {
    absl::string_view reason;
    uint64_t tensors = 0, bytes = 0;
  };
  std::vector<Share> shares;
  std::vector<std::string> unknown;
  uint64_t unknown_count = 0;
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (is_used_[i]) continue;
    const std::string& name = names_[i];
    const auto drop = absl::c_find_if(dropped_, [&](const Dropping& dropping) {
      return Matches(dropping.pattern, name);
    });
    if (drop != dropped_.end()) {
      auto share = absl::c_find_if(
          shares, [&](const Share& s) { return s.reason == drop->reason; });
      if (share == shares.end()) {
        share = shares.insert(shares.end(), {drop->reason});
      }
      ++share->tensors;
      share->bytes += sources_[i].bytes;
    } else if (absl::c_none_of(kIgnored, [&](absl::string_view end) {
                 return absl::EndsWith(name, end);
               })) {
      if (++unknown_count > kListedNames) continue;
      unknown.push_back(absl::StrCat(Shown(sources_[i].name), " (",
                                     Shown(sources_[i].file), ")"));
    }
  }
  for (const Share& share : shares) {
    if (share.reason.empty()) continue;
    warnings.push_back(
        {"tensors-left-out",
         absl::StrCat(share.reason, ": ", share.tensors,
                      share.tensors == 1 ? " tensor, " : " tensors, ",
                      SizeText(share.bytes), ", left out")});
  }
  if (unknown_count == 0) return;
  Fail(absl::StrCat(ListNames(unknown, unknown_count),
                    unknown_count == 1 ? " is" : " are", " no tensor of a ",
                    architecture, " model with ", blocks_,
                    " blocks, as config.json describes it"));
}

absl::StatusOr<std::vector<TensorPlan>> Tensors::Plan(
    absl::string_view architecture, std::vector<Warning>& warnings) {
  Settle();
  if (exhausted()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "config.json promises ", blocks_, " blocks",
        experts_ > 0 ? absl::StrCat(", with ", experts_, " experts each") : "",
        ", but the checkpoint has only ", sources_.size(), " tensors"));
  }
  CheckUnused(architecture, warnings);
  CheckMissing();
  if (!status_.ok()) return status_;
  std::stable_sort(groups_.begin(), groups_.end(),
                   [](const Group& a, const Group& b) {
                     if (a.is_first || b.is_first) {
                       return a.is_first > b.is_first;
                     }
                     return a.last_source < b.last_source;
                   });
  std::vector<TensorPlan> plans;
  for (Group& group : groups_) {
    absl::c_move(group.targets, std::back_inserter(plans));
  }
  return plans;
}

void GatedFeedForward(Names& names, absl::string_view prefix,
                      uint64_t feed_forward, uint64_t hidden) {
  names
      .Matrix("ffn_gate", absl::StrCat(prefix, "gate_proj"), feed_forward,
              hidden)
      .MaybeBias();
  names.Matrix("ffn_up", absl::StrCat(prefix, "up_proj"), feed_forward, hidden)
      .MaybeBias();
  names
      .Matrix("ffn_down", absl::StrCat(prefix, "down_proj"), hidden,
              feed_forward)
      .MaybeBias();
}

}  // namespace converters
