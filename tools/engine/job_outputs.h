// File: tools/engine/job_outputs.h
//
// The files of a running job as a whole: the journal that locks them, the
// partial outputs, the space they need, and their way to their final names.

#ifndef TOOLS_ENGINE_JOB_OUTPUTS_H_
#define TOOLS_ENGINE_JOB_OUTPUTS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gguf/file_ops.h"
#include "tools/engine/job_plan.h"
#include "tools/engine/journal.h"
#include "tools/engine/journal.pb.h"
#include "tools/engine/output_file.h"

namespace make_gguf {

class JobOutputs {
 public:
  // Makes the output directory, takes the lock, looks for outputs that are
  // there already, checks the space, and opens all outputs: those of a stopped
  // job where it can go on. What another stopped job has left is removed only
  // when all checks are passed. `job`, `stop` and `ops` outlive the outputs.
  // Errors: AlreadyExists for finished outputs and no `overwrite` (all are
  // listed); Unavailable if another job holds the lock; ResourceExhausted if
  // the space is not there.
  static absl::StatusOr<std::unique_ptr<JobOutputs>> Open(
      const JobPlan& job, const std::atomic<bool>& stop,
      gguf::FileOps& ops = gguf::FileOps::System());

  Journal& journal() { return *journal_; }
  const std::vector<std::unique_ptr<OutputFile>>& files() const {
    return files_;
  }

  // Brings all outputs to disk, then all under their names, and removes the
  // journal. Calls `finished` with the number of each file that has its name.
  // Errors: Cancelled if stopped before the first file gets its name;
  // FailedPrecondition if a file of weights was changed while the job ran.
  absl::Status Commit(const std::function<void(size_t)>& finished);
  // Removes everything that is not finished.
  void Discard();

 private:
  JobOutputs(const JobPlan& job, const std::atomic<bool>& stop,
             gguf::FileOps& ops)
      : job_(job), stop_(stop), ops_(ops) {}
  absl::Status OpenJournal();
  absl::Status TakeBackFinished();
  absl::Status CheckNotThere() const;
  absl::Status CheckSpace() const;
  absl::Status Begin();
  absl::Status OpenFiles();
  uint64_t JournalBytes() const;
  // The partial files of a stopped job that this one does not go on with.
  std::vector<std::string> ReplacedPartials() const;

  const JobPlan& job_;
  const std::atomic<bool>& stop_;
  gguf::FileOps& ops_;
  Fingerprint fingerprint_;
  std::unique_ptr<Journal> journal_;
  std::vector<std::unique_ptr<OutputFile>> files_;
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_JOB_OUTPUTS_H_
