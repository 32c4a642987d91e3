#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/testing/temp_dir.h"
#include "fetch/environment.h"
#include "fetch/fetch_options.h"
#include "fetch/testing/hub_repo.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::base::TempDir;
using ::base::WriteContents;
using ::testing::HasSubstr;

class EffectiveEnvironmentTest : public ::testing::Test {
 protected:
  EffectiveEnvironmentTest() {
    testing::ClearHubEnvironment();
    setenv("HF_ENDPOINT", "https://env.example/", 1);
    setenv("HF_HOME", (temp_ / "env").c_str(), 1);
    setenv("HF_HUB_OFFLINE", "1", 1);
    setenv("HF_TOKEN", "hf_env", 1);
    WriteContents(temp_ / "env/token", "hf_stored");
    WriteContents(temp_ / "home/token", "hf_home");
    WriteContents(temp_ / "other", "hf_other\n");
  }
  ~EffectiveEnvironmentTest() override { testing::ClearHubEnvironment(); }

  Environment Effective() const {
    const absl::StatusOr<Environment> environment =
        EffectiveEnvironment(options_);
    EXPECT_TRUE(environment.ok()) << environment.status();
    return environment.value_or(Environment());
  }

  TempDir temp_;
  FetchOptions options_;
};

TEST_F(EffectiveEnvironmentTest, WithoutOptionsItIsTheEnvironment) {
  const Environment environment = Effective();
  EXPECT_EQ(environment.endpoint, "https://env.example");
  EXPECT_EQ(environment.cache_dir, temp_ / "env/hub");
  EXPECT_EQ(environment.token.value, "hf_env");
  EXPECT_TRUE(environment.offline);
}

TEST_F(EffectiveEnvironmentTest, EachOptionStandsForItsVariable) {
  options_.endpoint = "https://mirror.example//";
  options_.offline = false;
  EXPECT_EQ(Effective().endpoint, "https://mirror.example");
  EXPECT_FALSE(Effective().offline);
  options_.cache_dir = temp_ / "cache";
  EXPECT_EQ(Effective().cache_dir, temp_ / "cache");
  options_.endpoint = "ftp://x";
  EXPECT_TRUE(absl::IsInvalidArgument(EffectiveEnvironment(options_).status()));
}

TEST_F(EffectiveEnvironmentTest, HomeOutdoesWhatIsSetForItsParts) {
  setenv("HF_HUB_CACHE", "/elsewhere", 1);
  setenv("HF_TOKEN_PATH", (temp_ / "other").c_str(), 1);
  unsetenv("HF_TOKEN");
  options_.home = temp_ / "home";
  EXPECT_EQ(Effective().cache_dir, temp_ / "home/hub");
  EXPECT_EQ(Effective().token.value, "hf_home");
}

TEST_F(EffectiveEnvironmentTest, TokenFileThatWasAskedForMustHaveOne) {
  setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1", 1);
  options_.token_path = temp_ / "other";
  EXPECT_EQ(Effective().token.value, "hf_other");
  options_.token_path = temp_ / "nothing";
  const absl::Status status = EffectiveEnvironment(options_).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr(temp_ / "nothing"));
}

TEST_F(EffectiveEnvironmentTest, EmptyTokenMeansNone) {
  options_.token = "";
  EXPECT_EQ(Effective().token.value, "");
  options_.token = "two words";
  EXPECT_TRUE(absl::IsInvalidArgument(EffectiveEnvironment(options_).status()));
}

}  // namespace
}  // namespace fetch
