#include "quant/testing/reference_library.h"

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "gguf/tensor_type.h"

namespace quant {
namespace {

// "dequantize_row_q4_K": only the K of K formats is a capital.
std::string DequantizeName(gguf::TensorType type) {
  if (type == gguf::TensorType::kF16) return "ggml_fp16_to_fp32_row";
  if (type == gguf::TensorType::kBF16) return "ggml_bf16_to_fp32_row";
  std::string name(gguf::Traits(type).name);
  const bool is_k = absl::EndsWith(name, "_K");
  for (char& c : name) c = (c >= 'A' && c <= 'Z') ? c - 'A' + 'a' : c;
  if (is_k) name.back() = 'K';
  return absl::StrCat("dequantize_row_", name);
}

}  // namespace

std::optional<ReferenceLibrary> ReferenceLibrary::FromEnvironment() {
  const char* path = std::getenv("GGML_REFERENCE_LIBRARY");
  if (path == nullptr || *path == '\0') return std::nullopt;
  return ReferenceLibrary(path);
}

ReferenceLibrary::ReferenceLibrary(const std::string& path)
    : library_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)),
      quantize_(nullptr) {
  if (library_ != nullptr) {
    quantize_ =
        reinterpret_cast<QuantizeChunk>(dlsym(library_, "ggml_quantize_chunk"));
  }
  if (quantize_ == nullptr) {
    std::fprintf(stderr, "GGML_REFERENCE_LIBRARY: %s\n", dlerror());
    std::abort();
  }
}

void ReferenceLibrary::QuantizeRows(gguf::TensorType type,
                                    absl::Span<const float> rows,
                                    size_t row_size,
                                    absl::Span<const float> importance,
                                    absl::Span<uint8_t> out) const {
  const size_t written =
      quantize_(static_cast<int>(type), rows.data(), out.data(), 0,
                static_cast<int64_t>(rows.size() / row_size),
                static_cast<int64_t>(row_size),
                importance.empty() ? nullptr : importance.data());
  if (written != out.size()) {
    std::fprintf(stderr, "the reference wrote %zu bytes, not %zu\n", written,
                 out.size());
    std::abort();
  }
}

bool ReferenceLibrary::DequantizeRows(gguf::TensorType type,
                                      absl::Span<const uint8_t> rows,
                                      absl::Span<float> out) const {
  using Dequantize = void (*)(const void* blocks, float* out, int64_t count);
  const auto dequantize = reinterpret_cast<Dequantize>(
      dlsym(library_, DequantizeName(type).c_str()));
  if (dequantize == nullptr) return false;
  dequantize(rows.data(), out.data(), static_cast<int64_t>(out.size()));
  return true;
}

}  // namespace quant
