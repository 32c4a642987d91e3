#include "fetch/protocol/range_answer.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/printable.h"
#include "base/range_set.h"
#include "fetch/protocol/http_message.h"
#include "fetch/protocol/repo_listing.h"
#include "fetch/protocol/retry.h"

namespace fetch {
namespace {

RangeAnswer Malformed(absl::string_view problem) {
  return {AnswerKind::kMalformed, 0, std::string(problem)};
}

struct ContentRange {
  uint64_t begin = 0;
  uint64_t last = 0;
  std::optional<uint64_t> total;
};

// "bytes 0-99/1000" or "bytes 0-99/*".
std::optional<ContentRange> ParseContentRange(absl::string_view header) {
  if (!absl::ConsumePrefix(&header, "bytes ")) return std::nullopt;
  const std::vector<absl::string_view> parts =
      absl::StrSplit(header, absl::ByAnyChar("-/"));
  ContentRange range;
  uint64_t total = 0;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &range.begin) ||
      !absl::SimpleAtoi(parts[1], &range.last) || range.last < range.begin) {
    return std::nullopt;
  }
  if (parts[2] == "*") return range;
  if (!absl::SimpleAtoi(parts[2], &total)) return std::nullopt;
  range.total = total;
  return range;
}

std::string SizeProblem(absl::string_view found, uint64_t expected) {
  return absl::StrCat("the server has a file of ", found,
                      " bytes, but the hub lists ", expected);
}

RangeAnswer JudgePart(const RangeQuestion& question,
                      const HttpResponse& response) {
  const absl::string_view header = response.Header("content-range");
  const std::optional<ContentRange> range = ParseContentRange(header);
  if (!range.has_value() || range->begin != question.range.begin) {
    return Malformed(absl::StrCat("asked for bytes from ", question.range.begin,
                                  ", the answer is of '",
                                  base::Printable(header), "'"));
  }
  if (range->total.value_or(question.file_size) != question.file_size) {
    return Malformed(
        SizeProblem(absl::StrCat(*range->total), question.file_size));
  }
  if (range->last >= question.file_size) {
    return Malformed(absl::StrCat("the answer is of '", base::Printable(header),
                                  "', beyond the file's end at ",
                                  question.file_size));
  }
  return {AnswerKind::kPart, std::min(question.range.end, range->last + 1), ""};
}

RangeAnswer JudgeWhole(const RangeQuestion& question,
                       const HttpResponse& response) {
  const absl::string_view header = response.Header("content-length");
  uint64_t length = 0;
  if (absl::SimpleAtoi(header, &length) && length != question.file_size) {
    return Malformed(SizeProblem(absl::StrCat(length), question.file_size));
  }
  return {AnswerKind::kWhole, 0, ""};
}

RangeAnswer JudgeBody(const RangeQuestion& question,
                      const HttpResponse& response) {
  const absl::string_view encoding = response.Header("content-encoding");
  if (!encoding.empty() && encoding != "identity") {
    return Malformed(absl::StrCat("the answer has the encoding '",
                                  base::Printable(encoding),
                                  "', which was not asked for"));
  }
  const absl::string_view etag = response.Header("etag");
  if (!question.validator.empty() && !etag.empty() &&
      etag != question.validator) {
    return {AnswerKind::kChanged, 0,
            absl::StrCat("the file has changed on the server (ETag ",
                         base::Printable(etag), ", was ",
                         base::Printable(question.validator), ")")};
  }
  return response.status == 206 ? JudgePart(question, response)
                                : JudgeWhole(question, response);
}

// A redirect of the hub says which contents it leads to.
RangeAnswer JudgeRedirect(const RangeQuestion& question,
                          const HttpResponse& response) {
  const absl::string_view etag = BareEtag(response.Header("x-linked-etag"));
  const bool is_hash = IsLowerHex(etag, 40) || IsLowerHex(etag, 64);
  if (is_hash && etag != question.etag) {
    return {AnswerKind::kChanged, 0,
            absl::StrCat("the file has changed on the hub (hash ", etag,
                         ", was ", question.etag, ")")};
  }
  const absl::string_view header = response.Header("x-linked-size");
  uint64_t size = 0;
  if (absl::SimpleAtoi(header, &size) && size != question.file_size) {
    return Malformed(SizeProblem(absl::StrCat(size), question.file_size));
  }
  return {AnswerKind::kRedirect, 0, ""};
}

}  // namespace

absl::string_view BareEtag(absl::string_view header) {
  absl::ConsumePrefix(&header, "W/");
  absl::ConsumePrefix(&header, "\"");
  absl::ConsumeSuffix(&header, "\"");
  return header;
}

RangeAnswer JudgeAnswer(const RangeQuestion& question,
                        const HttpResponse& response) {
  const int status = response.status;
  const std::string code = absl::StrCat("the server answers HTTP ", status);
  if (IsRedirect(status)) return JudgeRedirect(question, response);
  switch (status) {
    case 200:
    case 206:
      return JudgeBody(question, response);
    case 412:
      return {AnswerKind::kChanged, 0,
              absl::StrCat("the file has changed on the server (", code, ")")};
    case 416:
      return Malformed(
          absl::StrCat(code, " to a request for bytes ", question.range.begin,
                       "-", question.range.end - 1, " of ", question.file_size,
                       "; Content-Range: '",
                       base::Printable(response.Header("content-range")), "'"));
    default:
      if (IsTransientStatus(status)) return {AnswerKind::kBusy, 0, code};
      // Signed addresses end with any of the client errors. What the hub itself
      // refuses, also where a renamed repository has gone, it gives a code.
      if (!question.at_hub && status >= 400 && status < 500 &&
          response.Header("x-error-code").empty()) {
        return {AnswerKind::kExpired, 0, code};
      }
      return {AnswerKind::kRefused, 0, code};
  }
}

}  // namespace fetch
