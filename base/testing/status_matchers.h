// File: base/testing/status_matchers.h
//
// EXPECT_THAT(status, IsOk()), IsOkAndHolds(value), StatusIs(code, message).

#ifndef BASE_TESTING_STATUS_MATCHERS_H_
#define BASE_TESTING_STATUS_MATCHERS_H_

#include "absl/status/status_matchers.h"

namespace base {

using ::absl_testing::IsOk;
using ::absl_testing::IsOkAndHolds;
using ::absl_testing::StatusIs;

}  // namespace base

#endif  // BASE_TESTING_STATUS_MATCHERS_H_
