#include "fetch/download/following_digest.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "base/digest.h"
#include "base/testing/temp_dir.h"
#include "base/work_queue.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

TEST(FollowingDigestTest, HashesBehindTheBytes) {
  const base::TempDir temp;
  const std::string contents(5 << 20, 'x');
  base::WriteContents(temp / "file", contents);
  const int fd = open((temp / "file").c_str(), O_RDONLY);
  absl::Notification done;
  base::WorkQueue queue(1);
  const auto digest =
      FollowingDigest::Create(fd, base::DigestKind::kSha256, contents.size(),
                              &queue, [&done] { done.Notify(); });
  close(fd);
  ASSERT_TRUE(digest.ok()) << digest.status();
  (*digest)->Advance(1 << 20);
  (*digest)->Advance(contents.size() - 1);
  EXPECT_FALSE((*digest)->Result().has_value());
  (*digest)->Advance(contents.size());
  done.WaitForNotification();
  EXPECT_EQ(**(*digest)->Result(),
            *base::HexDigest(base::DigestKind::kSha256, contents));
}

// Of a file that takes days: who ends does not wait for it.
TEST(FollowingDigestTest, AbandonedWorkEndsSoon) {
  const base::TempDir temp;
  constexpr uint64_t kSize = uint64_t{1} << 42;
  const int fd = open((temp / "file").c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_EQ(ftruncate(fd, kSize), 0);
  base::WorkQueue queue(1);
  {
    const auto digest = FollowingDigest::Create(fd, base::DigestKind::kSha256,
                                                kSize, &queue, [] {});
    ASSERT_TRUE(digest.ok()) << digest.status();
    (*digest)->Advance(kSize);
  }
  close(fd);
}

}  // namespace
}  // namespace fetch
