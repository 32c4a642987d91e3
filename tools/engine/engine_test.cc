// The engine as a whole, on a model in memory: the same bytes whatever the
// threads, the chunks, the memory, the instructions and the history; every
// weight read once, and no two jobs on the same files.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "base/process_stats.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hwy/targets.h"
#include "tools/engine/file_ops.h"
#include "tools/engine/job_outputs.h"
#include "tools/engine/testing/engine_fixture.h"

namespace make_gguf {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Lets the kernels use one instruction set only, while it lives.
class OnlyTarget {
 public:
  explicit OnlyTarget(int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
  }
  ~OnlyTarget() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

// A disk that loses everything when the power fails, but is quick.
class UnsyncedDisk : public FileOps {
 public:
  int Sync(int) override { return 0; }
  void StartWriteback(int) override {}
};

// Sanitizers take terabytes of addresses.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// Bytes of it in use by this process.
uint64_t AddressSpace() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// A tensor of any number of rows that takes no memory.
class EndlessSource : public converters::TensorSource {
 public:
  explicit EndlessSource(uint64_t rows = 20'000) {
    converters::SourceTensor tensor;
    tensor.name = "endless";
    tensor.dtype = "F32";
    tensor.shape = {rows, 2048};
    tensor.bytes = rows * 2048 * sizeof(float);
    tensors_.push_back(std::move(tensor));
  }
  absl::Span<const converters::SourceTensor> tensors() const override {
    return tensors_;
  }
  absl::Status Read(size_t, uint64_t first,
                    absl::Span<float> out) const override {
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<float>((first + i) % 1009) * 1e-4f;
    }
    return absl::OkStatus();
  }

 private:
  std::vector<converters::SourceTensor> tensors_;
};

void AddEndlessTensor(converters::ModelPlan& plan, uint64_t rows) {
  plan.architecture = "llama";
  plan.metadata.Set("general.architecture", std::string("llama"));
  converters::TensorPlan tensor;
  tensor.name = "blk.0.ffn_up.weight";
  tensor.shape = {2048, rows};
  tensor.parts = {{converters::TensorView::Of(0, {rows, 2048}), {}}};
  plan.tensors.push_back(std::move(tensor));
}

std::vector<int64_t> AllTargets() {
  std::vector<int64_t> targets;
  for (int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
    targets.push_back(rest & -rest);
  }
  return targets;
}

TEST_F(EngineTest, SameBytesWhateverTheWay) {
  UnsyncedDisk disk;
  ops_ = &disk;
  const auto expected = Expected();
  struct Way {
    int threads;
    uint64_t chunk_weights;
    uint64_t pending_limit;  // bytes
  };
  for (const int64_t target : AllTargets()) {
    const OnlyTarget only(target);
    for (const Way& way : {Way{1, 1, 0}, Way{1, 0, 1 << 20}, Way{2, 256, 0},
                           Way{2, 5000, 1 << 20}, Way{7, 256, 10'000},
                           Way{7, 5000, 0}, Way{3, 1 << 20, 1 << 20}}) {
      spec_.mutable_execution()->set_threads(way.threads);
      spec_.mutable_execution()->set_chunk_weights(way.chunk_weights);
      for (const int stops : {0, 1, 3}) {
        SCOPED_TRACE(absl::StrCat(
            hwy::TargetName(target), ", ", way.threads, " threads, chunks of ",
            way.chunk_weights, ", ", way.pending_limit,
            " bytes for the digest, stopped ", stops, " times"));
        std::filesystem::remove_all(directory_);
        for (int stop = 0; stop < stops; ++stop) RunUntilRead(0);
        JobPlan job = Prepare();
        job.pending_limit = way.pending_limit;
        const auto report = Run(job);
        ASSERT_TRUE(report.ok()) << report.status();
        ASSERT_EQ(Files(), expected);
        for (const OutputReport& output : report->outputs()) {
          base::Sha256 hash;
          hash.Update(ReadFile(output.path()));
          ASSERT_EQ(output.sha256(), hash.Finish());
        }
      }
    }
  }
}

TEST_F(EngineTest, ReadsEveryWeightOnceForAllOutputs) {
  const JobPlan job = Prepare();
  const auto report = Run(job);
  ASSERT_TRUE(report.ok());
  EXPECT_GE(source_->values_read(), job.work.weights);
  EXPECT_LE(source_->values_read(), job.work.weights + kReadBeside);
  EXPECT_EQ(report->bytes_read(), job.work.weights * sizeof(float));
}

TEST_F(EngineTest, AnnouncesToTheSourceAllThatItReads) {
  // Of two threads the second does not wait for the first's announcements.
  spec_.mutable_execution()->set_threads(1);
  const JobPlan job = Prepare();
  ASSERT_TRUE(Run(job).ok());
  EXPECT_THAT(source_->unannounced_reads(), IsEmpty());
}

TEST_F(EngineTest, BadWeightsLeaveNothingBehind) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), 1e6f}) {
    const JobPlan job = Prepare();
    source_->values(2)[kColumns * 5 + 3] = bad;
    const auto report = Run(job);
    EXPECT_EQ(base::BlameOf(report.status()), base::Blame::kInput);
    EXPECT_THAT(report.status().message(),
                HasSubstr("'blk.0.ffn_down.weight' (blk.0.ffn_down.weight), "
                          "row 5, column 3"));
    EXPECT_THAT(Files(), IsEmpty());
  }
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
  spec_.set_overwrite(true);
  EXPECT_TRUE(Run(Prepare()).ok());
  EXPECT_EQ(Files(), files);
}

TEST_F(EngineTest, SecondJobWaitsItsTurn) {
  const JobPlan job = Prepare();
  auto first = JobOutputs::Open(job, stop_);
  ASSERT_TRUE(first.ok());
  const auto files = Files();
  const JobPlan other = Prepare();
  const auto second = JobOutputs::Open(other, stop_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Files(), files);
  first->reset();
  EXPECT_TRUE(Run(Prepare()).ok());
}

TEST_F(EngineTest, SmallMemoryLimitIsRefused) {
  JobPlan good = Prepare();
  spec_.mutable_execution()->set_memory_limit_bytes(1 << 20);
  const auto job = Plan(spec_, std::move(good.model));
  EXPECT_EQ(job.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(job.status().message(), HasSubstr("--memory_limit"));
}

// Of more files than the system gives descriptors none is held open.
TEST_F(EngineTest, ManyFilesNeedFewDescriptors) {
  spec_.mutable_split()->set_max_tensors(1);
  const auto expected = [&] {
    EXPECT_TRUE(Run(Prepare()).ok());
    auto files = Files();
    std::filesystem::remove_all(directory_);
    return files;
  }();
  ASSERT_EQ(expected.size(), 28);
  const pid_t child = fork();
  if (child == 0) {
    const JobPlan job = Prepare();
    const rlimit limit = {24, 24};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) _exit(2);
    _exit(Run(job).ok() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(Files(), expected);
}

// In a process of its own, whose peak is the job's: with room for two threads
// it has two, and takes no more than it was given.
TEST_F(EngineTest, MemoryLimitIsKept) {
  const uint64_t used = base::ResidentMemory();
  const pid_t child = fork();
  if (child == 0) {
    constexpr uint64_t kLimit = uint64_t{24} << 20;
    spec_.mutable_execution()->set_threads(64);
    spec_.mutable_execution()->set_chunk_weights(uint64_t{1} << 18);
    spec_.mutable_execution()->set_memory_limit_bytes(used + kLimit);
    // 160 MiB as floats, made where they are read.
    LoadedModel model;
    model.source = std::make_unique<EndlessSource>();
    AddEndlessTensor(model.plan, 20'000);
    const auto plan = Plan(spec_, std::move(model));
    if (!plan.ok() || plan->threads < 2 || plan->threads > 20) _exit(2);
    if (!Run(*plan).ok()) _exit(3);
    _exit(base::PeakMemory() <= used + kLimit ? 0 : 4);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (kSanitized) GTEST_SKIP();
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(EngineTest, JobWithoutALimitRunsInAProcessThatUsesMuchAlready) {
  const std::string much(size_t{300} << 20, 'x');
  spec_.mutable_execution()->set_threads(3);
  const JobPlan job = Prepare();
  EXPECT_EQ(job.threads, 3);
  EXPECT_GT(job.planned_peak, much.size());
}

// A container's limit on threads or address space is no reason to end.
TEST_F(EngineTest, RunsWithTheThreadsThatTheSystemGives) {
  if (kSanitized) GTEST_SKIP();
  const auto expected = Expected();
  const pid_t child = fork();
  if (child == 0) {
    spec_.mutable_execution()->set_threads(64);
    const JobPlan job = Prepare();
    std::vector<std::string> warnings;
    observer_.warning = [&](const converters::Warning& warning) {
      warnings.push_back(warning.text);
    };
    // A thread's stack takes 8 MiB of addresses.
    const uint64_t room = AddressSpace() + (uint64_t{100} << 20);
    const rlimit limit = {room, room};
    if (job.threads != 64 || setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
    if (!Run(job).ok()) _exit(3);
    _exit(warnings.size() == 1 &&
                  absl::StrContains(warnings[0], " of 64 threads")
              ? 0
              : 4);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(Files(), expected);
}

}  // namespace
}  // namespace make_gguf
