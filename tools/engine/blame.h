// File: tools/engine/blame.h
//
// Who has to do something when a job does not come to its end. Said where the
// error is found, carried by the status; never guessed from its code, which
// comes from many libraries and from the system.

#ifndef TOOLS_ENGINE_BLAME_H_
#define TOOLS_ENGINE_BLAME_H_

#include "absl/status/status.h"

namespace make_gguf {

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

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_BLAME_H_
