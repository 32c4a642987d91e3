#include "fetch/protocol/range_answer.h"

#include <map>
#include <string>
#include <utility>

#include "fetch/protocol/http_message.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::testing::HasSubstr;

const std::string kHash = std::string(64, 'a');

RangeAnswer Judge(int status, std::map<std::string, std::string> headers,
                  bool at_hub = false, const std::string& validator = "") {
  HttpResponse response;
  response.url = "https://h/x";
  response.status = status;
  response.headers = std::move(headers);
  return JudgeAnswer({{100, 200}, 1000, kHash, validator, at_hub}, response);
}

TEST(RangeAnswerTest, Parts) {
  const RangeAnswer part =
      Judge(206, {{"content-range", "bytes 100-199/1000"}});
  EXPECT_EQ(part.kind, AnswerKind::kPart);
  EXPECT_EQ(part.end, 200);
  // Less than asked for is a beginning; more is not taken.
  EXPECT_EQ(Judge(206, {{"content-range", "bytes 100-149/*"}}).end, 150);
  EXPECT_EQ(Judge(206, {{"content-range", "bytes 100-999/1000"}}).end, 200);
}

TEST(RangeAnswerTest, PartsThatContradictAreMalformed) {
  for (const char* range :
       {"", "bytes 0-99/1000", "bytes 100-199/1001", "bytes 100-99/1000",
        "bytes */1000", "items 100-199/1000", "bytes 100-199/1000/2",
        "bytes 100-x/1000", "bytes 100-1000/1000", "bytes 100-1000/*",
        "bytes 100-18446744073709551615/1000",
        "bytes 100-18446744073709551615/*"}) {
    EXPECT_EQ(Judge(206, {{"content-range", range}}).kind,
              AnswerKind::kMalformed)
        << range;
  }
  EXPECT_EQ(Judge(206, {{"content-range", "bytes 100-199/1000"},
                        {"content-encoding", "gzip"}})
                .kind,
            AnswerKind::kMalformed);
}

TEST(RangeAnswerTest, ServersTextDoesNotActOnATerminal) {
  const std::string evil =
      "\x1b[2J\nerror: \xC2\x9B"
      "1m";
  for (const RangeAnswer& answer :
       {Judge(206, {{"content-range", evil}}),
        Judge(416, {{"content-range", evil}}),
        Judge(206, {{"content-encoding", evil}}),
        Judge(206, {{"etag", evil}}, false, "\"other\"")}) {
    EXPECT_THAT(answer.problem, HasSubstr("\\x1b[2J\\nerror: \\u009b1m"));
  }
}

TEST(RangeAnswerTest, Wholes) {
  EXPECT_EQ(Judge(200, {{"content-length", "1000"}}).kind, AnswerKind::kWhole);
  EXPECT_EQ(Judge(200, {}).kind, AnswerKind::kWhole);
  const RangeAnswer wrong = Judge(200, {{"content-length", "999"}});
  EXPECT_EQ(wrong.kind, AnswerKind::kMalformed);
  EXPECT_THAT(wrong.problem, HasSubstr("999 bytes"));
  EXPECT_THAT(wrong.problem, HasSubstr("lists 1000"));
}

TEST(RangeAnswerTest, EtagThatDiffersMeansAChange) {
  const std::map<std::string, std::string> headers = {
      {"content-range", "bytes 100-199/1000"}, {"etag", "\"b\""}};
  EXPECT_EQ(Judge(206, headers, false, "\"a\"").kind, AnswerKind::kChanged);
  EXPECT_EQ(Judge(206, headers, false, "\"b\"").kind, AnswerKind::kPart);
  EXPECT_EQ(Judge(206, headers, false, "").kind, AnswerKind::kPart);
  EXPECT_EQ(Judge(412, {}).kind, AnswerKind::kChanged);
}

TEST(RangeAnswerTest, RedirectsSayWhatTheyLeadTo) {
  EXPECT_EQ(Judge(302, {}).kind, AnswerKind::kRedirect);
  EXPECT_EQ(Judge(307, {{"x-linked-etag", "\"" + kHash + "\""},
                        {"x-linked-size", "1000"}})
                .kind,
            AnswerKind::kRedirect);
  EXPECT_EQ(
      Judge(302, {{"x-linked-etag", "\"" + std::string(64, 'b') + "\""}}).kind,
      AnswerKind::kChanged);
  EXPECT_EQ(Judge(302, {{"x-linked-size", "999"}}).kind,
            AnswerKind::kMalformed);
}

TEST(RangeAnswerTest, Refusals) {
  EXPECT_EQ(Judge(403, {}, true).kind, AnswerKind::kRefused);
  EXPECT_EQ(Judge(403, {}, false).kind, AnswerKind::kExpired);
  EXPECT_EQ(Judge(404, {}, true).kind, AnswerKind::kRefused);
  // Where a renamed repository has gone, the hub still answers.
  EXPECT_EQ(Judge(403, {{"x-error-code", "GatedRepo"}}, false).kind,
            AnswerKind::kRefused);
  EXPECT_EQ(Judge(416, {}).kind, AnswerKind::kMalformed);
  EXPECT_EQ(Judge(429, {}).kind, AnswerKind::kBusy);
  EXPECT_EQ(Judge(503, {}, true).kind, AnswerKind::kBusy);
  EXPECT_EQ(Judge(501, {}).kind, AnswerKind::kRefused);
}

TEST(RangeAnswerTest, BareEtags) {
  EXPECT_EQ(BareEtag("\"abc\""), "abc");
  EXPECT_EQ(BareEtag("W/\"abc\""), "abc");
  EXPECT_EQ(BareEtag("abc"), "abc");
  EXPECT_EQ(BareEtag(""), "");
}

}  // namespace
}  // namespace fetch
