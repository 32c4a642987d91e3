// File: gguf/writer.h
//
// Writes a GGUF file whose tensors arrive in pieces, in any order, from any
// number of threads.
//
//   auto writer = Writer::Create(path, metadata, tensors, {});
//   ... (*writer)->Write(tensor, offset, bytes) ...   from any thread
//   absl::Status status = (*writer)->Commit();
//
// The bytes go to `<path>.partial`, whose whole space is reserved first, so
// that a full disk shows before any work is done. Commit makes the file appear
// under its name, whole and synced. A writer that is destroyed without a
// successful Commit removes its partial file, or leaves it for a later writer
// with `keep_partial`.

#ifndef GGUF_WRITER_H_
#define GGUF_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "base/range_set.h"
#include "gguf/file_ops.h"
#include "gguf/layout.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"

namespace gguf {

// Where the bytes of a file called `path` are until it is committed.
std::string PartialPath(absl::string_view path);

struct WriterOptions {
  // Whether Commit may replace a file that stands under the final name.
  bool overwrite = false;
  // Leave the partial file behind when the writer is dropped.
  bool keep_partial = false;
  // Go on with a partial file that an earlier writer left, if there is one of
  // the right size that begins with the same header; otherwise begin anew.
  // resumed() says which. What it already holds is told by MarkWritten.
  bool resume = false;
  // Outlives the writer.
  FileOps* ops = &FileOps::System();
};

class Writer {
 public:
  // Lays out the file, locks and reserves the partial file, writes the header.
  // A partial file that nobody holds and `resume` does not ask for is begun
  // anew.
  // Errors: those of PlanLayout; AlreadyExists if there is a file `path` and
  // no `overwrite`; ResourceExhausted, with the bytes needed and available, if
  // the disk is too full; FailedPrecondition if another writer holds the
  // partial file; what the system says if it can't be created.
  static absl::StatusOr<std::unique_ptr<Writer>> Create(
      absl::string_view path, const Metadata& metadata,
      std::vector<TensorInfo> tensors, const WriterOptions& options = {});

  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer();

  // Writes `bytes` of tensor number `tensor` from byte `offset` of its data
  // on. Thread-safe. Bytes may be written again; the last write counts.
  // Errors: OutOfRange if that lies outside of the tensor; ResourceExhausted
  // if the disk is full; what the system says, with file and tensor.
  absl::Status Write(size_t tensor, uint64_t offset,
                     absl::Span<const uint8_t> bytes);
  // The same for whole rows, counted over all but the first dimension.
  absl::Status WriteRows(size_t tensor, uint64_t first_row,
                         absl::Span<const uint8_t> rows);

  // Takes the bytes that a resumed partial file holds there as written.
  // Thread-safe. Errors: OutOfRange as for Write; FailedPrecondition if the
  // writer is not resumed().
  absl::Status MarkWritten(size_t tensor, uint64_t offset, uint64_t size);

  // Reads back what was written, to check or digest it. Thread-safe.
  // Errors: OutOfRange as for Write, DataLoss if the file can't be read.
  absl::Status ReadBack(size_t tensor, uint64_t offset,
                        absl::Span<uint8_t> bytes) const;

  // Brings what was written so far to the disk, so that a journal may claim
  // it. Thread-safe.
  absl::Status Sync();
  // Begins that without waiting, so that a later Sync has less to do.
  // Thread-safe.
  void StartWriteback();

  // Checks that all tensors' bytes were written, syncs, and gives the file
  // its name. Once; nothing may be written meanwhile or afterwards.
  // Errors: FailedPrecondition, naming the first tensor with a gap;
  // AlreadyExists if a file has appeared under the name meanwhile and no
  // `overwrite`; what the system says. On error the final name is untouched.
  absl::Status Commit();

  const std::string& path() const { return path_; }
  const std::string& partial_path() const { return partial_path_; }
  const Layout& layout() const { return layout_; }
  // Frees layout().header, which is written when the writer is created. Not
  // while another thread uses it.
  void ReleaseHeader() { layout_.ReleaseHeader(); }
  absl::Span<const TensorInfo> tensors() const { return tensors_; }
  // Whether an existing partial file was taken over.
  bool resumed() const { return resumed_; }

 private:
  Writer(absl::string_view path, std::vector<TensorInfo> tensors, Layout layout,
         const WriterOptions& options);

  absl::Status Open();
  absl::StatusOr<bool> HoldsSameHeader() const;
  absl::Status Reserve();
  absl::Status CheckRange(size_t tensor, uint64_t offset, uint64_t size) const;
  absl::Status CheckComplete() const;
  absl::Status WriteAt(uint64_t offset, absl::Span<const uint8_t> bytes);
  absl::Status SyncDirectory() const;
  absl::Status Error(int error, absl::string_view action) const;

  const std::string path_;
  const std::string partial_path_;
  const std::vector<TensorInfo> tensors_;
  Layout layout_;
  const WriterOptions options_;
  int fd_ = -1;
  bool opened_ = false;
  bool resumed_ = false;
  bool committed_ = false;

  mutable absl::Mutex mutex_;
  std::vector<base::RangeSet> written_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace gguf

#endif  // GGUF_WRITER_H_
