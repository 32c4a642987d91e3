// File: converters/checkpoint/memory_file.h
//
// For tests: a File that is a string, remembers what was read of it, and fails
// where it is told to.

#ifndef CONVERTERS_CHECKPOINT_MEMORY_FILE_H_
#define CONVERTERS_CHECKPOINT_MEMORY_FILE_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "converters/checkpoint/file.h"

namespace checkpoint {

class MemoryFile : public File {
 public:
  struct Range {
    uint64_t offset;
    uint64_t size;
    bool operator==(const Range&) const = default;
  };

  explicit MemoryFile(std::string bytes, std::string name = "memory")
      : bytes_(std::move(bytes)), name_(std::move(name)) {}

  // Reads that take in this byte fail from now on.
  void FailAt(uint64_t offset) { fail_at_ = offset; }

  // What has been read, in order.
  std::vector<Range> reads() const {
    absl::MutexLock lock(&mutex_);
    return reads_;
  }
  // What was announced, in order.
  std::vector<Range> prefetches() const {
    absl::MutexLock lock(&mutex_);
    return prefetches_;
  }
  uint64_t bytes_read() const {
    uint64_t sum = 0;
    for (const Range& range : reads()) sum += range.size;
    return sum;
  }

  const std::string& name() const override { return name_; }
  uint64_t size() const override { return bytes_.size(); }

  absl::Status ReadAt(uint64_t offset, absl::Span<char> out) const override {
    {
      absl::MutexLock lock(&mutex_);
      reads_.push_back({offset, out.size()});
    }
    if (offset > size() || out.size() > size() - offset) {
      return absl::OutOfRangeError(absl::StrCat(name_, ": outside"));
    }
    if (offset <= fail_at_ && fail_at_ < offset + out.size()) {
      return absl::DataLossError(
          absl::StrCat(name_, ": injected at offset ", fail_at_));
    }
    std::copy_n(bytes_.data() + offset, out.size(), out.data());
    return absl::OkStatus();
  }
  void Prefetch(uint64_t offset, uint64_t size) const override {
    absl::MutexLock lock(&mutex_);
    prefetches_.push_back({offset, size});
  }

 private:
  const std::string bytes_;
  const std::string name_;
  uint64_t fail_at_ = std::numeric_limits<uint64_t>::max();
  mutable absl::Mutex mutex_;
  mutable std::vector<Range> reads_ ABSL_GUARDED_BY(mutex_);
  mutable std::vector<Range> prefetches_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_MEMORY_FILE_H_
