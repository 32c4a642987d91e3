#include "converters/checkpoint/dequantize.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "converters/checkpoint/quantization_config.h"
#include "converters/checkpoint/to_float.h"
#include "converters/tensor_source.h"
#include "nlohmann/json.hpp"

namespace checkpoint {
namespace {

using ::converters::SourceTensor;
using ::converters::TensorSource;

// Which scale belongs to an element: along dimension d of the weight, element i
// has scale i / block * stride.
struct ScaleMap {
  struct Dimension {
    uint64_t extent;  // of the weight
    uint64_t block;
    uint64_t stride;  // 0 where one scale serves all
  };
  std::vector<Dimension> outer;  // all dimensions but the last
  Dimension last = {1, 1, 0};

  // The first scale of the weight's row number `row`.
  uint64_t RowScale(uint64_t row) const {
    uint64_t scale = 0;
    for (size_t d = outer.size(); d-- > 0;) {
      scale += row % outer[d].extent / outer[d].block * outer[d].stride;
      row /= outer[d].extent;
    }
    return scale;
  }
  // How many scales a row has.
  uint64_t row_scales() const {
    if (last.stride == 0 || last.extent == 0) return 1;
    return (last.extent - 1) / last.block + 1;
  }
};

// Nullopt if the shapes do not fit each other.
std::optional<ScaleMap> MakeScaleMap(const SourceTensor& weight,
                                     const SourceTensor& scale,
                                     absl::Span<const uint64_t> block) {
  const size_t rank = scale.shape.size();
  if (rank > weight.shape.size()) return std::nullopt;
  if (rank < block.size()) {
    // Blocks are of the scale's last dimensions; a lone scale has none.
    if (scale.elements() != 1) return std::nullopt;
    block = {};
  }
  std::vector<ScaleMap::Dimension> dimensions(weight.shape.size());
  uint64_t stride = 1;
  for (size_t d = weight.shape.size(); d-- > 0;) {
    const uint64_t extent = weight.shape[d];
    dimensions[d] = {extent, 1, 0};
    if (d >= rank) continue;
    const size_t from_end = rank - d;
    const uint64_t size =
        from_end <= block.size() ? block[block.size() - from_end] : 1;
    const uint64_t scales = scale.shape[d];
    if (scales == 0 || (scales != 1 && (extent + size - 1) / size != scales)) {
      return std::nullopt;
    }
    if (scales == 1 && size != 1 && extent > size) return std::nullopt;
    if (scales > 1) dimensions[d] = {extent, size, stride};
    stride *= scales;
  }
  ScaleMap map;
  if (!dimensions.empty()) {
    map.last = dimensions.back();
    map.outer.assign(dimensions.begin(), dimensions.end() - 1);
  }
  return map;
}

class DequantizedSource : public TensorSource {
 public:
  explicit DequantizedSource(std::unique_ptr<TensorSource> source)
      : source_(std::move(source)) {}

  // Lists a tensor of the source, which `scale`, another of them, scales.
  void Add(size_t stored, std::optional<size_t> scale, ScaleMap map) {
    tensors_.push_back(source_->tensors()[stored]);
    if (scale.has_value()) {
      tensors_.back().bytes += source_->tensors()[*scale].bytes;
    }
    weights_.push_back({stored, scale, std::move(map)});
  }

  absl::Span<const SourceTensor> tensors() const override { return tensors_; }

  // Those of the scales as well.
  std::vector<converters::SourceFile> files() const override {
    return source_->files();
  }

  absl::Status Read(size_t tensor, uint64_t first,
                    absl::Span<float> out) const override {
    const Weight& weight = weights_[tensor];
    absl::Status status = source_->Read(weight.stored, first, out);
    if (!status.ok() || !weight.scale.has_value() || out.empty()) return status;
    return Scale(weight, first, out);
  }

  void Prefetch(size_t tensor, uint64_t first, uint64_t count) const override {
    source_->Prefetch(weights_[tensor].stored, first, count);
  }

 private:
  struct Weight {
    size_t stored;
    std::optional<size_t> scale;
    ScaleMap map;
  };

  absl::Status Scale(const Weight& weight, uint64_t first,
                     absl::Span<float> out) const;

  const std::unique_ptr<TensorSource> source_;
  std::vector<SourceTensor> tensors_;
  std::vector<Weight> weights_;
};

// Multiplies part of a row, which begins at `column`, by the row's scales.
void ScaleRow(const ScaleMap& map, const float* scales, uint64_t column,
              absl::Span<float> out) {
  while (!out.empty()) {
    const uint64_t left = map.last.stride == 0
                              ? out.size()
                              : map.last.block - column % map.last.block;
    const size_t count = std::min<uint64_t>(left, out.size());
    const float scale = scales[column / map.last.block * map.last.stride];
    Multiply(scale, out.first(count));
    out.remove_prefix(count);
    column += count;
  }
}

absl::Status DequantizedSource::Scale(const Weight& weight, uint64_t first,
                                      absl::Span<float> out) const {
  const ScaleMap& map = weight.map;
  const uint64_t columns = map.last.extent;
  const uint64_t first_row = first / columns;
  const uint64_t last_row = (first + out.size() - 1) / columns;
  uint64_t begin = map.RowScale(first_row);
  uint64_t end = begin;
  for (uint64_t row = first_row; row <= last_row; ++row) {
    begin = std::min(begin, map.RowScale(row));
    end = std::max(end, map.RowScale(row));
  }
  std::vector<float> scales(end - begin + map.row_scales());
  RETURN_IF_ERROR(source_->Read(*weight.scale, begin, absl::MakeSpan(scales)));
  uint64_t column = first % columns;
  for (uint64_t row = first_row; row <= last_row; ++row) {
    const size_t count = std::min<uint64_t>(columns - column, out.size());
    ScaleRow(map, scales.data() + (map.RowScale(row) - begin), column,
             out.first(count));
    out.remove_prefix(count);
    column = 0;
  }
  return absl::OkStatus();
}

std::string Describe(const SourceTensor& tensor) {
  return absl::StrCat(base::Printable(tensor.name), " (", tensor.dtype,
                      ", shape [", absl::StrJoin(tensor.shape, ", "), "])");
}

// Finds each weight's scale by the names, and builds the source.
class Matcher {
 public:
  Matcher(const TensorSource& source, const ScalingScheme& scheme)
      : tensors_(source.tensors()), scheme_(scheme) {
    for (size_t i = 0; i < tensors_.size(); ++i) {
      index_of_.emplace(tensors_[i].name, i);
    }
  }

  // Fills in what hides() and scale_of() answer.
  absl::Status Match() {
    for (size_t i = 0; i < tensors_.size(); ++i) {
      absl::string_view name = tensors_[i].name;
      for (absl::string_view suffix : scheme_.ignored) {
        if (absl::EndsWith(name, suffix)) hidden_.insert(i);
      }
      for (const ScalingScheme::Suffixes& suffixes : scheme_.scales) {
        if (!absl::EndsWith(name, suffixes.scale)) continue;
        RETURN_IF_ERROR(MatchScale(
            i, absl::StrCat(name.substr(0, name.size() - suffixes.scale.size()),
                            suffixes.weight)));
      }
    }
    return absl::OkStatus();
  }

  bool hides(size_t tensor) const { return hidden_.contains(tensor); }
  std::optional<size_t> scale_of(size_t tensor) const {
    const auto found = scale_of_.find(tensor);
    if (found == scale_of_.end()) return std::nullopt;
    return found->second;
  }

 private:
  absl::Status MatchScale(size_t scale, const std::string& weight) {
    hidden_.insert(scale);
    const auto found = index_of_.find(weight);
    if (found == index_of_.end()) {
      if (scheme_.allows_lone_scales) return absl::OkStatus();
      return absl::DataLossError(absl::StrCat(
          tensors_[scale].file, ": tensor ", Describe(tensors_[scale]),
          " scales ", weight, ", which the checkpoint does not have"));
    }
    if (scale_of_.emplace(found->second, scale).second) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat(tensors_[scale].file, ": tensor ",
                                            weight, " has two scales"));
  }

  const absl::Span<const SourceTensor> tensors_;
  const ScalingScheme& scheme_;
  absl::flat_hash_map<absl::string_view, size_t> index_of_;
  absl::flat_hash_set<size_t> hidden_;
  absl::flat_hash_map<size_t, size_t> scale_of_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TensorSource>> Dequantize(
    std::unique_ptr<TensorSource> source, const nlohmann::json& config) {
  ASSIGN_OR_RETURN(const std::optional<ScalingScheme> scheme,
                   ReadScalingScheme(config));
  if (!scheme.has_value()) return source;
  Matcher matcher(*source, *scheme);
  RETURN_IF_ERROR(matcher.Match());

  const absl::Span<const SourceTensor> stored = source->tensors();
  auto dequantized = std::make_unique<DequantizedSource>(std::move(source));
  for (size_t i = 0; i < stored.size(); ++i) {
    if (matcher.hides(i)) continue;
    const std::optional<size_t> scale = matcher.scale_of(i);
    ScaleMap map;
    if (scale.has_value()) {
      if (!stored[*scale].unreadable.empty()) {
        return absl::UnimplementedError(stored[*scale].unreadable);
      }
      std::optional<ScaleMap> fitting =
          MakeScaleMap(stored[i], stored[*scale], scheme->block);
      if (!fitting.has_value()) {
        return absl::DataLossError(absl::StrCat(
            stored[i].file, ": tensor ", Describe(stored[i]),
            " cannot be scaled by ", Describe(stored[*scale]),
            scheme->block.empty()
                ? ""
                : absl::StrCat(" in blocks of ",
                               absl::StrJoin(scheme->block, " x "))));
      }
      map = *std::move(fitting);
    }
    dequantized->Add(i, scale, std::move(map));
  }
  return dequantized;
}

}  // namespace checkpoint
