// Quantizing and dequantizing on one thread, for each type and SIMD target:
//
//   bazel run //quant:quantize_benchmark -- --benchmark_filter='Q4_K.*AVX2'
//
// With GGML_REFERENCE_LIBRARY set (see reference_library.h) each line also has
// the official library's speed on the same data in the same run, measured
// before and after, and the ratio to it. Speeds are in weights per second of
// the thread's CPU time.

#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "benchmark/benchmark.h"
#include "gguf/tensor_type.h"
#include "hwy/highway.h"
#include "quant/quantize.h"
#include "quant/testing/reference_library.h"
#include "quant/testing/test_data.h"

namespace quant {
namespace {

constexpr size_t kRowSize = 4096;
constexpr size_t kNumRows = 16;
constexpr size_t kCount = kRowSize * kNumRows;

struct Data {
  explicit Data(gguf::TensorType type)
      : rows(MakeWeights(Family::kNormal, 1, kCount)),
        importance(MakeImportance(1, kRowSize)),
        blocks(kNumRows * *gguf::RowBytes(type, kRowSize)),
        floats(kCount) {
    QuantizeRows(type, rows, kRowSize, {}, absl::MakeSpan(blocks));
  }

  std::vector<float> rows;
  std::vector<float> importance;
  std::vector<uint8_t> blocks;
  std::vector<float> floats;
};

double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         1e-9 * static_cast<double>(now.tv_nsec);
}

// The best of some runs, for 20 ms at least.
double BestSeconds(const std::function<void()>& work) {
  double best = 1e9;
  double total = 0.0;
  for (int run = 0; run < 3 || total < 0.02; ++run) {
    const double start = CpuSeconds();
    work();
    const double seconds = CpuSeconds() - start;
    best = std::min(best, seconds);
    total += seconds;
  }
  return best;
}

// Runs `work` on one target; `reference` does the same in the library.
void Measure(benchmark::State& state, int64_t target,
             const std::function<void()>& work,
             const std::function<void()>& reference) {
  hwy::SetSupportedTargetsForTest(target);
  double before = 0.0;
  if (reference != nullptr) before = BestSeconds(reference);
  double best = 1e9;
  for (auto _ : state) {
    const double start = CpuSeconds();
    work();
    best = std::min(best, CpuSeconds() - start);
  }
  state.counters["weights/s"] = kCount / best;
  if (reference != nullptr) {
    const double seconds = std::min(before, BestSeconds(reference));
    state.counters["reference/s"] = kCount / seconds;
    state.counters["ratio"] = seconds / best;
  }
  hwy::SetSupportedTargetsForTest(0);
}

void Quantize(benchmark::State& state, gguf::TensorType type, int64_t target,
              bool weighted) {
  Data data(type);
  absl::Span<const float> importance;
  if (weighted) importance = data.importance;
  const auto library = ReferenceLibrary::FromEnvironment();
  std::function<void()> reference;
  if (library.has_value()) {
    reference = [&] {
      library->QuantizeRows(type, data.rows, kRowSize, importance,
                            absl::MakeSpan(data.blocks));
    };
  }
  Measure(
      state, target,
      [&] {
        QuantizeRows(type, data.rows, kRowSize, importance,
                     absl::MakeSpan(data.blocks));
      },
      reference);
}

void Dequantize(benchmark::State& state, gguf::TensorType type,
                int64_t target) {
  Data data(type);
  const auto library = ReferenceLibrary::FromEnvironment();
  std::function<void()> reference;
  if (library.has_value() &&
      library->DequantizeRows(type, data.blocks, absl::MakeSpan(data.floats))) {
    reference = [&] {
      library->DequantizeRows(type, data.blocks, absl::MakeSpan(data.floats));
    };
  }
  Measure(
      state, target,
      [&] {
        DequantizeRows(type, data.blocks, kRowSize,
                       absl::MakeSpan(data.floats));
      },
      reference);
}

void Register() {
  const std::vector<int64_t> targets = RunnableTargets();
  for (gguf::TensorType type : QuantizableTypes()) {
    for (int64_t target : targets) {
      const std::string name =
          absl::StrCat(gguf::Traits(type).name, "/", hwy::TargetName(target));
      for (bool weighted : {false, true}) {
        benchmark::RegisterBenchmark(
            absl::StrCat("Quantize/", name, weighted ? "/importance" : ""),
            [=](benchmark::State& state) {
              Quantize(state, type, target, weighted);
            })
            ->MinTime(0.05);
      }
      benchmark::RegisterBenchmark(
          absl::StrCat("Dequantize/", name),
          [=](benchmark::State& state) { Dequantize(state, type, target); })
          ->MinTime(0.05);
    }
  }
}

}  // namespace
}  // namespace quant

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  quant::Register();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
