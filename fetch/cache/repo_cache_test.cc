#include "fetch/cache/repo_cache.h"

#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/parallel.h"
#include "base/testing/temp_dir.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

// Several calls at once take the same file into their snapshots.
TEST(RepoCacheTest, ManyThreadsMakeOneLink) {
  const base::TempDir temp;
  const RepoCache cache(temp.path(), "org/model");
  ASSERT_TRUE(cache.Prepare().ok());
  std::atomic<int> failures{0};
  base::RunInParallel(8, [&](int thread) {
    for (int i = 0; i < 200; ++i) {
      // Always another target, so that it is always made.
      const std::string etag = absl::StrCat("etag", thread, "-", i);
      if (!cache.LinkSnapshotFile("commit", "a/b.json", etag).ok()) ++failures;
    }
  });
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(base::FilesBelow(cache.SnapshotDirectory("commit")).size(), 1);
}

}  // namespace
}  // namespace fetch
