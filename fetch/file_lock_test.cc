#include "fetch/file_lock.h"

#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "fetch/testing/temp_dir.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::fetch::testing::TempDir;

TEST(FileLockTest, OneHolderAtATime) {
  const TempDir temp;
  const std::string path = temp / "lock";
  absl::StatusOr<std::unique_ptr<FileLock>> first = FileLock::TryAcquire(path);
  ASSERT_TRUE(first.ok() && *first != nullptr);
  EXPECT_EQ(*FileLock::TryAcquire(path), nullptr);
  first->reset();
  EXPECT_NE(*FileLock::TryAcquire(path), nullptr);
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0664);
}

TEST(FileLockTest, LockOnARemovedFileExcludesNobody) {
  const TempDir temp;
  const std::string path = temp / "lock";
  const auto first = FileLock::TryAcquire(path);
  ASSERT_TRUE(first.ok() && *first != nullptr);
  unlink(path.c_str());
  EXPECT_NE(*FileLock::TryAcquire(path), nullptr);
}

TEST(FileLockTest, MissingDirectoryIsAnError) {
  EXPECT_FALSE(FileLock::TryAcquire("/nowhere/lock").ok());
}

}  // namespace
}  // namespace fetch
