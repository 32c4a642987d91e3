// File: tools/job_outputs.h
//
// The files of a running job as a whole: the journal that locks them, the
// partial outputs, the space they need, and their way to their final names.

#ifndef TOOLS_JOB_OUTPUTS_H_
#define TOOLS_JOB_OUTPUTS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/journal.h"
#include "tools/output_file.h"
#include "tools/prepare.h"

namespace make_gguf {

class JobOutputs {
 public:
  // Makes the output directory, takes the lock, looks for outputs that are
  // there already, checks the space, and opens all outputs: those of a stopped
  // job where it can go on.
  // Errors: AlreadyExists for finished outputs and no `overwrite` (all are
  // listed); Unavailable if another job holds the lock; ResourceExhausted if
  // the space is not there.
  static absl::StatusOr<std::unique_ptr<JobOutputs>> Open(
      const PreparedJob& job);

  Journal& journal() { return *journal_; }
  const std::vector<std::unique_ptr<OutputFile>>& files() const {
    return files_;
  }

  // Brings all outputs to disk and under their names, and removes the journal.
  absl::Status Commit();
  // Removes everything that is not finished.
  void Discard();

 private:
  explicit JobOutputs(const PreparedJob& job) : job_(job) {}
  absl::Status OpenJournal();
  absl::Status TakeBackFinished();
  absl::Status CheckNotThere() const;
  absl::Status CheckSpace() const;
  absl::Status OpenFiles();

  const PreparedJob& job_;
  std::unique_ptr<Journal> journal_;
  std::vector<std::unique_ptr<OutputFile>> files_;
};

}  // namespace make_gguf

#endif  // TOOLS_JOB_OUTPUTS_H_
