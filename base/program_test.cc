#include "base/program.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace base {
namespace {

using ::testing::ExitedWithCode;

TEST(StopTest, ASignalEndsAProgramThatHasNothingToPutInOrder) {
  EXPECT_EXIT(
      {
        BeginProgram();
        std::raise(SIGINT);
        _exit(0);
      },
      ExitedWithCode(130), "^stopped\n$");
  EXPECT_EXIT(
      {
        BeginProgram();
        SetStopMessage("{}\n");
        std::raise(SIGTERM);
        _exit(0);
      },
      ExitedWithCode(143), "^\\{\\}\n$");
}

TEST(StopTest, TheFirstSignalIsAWishWhileThereIsSomethingToPutInOrder) {
  EXPECT_EXIT(
      {
        BeginProgram();
        const OrderlyStop orderly;
        std::raise(SIGINT);
        _exit(stop_requested && StopExitCode() == 130 ? 7 : 8);
      },
      ExitedWithCode(7), "^$");
  EXPECT_EXIT(
      {
        BeginProgram();
        const OrderlyStop orderly;
        std::raise(SIGINT);
        std::raise(SIGINT);
        _exit(0);
      },
      ExitedWithCode(130), "^stopped\n$");
  EXPECT_EXIT(
      {
        BeginProgram();
        { const OrderlyStop orderly; }
        std::raise(SIGINT);
        _exit(0);
      },
      ExitedWithCode(130), "^stopped\n$");
}

TEST(StopTest, SignalsThatWereIgnoredStayIgnored) {
  EXPECT_EXIT(
      {
        std::signal(SIGINT, SIG_IGN);
        BeginProgram();
        std::raise(SIGINT);
        _exit(stop_requested ? 8 : 7);
      },
      ExitedWithCode(7), "^$");
}

TEST(FinishOutputTest, LostOutputIsAnError) {
  EXPECT_EXIT(
      {
        if (std::freopen("/dev/full", "w", stdout) == nullptr) _exit(9);
        std::printf("text");
        const absl::Status status = FinishOutput();
        std::fprintf(stderr, "%s", std::string(status.message()).c_str());
        _exit(status.ok() ? 8 : 7);
      },
      ExitedWithCode(7), "No space left on device");
  EXPECT_EXIT(
      {
        if (std::freopen("/dev/null", "w", stdout) == nullptr) _exit(9);
        std::printf("text");
        _exit(FinishOutput().ok() ? 7 : 8);
      },
      ExitedWithCode(7), "");
}

}  // namespace
}  // namespace base
