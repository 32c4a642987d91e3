// File: fetch/protocol/range_answer.h
//
// What a server's answer to a request for bytes of a file means, before the
// first byte of it is believed.

#ifndef FETCH_PROTOCOL_RANGE_ANSWER_H_
#define FETCH_PROTOCOL_RANGE_ANSWER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/range_set.h"
#include "fetch/protocol/http_message.h"

namespace fetch {

struct RangeQuestion {
  base::Range range;       // asked for; not empty
  uint64_t file_size = 0;  // as the hub lists it
  std::string etag;        // the listed hash, which the hub's ETag repeats
  std::string validator;   // the ETag of earlier bytes from there; or empty
  bool at_hub = true;      // asked the hub itself, not where it redirected to
};

enum class AnswerKind {
  kPart,       // the bytes asked for, or the first of them, follow
  kWhole,      // the whole file follows, from its first byte
  kRedirect,   // ask at `Location`
  kChanged,    // the file is not what it was: what is there does not count
  kExpired,    // the address is no longer good: ask the hub for a new one
  kBusy,       // try again later
  kRefused,    // no use to try again
  kMalformed,  // the server contradicts itself or the hub
};

struct RangeAnswer {
  AnswerKind kind;
  uint64_t end = 0;     // for kPart: where the bytes that follow end
  std::string problem;  // for the last five: what was found and expected
};

RangeAnswer JudgeAnswer(const RangeQuestion& question,
                        const HttpResponse& response);

// An ETag header's value without weakness mark and quotes.
absl::string_view BareEtag(absl::string_view header);

}  // namespace fetch

#endif  // FETCH_PROTOCOL_RANGE_ANSWER_H_
