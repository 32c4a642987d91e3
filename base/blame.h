// File: base/blame.h
//
// Who has to do something when work does not come to its end. Said where the
// error is found, carried by the status; never guessed from its code, which
// comes from many libraries and from the system.

#ifndef BASE_BLAME_H_
#define BASE_BLAME_H_

#include "absl/status/status.h"

namespace base {

enum class Blame {
  kMachine,  // disk, memory, another process: the same command may go on
  kInput,    // the model or the spec: the same command would end the same way
  kStopped,  // the caller asked for it
};

// `status`, an error, as one of the input.
absl::Status BlameInput(absl::Status status);
// An error that says that the caller has stopped the job.
absl::Status Stopped();

// Whose error it is; kMachine where nothing else was said.
Blame BlameOf(const absl::Status& status);

}  // namespace base

#endif  // BASE_BLAME_H_
