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
#include "absl/strings/string_view.h"
#include "tools/engine/job_plan.h"
#include "tools/engine/journal.h"
#include "tools/engine/output_file.h"
#include "tools/engine/run_options.h"

namespace make_gguf {

class JobOutputs {
 public:
  // Makes the output directory, takes the lock, looks for outputs that are
  // there already, checks the space, and opens all outputs: those of a stopped
  // job where it can go on. What another stopped job has left is removed only
  // when all checks are passed. `plan` and `stop` outlive the outputs.
  // Errors: AlreadyExists for finished outputs and no `overwrite` (all are
  // listed); Unavailable if another job holds the lock; ResourceExhausted if
  // the space is not there; those of Journal::Open.
  static absl::StatusOr<std::unique_ptr<JobOutputs>> Open(
      const JobPlan& plan, const std::atomic<bool>& stop,
      const RunOptions& options = {});

  // Null if none is kept.
  Journal* journal() const { return journal_.get(); }
  const std::vector<std::unique_ptr<OutputFile>>& files() const {
    return files_;
  }

  // Brings all outputs to disk, then all under their names, and removes the
  // journal. Calls `finished` with the number of each file that has its name,
  // `warn` with what the user should know, and `tick` several times a second.
  // Errors: base::Stopped() before the first file gets its name;
  // FailedPrecondition if a file of weights was changed while the job ran; what
  // the system says.
  absl::Status Commit(
      const std::function<void(size_t)>& finished,
      const std::function<void(const converters::Warning&)>& warn,
      const std::function<void()>& tick);
  // Removes everything that is not finished.
  void Discard();

 private:
  JobOutputs(const JobPlan& plan, const std::atomic<bool>& stop,
             const RunOptions& options)
      : plan_(plan), stop_(stop), options_(options) {}
  absl::Status Prepare();
  absl::Status OpenJournal();
  absl::Status CheckNotSource() const;
  absl::Status FindFinished();
  absl::Status CheckNotThere() const;
  absl::Status CheckSpace() const;
  absl::Status Begin();
  absl::StatusOr<std::unique_ptr<OutputFile>> OpenFile(size_t number,
                                                       bool keep_open) const;
  absl::Status SyncFiles(const std::function<void()>& tick);
  bool resumed() const { return journal_ != nullptr && journal_->resumed(); }
  uint64_t JournalBytes() const;
  // The partial files of a stopped job that this one does not go on with.
  std::vector<std::string> ReplacedPartials() const;

  const JobPlan& plan_;
  const std::atomic<bool>& stop_;
  const RunOptions options_;
  std::unique_ptr<Journal> journal_;
  // Of a job that was stopped while it renamed its outputs: which have their
  // names and are whole.
  std::vector<bool> finished_;
  std::vector<std::unique_ptr<OutputFile>> files_;
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_JOB_OUTPUTS_H_
