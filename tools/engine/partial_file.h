// File: tools/engine/partial_file.h
//
// A file that is written under another name, PATH.partial, in pieces that come
// in any order from any thread, and gets its own name when it is whole.
//
// Its whole space is reserved first, so that a full disk shows before any work
// is done. What is there stays when the object goes, for a later one to go on
// with.

#ifndef TOOLS_ENGINE_PARTIAL_FILE_H_
#define TOOLS_ENGINE_PARTIAL_FILE_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/file_lock.h"
#include "tools/engine/file_ops.h"

namespace make_gguf {

std::string PartialPath(absl::string_view path);

struct PartialFileOptions {
  bool overwrite = false;  // Rename may replace a file
  // Go on with a partial file of the right size that begins with the same head.
  bool resume = false;
  // Hold a descriptor, and with it a lock, all the time. Otherwise each call
  // opens the file: for more files than the system gives descriptors.
  bool keep_open = true;
  FileOps* ops = &FileOps::System();  // outlives the file
};

class PartialFile {
 public:
  // Makes the partial file, reserves `size` bytes and writes `head`; or goes on
  // with what is there, as resumed() tells. Links are not followed, and a file
  // with a second name is not written to.
  // Errors: ResourceExhausted, with the bytes needed and available, if the disk
  // is too full; Unavailable if another process holds the file; what the system
  // says.
  static absl::StatusOr<std::unique_ptr<PartialFile>> Open(
      absl::string_view path, absl::Span<const uint8_t> head, uint64_t size,
      const PartialFileOptions& options = {});

  // Leaves the partial file, unless Open has failed on a new one.
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  // The calls that follow are thread-safe, but for Rename and Remove; the
  // ranges lie within the file.
  absl::Status Write(uint64_t offset, absl::Span<const uint8_t> bytes);
  // DataLoss if the bytes can't be read.
  absl::Status Read(uint64_t offset, absl::Span<uint8_t> out) const;
  // Brings all that was written to the disk.
  absl::Status Sync();
  // Begins that without waiting.
  void StartWriteback();

  // Gives the file its name. Errors: AlreadyExists if a file has appeared there
  // and `overwrite` is not set; what the system says. After an error nothing
  // has changed.
  absl::Status Rename();
  // Removes the partial file.
  void Remove();

  const std::string& path() const { return path_; }
  bool resumed() const { return resumed_; }

 private:
  // A descriptor for one call.
  class Handle;

  PartialFile(absl::string_view path, uint64_t size,
              const PartialFileOptions& options);
  absl::Status Begin(absl::Span<const uint8_t> head);
  absl::StatusOr<bool> Holds(absl::Span<const uint8_t> head) const;
  absl::StatusOr<Handle> Acquire() const;
  absl::Status Error(int error, absl::string_view action) const;

  const std::string path_;
  const std::string partial_path_;
  const uint64_t size_;
  const PartialFileOptions options_;
  std::unique_ptr<base::FileLock> lock_;  // null if not kept open
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool begun_ = false;
  bool resumed_ = false;
};

// Brings what was written to the open file `fd`, or the names in a directory,
// to the disk. `path` is for the error message.
absl::Status SyncDescriptor(int fd, absl::string_view path, FileOps& ops);
absl::Status SyncDirectory(const std::string& directory, FileOps& ops);

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_PARTIAL_FILE_H_
