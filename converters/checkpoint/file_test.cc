#include "converters/checkpoint/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace checkpoint {
namespace {

using ::testing::HasSubstr;

class FileTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& bytes) {
    const std::string path = absl::StrCat(
        testing::TempDir(), "/",
        testing::UnitTest::GetInstance()->current_test_info()->name(), "_",
        name);
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
};

TEST_F(FileTest, ReadsTheBytesAskedFor) {
  FilePool pool;
  auto file = pool.Open(Write("a", "0123456789"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->size(), 10);
  EXPECT_EQ(*ReadString(**file, 3, 4), "3456");
  EXPECT_EQ(*ReadString(**file, 10, 0), "");
}

TEST_F(FileTest, RangesOutsideAreRefused) {
  FilePool pool;
  auto file = pool.Open(Write("a", "0123456789"));
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(ReadString(**file, 8, 3).status().code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReadString(**file, 11, 0).status().code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReadString(**file, ~uint64_t{0}, 2).status().code(),
            absl::StatusCode::kOutOfRange);
}

TEST_F(FileTest, AFileCutShortIsAnErrorAndNoSignal) {
  const std::string path = Write("a", std::string(10000, 'x'));
  FilePool pool;
  auto file = pool.Open(path);
  ASSERT_TRUE(file.ok());
  ASSERT_EQ(truncate(path.c_str(), 5000), 0);
  const absl::Status status = ReadString(**file, 4000, 2000).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(status.message(), HasSubstr("ends at offset 5000"));
  EXPECT_THAT(status.message(), HasSubstr(path));
}

TEST_F(FileTest, OpensNoMoreThanItMayAndReadsThemAll) {
  FilePool pool(/*max_open=*/3);
  std::vector<std::shared_ptr<const File>> files;
  for (int i = 0; i < 20; ++i) {
    auto file = pool.Open(Write(absl::StrCat(i), absl::StrCat("file ", i)));
    ASSERT_TRUE(file.ok());
    files.push_back(*file);
    EXPECT_LE(pool.open_descriptors(), 3);
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const File& file = *files[i * 7 % 20];
        EXPECT_EQ(*ReadString(file, 0, file.size()),
                  absl::StrCat("file ", i * 7 % 20));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(pool.open_descriptors(), 3);
  files.clear();
  EXPECT_EQ(pool.open_descriptors(), 0);
}

TEST_F(FileTest, AnotherFileInItsPlaceIsNoticed) {
  FilePool pool(/*max_open=*/1);
  const std::string path = Write("a", "first");
  auto file = pool.Open(path);
  auto other = pool.Open(Write("b", "takes the only descriptor"));
  ASSERT_TRUE(file.ok() && other.ok());
  ASSERT_EQ(std::rename(Write("c", "later").c_str(), path.c_str()), 0);
  EXPECT_EQ(ReadString(**file, 0, 5).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(FileTest, OnlyRegularFilesAreOpened) {
  FilePool pool;
  EXPECT_EQ(pool.Open("/no/such/file").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(pool.Open(testing::TempDir()).status().code(),
            absl::StatusCode::kFailedPrecondition);
  const std::string pipe = Write("pipe", "");
  std::remove(pipe.c_str());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(pool.Open(pipe).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(FileTest, SymbolicLinksAreFollowed) {
  // The hub's cache holds snapshots of links to blobs.
  const std::string link = Write("link", "");
  std::remove(link.c_str());
  ASSERT_EQ(symlink(Write("blob", "weights").c_str(), link.c_str()), 0);
  FilePool pool;
  auto file = pool.Open(link);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(*ReadString(**file, 0, 7), "weights");
}

}  // namespace
}  // namespace checkpoint
