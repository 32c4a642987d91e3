// Disks and files that fail while a job runs: each is a clear error, loses
// nothing, and leaves nothing under a final name.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/engine/file_ops.h"
#include "tools/engine/model_loader.h"
#include "tools/engine/testing/engine_fixture.h"

namespace make_gguf {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;

// A disk with room for so many more bytes, whose other calls can be made to
// fail too.
class FailingDisk : public FileOps {
 public:
  int64_t Write(int fd, absl::Span<const uint8_t> bytes,
                uint64_t offset) override {
    if (room.fetch_sub(bytes.size()) < static_cast<int64_t>(bytes.size())) {
      return -write_error;
    }
    return FileOps::Write(fd, bytes, offset);
  }
  int Reserve(int fd, uint64_t size) override {
    return reserve_error != 0 ? -reserve_error : FileOps::Reserve(fd, size);
  }
  int Sync(int fd) override {
    char path[4096] = {};
    const std::string link = absl::StrCat("/proc/self/fd/", fd);
    EXPECT_GT(readlink(link.c_str(), path, sizeof(path) - 1), 0);
    if (sync_error == 0 || !absl::EndsWith(path, failing_sync) ||
        good_syncs-- > 0) {
      return FileOps::Sync(fd);
    }
    return -sync_error;
  }
  int Rename(const std::string& from, const std::string& to,
             bool replace) override {
    if (renames-- == 0) return -EIO;
    return FileOps::Rename(from, to, replace);
  }

  std::atomic<int64_t> room{int64_t{1} << 40};
  int write_error = ENOSPC;
  int reserve_error = 0;
  int sync_error = 0;
  std::string failing_sync;        // the end of what is affected
  std::atomic<int> good_syncs{0};  // before the first that fails
  int renames = -1;                // that go well; -1: all
};

class FailingDiskTest : public EngineTest {
 protected:
  FailingDiskTest() { ops_ = &disk_; }

  // Once the disk is well again, the job goes on and ends as if nothing had
  // been.
  void ExpectGoesOn(const std::map<std::string, std::string>& expected) {
    ops_ = &FileOps::System();
    const auto report = Run(Prepare());
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_GT(report->bytes_resumed(), 0);
    EXPECT_EQ(Files(), expected);
  }

  FailingDisk disk_;
};

TEST_F(FailingDiskTest, FullDiskIsToldBeforeTheFirstWeight) {
  disk_.reserve_error = ENOSPC;
  const JobPlan job = Prepare();
  const auto report = Run(job);
  EXPECT_EQ(report.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(report.status().message(), HasSubstr("fake-Q4_K_M.gguf"));
  EXPECT_EQ(source_->values_read(), 0);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(FailingDiskTest, DiskThatFillsInTheMiddleLosesNothing) {
  const auto expected = Expected();
  uint64_t size = 0;
  for (const auto& [name, content] : expected) size += content.size();
  for (const int percent : {20, 50, 80, 99}) {
    SCOPED_TRACE(percent);
    ops_ = &disk_;
    disk_.room = static_cast<int64_t>(size * percent / 100);
    const auto report = Run(Prepare());
    EXPECT_EQ(report.status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(report.status().message(),
                AllOf(HasSubstr("no space left"), HasSubstr(directory_),
                      HasSubstr("the same command")));
    EXPECT_THAT(FinishedFiles(), IsEmpty());
    ExpectGoesOn(expected);
    std::filesystem::remove_all(directory_);
  }
}

// After a sync that failed the system takes its copy in memory for what is on
// the disk: reading it back proves nothing, and the next sync succeeds.
TEST_F(FailingDiskTest, WhatCouldNotBeSyncedIsWrittenAgain) {
  const auto expected = Expected();
  disk_.sync_error = EIO;
  disk_.failing_sync = "fake-Q8_0.gguf.partial";
  EXPECT_THAT(Run(Prepare()).status().message(),
              AllOf(HasSubstr("cannot sync"), HasSubstr("fake-Q8_0.gguf"),
                    HasSubstr("the same command goes on")));
  EXPECT_THAT(FinishedFiles(), IsEmpty());
  EXPECT_THAT(Files(), Not(Contains(Key(disk_.failing_sync))));
  ops_ = &FileOps::System();
  const auto report = Run(Prepare());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GE(report->bytes_written(), expected.at("fake-Q8_0.gguf").size());
  EXPECT_EQ(Files(), expected);
}

// The files have their names; that is not taken back.
TEST_F(FailingDiskTest, DirectoryThatCannotBeSyncedIsAWarning) {
  const auto expected = Expected();
  spec_.mutable_execution()->set_resume(false);
  disk_.sync_error = EIO;
  disk_.failing_sync = directory_.substr(directory_.rfind('/') + 1);
  disk_.good_syncs = 1;  // of the directory, with the journal's name
  std::vector<std::string> warnings;
  observer_.warning = [&](const converters::Warning& warning) {
    warnings.push_back(warning.text);
  };
  ASSERT_TRUE(Run(Prepare()).ok());
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("crash of the machine")));
  EXPECT_EQ(Files(), expected);
}

// What the system calls an invalid argument is no fault of the model.
TEST_F(FailingDiskTest, InvalidCallLosesNothing) {
  const auto expected = Expected();
  disk_.room = 100'000;
  disk_.write_error = EINVAL;
  const absl::Status status = Run(Prepare()).status();
  EXPECT_EQ(base::BlameOf(status), base::Blame::kMachine) << status;
  EXPECT_THAT(status.message(), HasSubstr("the same command goes on"));
  ExpectGoesOn(expected);
}

TEST_F(FailingDiskTest, FileSystemWithoutSyncIsAsGoodAsAny) {
  const auto expected = Expected();
  for (const int error : {EINVAL, EOPNOTSUPP, ENOSYS}) {
    disk_.sync_error = error;
    ASSERT_TRUE(Run(Prepare()).ok()) << error;
    EXPECT_EQ(Files(), expected);
    std::filesystem::remove_all(directory_);
  }
}

TEST_F(FailingDiskTest, FailedRenameLosesNothing) {
  const auto expected = Expected();
  for (const int renames : {0, 2}) {
    ops_ = &disk_;
    disk_.renames = renames;
    EXPECT_THAT(Run(Prepare()).status().message(), HasSubstr("cannot rename"));
    EXPECT_EQ(FinishedFiles().size(), renames);
    ExpectGoesOn(expected);
    std::filesystem::remove_all(directory_);
  }
}

TEST_F(EngineTest, UnreadableSectorsLoseNothing) {
  const auto expected = Expected();
  for (const uint64_t good_reads : {1, 40, 65}) {
    const JobPlan job = Prepare();
    source_->before_read = [good_reads](uint64_t read) {
      return read < good_reads
                 ? absl::OkStatus()
                 : absl::DataLossError(
                       "fake.safetensors: cannot read at offset 4096: "
                       "Input/output error");
    };
    const auto report = Run(job);
    EXPECT_THAT(report.status().message(),
                AllOf(HasSubstr("fake.safetensors"), HasSubstr("Input/output"),
                      HasSubstr("the same command")));
    EXPECT_THAT(FinishedFiles(), IsEmpty());
    ASSERT_TRUE(Run(Prepare()).ok());
    EXPECT_EQ(Files(), expected);
    std::filesystem::remove_all(directory_);
  }
}

// What can't get better is not kept, and nobody is told to try again.
TEST_F(EngineTest, DamagedWeightsLeaveNothingBehind) {
  const JobPlan job = Prepare();
  source_->before_read = [](uint64_t read) {
    return read < 20 ? absl::OkStatus()
                     : base::BlameInput(absl::DataLossError(
                           "fake.bin: its bytes have another CRC-32"));
  };
  const absl::Status status = Run(job).status();
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("CRC-32"), Not(HasSubstr("the same command"))));
  EXPECT_THAT(Files(), IsEmpty());
}

// Another source, with something done before a read.
class HookedSource : public converters::TensorSource {
 public:
  HookedSource(std::unique_ptr<converters::TensorSource> source,
               std::function<void(uint64_t)> before_read)
      : source_(std::move(source)), before_read_(std::move(before_read)) {}

  absl::Span<const converters::SourceTensor> tensors() const override {
    return source_->tensors();
  }
  absl::Status Read(size_t tensor, uint64_t first,
                    absl::Span<float> out) const override {
    before_read_(reads_++);
    return source_->Read(tensor, first, out);
  }
  std::vector<converters::SourceFile> files() const override {
    return source_->files();
  }
  absl::Status ReadStored(size_t tensor, uint64_t offset,
                          absl::Span<uint8_t> out) const override {
    before_read_(reads_++);
    return source_->ReadStored(tensor, offset, out);
  }

 private:
  const std::unique_ptr<converters::TensorSource> source_;
  const std::function<void(uint64_t)> before_read_;
  mutable std::atomic<uint64_t> reads_{0};
};

// Jobs on files: the checkpoint in testdata, and the GGUF file made of it.
class ChangingFileTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    std::filesystem::copy("testdata/models/tiny-llama", directory_ + "/model",
                          std::filesystem::copy_options::recursive);
    spec_.set_model(directory_ + "/model");
    spec_.set_outdir(directory_ + "/out");
    weights_ = directory_ + "/model/model.safetensors";
    if (GetParam()) {
      spec_.add_quants("F16");
      ASSERT_TRUE(Run([](uint64_t) {}).ok());
      weights_ = directory_ + "/out/model-F16.gguf";
      spec_.set_model(weights_);
    }
    spec_.clear_quants();
    spec_.add_quants("Q4_K_M");
    spec_.mutable_execution()->set_chunk_weights(4096);
    original_ = ReadFile(weights_);
  }

  // Runs the job, with something done before each read and once while the job
  // is planned.
  absl::StatusOr<JobReport> Run(
      std::function<void(uint64_t)> before_read,
      const std::function<void()>& while_planned = [] {}) {
    ASSIGN_OR_RETURN(LoadedModel model, LoadModel(spec_));
    while_planned();
    model.source = std::make_unique<HookedSource>(std::move(model.source),
                                                  std::move(before_read));
    ASSIGN_OR_RETURN(const JobPlan plan, Plan(spec_, std::move(model)));
    return make_gguf::Run(plan, {}, {.stop = &stop_});
  }

  std::string Output() const {
    return ReadFile(directory_ + "/out/model-Q4_K_M.gguf");
  }

  const std::string directory_ = testing::TempDir() + "/changing";
  std::atomic<bool> stop_{false};
  std::string weights_;
  std::string original_;
  JobSpec spec_;
};

TEST_P(ChangingFileTest, FileThatShrinksIsAnError) {
  ASSERT_TRUE(Run([](uint64_t) {}).ok());
  const std::string expected = Output();
  std::filesystem::remove(directory_ + "/out/model-Q4_K_M.gguf");
  for (const uint64_t moment : {0, 10, 50}) {
    const auto report = Run([&](uint64_t read) {
      if (read == moment) {
        std::filesystem::resize_file(weights_, original_.size() / 3);
      }
    });
    EXPECT_EQ(report.status().code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(
        report.status().message(),
        AllOf(HasSubstr(weights_), HasSubstr("ends"), HasSubstr("tensor ")));
    EXPECT_EQ(Output(), "");
    // With the shorter file the job can't even begin.
    EXPECT_FALSE(Run([](uint64_t) {}).ok());
    EXPECT_EQ(Output(), "");
    std::ofstream(weights_, std::ios::binary) << original_;
  }
  ASSERT_TRUE(Run([](uint64_t) {}).ok());
  EXPECT_EQ(Output(), expected);
}

TEST_P(ChangingFileTest, FileThatIsRewrittenMeanwhileIsAnError) {
  const auto report = Run([&](uint64_t read) {
    if (read != 10) return;
    const timespec times[2] = {{1, 0}, {1, 0}};
    utimensat(AT_FDCWD, weights_.c_str(), times, 0);
  });
  EXPECT_EQ(base::BlameOf(report.status()), base::Blame::kInput);
  EXPECT_THAT(
      report.status().message(),
      AllOf(HasSubstr(weights_), HasSubstr("changed"), HasSubstr("starts over"),
            Not(HasSubstr("the same command goes on"))));
  EXPECT_EQ(Output(), "");
  EXPECT_TRUE(Run([](uint64_t) {}).ok());
}

// Other weights of the same size and time of change, as a package manager or a
// container makes them.
void Replace(const std::string& path, const std::string& content) {
  struct stat before;
  ASSERT_EQ(stat(path.c_str(), &before), 0);
  std::ofstream(path + ".new", std::ios::binary) << content;
  const timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(utimensat(AT_FDCWD, (path + ".new").c_str(), times, 0), 0);
  std::filesystem::rename(path + ".new", path);
}

// Two models must not end in one file.
TEST_P(ChangingFileTest, StoppedJobDoesNotGoOnWithOtherWeights) {
  std::string other = original_;
  // In the weights, behind the header; F16 and BF16 stay finite.
  for (size_t at = other.size() / 2; at < other.size(); at += 2) other[at] ^= 1;
  Replace(weights_, other);
  ASSERT_TRUE(Run([](uint64_t) {}).ok());
  const std::string expected = Output();
  std::filesystem::remove(directory_ + "/out/model-Q4_K_M.gguf");
  for (const bool while_planned : {false, true}) {
    SCOPED_TRACE(while_planned);
    Replace(weights_, original_);
    ASSERT_TRUE(
        base::BlameOf(Run([&](uint64_t read) { stop_ = read == 40 || stop_; },
                          [&] {
                            if (while_planned) Replace(weights_, other);
                          })
                          .status()) == base::Blame::kStopped);
    stop_ = false;
    if (!while_planned) Replace(weights_, other);
    const auto report = Run([](uint64_t) {});
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->bytes_resumed(), 0);
    EXPECT_EQ(Output(), expected);
    std::filesystem::remove(directory_ + "/out/model-Q4_K_M.gguf");
  }
}

INSTANTIATE_TEST_SUITE_P(Sources, ChangingFileTest, testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "Gguf" : "Checkpoint";
                         });

// A file that gets in the way of the last step is the user's: it has to go
// before the same command is of use.
TEST_F(EngineTest, FileThatAppearsMeanwhileIsLeftAlone) {
  const auto expected = Expected();
  const JobPlan job = Prepare();
  source_->before_read = [this](uint64_t read) {
    if (read == 20) std::ofstream(directory_ + "/fake-Q8_0.gguf") << "mine";
    return absl::OkStatus();
  };
  const absl::Status status = Run(job).status();
  EXPECT_TRUE(absl::IsAlreadyExists(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("fake-Q8_0.gguf has appeared meanwhile"),
                    HasSubstr("without that file, or with --overwrite")));
  EXPECT_EQ(Files()["fake-Q8_0.gguf"], "mine");
}

}  // namespace
}  // namespace make_gguf
