// File: base/file.h
//
// Files: opened with checks, read and written whole or at any place, replaced
// in one step; and what the system says of them as statuses that say what to
// do.

#ifndef BASE_FILE_H_
#define BASE_FILE_H_

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace base {

// "cannot ACTION PATH: reason" for an errno. ResourceExhausted when the disk or
// quota is full, PermissionDenied when access is refused or the file system is
// read-only, both with the way out. Never InvalidArgument, which is said of
// contents alone: where the system means the call, FailedPrecondition.
absl::Status FileError(int error_number, absl::string_view action,
                       absl::string_view path);

struct ReadOptions {
  bool follow_links = true;  // false: a symbolic link is an error
};

// A regular file opened for reading at any place, by pread: unlike a mapping, a
// file that shrinks or fails meanwhile gives a Status, not a signal.
// Thread-safe.
class InputFile {
 public:
  // Errors: what the system says (NotFound if, and only if, nothing bears that
  // name); FailedPrecondition if `path` is no regular file, or a link that
  // leads nowhere. A pipe is not waited for.
  static absl::StatusOr<std::unique_ptr<InputFile>> Open(
      absl::string_view path, const ReadOptions& options = {});

  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  // Fills `out` from byte `offset` on. Errors: DataLoss, with path and offset,
  // if the file ends before or can't be read.
  absl::Status ReadAt(uint64_t offset, absl::Span<uint8_t> out) const;

  // Lets the system begin to read these bytes, without waiting for them.
  void Prefetch(uint64_t offset, uint64_t size) const;

  const std::string& path() const { return path_; }
  int fd() const { return fd_; }
  // Of the file that is read, as it was when it was opened: whatever happens to
  // its name meanwhile.
  const struct stat& info() const { return info_; }
  uint64_t size() const { return static_cast<uint64_t>(info_.st_size); }

 private:
  InputFile(absl::string_view path, int fd) : path_(path), fd_(fd) {}

  const std::string path_;
  const int fd_;
  struct stat info_ = {};
};

// The contents of the regular file `path`.
// Errors: as InputFile::Open; FailedPrecondition if they exceed `max_bytes`.
absl::StatusOr<std::string> ReadFile(absl::string_view path, uint64_t max_bytes,
                                     const ReadOptions& options = {});

// Size in bytes of a regular file, links followed; nullopt if there is none.
std::optional<uint64_t> FileSize(const std::string& path);

// Whether `fd` is still the file that `path` names.
bool IsFileAt(int fd, const std::string& path);

// The directory in which `path` is: "." for a plain name.
std::string DirectoryOf(absl::string_view path);

// Reads from `offset` on; fewer bytes than asked for only at the file's end.
// -errno on error.
int64_t ReadFully(int fd, absl::Span<uint8_t> out, uint64_t offset);

// Writes all of `bytes`: at `offset`, or where the descriptor stands. `path` is
// for the error message.
absl::Status WriteFullyAt(int fd, absl::Span<const uint8_t> bytes,
                          uint64_t offset, absl::string_view path);
absl::Status WriteFully(int fd, absl::string_view text, absl::string_view path);

// A name beside `path` that no other thread or process uses.
std::string TemporaryName(absl::string_view path);

struct ReplaceOptions {
  bool flush = false;  // contents and name are on the disk at the end
};

// Replaces the file at `path` in one step. Readers see the old contents or the
// new, never a part; on error the old ones are there, and nothing else.
absl::Status ReplaceFile(const std::string& path, absl::string_view contents,
                         const ReplaceOptions& options = {});

// Has the file or directory `path` on the disk. Where the file system has no
// such thing there is nothing to do.
absl::Status FlushFile(const std::string& path);

// Lets the system begin to bring the bytes [begin, end) to the disk, without
// waiting; end 0: up to the file's end. A wish: not every file system has it.
void StartWriteback(int fd, uint64_t begin, uint64_t end);

}  // namespace base

#endif  // BASE_FILE_H_
