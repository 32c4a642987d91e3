// Jobs that are stopped, killed or changed, and run again: nothing is lost,
// nothing is done twice, and nothing false has a final name.

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <new>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gguf/file_ops.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/engine/testing/engine_fixture.h"

namespace make_gguf {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

// Counts the calls that change the disk, and kills the process in the middle of
// one of them.
class DeadlyOps : public gguf::FileOps {
 public:
  explicit DeadlyOps(uint64_t fatal_call) : fatal_call_(fatal_call) {}

  int64_t Write(int fd, absl::Span<const uint8_t> bytes,
                uint64_t offset) override {
    if (IsFatal()) {
      gguf::FileOps::Write(fd, bytes.first(bytes.size() / 2), offset);
      Die();
    }
    return gguf::FileOps::Write(fd, bytes, offset);
  }
  int Reserve(int fd, uint64_t size) override {
    if (IsFatal()) Die();
    return gguf::FileOps::Reserve(fd, size);
  }
  int Sync(int fd) override {
    if (IsFatal()) Die();
    return gguf::FileOps::Sync(fd);
  }
  int Rename(const std::string& from, const std::string& to,
             bool replace) override {
    if (IsFatal()) Die();
    return gguf::FileOps::Rename(from, to, replace);
  }

  uint64_t calls() const { return calls_; }

 private:
  bool IsFatal() { return calls_++ == fatal_call_; }
  [[noreturn]] static void Die() {
    kill(getpid(), SIGKILL);
    while (true) pause();
  }

  const uint64_t fatal_call_;
  std::atomic<uint64_t> calls_{0};
};

// A counter that a child process shares.
class SharedCounter {
 public:
  SharedCounter() {
    void* memory =
        mmap(nullptr, sizeof(std::atomic<uint64_t>), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(memory, MAP_FAILED);
    counter_ = new (memory) std::atomic<uint64_t>(0);
  }
  ~SharedCounter() { munmap(counter_, sizeof(*counter_)); }
  std::atomic<uint64_t>* get() const { return counter_; }

 private:
  std::atomic<uint64_t>* counter_;
};

class ResumeTest : public EngineTest {
 protected:
  // Runs the job in a process of its own, which is killed in its call number
  // `fatal_call`. Returns how many weights it has read.
  uint64_t RunAndKill(uint64_t fatal_call) {
    const SharedCounter read;
    const pid_t child = fork();
    if (child == 0) {
      DeadlyOps ops(fatal_call);
      ops_ = &ops;
      const JobPlan job = Prepare();
      source_->counter = read.get();
      _exit(Run(job).ok() ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "call " << fatal_call << ": " << status;
    return *read.get();
  }

  // The files that the stopped job left, with the byte at every `step`th place
  // changed.
  void DamagePartials(size_t step) {
    for (const auto& [name, content] : Files()) {
      if (!absl::EndsWith(name, ".partial")) continue;
      std::fstream file(directory_ + "/" + name,
                        std::ios::in | std::ios::out | std::ios::binary);
      for (size_t at = 2000; at < content.size(); at += step) {
        file.seekp(at);
        file.put(static_cast<char>(content[at] ^ 1));
      }
    }
  }

  // Runs the job and returns why it did not go on with the stopped one.
  std::string ReasonToStartOver() {
    std::string reason;
    observer_.resumed = [&](const Resumption& resumption) {
      reason = resumption.restart_reason;
    };
    const auto report = Run(Prepare());
    EXPECT_TRUE(report.ok()) << report.status();
    return reason;
  }

  // No more than a chunk per thread may be done twice.
  static void ExpectDoneOnce(uint64_t weights, uint64_t read_before,
                             uint64_t read_again) {
    EXPECT_LE(read_before + read_again, weights + kThreads * kChunkWeights);
  }
};

TEST_F(ResumeTest, StopsAndGoesOn) {
  const auto expected = Expected();
  for (uint64_t stop_at = 0; stop_at < 70; stop_at += 7) {
    std::filesystem::remove_all(directory_);
    const JobPlan first = Prepare();
    FakeSource* const source = source_;
    source->before_read = [&](uint64_t read) {
      if (read == stop_at) stop_ = true;
      return absl::OkStatus();
    };
    const auto stopped = Run(first);
    EXPECT_TRUE(absl::IsCancelled(stopped.status()));
    EXPECT_THAT(stopped.status().message(), HasSubstr("the same command"));
    stop_ = false;
    const JobPlan second = Prepare();
    const auto report = Run(second);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(Files(), expected);
    ExpectDoneOnce(second.work.weights, source->values_read(),
                   source_->values_read());
  }
}

TEST_F(ResumeTest, KilledAtTwentyMomentsGivesTheSameBytes) {
  const auto expected = Expected();
  DeadlyOps counting(~uint64_t{0});
  ops_ = &counting;
  ASSERT_TRUE(Run(Prepare()).ok());
  ops_ = &gguf::FileOps::System();
  std::filesystem::remove_all(directory_);

  std::mt19937 random(20);
  for (int moment = 0; moment < 20; ++moment) {
    const uint64_t fatal_call = random() % counting.calls();
    SCOPED_TRACE(fatal_call);
    const uint64_t read = RunAndKill(fatal_call);
    // Outputs get their names one by one at the end; what has its final name is
    // whole.
    for (const std::string& name : FinishedFiles()) {
      EXPECT_EQ(Files()[name], expected.at(name));
    }
    const JobPlan again = Prepare();
    const auto report = Run(again);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(Files(), expected);
    ExpectDoneOnce(again.work.weights, read, source_->values_read());
    std::filesystem::remove_all(directory_);
  }
}

TEST_F(ResumeTest, KilledAgainAndAgainComesToTheSameEnd) {
  const auto expected = Expected();
  // Each life reserves and writes four headers, then a few chunks.
  uint64_t read = 0;
  for (int life = 0; life < 10; ++life) read += RunAndKill(20);
  const JobPlan job = Prepare();
  const auto report = Run(job);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GT(report->bytes_resumed(), 0);
  EXPECT_EQ(Files(), expected);
  EXPECT_LE(read + source_->values_read(),
            job.work.weights + 10 * kThreads * kChunkWeights);
}

TEST_F(ResumeTest, GoesOnWithOtherThreadsAndMemory) {
  const auto expected = Expected();
  RunUntilRead(30);
  spec_.mutable_execution()->set_threads(5);
  spec_.mutable_execution()->set_memory_limit_bytes(uint64_t{1} << 30);
  const auto report = Run(Prepare());
  ASSERT_TRUE(report.ok());
  EXPECT_GT(report->bytes_resumed(), 0);
  EXPECT_EQ(Files(), expected);
}

TEST_F(ResumeTest, TrustsNoChunkThatWasDamagedMeanwhile) {
  const auto expected = Expected();
  RunUntilRead(40);
  DamagePartials(9999);
  const auto report = Run(Prepare());
  ASSERT_TRUE(report.ok());
  EXPECT_GT(report->bytes_resumed(), 0);
  EXPECT_EQ(Files(), expected);
}

TEST_F(ResumeTest, ChangedJobStartsOverAndSaysWhy) {
  RunUntilRead(30);
  spec_.mutable_quants()->RemoveLast();
  EXPECT_EQ(ReasonToStartOver(),
            "the list of types was Q4_K_M,Q4_K_S,Q8_0,F16, is now "
            "Q4_K_M,Q4_K_S,Q8_0");
  // The partial F16 file is gone as well.
  EXPECT_EQ(Files().size(), 3);
}

TEST_F(ResumeTest, JobThatCannotRunLeavesTheStoppedOneAlone) {
  const auto expected = Expected();
  RunUntilRead(30);
  const auto left = Files();
  const JobSpec stopped = spec_;
  // Its output is there already.
  std::ofstream(directory_ + "/fake-Q6_K.gguf") << "something";
  spec_.clear_quants();
  spec_.add_quants("Q6_K");
  EXPECT_TRUE(absl::IsAlreadyExists(Run(Prepare()).status()));
  EXPECT_THAT(Files(), IsSupersetOf(left));

  spec_ = stopped;
  const auto report = Run(Prepare());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GT(report->bytes_resumed(), 0);
  EXPECT_THAT(Files(), IsSupersetOf(expected));
}

TEST_F(ResumeTest, WithoutResumeNothingIsKept) {
  spec_.mutable_execution()->set_resume(false);
  RunUntilRead(30);
  EXPECT_TRUE(Files().empty());
}

TEST_F(ResumeTest, WithoutResumeTheStoppedJobIsForgotten) {
  const auto expected = Expected();
  RunUntilRead(30);
  spec_.mutable_execution()->set_resume(false);
  EXPECT_EQ(ReasonToStartOver(), "going on with it was not wanted");
  EXPECT_EQ(Files(), expected);
}

}  // namespace
}  // namespace make_gguf
