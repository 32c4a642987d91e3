#include "fetch/environment.h"

#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/testing/temp_dir.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::base::TempDir;
using ::base::WriteContents;
using ::testing::HasSubstr;
using ::testing::Not;

Environment Read(std::map<std::string, std::string> variables) {
  variables.emplace("HOME", "/nowhere/me");
  const absl::StatusOr<Environment> environment =
      ReadEnvironment([&variables](absl::string_view name) {
        const auto found = variables.find(std::string(name));
        return found == variables.end()
                   ? std::nullopt
                   : std::optional<std::string>(found->second);
      });
  EXPECT_TRUE(environment.ok()) << environment.status();
  return environment.ok() ? *environment : Environment();
}

TEST(EnvironmentTest, Defaults) {
  const Environment environment = Read({});
  EXPECT_EQ(environment.endpoint, "https://huggingface.co");
  EXPECT_EQ(environment.cache_dir, "/nowhere/me/.cache/huggingface/hub");
  EXPECT_EQ(environment.token.value, "");
  EXPECT_FALSE(environment.offline);
  EXPECT_EQ(environment.ca_bundle, "");
}

TEST(EnvironmentTest, CacheDirectory) {
  EXPECT_EQ(Read({{"XDG_CACHE_HOME", "/x"}}).cache_dir, "/x/huggingface/hub");
  EXPECT_EQ(Read({{"XDG_CACHE_HOME", "/x"}, {"HF_HOME", "~/hf"}}).cache_dir,
            "/nowhere/me/hf/hub");
  EXPECT_EQ(
      Read({{"HF_HOME", "/h"}, {"HUGGINGFACE_HUB_CACHE", "/old"}}).cache_dir,
      "/old");
  EXPECT_EQ(Read({{"HUGGINGFACE_HUB_CACHE", "/old"}, {"HF_HUB_CACHE", "/new"}})
                .cache_dir,
            "/new");
  EXPECT_EQ(Read({{"HF_HOME", ""}}).cache_dir,
            "/nowhere/me/.cache/huggingface/hub");
}

TEST(EnvironmentTest, PathsAreExpanded) {
  EXPECT_EQ(Read({{"HF_HUB_CACHE", "$A/${B}/$C/${D"}, {"A", "/a"}, {"B", "b"}})
                .cache_dir,
            "/a/b/$C/${D");
  EXPECT_EQ(Read({{"HF_HUB_CACHE", "/a~b"}}).cache_dir, "/a~b");
}

TEST(EnvironmentTest, Endpoint) {
  EXPECT_EQ(Read({{"HF_ENDPOINT", "https://mirror//"}}).endpoint,
            "https://mirror");
}

TEST(EnvironmentTest, TokensInTheirOrder) {
  const TempDir temp;
  WriteContents(temp / "home/token", " hf_file\n");
  WriteContents(temp / "other", "hf_other");
  const std::string home = temp / "home";
  const Token file = Read({{"HF_HOME", home}}).token;
  EXPECT_EQ(file.value, "hf_file");
  EXPECT_THAT(file.source, HasSubstr(home + "/token"));
  EXPECT_EQ(
      Read({{"HF_HOME", home}, {"HF_TOKEN_PATH", temp / "other"}}).token.value,
      "hf_other");
  const Token old =
      Read({{"HF_HOME", home}, {"HUGGING_FACE_HUB_TOKEN", "hf_o"}}).token;
  EXPECT_EQ(old.value, "hf_o");
  EXPECT_EQ(old.source, "HUGGING_FACE_HUB_TOKEN");
  const Token environment =
      Read({{"HF_TOKEN", "hf_e"}, {"HUGGING_FACE_HUB_TOKEN", "hf_o"}}).token;
  EXPECT_EQ(environment.value, "hf_e");
  EXPECT_EQ(environment.source, "HF_TOKEN");
  EXPECT_EQ(Read({{"HF_TOKEN", "hf_e"}, {"HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"}})
                .token.value,
            "");
}

TEST(EnvironmentTest, TokenThatWouldBreakAHeaderIsRefused) {
  EXPECT_EQ(*CleanToken(" hf_a\r\n", "x"), "hf_a");
  const absl::Status status = CleanToken("hf_a b", "HF_TOKEN").status();
  EXPECT_THAT(status.message(), HasSubstr("HF_TOKEN"));
  EXPECT_THAT(status.message(), Not(HasSubstr("hf_a")));
}

TEST(EnvironmentTest, Offline) {
  EXPECT_TRUE(Read({{"HF_HUB_OFFLINE", "true"}}).offline);
  EXPECT_TRUE(Read({{"TRANSFORMERS_OFFLINE", "1"}}).offline);
  EXPECT_FALSE(Read({{"HF_HUB_OFFLINE", "0"}}).offline);
}

TEST(EnvironmentTest, CertificateBundle) {
  EXPECT_EQ(Read({{"SSL_CERT_FILE", "/s"}}).ca_bundle, "/s");
  EXPECT_EQ(
      Read({{"SSL_CERT_FILE", "/s"}, {"REQUESTS_CA_BUNDLE", "/r"}}).ca_bundle,
      "/r");
}

}  // namespace
}  // namespace fetch
