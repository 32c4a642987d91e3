// File: tools/engine/journal.h
//
// The journal of a job: which chunks are written, so that a job that was
// stopped (killed, crashed, interrupted) can go on. It also is the lock that
// keeps two jobs from writing the same outputs.
//
// The file is "MGJ2" and then, in little endian, for a JournalHead and for each
// JournalRecord (journal.proto): u32 length, u32 CRC-32C, and so many bytes of
// the serialized message. What is cut off or damaged ends what is believed.
// Records are written after the bytes that they speak of and without waiting
// for the disk: what a journal claims is to be checked against the outputs
// before it is trusted. Only the record of the commit is brought to the disk,
// before the first output gets its name.

#ifndef TOOLS_ENGINE_JOURNAL_H_
#define TOOLS_ENGINE_JOURNAL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "base/file_lock.h"
#include "tools/engine/file_ops.h"
#include "tools/engine/journal.pb.h"

namespace make_gguf {

// CRC-32C of each form of a chunk, in the order of the variants.
using ChunkDigests = absl::InlinedVector<uint32_t, 4>;

class Journal {
 public:
  // Opens or creates the journal at `path` and locks it. If it belongs to the
  // job with this head and `resume` is set, the job can go on; otherwise it has
  // to start over, and restart_reason() says why. Changes nothing that a
  // stopped job has left. Chunks have numbers below `chunks`.
  // Errors: Unavailable if another process holds the lock; FailedPrecondition,
  // with the way out, if the file is a link or no journal, or if it is that of
  // a stopped job with other outputs, whose work would be lost, and `resume` is
  // set.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(
      const std::string& path, const JournalHead& head, uint32_t chunks,
      bool resume, FileOps& ops = FileOps::System());

  ~Journal();  // unlocks; leaves the file, or removes it if Begin never was
               // called and there was none
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Whether this job goes on with a stopped one.
  bool resumed() const { return resumed_; }
  // Why a journal that was there can't be used; empty if there was none or it
  // is used.
  const std::string& restart_reason() const { return restart_reason_; }
  // The output names of the job whose journal can't be used, as the file has
  // them; empty if there was none or it was damaged.
  const std::vector<std::string>& replaced() const { return replaced_; }
  // What the stopped job has finished, by its own word.
  const absl::flat_hash_map<uint32_t, ChunkDigests>& finished() const {
    return finished_;
  }
  // SHA-256 of each output if it was stopped while it renamed them; else empty.
  const std::vector<std::string>& committing() const { return committing_; }

  // Makes the journal ready for records: after those of the stopped job if
  // this one goes on with it, else in their place. Reserves disk space for
  // `bytes` of records. Before the first record.
  absl::Status Begin(uint64_t bytes);
  // The most bytes of a chunk's record with so many digests.
  static uint64_t RecordBytes(size_t digests);

  // Records a finished chunk. Thread-safe.
  absl::Status Add(uint32_t chunk, absl::Span<const uint32_t> digests);
  // Records that all is written and renaming begins, and has that on the disk.
  absl::Status AddCommit(absl::Span<const std::string> sha256);
  // Removes the journal: the job is done, or nothing is left of it.
  void Remove();

 private:
  Journal(std::string path, const JournalHead& head, FileOps& ops)
      : path_(std::move(path)), head_(head), ops_(ops) {}
  absl::Status Lock();
  absl::Status Load(uint32_t chunks, bool resume);
  absl::Status Judge(const JournalHead& stopped, bool has_records, bool resume);
  absl::Status Append(absl::string_view bytes);

  const std::string path_;
  const JournalHead head_;
  FileOps& ops_;
  std::unique_ptr<base::FileLock> lock_;
  bool was_empty_ = false;
  bool begun_ = false;
  uint64_t end_ = 0;  // of the stopped job's head and records
  bool resumed_ = false;
  std::string restart_reason_;
  std::vector<std::string> replaced_;
  absl::flat_hash_map<uint32_t, ChunkDigests> finished_;
  std::vector<std::string> committing_;
  absl::Mutex mutex_;  // keeps records whole
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_JOURNAL_H_
