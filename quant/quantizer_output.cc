#include "quant/quantizer_output.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gguf/metadata.h"
#include "quant/file_type.h"
#include "quant/tensor_role.h"

namespace quant {
namespace {

// The version of the block formats that ggml writes.
constexpr uint32_t kQuantizationVersion = 2;

}  // namespace

std::vector<size_t> QuantizerOrder(absl::Span<const std::string> names) {
  std::vector<size_t> order(names.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    // Without a block compares less than any block.
    const std::optional<uint64_t> block_a = BlockOf(names[a]);
    const std::optional<uint64_t> block_b = BlockOf(names[b]);
    if (block_a != block_b) return block_a < block_b;
    return names[a] < names[b];
  });
  return order;
}

std::vector<uint64_t> QuantizerShape(absl::Span<const uint64_t> shape) {
  std::vector<uint64_t> trimmed(shape.begin(), shape.end());
  while (trimmed.size() > 1 && trimmed.back() == 1) trimmed.pop_back();
  return trimmed;
}

void EditLikeQuantizer(const FileType& file_type, gguf::Metadata& metadata) {
  constexpr absl::string_view kVersionKey = "general.quantization_version";
  for (absl::string_view key :
       {kVersionKey, gguf::kFileTypeKey, absl::string_view("split.no"),
        absl::string_view("split.count"),
        absl::string_view("split.tensors.count")}) {
    metadata.Erase(key);
  }
  metadata.Set(kVersionKey, kQuantizationVersion);
  metadata.Set(gguf::kFileTypeKey, file_type.number);
}

}  // namespace quant
