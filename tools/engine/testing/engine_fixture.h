// File: tools/engine/testing/engine_fixture.h
//
// For tests of the engine as a whole: a small model in memory, and jobs that
// make four files of it.

#ifndef TOOLS_ENGINE_TESTING_ENGINE_FIXTURE_H_
#define TOOLS_ENGINE_TESTING_ENGINE_FIXTURE_H_

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tools/engine/engine.h"
#include "tools/engine/file_ops.h"
#include "tools/engine/job_spec.h"
#include "tools/engine/testing/fake_source.h"

namespace make_gguf {

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class EngineTest : public testing::Test {
 protected:
  static constexpr uint64_t kColumns = 256;
  static constexpr uint64_t kChunkWeights = 2048;
  static constexpr int kThreads = 2;
  // Rows between those that a chunk takes of a permuted head are read with
  // them: half of the permuted tensor once more, in chunks of half a head.
  static constexpr uint64_t kReadBeside = kColumns * 64 / 2;

  void SetUp() override {
    directory_ = absl::StrCat(
        testing::TempDir(), "/",
        testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(directory_);
    spec_.set_model("fake");
    spec_.set_outname("fake");
    spec_.set_outdir(directory_);
    for (const char* type : {"Q4_K_M", "Q4_K_S", "Q8_0", "F16"}) {
      spec_.add_quants(type);
    }
    ASSERT_TRUE(FillDefaults(spec_).ok());
    spec_.mutable_execution()->set_threads(kThreads);
    spec_.mutable_execution()->set_chunk_weights(kChunkWeights);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // The job that spec_ describes, on the model in memory.
  JobPlan Prepare() {
    auto source = std::make_unique<FakeSource>();
    source_ = source.get();
    LoadedModel model;
    AddTensors(*source, model.plan);
    model.source = std::move(source);
    auto job = Plan(spec_, std::move(model));
    EXPECT_TRUE(job.ok()) << job.status();
    return *std::move(job);
  }

  absl::StatusOr<JobReport> Run(const JobPlan& job) {
    RunOptions options;
    options.stop = &stop_;
    options.file_ops = ops_;
    return make_gguf::Run(job, observer_, options);
  }

  // Runs the job until so many reads are done, and stops it there.
  void RunUntilRead(uint64_t number) {
    const JobPlan job = Prepare();
    source_->before_read = [this, number](uint64_t read) {
      if (read == number) stop_ = true;
      return absl::OkStatus();
    };
    EXPECT_TRUE(absl::IsCancelled(Run(job).status()));
    EXPECT_TRUE(FinishedFiles().empty());
    stop_ = false;
  }

  // The files in the directory, by name.
  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    if (!std::filesystem::exists(directory_)) return files;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      if (!entry.is_regular_file()) continue;
      files[entry.path().filename().string()] = ReadFile(entry.path().string());
    }
    return files;
  }

  std::vector<std::string> FinishedFiles() const {
    std::vector<std::string> names;
    for (const auto& [name, content] : Files()) {
      if (absl::EndsWith(name, ".gguf")) names.push_back(name);
    }
    return names;
  }

  // What an undisturbed run gives. Leaves nothing behind.
  std::map<std::string, std::string> Expected() {
    EXPECT_TRUE(Run(Prepare()).ok());
    std::map<std::string, std::string> files = Files();
    EXPECT_EQ(files.size(), spec_.quants_size());
    std::filesystem::remove_all(directory_);
    return files;
  }

  std::string directory_;
  JobSpec spec_;
  FakeSource* source_ = nullptr;  // of the job prepared last, which owns it
  std::atomic<bool> stop_{false};
  Observer observer_;
  FileOps* ops_ = &FileOps::System();

 private:
  static std::vector<float> Weights(size_t count, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<float> weights(count);
    for (float& weight : weights) {
      // Not from <random>'s distributions, whose values no standard fixes.
      weight = (static_cast<int32_t>(random()) >> 8) * 1e-8f;
    }
    return weights;
  }

  // Two blocks' worth of tensors, one of them permuted, one of one dimension.
  static void AddTensors(FakeSource& source, converters::ModelPlan& plan) {
    plan.architecture = "llama";
    plan.metadata.Set("general.architecture", std::string("llama"));
    plan.metadata.Set("general.file_type", uint32_t{0});
    plan.metadata.Set("llama.block_count", uint32_t{2});
    plan.metadata.Set("llama.attention.head_count", uint32_t{4});
    const std::vector<std::pair<std::string, uint64_t>> matrices = {
        {"token_embd.weight", 100},     {"blk.0.attn_q.weight", 64},
        {"blk.0.ffn_down.weight", 130}, {"blk.1.attn_v.weight", 32},
        {"blk.1.ffn_down.weight", 130}, {"output.weight", 100}};
    for (const auto& [name, rows] : matrices) {
      converters::TensorPlan tensor;
      tensor.name = name;
      tensor.shape = {kColumns, rows};
      const size_t number =
          source.Add(name, {rows, kColumns},
                     Weights(rows * kColumns, static_cast<uint32_t>(rows)));
      tensor.parts = {
          {converters::TensorView::Of(number, {rows, kColumns}), {}}};
      plan.tensors.push_back(std::move(tensor));
    }
    converters::TensorView& q = plan.tensors[1].parts[0].view;
    q = q.Rotary(4);
    converters::TensorPlan norm;
    norm.name = "output_norm.weight";
    norm.shape = {kColumns};
    norm.precision = converters::Precision::kF32;
    const size_t number = source.Add("norm", {kColumns}, Weights(kColumns, 9));
    norm.parts = {{converters::TensorView::Of(number, {kColumns}), {}}};
    plan.tensors.push_back(std::move(norm));
  }
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_TESTING_ENGINE_FIXTURE_H_
