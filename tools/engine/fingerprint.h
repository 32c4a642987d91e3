// File: tools/engine/fingerprint.h
//
// What the bytes of a job's outputs depend on, so that a stopped job goes on
// only if nothing of that has changed.

#ifndef TOOLS_ENGINE_FINGERPRINT_H_
#define TOOLS_ENGINE_FINGERPRINT_H_

#include "absl/status/status.h"
#include "converters/tensor_source.h"
#include "tools/engine/job_plan.h"
#include "tools/engine/journal.pb.h"

namespace make_gguf {

// The head of the plan's journal.
JournalHead FingerprintOf(const JobPlan& plan);

// Whether the files of the source still are what they were when they were
// opened. Errors: FailedPrecondition, blamed on the input, naming the file that
// was changed meanwhile.
absl::Status CheckUnchanged(const converters::TensorSource& source);

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_FINGERPRINT_H_
