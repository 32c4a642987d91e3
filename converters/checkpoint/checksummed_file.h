// File: converters/checkpoint/checksummed_file.h
//
// A part of a file whose CRC-32 is known, and checked in passing.

#ifndef CONVERTERS_CHECKPOINT_CHECKSUMMED_FILE_H_
#define CONVERTERS_CHECKPOINT_CHECKSUMMED_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "base/range_set.h"
#include "converters/checkpoint/file.h"

namespace checkpoint {

// Bytes [offset, offset + size) of a file, of which `crc` is the CRC-32 (zip's,
// polynomial 0xEDB88320). Nothing is read for the check's sake: the sum is made
// up of what is read, in whatever order and from however many threads, and the
// read that completes it fails if it is wrong, as does every later one. What is
// never read in full is not checked.
class ChecksummedFile : public File {
 public:
  // Requires that the range lies within `file`. `name` stands for it in
  // messages.
  ChecksummedFile(std::shared_ptr<const File> file, uint64_t offset,
                  uint64_t size, uint32_t crc, std::string name);

  const std::string& name() const override { return name_; }
  uint64_t size() const override { return size_; }
  std::optional<converters::SourceFile> identity() const override {
    return file_->identity();
  }
  absl::Status ReadAt(uint64_t offset, absl::Span<char> out) const override;
  void Prefetch(uint64_t offset, uint64_t size) const override;

 private:
  absl::Status Account(uint64_t offset, absl::Span<const char> bytes) const;

  const std::shared_ptr<const File> file_;
  const uint64_t offset_;
  const uint64_t size_;
  const uint32_t crc_;
  const std::string name_;

  mutable absl::Mutex mutex_;
  mutable base::RangeSet seen_ ABSL_GUARDED_BY(mutex_);
  // Bytes whose part is in sum_.
  mutable uint64_t summed_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable uint32_t sum_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_CHECKSUMMED_FILE_H_
