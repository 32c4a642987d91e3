// File: gguf/input_file.h
//
// A file opened for reading at any place, by pread: unlike a mapping, a file
// that shrinks or fails meanwhile gives a Status, not a signal.

#ifndef GGUF_INPUT_FILE_H_
#define GGUF_INPUT_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace gguf {

class InputFile {
 public:
  // Errors: what the system says; InvalidArgument if `path` is no regular
  // file.
  static absl::StatusOr<std::unique_ptr<InputFile>> Open(
      absl::string_view path);

  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  // Fills `out` from byte `offset` on. Thread-safe.
  // Errors: DataLoss, with path and offset, if the file ends before or can't
  // be read.
  absl::Status ReadAt(uint64_t offset, absl::Span<uint8_t> out) const;

  // Lets the system begin to read these bytes, without waiting for them.
  // Thread-safe.
  void Prefetch(uint64_t offset, uint64_t size) const;

  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }  // when it was opened

 private:
  InputFile(absl::string_view path, int fd, uint64_t size);

  const std::string path_;
  const int fd_;
  const uint64_t size_;
};

}  // namespace gguf

#endif  // GGUF_INPUT_FILE_H_
