// File: tools/engine/fingerprint.h
//
// What the bytes of a job's outputs depend on, so that a stopped job goes on
// only if nothing of that has changed.

#ifndef TOOLS_ENGINE_FINGERPRINT_H_
#define TOOLS_ENGINE_FINGERPRINT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "converters/model_plan.h"
#include "tools/engine/imatrix.h"
#include "tools/engine/journal.pb.h"
#include "tools/engine/planner.h"

namespace make_gguf {

struct FingerprintInput {
  const converters::ModelPlan* model = nullptr;
  absl::Span<const OutputPlan> outputs;
  // Paths of the weights; size and time of change stand for their content.
  absl::Span<const std::string> weight_files;
  const ImportanceTable* importance = nullptr;
  uint64_t chunk_weights = 0;
};

Fingerprint FingerprintOf(const FingerprintInput& input);

// Whether the files of weights still are what `fingerprint`, made of them,
// says. Errors: FailedPrecondition, naming the file that was changed meanwhile.
absl::Status CheckUnchanged(const Fingerprint& fingerprint,
                            absl::Span<const std::string> weight_files);

// The outputs' file names in a fingerprint.
std::vector<std::string> OutputNames(const Fingerprint& fingerprint);

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_FINGERPRINT_H_
