// What becomes of a download when the clock is set. This test stands in for the
// system's clock.

#include <dlfcn.h>
#include <time.h>

#include <atomic>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "fetch/fetch.h"
#include "fetch/testing/fault_fixture.h"
#include "fetch/testing/fault_server.h"
#include "gtest/gtest.h"

namespace {

// Seconds by which the clock of the day was set back.
std::atomic<int64_t> set_back{0};

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  using Gettime = int(clockid_t, timespec*);
  static Gettime* const real =
      reinterpret_cast<Gettime*>(dlsym(RTLD_NEXT, "clock_gettime"));
  const int result = real(clock, time);
  if (clock == CLOCK_REALTIME) time->tv_sec -= set_back;
  return result;
}

namespace fetch {
namespace {

using ClockFaultTest = FaultFixture;

// Back an hour in the pause after a failure, of the API and of a file: nobody
// waits that hour.
TEST_F(ClockFaultTest, SetBackDuringAPause) {
  for (const char* where : {"/tree/", "model.safetensors"}) {
    std::atomic<bool> failed{false};
    server_.SetFault([&](const testing::Request& request,
                         testing::Connection* connection) {
      if (!absl::StrContains(request.path, where) || failed.exchange(true)) {
        return false;
      }
      connection->Reply(503, {"Retry-After: 1"}, "");
      return true;
    });
    options_.cache_dir = temp_ / absl::StrCat("hub", set_back.load());
    const int64_t before = set_back;
    observer_.notice = [before](absl::string_view) {
      set_back = before + 3600;  // the pause has begun
    };
    ASSERT_TRUE(Fetch().ok());
    EXPECT_TRUE(failed);
    EXPECT_EQ(set_back, before + 3600);
  }
}

}  // namespace
}  // namespace fetch
