// File: converters/checkpoint/file.h
//
// Random access to the bytes of a file, and a pool that keeps the number of
// open descriptors small however many shards a checkpoint has.
//
// Files are read with pread and not mapped: a file that is cut short while it
// is being read is then an error like any other, not a signal.

#ifndef CONVERTERS_CHECKPOINT_FILE_H_
#define CONVERTERS_CHECKPOINT_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/tensor_source.h"

namespace checkpoint {

// Bytes that can be read at any offset, from any thread.
class File {
 public:
  virtual ~File() = default;

  // For messages: the path, or what stands for it.
  virtual const std::string& name() const = 0;

  // In bytes; constant.
  virtual uint64_t size() const = 0;

  // What tells the file from any other, if it is one.
  virtual std::optional<converters::SourceFile> identity() const {
    return std::nullopt;
  }

  // Fills `out` with the bytes from `offset` on, and reads no others.
  // Errors, which name the file and the offset: OutOfRange if the range does
  // not lie within size(); DataLoss if the file has become shorter or can't be
  // read; FailedPrecondition if another file has taken its place.
  virtual absl::Status ReadAt(uint64_t offset, absl::Span<char> out) const = 0;

  // Says that these bytes, which must lie within size(), will be read soon, so
  // that the system can fetch them from the disk meanwhile. Doesn't wait.
  virtual void Prefetch(uint64_t offset, uint64_t size) const = 0;
};

// Reads `size` bytes at `offset` into a string.
absl::StatusOr<std::string> ReadString(const File& file, uint64_t offset,
                                       size_t size);

// OutOfRange, in the words of File::ReadAt, if the file has no such bytes.
absl::Status CheckRange(const File& file, uint64_t offset, size_t size);

// Bytes [offset, offset + size) of a file as a File of their own. Requires that
// the range lies within it.
class FileSlice : public File {
 public:
  FileSlice(std::shared_ptr<const File> file, uint64_t offset, uint64_t size);

  const std::string& name() const override { return file_->name(); }
  uint64_t size() const override { return size_; }
  std::optional<converters::SourceFile> identity() const override {
    return file_->identity();
  }
  absl::Status ReadAt(uint64_t offset, absl::Span<char> out) const override;
  void Prefetch(uint64_t offset, uint64_t size) const override;

 private:
  const std::shared_ptr<const File> file_;
  const uint64_t offset_;
  const uint64_t size_;
};

// Opens files, of which no more than `max_open` (and one for each thread that
// is reading) hold a descriptor at any time: others are opened again when they
// are read. Thread-safe. Files may outlive the pool.
class FilePool {
 public:
  static constexpr size_t kDefaultMaxOpen = 64;

  explicit FilePool(size_t max_open = kDefaultMaxOpen);
  ~FilePool();
  FilePool(const FilePool&) = delete;
  FilePool& operator=(const FilePool&) = delete;

  // Errors: NotFound, PermissionDenied …, FailedPrecondition for what is
  // no regular file (symbolic links are followed).
  absl::StatusOr<std::shared_ptr<const File>> Open(const std::string& path);

  // How many descriptors the pool holds now.
  size_t open_descriptors() const;

 private:
  class Descriptors;
  class PooledFile;

  std::shared_ptr<Descriptors> descriptors_;
};

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_FILE_H_
