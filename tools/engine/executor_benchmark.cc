// Weights per second through the whole engine, from a source in memory to files
// in memory, and the share of the processors' time that is spent outside of the
// quantization itself: reading, checking, digesting, writing.

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/process_stats.h"
#include "benchmark/benchmark.h"
#include "converters/tensor_source.h"
#include "converters/tensor_view.h"
#include "tools/engine/engine.h"

namespace make_gguf {
namespace {

constexpr uint64_t kColumns = 2048;
constexpr uint64_t kRows = 4096;
constexpr int kTensors = 8;

// Matrices of the same random weights, read as fast as memory is copied.
class SyntheticSource : public converters::TensorSource {
 public:
  SyntheticSource() : values_(kColumns * kRows) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 0.02f);
    for (float& value : values_) value = normal(random);
    for (int i = 0; i < kTensors; ++i) {
      converters::SourceTensor tensor;
      tensor.name = absl::StrCat("blk.", i, ".ffn_up.weight");
      tensor.file = "memory";
      tensor.dtype = "F32";
      tensor.shape = {kRows, kColumns};
      tensor.bytes = values_.size() * sizeof(float);
      tensors_.push_back(std::move(tensor));
    }
  }

  absl::Span<const converters::SourceTensor> tensors() const override {
    return tensors_;
  }
  absl::Status Read(size_t, uint64_t first,
                    absl::Span<float> out) const override {
    std::copy_n(values_.begin() + first, out.size(), out.begin());
    return absl::OkStatus();
  }

 private:
  std::vector<float> values_;
  std::vector<converters::SourceTensor> tensors_;
};

LoadedModel SyntheticModel() {
  LoadedModel model;
  model.source = std::make_unique<SyntheticSource>();
  model.plan.architecture = "llama";
  model.plan.metadata.Set("general.architecture", std::string("llama"));
  model.plan.metadata.Set("general.file_type", uint32_t{0});
  model.plan.metadata.Set("llama.block_count", uint32_t{kTensors});
  for (int i = 0; i < kTensors; ++i) {
    converters::TensorPlan tensor;
    tensor.name = model.source->tensors()[i].name;
    tensor.shape = {kColumns, kRows};
    tensor.parts = {{converters::TensorView::Of(i, {kRows, kColumns}), {}}};
    model.plan.tensors.push_back(std::move(tensor));
  }
  return model;
}

void BM_Engine(benchmark::State& state, const std::vector<std::string>& types) {
  const std::string directory =
      std::filesystem::exists("/dev/shm")
          ? absl::StrCat("/dev/shm/executor_benchmark.", getpid())
          : absl::StrCat(std::filesystem::temp_directory_path().string(),
                         "/executor_benchmark.", getpid());
  JobSpec spec;
  spec.set_model("synthetic");
  spec.set_outname("synthetic");
  spec.set_outdir(directory);
  spec.set_overwrite(true);
  spec.mutable_execution()->set_threads(static_cast<int>(state.range(0)));
  for (const std::string& type : types) spec.add_quants(type);
  const auto plan = Plan(spec, SyntheticModel());
  if (!plan.ok()) return state.SkipWithError(plan.status().ToString().c_str());
  double cpu = 0, kernels = 0;
  for (auto _ : state) {
    const double before = base::CpuSeconds();
    const auto report = Run(*plan);
    if (!report.ok()) {
      state.SkipWithError(report.status().ToString().c_str());
      break;
    }
    cpu += base::CpuSeconds() - before;
    for (const OutputReport& output : report->outputs()) {
      kernels += output.compute_seconds();
    }
  }
  state.SetItemsProcessed(state.iterations() * plan->work.weights);
  state.counters["outside"] = 1 - kernels / cpu;
  std::filesystem::remove_all(directory);
}

void Register(const std::string& name, const std::vector<std::string>& types) {
  benchmark::RegisterBenchmark(
      name.c_str(),
      [types](benchmark::State& state) { BM_Engine(state, types); })
      ->Arg(1)
      ->Arg(2)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

}  // namespace
}  // namespace make_gguf

int main(int argc, char** argv) {
  make_gguf::Register("Q8_0", {"Q8_0"});
  make_gguf::Register("Q4_K", {"Q4_K_S"});
  make_gguf::Register("Q4_K+Q5_K", {"Q4_K_S", "Q5_K_S"});
  make_gguf::Register("ten", {"F16", "Q8_0", "Q6_K", "Q5_K_S", "Q5_0", "Q4_K_S",
                              "Q4_0", "IQ4_NL", "Q3_K_S", "Q2_K"});
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
