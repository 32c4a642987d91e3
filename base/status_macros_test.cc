#include "base/status_macros.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace base {
namespace {

absl::StatusOr<int> Give(int value) {
  if (value < 0) return absl::InvalidArgumentError("negative");
  return value;
}

// Names of ours that the macros might use as well, and macros in lambdas of
// their own arguments.
absl::StatusOr<int> Sum(absl::Status status, int a, int b) {
  RETURN_IF_ERROR(status);
  ASSIGN_OR_RETURN(const int first, [&]() -> absl::StatusOr<int> {
    ASSIGN_OR_RETURN(const int given, Give(a));
    RETURN_IF_ERROR([&]() -> absl::Status {
      RETURN_IF_ERROR(status);
      return absl::OkStatus();
    }());
    return given;
  }());
  int second = 0;
  if (b != 0) {
    ASSIGN_OR_RETURN(second, Give(b));
  }
  return first + second;
}

TEST(StatusMacrosTest, PassesErrorsOnAndValuesThrough) {
  EXPECT_EQ(*Sum(absl::OkStatus(), 1, 2), 3);
  EXPECT_EQ(Sum(absl::OkStatus(), -1, 2).status().message(), "negative");
  EXPECT_EQ(Sum(absl::OkStatus(), 1, -2).status().message(), "negative");
  EXPECT_EQ(Sum(absl::AbortedError("before"), 1, 2).status().message(),
            "before");
}

TEST(StatusMacrosTest, MovesValues) {
  const auto length = [](absl::StatusOr<std::unique_ptr<std::string>> from)
      -> absl::StatusOr<size_t> {
    ASSIGN_OR_RETURN(const std::unique_ptr<std::string> text, std::move(from));
    return text->size();
  };
  EXPECT_EQ(*length(std::make_unique<std::string>("four")), 4);
}

}  // namespace
}  // namespace base
