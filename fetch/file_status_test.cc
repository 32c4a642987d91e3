#include "fetch/file_status.h"

#include <cerrno>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(FileStatusTest, SaysWhatToDo) {
  const absl::Status full = FileError(ENOSPC, "write", "/d/f");
  EXPECT_TRUE(absl::IsResourceExhausted(full));
  EXPECT_THAT(full.message(), AllOf(HasSubstr("cannot write /d/f"),
                                    HasSubstr("space"), HasSubstr("HF_HOME")));
  EXPECT_TRUE(absl::IsResourceExhausted(FileError(EDQUOT, "write", "/d/f")));
  const absl::Status denied = FileError(EACCES, "open", "/d/f");
  EXPECT_TRUE(absl::IsPermissionDenied(denied));
  EXPECT_THAT(denied.message(), HasSubstr("/d/f"));
  EXPECT_TRUE(absl::IsPermissionDenied(FileError(EROFS, "open", "/d/f")));
  EXPECT_THAT(FileError(EIO, "read", "/d/f").message(), HasSubstr("/d/f"));
}

}  // namespace
}  // namespace fetch
