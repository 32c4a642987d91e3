#include "tools/engine/partial_file.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace make_gguf {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr uint64_t kSize = 10'000;

// Writes a few bytes at a time, and makes chosen calls fail.
class FaultyOps : public FileOps {
 public:
  int64_t Write(int fd, absl::Span<const uint8_t> bytes,
                uint64_t offset) override {
    if (write_error != 0) return -write_error;
    return FileOps::Write(fd, bytes.subspan(0, most_per_write), offset);
  }
  int Reserve(int fd, uint64_t size) override {
    return reserve_error != 0 ? -reserve_error : FileOps::Reserve(fd, size);
  }
  int RenameNoReplace(const std::string& from, const std::string& to) override {
    return rename_error != 0 ? -rename_error
                             : FileOps::RenameNoReplace(from, to);
  }
  int Link(const std::string& from, const std::string& to) override {
    return link_error != 0 ? -link_error : FileOps::Link(from, to);
  }

  int write_error = 0;
  size_t most_per_write = absl::Span<const uint8_t>::npos;
  int reserve_error = 0;
  int rename_error = 0;
  int link_error = 0;
};

class PartialFileTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    options_.ops = &ops_;
    options_.keep_open = GetParam();
  }

  absl::StatusOr<std::unique_ptr<PartialFile>> Open() {
    return PartialFile::Open(path_, head_, kSize, options_);
  }

  static std::string Contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  // The head, and zeros but for `text` at 5000.
  static std::string Expected(const std::string& text) {
    std::string whole(kSize, '\0');
    whole.replace(0, 4, "head").replace(5000, text.size(), text);
    return whole;
  }

  static absl::Span<const uint8_t> Bytes(absl::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  }

  const std::string directory_ = testing::TempDir() + "/partial";
  const std::string path_ = directory_ + "/model.gguf";
  const std::vector<uint8_t> head_ = {'h', 'e', 'a', 'd'};
  FaultyOps ops_;
  PartialFileOptions options_;
};

INSTANTIATE_TEST_SUITE_P(Descriptors, PartialFileTest, testing::Bool());

TEST_P(PartialFileTest, AppearsWholeUnderItsName) {
  ops_.most_per_write = 3;
  auto file = Open();
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_FALSE((*file)->resumed());
  EXPECT_EQ(std::filesystem::file_size(PartialPath(path_)), kSize);
  ASSERT_TRUE((*file)->Write(5000, Bytes("some weights")).ok());
  std::vector<uint8_t> back(7);
  ASSERT_TRUE((*file)->Read(5005, absl::MakeSpan(back)).ok());
  EXPECT_EQ(std::string(back.begin(), back.end()), "weights");
  ASSERT_TRUE((*file)->Sync().ok());
  EXPECT_FALSE(std::filesystem::exists(path_));
  ASSERT_TRUE((*file)->Rename().ok());
  EXPECT_EQ(Contents(path_), Expected("some weights"));
  EXPECT_FALSE(std::filesystem::exists(PartialPath(path_)));
}

TEST_P(PartialFileTest, GoesOnWithWhatWasLeft) {
  for (const bool resume : {true, false}) {
    ASSERT_TRUE((*Open())->Write(5000, Bytes("weights")).ok());
    options_.resume = resume;
    auto file = Open();
    ASSERT_TRUE(file.ok());
    EXPECT_EQ((*file)->resumed(), resume);
    EXPECT_EQ(Contents(PartialPath(path_)), Expected(resume ? "weights" : ""));
  }
}

TEST_P(PartialFileTest, OtherFilesAreBegunAnew) {
  options_.resume = true;
  std::ofstream(PartialPath(path_)) << "shorter";
  EXPECT_FALSE((*Open())->resumed());
  std::ofstream(PartialPath(path_)) << std::string(kSize, 'x');
  EXPECT_FALSE((*Open())->resumed());
  EXPECT_EQ(Contents(PartialPath(path_)), Expected(""));
}

TEST_P(PartialFileTest, WhatLinksReachIsLeftAlone) {
  const std::string victim = directory_ + "/victim";
  std::ofstream(victim) << "precious";
  std::filesystem::create_symlink(victim, PartialPath(path_));
  EXPECT_THAT(Open().status().message(), HasSubstr("link"));
  std::filesystem::remove(PartialPath(path_));
  std::filesystem::create_hard_link(victim, PartialPath(path_));
  EXPECT_THAT(Open().status().message(), HasSubstr("another name"));
  EXPECT_EQ(Contents(victim), "precious");
}

TEST_P(PartialFileTest, FullDiskLeavesNothingAndSaysHowMuchIsMissing) {
  ops_.reserve_error = ENOSPC;
  const absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("no space left"), HasSubstr("needs 10000 bytes"),
                    HasSubstr(path_)));
  EXPECT_FALSE(std::filesystem::exists(PartialPath(path_)));
}

TEST_P(PartialFileTest, FullDiskLeavesWhatAnEarlierJobHasDone) {
  ASSERT_TRUE((*Open())->Write(5000, Bytes("weights")).ok());
  options_.resume = true;
  ops_.reserve_error = ENOSPC;
  EXPECT_FALSE(Open().ok());
  EXPECT_EQ(Contents(PartialPath(path_)), Expected("weights"));
}

// The system's EINVAL says nothing of the input.
TEST_P(PartialFileTest, ErrorsNameTheFileAndBlameNoArgument) {
  auto file = Open();
  for (const int error : {EIO, EINVAL, ENAMETOOLONG}) {
    ops_.write_error = error;
    const absl::Status status = (*file)->Write(0, head_);
    EXPECT_THAT(status.message(), HasSubstr(PartialPath(path_)));
    EXPECT_FALSE(absl::IsInvalidArgument(status)) << status;
  }
}

TEST_P(PartialFileTest, FileSizeLimitIsAnError) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small = {100, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const bool opened = Open().ok();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(opened);
  EXPECT_FALSE(std::filesystem::exists(PartialPath(path_)));
}

TEST_P(PartialFileTest, FileThatAppearsIsKept) {
  // Whatever the file system offers to rename without replacing.
  for (const auto& [rename_error, link_error] :
       std::vector<std::pair<int, int>>{{0, 0}, {EINVAL, 0}, {EINVAL, EPERM}}) {
    ops_.rename_error = rename_error;
    ops_.link_error = link_error;
    auto file = Open();
    std::ofstream(path_) << "someone else's";
    EXPECT_TRUE(absl::IsAlreadyExists((*file)->Rename()));
    EXPECT_EQ(Contents(path_), "someone else's");
    std::filesystem::remove(path_);
    EXPECT_TRUE((*file)->Rename().ok());
    EXPECT_EQ(Contents(path_), Expected(""));
    EXPECT_FALSE(std::filesystem::exists(PartialPath(path_)));
    std::filesystem::remove(path_);
  }
}

TEST_P(PartialFileTest, ReplacesUponRequest) {
  options_.overwrite = true;
  std::ofstream(path_) << "old";
  EXPECT_TRUE((*Open())->Rename().ok());
  EXPECT_EQ(Contents(path_), Expected(""));
}

TEST(PartialFileLockTest, TwoOfOneFileDoNotMeet) {
  const std::string path = testing::TempDir() + "/locked";
  auto first = PartialFile::Open(path, {}, kSize);
  ASSERT_TRUE(first.ok());
  const absl::Status second = PartialFile::Open(path, {}, kSize).status();
  EXPECT_TRUE(absl::IsUnavailable(second)) << second;
  EXPECT_THAT(second.message(), HasSubstr("another process"));
  (*first)->Remove();
}

TEST(PartialFileDescriptorTest, OnRequestNoneIsHeld) {
  PartialFileOptions options;
  options.keep_open = false;
  const std::string path = testing::TempDir() + "/closed";
  auto file = PartialFile::Open(path, {}, kSize, options);
  ASSERT_TRUE(file.ok());
  std::filesystem::rename(PartialPath(path), path + ".old");
  std::ofstream(PartialPath(path)) << "another";
  EXPECT_TRUE(absl::IsFailedPrecondition((*file)->Write(0, {})));
  (*file)->Remove();
  std::filesystem::remove(path + ".old");
}

}  // namespace
}  // namespace make_gguf
