#include "fetch/protocol/hub_error.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const HubTarget kTarget = {"https://h", "o/m", "v1", {"hf_secret", "HF_TOKEN"}};

absl::Status Error(int status, const std::string& code,
                   const std::string& message = "", absl::string_view path = "",
                   const HubTarget& target = kTarget) {
  HttpResponse response;
  response.url = "https://h/x?signature=secret";
  response.status = status;
  if (!code.empty()) response.headers["x-error-code"] = code;
  if (!message.empty()) response.headers["x-error-message"] = message;
  const absl::Status error = HubError(target, path, response);
  EXPECT_THAT(error.message(), Not(HasSubstr("secret")));
  return error;
}

TEST(HubErrorTest, GatedSaysWhereToAsk) {
  const absl::Status error = Error(403, "GatedRepo", "ask \x1b[31mfirst");
  EXPECT_TRUE(absl::IsPermissionDenied(error));
  EXPECT_THAT(error.message(),
              AllOf(HasSubstr("https://h/o/m"), HasSubstr("HF_TOKEN"),
                    HasSubstr("ask \\x1b[31mfirst")));
}

TEST(HubErrorTest, NoTokenSaysHowToGiveOne) {
  const HubTarget anonymous = {"https://h", "o/m", "v1", {}};
  const absl::Status error = Error(401, "RepoNotFound", "", "", anonymous);
  EXPECT_TRUE(absl::IsUnauthenticated(error));
  EXPECT_THAT(error.message(),
              AllOf(HasSubstr("private or gated"), HasSubstr("HF_TOKEN")));
}

TEST(HubErrorTest, UnknownToken) {
  const absl::Status error =
      Error(401, "", "Invalid credentials in Authorization header");
  EXPECT_TRUE(absl::IsUnauthenticated(error));
  EXPECT_THAT(error.message(), HasSubstr("does not know the token"));
}

TEST(HubErrorTest, WhatIsMissing) {
  EXPECT_THAT(Error(404, "RepoNotFound").message(),
              HasSubstr("no repository o/m"));
  EXPECT_THAT(Error(404, "RevisionNotFound").message(),
              HasSubstr("no revision 'v1'"));
  EXPECT_THAT(Error(404, "EntryNotFound", "", "a.json").message(),
              HasSubstr("no file 'a.json'"));
  EXPECT_THAT(Error(404, "", "", "a.json").message(),
              HasSubstr("no file 'a.json'"));
  EXPECT_TRUE(absl::IsNotFound(Error(404, "")));
}

TEST(HubErrorTest, Others) {
  EXPECT_THAT(Error(407, "").message(), HasSubstr("proxy"));
  EXPECT_THAT(Error(429, "").message(), HasSubstr("HTTP 429"));
  EXPECT_THAT(Error(500, "").message(), HasSubstr("HTTP 500 from https://h/x"));
}

TEST(HubErrorTest, PasswordOfTheEndpointIsNotShown) {
  HubTarget target = kTarget;
  target.endpoint = "https://user:secret@h:8443";
  for (const int status : {401, 403, 404}) {
    for (const char* code : {"", "GatedRepo", "RepoNotFound"}) {
      const absl::Status error = Error(status, code, "", "", target);
      EXPECT_THAT(error.message(), HasSubstr("https://h:8443"));
    }
    EXPECT_THAT(Error(status, "", "Invalid credentials", "", target).message(),
                Not(HasSubstr("user")));
  }
}

}  // namespace
}  // namespace fetch
