#include "base/blame.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"

namespace base {
namespace {

constexpr absl::string_view kUrl = "base/blame";
constexpr absl::string_view kInput = "input";
constexpr absl::string_view kStopped = "stopped";

}  // namespace

absl::Status BlameInput(absl::Status status) {
  status.SetPayload(kUrl, absl::Cord(kInput));
  return status;
}

absl::Status Stopped() {
  absl::Status status = absl::CancelledError("stopped");
  status.SetPayload(kUrl, absl::Cord(kStopped));
  return status;
}

Blame BlameOf(const absl::Status& status) {
  const auto blame = status.GetPayload(kUrl);
  if (blame == kInput) return Blame::kInput;
  return blame == kStopped ? Blame::kStopped : Blame::kMachine;
}

}  // namespace base
