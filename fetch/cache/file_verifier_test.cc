#include "fetch/cache/file_verifier.h"

#include <unistd.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/digest.h"
#include "base/testing/status_matchers.h"
#include "base/testing/temp_dir.h"
#include "fetch/observer.h"
#include "fetch/protocol/repo_listing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::base::Contents;
using ::base::FilesBelow;
using ::base::IsOk;
using ::base::IsOkAndHolds;
using ::base::TempDir;
using ::base::WriteContents;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FileVerifierTest : public ::testing::Test {
 protected:
  FileVerifierTest() {
    observer_.cancelled = [this] { return ++polls_ > patience_; };
    observer_.notice = [this](absl::string_view line) { notices_ += line; };
    file_.path = "model.safetensors";
    file_.size = contents_.size();
    file_.lfs_sha256 = *base::HexDigest(base::DigestKind::kSha256, contents_);
    WriteContents(path_, contents_);
  }

  const std::string contents_ = std::string(5 << 20, 'x');
  TempDir temp_;
  const std::string path_ = temp_ / "file";
  RepoFile file_;
  int polls_ = 0;
  int patience_ = 1'000'000;
  std::string notices_;
  FetchObserver observer_;
  FileVerifier verifier_{&observer_};
};

TEST_F(FileVerifierTest, HashesEachFileOnce) {
  EXPECT_THAT(verifier_.HasContents(path_, file_), IsOkAndHolds(true));
  EXPECT_EQ(polls_, 5);  // once for each MiB
  EXPECT_THAT(verifier_.HasContents(path_, file_), IsOkAndHolds(true));
  EXPECT_EQ(polls_, 5);
  // Another file under the same name.
  WriteContents(temp_ / "other", std::string(contents_.size(), 'y'));
  ASSERT_EQ(rename((temp_ / "other").c_str(), path_.c_str()), 0);
  EXPECT_THAT(verifier_.HasContents(path_, file_), IsOkAndHolds(false));
  EXPECT_EQ(polls_, 10);
  EXPECT_THAT(verifier_.HasContents(temp_ / "none", file_),
              IsOkAndHolds(false));
  EXPECT_EQ(notices_, "");
}

TEST_F(FileVerifierTest, LongOnesAreSaidAndCanBeCancelled) {
  patience_ = 3;
  file_.size = uint64_t{1} << 42;
  ASSERT_EQ(truncate(path_.c_str(), static_cast<off_t>(file_.size)), 0);
  EXPECT_TRUE(absl::IsCancelled(verifier_.HasContents(path_, file_).status()));
  EXPECT_THAT(notices_, HasSubstr("checking model.safetensors"));
}

TEST_F(FileVerifierTest, CopiesAllOrNothing) {
  EXPECT_THAT(verifier_.Copy(path_, temp_ / "copy"), IsOk());
  EXPECT_EQ(Contents(temp_ / "copy"), contents_);
  patience_ = polls_ + 2;
  EXPECT_TRUE(absl::IsCancelled(verifier_.Copy(path_, temp_ / "another")));
  EXPECT_THAT(FilesBelow(temp_.path()), ElementsAre("copy", "file"));
}

}  // namespace
}  // namespace fetch
