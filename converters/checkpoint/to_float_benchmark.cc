// How fast what is read is checked and becomes floats, next to a copy of as
// many floats.
// "weights" is elements per second, "bytes" what is read and written.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "absl/types/span.h"
#include "benchmark/benchmark.h"
#include "converters/checkpoint/crc32.h"
#include "converters/checkpoint/element_type.h"
#include "converters/checkpoint/to_float.h"
#include "zlib.h"

namespace checkpoint {
namespace {

// Elements: within the second-level cache, and far beyond the last.
constexpr int64_t kCached = 32 << 10;
constexpr int64_t kUncached = 64 << 20;

void Report(benchmark::State& state, size_t bytes_per_element) {
  const int64_t elements = state.iterations() * state.range(0);
  state.SetItemsProcessed(elements);
  state.SetBytesProcessed(elements * static_cast<int64_t>(bytes_per_element));
}

void BM_Copy(benchmark::State& state) {
  const std::vector<float> in(state.range(0), 1);
  std::vector<float> out(in.size());
  for (auto _ : state) {
    std::memcpy(out.data(), in.data(), in.size() * sizeof(float));
    benchmark::ClobberMemory();
  }
  Report(state, 2 * sizeof(float));
}
BENCHMARK(BM_Copy)->Arg(kCached)->Arg(kUncached);

void BM_ToFloat(benchmark::State& state, ElementType type) {
  const size_t size = ElementSize(type);
  const std::vector<char> in(state.range(0) * size, 0x3A);
  std::vector<float> out(state.range(0));
  for (auto _ : state) {
    ToFloat(type, in, absl::MakeSpan(out));
    benchmark::ClobberMemory();
  }
  Report(state, size + sizeof(float));
}
BENCHMARK_CAPTURE(BM_ToFloat, F16, ElementType::kF16)
    ->Arg(kCached)
    ->Arg(kUncached);
BENCHMARK_CAPTURE(BM_ToFloat, BF16, ElementType::kBF16)
    ->Arg(kCached)
    ->Arg(kUncached);
BENCHMARK_CAPTURE(BM_ToFloat, F8_E4M3, ElementType::kF8E4M3)
    ->Arg(kCached)
    ->Arg(kUncached);
BENCHMARK_CAPTURE(BM_ToFloat, F8_E5M2, ElementType::kF8E5M2)
    ->Arg(kCached)
    ->Arg(kUncached);
BENCHMARK_CAPTURE(BM_ToFloat, F64, ElementType::kF64)
    ->Arg(kCached)
    ->Arg(kUncached);
BENCHMARK_CAPTURE(BM_ToFloat, I64, ElementType::kI64)->Arg(kCached);

// The scale of a block of 128 columns, with that of FP8 as it comes.
void BM_ScaledF8(benchmark::State& state) {
  constexpr size_t kColumns = 128;
  const std::vector<char> in(state.range(0), 0x3A);
  std::vector<float> out(state.range(0));
  for (auto _ : state) {
    ToFloat(ElementType::kF8E4M3, in, absl::MakeSpan(out));
    for (size_t i = 0; i < out.size(); i += kColumns) {
      Multiply(0.01f, absl::MakeSpan(out).subspan(i, kColumns));
    }
    benchmark::ClobberMemory();
  }
  Report(state, 1 + sizeof(float));
}
BENCHMARK(BM_ScaledF8)->Arg(kCached)->Arg(kUncached);

// A checkpoint's checksum, which is made up as it is read, and zlib's.
void BM_Crc32(benchmark::State& state) {
  const std::vector<char> in(64 << 10, 0x3A);
  for (auto _ : state) benchmark::DoNotOptimize(Crc32(in));
  state.SetBytesProcessed(state.iterations() * in.size());
}
BENCHMARK(BM_Crc32);

void BM_ZlibCrc32(benchmark::State& state) {
  const std::vector<char> in(64 << 10, 0x3A);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        crc32_z(0, reinterpret_cast<const Bytef*>(in.data()), in.size()));
  }
  state.SetBytesProcessed(state.iterations() * in.size());
}
BENCHMARK(BM_ZlibCrc32);

}  // namespace
}  // namespace checkpoint
