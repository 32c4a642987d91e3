// The program hf_fetch as a user meets it. What it downloads and how is tested
// beside the library.

#include <csignal>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/testing/child_process.h"
#include "base/testing/temp_dir.h"
#include "fetch/testing/fault_server.h"
#include "fetch/testing/hub_repo.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kProgram[] = "fetch/hf_fetch";

base::ProcessResult RunTool(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), kProgram);
  return base::RunProcess(arguments);
}

TEST(HfFetchTest, HelpIsForAReader) {
  const base::ProcessResult help = RunTool({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_LT(std::vector<std::string>(absl::StrSplit(help.out, '\n')).size(),
            50);
  EXPECT_THAT(help.out, AllOf(HasSubstr("--revision=REV"),
                              Not(HasSubstr("--stall_timeout"))));
  EXPECT_THAT(RunTool({"--help=all"}).out, HasSubstr("--stall_timeout=TIME"));
}

TEST(HfFetchTest, WrongArgumentsExitWith2AndSayWhatIsRight) {
  const std::vector<std::vector<std::string>> cases = {
      {"ORG/NAME"},
      {"org/a", "org/b", "unexpected argument 'org/b'"},
      {"org/a", "--revison=x", "--revision"},
      {"org/a", "--connections=65", "1 to 64"},
      {"org/a", "--max_tries=0", "1 to"},
      {"org/a", "--stall_timeout=0", "90s"},
      {"org/a", "--local_dir=", "leave the flag out"},
  };
  for (std::vector<std::string> arguments : cases) {
    const std::string expected = arguments.back();
    arguments.pop_back();
    const base::ProcessResult result = RunTool(arguments);
    EXPECT_EQ(result.exit_code, 2) << expected;
    EXPECT_THAT(result.err, HasSubstr(expected));
    EXPECT_EQ(result.out, "");
  }
}

TEST(HfFetchTest, LostOutputIsAnError) {
  const base::ProcessResult result = base::RunProcess(
      {"/bin/sh", "-c", "exec fetch/hf_fetch --help >/dev/full"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("No space left on device"));
}

TEST(HfFetchTest, ASignalEndsItInOrder) {
  testing::ClearHubEnvironment();
  const testing::HubRepo repo = testing::HubRepo::SmallModel(1000);
  testing::FaultServer hub(&repo);
  hub.SetFault([](const testing::Request&, testing::Connection* connection) {
    connection->Wait(absl::Minutes(1));
    return true;
  });
  const base::TempDir directory;
  base::ChildProcess program({kProgram, repo.repo_id(), "--endpoint", hub.url(),
                              "--cache_dir", directory / "hub"});
  while (hub.requests().empty() && program.IsRunning()) {
    absl::SleepFor(absl::Milliseconds(5));
  }
  program.Signal(SIGINT);
  const base::ProcessResult result = program.Wait();
  EXPECT_EQ(result.exit_code, 128 + SIGINT);
  EXPECT_THAT(result.err, Not(HasSubstr("error")));
}

}  // namespace
}  // namespace fetch
