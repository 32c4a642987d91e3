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
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/engine/file_ops.h"
#include "tools/engine/journal.h"
#include "tools/engine/testing/engine_fixture.h"

namespace make_gguf {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Key;

// Counts the calls that change the disk, and kills the process in the middle of
// one of them.
class DeadlyOps : public FileOps {
 public:
  explicit DeadlyOps(uint64_t fatal_call) : fatal_call_(fatal_call) {}

  int64_t Write(int fd, absl::Span<const uint8_t> bytes,
                uint64_t offset) override {
    if (IsFatal()) {
      FileOps::Write(fd, bytes.first(bytes.size() / 2), offset);
      Die();
    }
    return FileOps::Write(fd, bytes, offset);
  }
  int Reserve(int fd, uint64_t size) override {
    if (IsFatal()) Die();
    return FileOps::Reserve(fd, size);
  }
  int Sync(int fd) override {
    if (IsFatal()) Die();
    return FileOps::Sync(fd);
  }
  int Rename(const std::string& from, const std::string& to,
             bool replace) override {
    if (IsFatal()) Die();
    return FileOps::Rename(from, to, replace);
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

  // Calls that change the disk in a run that nothing disturbs.
  uint64_t CallsOfARun() {
    DeadlyOps counting(~uint64_t{0});
    ops_ = &counting;
    EXPECT_TRUE(Run(Prepare()).ok());
    ops_ = &FileOps::System();
    std::filesystem::remove_all(directory_);
    return counting.calls();
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

  // No more than a chunk per thread may be done twice, with what is read beside
  // it.
  static void ExpectDoneOnce(uint64_t weights, uint64_t read_before,
                             uint64_t read_again) {
    EXPECT_LE(read_before + read_again,
              weights + kReadBeside + kThreads * kChunkWeights * 3 / 2);
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
  const uint64_t calls = CallsOfARun();
  std::mt19937 random(20);
  for (int moment = 0; moment < 20; ++moment) {
    const uint64_t fatal_call = random() % calls;
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

// In each call of the last phase, in which the files get their names.
TEST_F(ResumeTest, KilledWhileFilesGetTheirNamesGivesTheSameBytes) {
  const auto expected = Expected();
  const uint64_t calls = CallsOfARun();
  // Four files are flushed, then the journal and its directory; four renames,
  // and the directory again.
  for (uint64_t call = calls - 11; call < calls; ++call) {
    SCOPED_TRACE(call);
    RunAndKill(call);
    const auto finished = FinishedFiles();
    const auto left = Files();
    for (const std::string& name : finished) {
      EXPECT_EQ(left.at(name), expected.at(name));
    }
    // A job that can't run takes no finished file away.
    std::ofstream(directory_ + "/fake-Q8_0.gguf.mine") << "x";
    const bool in_the_way = !left.contains("fake-Q8_0.gguf");
    if (in_the_way) {
      std::ofstream(directory_ + "/fake-Q8_0.gguf") << "mine";
      EXPECT_TRUE(absl::IsAlreadyExists(Run(Prepare()).status()));
      EXPECT_EQ(Files()["fake-Q8_0.gguf"], "mine");
      for (const std::string& name : finished) {
        EXPECT_EQ(Files()[name], expected.at(name));
      }
      std::filesystem::remove(directory_ + "/fake-Q8_0.gguf");
    }
    std::filesystem::remove(directory_ + "/fake-Q8_0.gguf.mine");
    const JobPlan again = Prepare();
    const auto report = Run(again);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(Files(), expected);
    EXPECT_EQ(source_->values_read(), 0);
    std::filesystem::remove_all(directory_);
  }
}

// Under the name of a file that was finished there may be another by now.
TEST_F(ResumeTest, FileUnderAFinishedNameIsLookedAt) {
  RunAndKill(CallsOfARun() - 2);
  ASSERT_THAT(FinishedFiles(), Contains("fake-Q4_K_M.gguf"));
  std::ofstream(directory_ + "/fake-Q4_K_M.gguf") << "mine";
  EXPECT_TRUE(absl::IsAlreadyExists(Run(Prepare()).status()));
  EXPECT_EQ(Files()["fake-Q4_K_M.gguf"], "mine");
}

// What is renamed must be known to be finished after a crash of the machine.
TEST_F(ResumeTest, JournalIsOnTheDiskBeforeTheFirstRename) {
  class Order : public FileOps {
   public:
    int Sync(int fd) override {
      char path[4096] = {};
      const std::string link = absl::StrCat("/proc/self/fd/", fd);
      if (readlink(link.c_str(), path, sizeof(path) - 1) > 0) {
        absl::MutexLock lock(&mutex_);
        synced_.push_back(path);
      }
      return 0;
    }
    int Rename(const std::string& from, const std::string& to,
               bool replace) override {
      absl::MutexLock lock(&mutex_);
      if (before_rename.empty()) before_rename = synced_;
      return FileOps::Rename(from, to, replace);
    }
    std::vector<std::string> before_rename;

   private:
    absl::Mutex mutex_;
    std::vector<std::string> synced_;
  };
  Order order;
  ops_ = &order;
  ASSERT_TRUE(Run(Prepare()).ok());
  ASSERT_EQ(order.before_rename.size(), 6);  // four files before
  EXPECT_THAT(order.before_rename[4], EndsWith("/fake.journal"));
  EXPECT_THAT(order.before_rename[5],
              EndsWith("/JournalIsOnTheDiskBeforeTheFirstRename"));
}

TEST_F(ResumeTest, KilledAgainAndAgainComesToTheSameEnd) {
  const auto expected = Expected();
  // Each life reserves and writes four headers, then a few chunks; the threads
  // that do not make the fatal call may write some more before they die.
  constexpr int kLives = 4;
  uint64_t read = 0;
  for (int life = 0; life < kLives; ++life) read += RunAndKill(20);
  const JobPlan job = Prepare();
  const auto report = Run(job);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GT(report->bytes_resumed(), 0);
  EXPECT_EQ(Files(), expected);
  EXPECT_LE(read + source_->values_read(),
            job.work.weights + kReadBeside + kLives * kThreads * kChunkWeights);
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
  spec_.mutable_mix()->set_output_tensor_type("Q5_K");
  EXPECT_THAT(ReasonToStartOver(), HasSubstr("output fake-Q4_K_M.gguf was "));
  EXPECT_EQ(Files().size(), 4);
}

// The work for other files is not thrown away unasked.
TEST_F(ResumeTest, StoppedJobIsNotReplacedByOneForOtherFiles) {
  const auto expected = Expected();
  RunUntilRead(30);
  const auto left = Files();
  const JobSpec stopped = spec_;
  spec_.clear_quants();
  spec_.add_quants("Q6_K");
  const absl::Status status = Run(Prepare()).status();
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("fake-Q4_K_M.gguf"), HasSubstr("--noresume")));
  EXPECT_EQ(Files(), left);
  spec_ = stopped;
  const auto report = Run(Prepare());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GT(report->bytes_resumed(), 0);
  EXPECT_EQ(Files(), expected);
}

TEST_F(ResumeTest, ReplacedUponRequestItLeavesNothing) {
  RunUntilRead(30);
  spec_.clear_quants();
  spec_.add_quants("Q6_K");
  spec_.mutable_execution()->set_resume(false);
  ASSERT_TRUE(Run(Prepare()).ok());
  EXPECT_THAT(Files(), ElementsAre(Key("fake-Q6_K.gguf")));
}

// A journal names the files that are removed with it; it may say anything.
TEST_F(ResumeTest, CraftedJournalReachesNoOtherFile) {
  std::filesystem::create_directories(directory_ + "/victim");
  for (const std::string name : {"victim/thesis.gguf", "thesis.gguf"}) {
    std::ofstream(directory_ + "/" + name + ".partial") << "years of work";
  }
  JournalHead head;
  for (const std::string name :
       {"../victim/thesis.gguf", "victim/thesis.gguf", "thesis.gguf"}) {
    head.add_outputs(name);
  }
  {
    auto journal =
        Journal::Open(directory_ + "/fake.journal", head, 1, /*resume=*/true);
    ASSERT_TRUE(journal.ok());
    ASSERT_TRUE((*journal)->Begin(0).ok());
  }
  ASSERT_TRUE(Run(Prepare()).ok());
  EXPECT_TRUE(
      std::filesystem::exists(directory_ + "/victim/thesis.gguf.partial"));
  EXPECT_EQ(Files()["thesis.gguf.partial"], "years of work");
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
  spec_.mutable_execution()->set_resume(false);
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
