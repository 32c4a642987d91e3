// The engine as a whole, on a model in memory: the same bytes whatever the
// threads, the chunks, the instructions and the history; nothing lost and
// nothing false under a final name when it stops, is killed or fails.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hwy/targets.h"
#include "tools/fake_source.h"
#include "tools/job_outputs.h"
#include "tools/job_spec.h"
#include "tools/prepare.h"
#include "tools/run_job.h"
#include "tools/sha256.h"

namespace make_gguf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kColumns = 256;

converters::TensorPlan Plan(const std::string& name, size_t source,
                            uint64_t rows) {
  converters::TensorPlan plan;
  plan.name = name;
  plan.shape = {kColumns, rows};
  plan.row_size = kColumns;
  plan.segments = {{source, {0, {{rows, 1}}}}};
  return plan;
}

std::vector<float> Weights(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> weights(count);
  for (float& weight : weights) {
    // Not from <random>'s distributions, whose values no standard fixes.
    weight = (static_cast<int32_t>(random()) >> 8) * 1e-8f;
  }
  return weights;
}

// Two blocks' worth of tensors, one of them permuted, one of one dimension.
LoadedModel FakeModel(FakeSource** source) {
  auto fake = std::make_unique<FakeSource>();
  LoadedModel model;
  model.plan.architecture = "llama";
  model.plan.metadata.Set("general.architecture", std::string("llama"));
  model.plan.metadata.Set("general.file_type", uint32_t{0});
  model.plan.metadata.Set("llama.block_count", uint32_t{2});
  model.plan.metadata.Set("llama.attention.head_count", uint32_t{4});
  const std::vector<std::pair<std::string, uint64_t>> tensors = {
      {"token_embd.weight", 100},     {"blk.0.attn_q.weight", 64},
      {"blk.0.ffn_down.weight", 130}, {"blk.1.attn_v.weight", 32},
      {"blk.1.ffn_down.weight", 130}, {"output.weight", 100}};
  for (const auto& [name, rows] : tensors) {
    const size_t number =
        fake->Add(name, {rows, kColumns},
                  Weights(rows * kColumns, static_cast<uint32_t>(rows)));
    model.plan.tensors.push_back(Plan(name, number, rows));
  }
  model.plan.tensors[1].segments[0].rows.digits = {{4, 16}, {8, 1}, {2, 8}};
  converters::TensorPlan norm;
  norm.name = "output_norm.weight";
  norm.shape = {kColumns};
  norm.precision = converters::Precision::kF32;
  norm.row_size = kColumns;
  norm.segments = {
      {fake->Add("norm", {kColumns}, Weights(kColumns, 9)), {0, {{1, 1}}}}};
  model.plan.tensors.push_back(norm);
  *source = fake.get();
  model.source = std::move(fake);
  return model;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class EngineTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "/" +
                 testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory_);
    spec_.set_model("fake");
    spec_.set_outname("fake");
    spec_.set_outdir(directory_);
    for (const char* type : {"Q4_K_M", "Q4_K_S", "Q8_0", "F16"}) {
      spec_.add_quants(type);
    }
    ASSERT_TRUE(FillDefaults(spec_).ok());
    spec_.mutable_execution()->set_threads(2);
    spec_.mutable_execution()->set_chunk_weights(2048);
  }

  PreparedJob Prepare() {
    auto job = PrepareJob(spec_, FakeModel(&source_));
    EXPECT_TRUE(job.ok()) << job.status();
    return *std::move(job);
  }

  absl::StatusOr<JobReport> Run(const PreparedJob& job) {
    RunOptions options;
    options.stop = &stop_;
    options.messages = messages_;
    return RunJob(job, options);
  }

  // The files in the directory, by name.
  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    if (!std::filesystem::exists(directory_)) return files;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
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

  // What an undisturbed run of one thread gives.
  std::map<std::string, std::string> Expected() {
    JobSpec spec = spec_;
    spec.set_outdir(directory_ + ".expected");
    std::filesystem::remove_all(spec.outdir());
    std::swap(spec, spec_);
    std::swap(directory_, expected_directory_);
    directory_ = spec_.outdir();
    EXPECT_TRUE(Run(Prepare()).ok());
    std::map<std::string, std::string> files = Files();
    std::filesystem::remove_all(directory_);
    std::swap(directory_, expected_directory_);
    std::swap(spec, spec_);
    EXPECT_EQ(files.size(), 4);
    return files;
  }

  std::string directory_, expected_directory_;
  JobSpec spec_;
  FakeSource* source_ = nullptr;
  std::atomic<bool> stop_{false};
  FILE* messages_ = std::fopen("/dev/null", "w");
};

TEST_F(EngineTest, SameBytesForAllThreadsAndChunks) {
  const auto expected = Expected();
  for (const int threads : {1, 2, 7}) {
    for (const uint64_t chunk : {1, 256, 5000, 1 << 20}) {
      spec_.mutable_execution()->set_threads(threads);
      spec_.mutable_execution()->set_chunk_weights(chunk);
      spec_.set_overwrite(true);
      const auto report = Run(Prepare());
      ASSERT_TRUE(report.ok()) << report.status();
      EXPECT_EQ(Files(), expected) << threads << " threads, chunks " << chunk;
      for (const OutputReport& output : report->outputs()) {
        Sha256 hash;
        hash.Update(ReadFile(output.path()));
        EXPECT_EQ(output.sha256(), hash.Finish());
      }
    }
  }
}

TEST_F(EngineTest, SameBytesForAllInstructionSets) {
  const auto expected = Expected();
  spec_.set_overwrite(true);
  const int64_t supported = hwy::SupportedTargets();
  for (int64_t rest = supported; rest != 0; rest &= rest - 1) {
    const int64_t target = rest & -rest;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    EXPECT_TRUE(Run(Prepare()).ok());
    EXPECT_EQ(Files(), expected) << hwy::TargetName(target);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

TEST_F(EngineTest, ReadsEveryWeightOnceForAllOutputs) {
  const PreparedJob job = Prepare();
  ASSERT_TRUE(Run(job).ok());
  EXPECT_EQ(source_->values_read(), job.work.weights);
}

TEST_F(EngineTest, StopsAndGoesOn) {
  const auto expected = Expected();
  const uint64_t weights = Prepare().work.weights;
  for (uint64_t stop_at = 0; stop_at < 70; stop_at += 7) {
    std::filesystem::remove_all(directory_);
    stop_ = false;
    PreparedJob first = Prepare();
    source_->before_read = [&](uint64_t read) {
      if (read == stop_at) stop_ = true;
      return absl::OkStatus();
    };
    EXPECT_TRUE(absl::IsCancelled(Run(first).status()));
    EXPECT_THAT(FinishedFiles(), IsEmpty());
    const uint64_t read_before = source_->values_read();
    stop_ = false;
    const auto report = Run(Prepare());
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(Files(), expected);
    // Less than a chunk per thread was done twice.
    EXPECT_LT(read_before + source_->values_read(), weights + 2 * 2048 + 1);
  }
}

TEST_F(EngineTest, GoesOnWithOtherThreads) {
  const auto expected = Expected();
  PreparedJob first = Prepare();
  source_->before_read = [&](uint64_t read) {
    if (read == 30) stop_ = true;
    return absl::OkStatus();
  };
  EXPECT_FALSE(Run(first).ok());
  stop_ = false;
  spec_.mutable_execution()->set_threads(5);
  const auto report = Run(Prepare());
  ASSERT_TRUE(report.ok());
  EXPECT_GT(report->bytes_resumed(), 0);
  EXPECT_EQ(Files(), expected);
}

TEST_F(EngineTest, TrustsNoChunkThatWasDamagedMeanwhile) {
  const auto expected = Expected();
  PreparedJob first = Prepare();
  source_->before_read = [&](uint64_t read) {
    if (read == 40) stop_ = true;
    return absl::OkStatus();
  };
  EXPECT_FALSE(Run(first).ok());
  stop_ = false;
  for (const auto& [name, content] : Files()) {
    if (!absl::EndsWith(name, ".partial")) continue;
    std::fstream file(directory_ + "/" + name,
                      std::ios::in | std::ios::out | std::ios::binary);
    for (size_t at = 2000; at < content.size(); at += 9999) {
      file.seekp(at);
      file.put(static_cast<char>(content[at] ^ 1));
    }
  }
  ASSERT_TRUE(Run(Prepare()).ok());
  EXPECT_EQ(Files(), expected);
}

TEST_F(EngineTest, ChangedJobStartsOverAndSaysWhy) {
  PreparedJob first = Prepare();
  source_->before_read = [&](uint64_t read) {
    if (read == 30) stop_ = true;
    return absl::OkStatus();
  };
  EXPECT_FALSE(Run(first).ok());
  stop_ = false;
  spec_.mutable_quants()->RemoveLast();
  const std::string log = testing::TempDir() + "/log";
  messages_ = std::fopen(log.c_str(), "w");
  ASSERT_TRUE(Run(Prepare()).ok());
  std::fclose(messages_);
  EXPECT_THAT(ReadFile(log),
              HasSubstr("starting over: the list of types was "
                        "Q4_K_M,Q4_K_S,Q8_0,F16, is now Q4_K_M,Q4_K_S,Q8_0"));
  // The partial F16 file is gone as well.
  EXPECT_EQ(Files().size(), 3);
}

TEST_F(EngineTest, KilledTwentyTimesGivesTheSameBytes) {
  const auto expected = Expected();
  std::mt19937 random(20);
  int killed = 0;
  for (int round = 0; killed < 20 && round < 200; ++round) {
    if (!FinishedFiles().empty()) std::filesystem::remove_all(directory_);
    const pid_t child = fork();
    if (child == 0) {
      const PreparedJob job = Prepare();
      source_->before_read = [](uint64_t) {
        absl::SleepFor(absl::Microseconds(300));
        return absl::OkStatus();
      };
      _exit(Run(job).ok() ? 0 : 1);
    }
    absl::SleepFor(absl::Microseconds(2000 + random() % 20000));
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status)) continue;  // it was done before
    ++killed;
    // Outputs are renamed one by one at the end; what has its final name is
    // whole.
    for (const std::string& name : FinishedFiles()) {
      EXPECT_EQ(Files()[name], expected.at(name));
    }
    if (killed % 4 != 0) continue;  // several kills in a row, then a rerun
    spec_.set_overwrite(false);
    const auto report = Run(Prepare());
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(Files(), expected);
    std::filesystem::remove_all(directory_);
  }
  EXPECT_EQ(killed, 20);
}

TEST_F(EngineTest, JobStoppedBetweenRenamesIsFinished) {
  const auto expected = Expected();
  {
    const PreparedJob job = Prepare();
    source_->before_read = [&](uint64_t read) {
      if (read == 60) stop_ = true;
      return absl::OkStatus();
    };
    EXPECT_FALSE(Run(job).ok());
    stop_ = false;
    auto outputs = JobOutputs::Open(job);
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    ASSERT_TRUE((*outputs)->journal().AddCommitting().ok());
  }
  std::filesystem::rename(directory_ + "/fake-Q8_0.gguf.partial",
                          directory_ + "/fake-Q8_0.gguf");
  const auto report = Run(Prepare());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(Files(), expected);
}

TEST_F(EngineTest, UnreadableSourceLosesNothing) {
  const auto expected = Expected();
  const PreparedJob job = Prepare();
  source_->before_read = [](uint64_t read) {
    return read < 40 ? absl::OkStatus()
                     : absl::DataLossError("fake.safetensors: read failed");
  };
  const auto report = Run(job);
  EXPECT_THAT(report.status().message(), HasSubstr("fake.safetensors"));
  EXPECT_THAT(FinishedFiles(), IsEmpty());
  const auto second = Run(Prepare());
  ASSERT_TRUE(second.ok());
  EXPECT_GT(second->bytes_resumed(), 0);
  EXPECT_EQ(Files(), expected);
}

TEST_F(EngineTest, BadWeightsLeaveNothingBehind) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), 1e6f}) {
    const PreparedJob job = Prepare();
    source_->values(2)[kColumns * 5 + 3] = bad;
    const auto report = Run(job);
    EXPECT_EQ(report.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(report.status().message(),
                HasSubstr("'blk.0.ffn_down.weight' (blk.0.ffn_down.weight), "
                          "row 5, column 3"));
    EXPECT_THAT(Files(), IsEmpty());
  }
}

TEST_F(EngineTest, FullDiskIsToldBeforeTheFirstByte) {
  struct rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit small = before;
  small.rlim_cur = 50'000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const PreparedJob job = Prepare();
  const auto report = Run(job);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_THAT(report.status().message(), HasSubstr("fake-Q4_K_M.gguf"));
  EXPECT_EQ(source_->values_read(), 0);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(EngineTest, FinishedOutputsAreNotReplacedUnasked) {
  ASSERT_TRUE(Run(Prepare()).ok());
  const auto files = Files();
  const auto report = Run(Prepare());
  EXPECT_EQ(report.status().code(), absl::StatusCode::kAlreadyExists);
  for (const auto& [name, content] : files) {
    EXPECT_THAT(report.status().message(), HasSubstr(name));
  }
  EXPECT_EQ(Files(), files);
}

TEST_F(EngineTest, SecondJobWaitsItsTurn) {
  const PreparedJob job = Prepare();
  auto first = JobOutputs::Open(job);
  ASSERT_TRUE(first.ok());
  const PreparedJob other = Prepare();
  const auto second = JobOutputs::Open(other);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  first->reset();
  EXPECT_TRUE(Run(Prepare()).ok());
}

TEST_F(EngineTest, SmallMemoryLimitIsRefusedOrKept) {
  spec_.mutable_execution()->set_memory_limit_bytes(1 << 20);
  const auto job = PrepareJob(spec_, FakeModel(&source_));
  EXPECT_EQ(job.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(job.status().message(), HasSubstr("--memory_limit"));
}

}  // namespace
}  // namespace make_gguf
