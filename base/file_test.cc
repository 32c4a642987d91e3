#include "base/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/testing/temp_dir.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace base {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(FileErrorTest, SaysWhatToDo) {
  const absl::Status full = FileError(ENOSPC, "write", "/d/f");
  EXPECT_TRUE(absl::IsResourceExhausted(full));
  EXPECT_THAT(full.message(),
              AllOf(HasSubstr("cannot write /d/f"), HasSubstr("free space")));
  EXPECT_TRUE(absl::IsResourceExhausted(FileError(EDQUOT, "write", "/d/f")));
  const absl::Status denied = FileError(EACCES, "open", "/d/f");
  EXPECT_TRUE(absl::IsPermissionDenied(denied));
  EXPECT_THAT(denied.message(), HasSubstr("/d/f"));
  EXPECT_TRUE(absl::IsPermissionDenied(FileError(EROFS, "open", "/d/f")));
  EXPECT_THAT(FileError(EIO, "read", "/d/f").message(), HasSubstr("/d/f"));
  // The input is not to blame.
  EXPECT_TRUE(absl::IsFailedPrecondition(FileError(EINVAL, "flush", "/d/f")));
}

TEST(InputFileTest, NotFoundMeansThatNothingBearsTheName) {
  const TempDir temp;
  EXPECT_TRUE(absl::IsNotFound(ReadFile(temp / "none", 100).status()));
  ASSERT_EQ(symlink("nowhere", (temp / "dangling").c_str()), 0);
  const absl::Status dangling = ReadFile(temp / "dangling", 100).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(dangling)) << dangling;
  EXPECT_THAT(dangling.message(), HasSubstr("dangling is a link to a file"));
  ASSERT_EQ(symlink("loop", (temp / "loop").c_str()), 0);
  const absl::Status loop = ReadFile(temp / "loop", 100).status();
  EXPECT_FALSE(loop.ok() || absl::IsNotFound(loop)) << loop;
}

TEST(InputFileTest, ReadsAtAnyPlace) {
  const TempDir temp;
  WriteContents(temp / "file", "0123456789");
  const auto file = InputFile::Open(temp / "file");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->size(), 10);
  std::vector<uint8_t> bytes(3);
  ASSERT_TRUE((*file)->ReadAt(7, absl::MakeSpan(bytes)).ok());
  EXPECT_THAT(bytes, ElementsAre('7', '8', '9'));
  const absl::Status beyond = (*file)->ReadAt(8, absl::MakeSpan(bytes));
  EXPECT_TRUE(absl::IsDataLoss(beyond));
  EXPECT_THAT(beyond.message(), AllOf(HasSubstr(temp / "file"),
                                      HasSubstr("the file ends before")));
}

TEST(InputFileTest, TakesRegularFilesAlone) {
  const TempDir temp;
  EXPECT_TRUE(absl::IsNotFound(InputFile::Open(temp / "none").status()));
  EXPECT_TRUE(
      absl::IsFailedPrecondition(InputFile::Open(temp.path()).status()));
  ASSERT_EQ(mkfifo((temp / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(
      absl::IsFailedPrecondition(InputFile::Open(temp / "pipe").status()));
  WriteContents(temp / "file", "x");
  ASSERT_EQ(symlink("file", (temp / "link").c_str()), 0);
  EXPECT_TRUE(InputFile::Open(temp / "link").ok());
  EXPECT_FALSE(InputFile::Open(temp / "link", {.follow_links = false}).ok());
}

TEST(ReadFileTest, ReadsWholeFilesUpToALimit) {
  const TempDir temp;
  for (const size_t size : {0, 1, 4095, 4096, 4097, 100000}) {
    const std::string contents(size, 'x');
    WriteContents(temp / "file", contents);
    EXPECT_EQ(*ReadFile(temp / "file", size), contents) << size;
    if (size == 0) continue;
    EXPECT_TRUE(
        absl::IsFailedPrecondition(ReadFile(temp / "file", size - 1).status()))
        << size;
  }
  // Made up as it is read: its size says 0.
  EXPECT_THAT(*ReadFile("/proc/self/status", 1 << 20), HasSubstr("VmRSS"));
  EXPECT_FALSE(ReadFile("/proc/self/status", 10).ok());
}

TEST(ReplaceFileTest, ReplacesInOneStepOrNotAtAll) {
  const TempDir temp;
  for (const bool flush : {false, true}) {
    ASSERT_TRUE(ReplaceFile(temp / "file", "first", {.flush = flush}).ok());
    ASSERT_TRUE(ReplaceFile(temp / "file", "second", {.flush = flush}).ok());
    EXPECT_EQ(Contents(temp / "file"), "second");
    EXPECT_THAT(FilesBelow(temp.path()), ElementsAre("file"));
  }
  ASSERT_EQ(mkdir((temp / "directory").c_str(), 0700), 0);
  EXPECT_FALSE(ReplaceFile(temp / "directory", "text").ok());
  EXPECT_THAT(FilesBelow(temp.path()), ElementsAre("file"));
}

TEST(DirectoryOfTest, IsWhereThePathIs) {
  EXPECT_EQ(DirectoryOf("name"), ".");
  EXPECT_EQ(DirectoryOf("/name"), "/");
  EXPECT_EQ(DirectoryOf("a/b/name"), "a/b");
}

}  // namespace
}  // namespace base
