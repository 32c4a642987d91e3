// File: tools/engine/journal.h
//
// The journal of a job: which chunks are written, so that a job that was
// stopped (killed, crashed, interrupted) can go on. It also is the lock that
// keeps two jobs from writing the same outputs.
//
// The file is, in little endian:
//   "MGJ1", u32 length and u32 CRC-32C of a serialized Fingerprint, its bytes;
//   for each finished chunk: u32 chunk, u32 n, n times the u32 CRC-32C of one
//     variant's bytes, u32 CRC-32C of this record up to here.
// The record with chunk 0xFFFFFFFF and n = 0 says that all chunks are written
// and the outputs are being renamed. A record that is cut off or damaged ends
// what is believed. Records are written after the bytes that they speak of and
// without waiting for the disk: what a journal claims is to be checked against
// the outputs before it is trusted.

#ifndef TOOLS_ENGINE_JOURNAL_H_
#define TOOLS_ENGINE_JOURNAL_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "tools/engine/journal.pb.h"

namespace make_gguf {

// CRC-32C of each variant's bytes of a chunk, in the order of the variants.
using ChunkDigests = absl::InlinedVector<uint32_t, 4>;

class Journal {
 public:
  // Opens or creates the journal at `path` and locks it. If it belongs to the
  // job with this fingerprint and `resume` is set, the job can go on;
  // otherwise it has to start over, and restart_reason() says why. Changes
  // nothing that a stopped job has left.
  // Errors: Unavailable if another process holds the lock.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(
      const std::string& path, const Fingerprint& fingerprint, bool resume);

  ~Journal();  // unlocks; leaves the file, or removes it if Begin never was
               // called and there was none
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Whether this job goes on with a stopped one.
  bool resumed() const { return resumed_; }
  // Why a journal that was there can't be used; empty if there was none or it
  // is used.
  const std::string& restart_reason() const { return restart_reason_; }
  // The fingerprint of the job whose journal can't be used; empty if there was
  // none or it was damaged.
  const Fingerprint& replaced() const { return replaced_; }
  // What the stopped job has finished, by its own word.
  const absl::flat_hash_map<uint32_t, ChunkDigests>& finished() const {
    return finished_;
  }
  // Whether it was stopped while it renamed its outputs.
  bool was_committing() const { return was_committing_; }

  // Makes the journal ready for records: after those of the stopped job if
  // this one goes on with it, else in their place. Reserves disk space for
  // `bytes` of records. Before the first record.
  absl::Status Begin(uint64_t bytes);
  // Bytes of a record with so many digests.
  static uint64_t RecordBytes(size_t digests);

  // Records a finished chunk. Thread-safe.
  absl::Status Add(uint32_t chunk, absl::Span<const uint32_t> digests);
  // Records that all is written and renaming begins.
  absl::Status AddCommitting();
  // Removes the journal: the job is done, or nothing is left of it.
  void Remove();

 private:
  Journal(std::string path, const Fingerprint& fingerprint)
      : path_(std::move(path)), fingerprint_(fingerprint) {}
  absl::Status OpenLocked();
  absl::Status Load(bool resume);
  absl::Status Append(absl::string_view bytes);

  const std::string path_;
  const Fingerprint fingerprint_;
  int fd_ = -1;
  bool was_empty_ = false;
  bool begun_ = false;
  uint64_t kept_bytes_ = 0;  // of the stopped job's head and records
  bool resumed_ = false;
  bool was_committing_ = false;
  std::string restart_reason_;
  Fingerprint replaced_;
  absl::flat_hash_map<uint32_t, ChunkDigests> finished_;
  absl::Mutex mutex_;  // keeps records whole
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_JOURNAL_H_
