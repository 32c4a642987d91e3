#include "fetch/cache/foreign_partial.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "base/testing/temp_dir.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::base::TempDir;
using ::base::WriteContents;

constexpr uint64_t kSize = uint64_t{2} << 20;

class ForeignPartialTest : public ::testing::Test {
 protected:
  ForeignPartial Find() const { return FindForeignPartial(plain_, kSize); }

  TempDir temp_;
  const std::string plain_ = temp_ / "abc.incomplete";
};

TEST_F(ForeignPartialTest, NoneIsThere) {
  EXPECT_EQ(Find().bytes, 0);
  EXPECT_EQ(FindForeignPartial("/nowhere/abc.incomplete", kSize).bytes, 0);
}

TEST_F(ForeignPartialTest, TheLargestIsTaken) {
  WriteContents(plain_, std::string(100, 'a'));
  WriteContents(temp_ / "abc.0f1e2d3c.incomplete", std::string(300, 'a'));
  WriteContents(temp_ / "abc.00000000.incomplete", std::string(200, 'a'));
  EXPECT_EQ(Find().path, temp_ / "abc.0f1e2d3c.incomplete");
  EXPECT_EQ(Find().bytes, 300);
}

TEST_F(ForeignPartialTest, OtherNamesAreNotLookedAt) {
  for (const char* name : {"abc.ranges.incomplete", "abcd.0f1e2d3c.incomplete",
                           "abc.0f1e2d3.incomplete", "abc.0f1e2d3x.incomplete",
                           "abc.0f1e2d3c.incomplete.new"}) {
    WriteContents(temp_ / name, std::string(100, 'a'));
  }
  EXPECT_EQ(Find().bytes, 0);
}

TEST_F(ForeignPartialTest, MoreThanTheFileHasIsAnotherFile) {
  WriteContents(plain_, std::string(kSize + 1, 'a'));
  EXPECT_EQ(Find().bytes, 0);
}

TEST_F(ForeignPartialTest, LinksAndDirectoriesAreLeftAlone) {
  WriteContents(temp_ / "elsewhere", std::string(100, 'a'));
  ASSERT_EQ(symlink("elsewhere", plain_.c_str()), 0);
  WriteContents(temp_ / "abc.0f1e2d3c.incomplete/x", "");
  EXPECT_EQ(Find().bytes, 0);
}

TEST_F(ForeignPartialTest, WhatFollowsAHoleDoesNotCount) {
  WriteContents(plain_, std::string(1 << 16, 'a'));
  const int fd = open(plain_.c_str(), O_WRONLY);
  ASSERT_EQ(pwrite(fd, "end", 3, 1 << 20), 3);
  if (lseek(fd, 0, SEEK_HOLE) == (1 << 20) + 3) {
    close(fd);
    GTEST_SKIP() << "this file system keeps no holes";
  }
  close(fd);
  EXPECT_EQ(Find().bytes, 1 << 16);
}

}  // namespace
}  // namespace fetch
