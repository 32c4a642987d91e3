#include "converters/checkpoint/checksummed_file.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "converters/checkpoint/crc32.h"
#include "converters/checkpoint/file.h"
#include "zlib.h"

namespace checkpoint {
namespace {

// What bytes that are followed by `after` others give to the CRC of the whole.
// CRC(A | B) = CRC(A) * x^(8 |B|) + CRC(B), where + is exclusive or: the parts
// can be added in any order.
uint32_t CrcPart(absl::Span<const char> bytes, uint64_t after) {
  const uLong crc =
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  return static_cast<uint32_t>(
      crc32_combine(crc, 0, static_cast<z_off_t>(after)));
}

}  // namespace

std::vector<RangeSet::Range> RangeSet::Add(uint64_t begin, uint64_t end) {
  std::vector<Range> added;
  if (begin >= end) return added;
  // The first range that ends at or after `begin`.
  auto next = end_of_.upper_bound(begin);
  if (next != end_of_.begin() && std::prev(next)->second >= begin) --next;
  uint64_t merged_begin = begin;
  uint64_t position = begin;
  while (next != end_of_.end() && next->first <= end) {
    if (position < next->first) added.emplace_back(position, next->first);
    merged_begin = std::min(merged_begin, next->first);
    position = std::max(position, next->second);
    next = end_of_.erase(next);
  }
  if (position < end) added.emplace_back(position, end);
  end_of_[merged_begin] = std::max(position, end);
  return added;
}

ChecksummedFile::ChecksummedFile(std::shared_ptr<const File> file,
                                 uint64_t offset, uint64_t size, uint32_t crc,
                                 std::string name)
    : file_(std::move(file)),
      offset_(offset),
      size_(size),
      crc_(crc),
      name_(std::move(name)) {}

absl::Status ChecksummedFile::ReadAt(uint64_t offset,
                                     absl::Span<char> out) const {
  absl::Status status = CheckRange(*this, offset, out.size());
  if (status.ok()) status = file_->ReadAt(offset_ + offset, out);
  if (!status.ok()) return status;
  return Account(offset, out);
}

void ChecksummedFile::Prefetch(uint64_t offset, uint64_t size) const {
  file_->Prefetch(offset_ + offset, size);
}

absl::Status ChecksummedFile::Account(uint64_t offset,
                                      absl::Span<const char> bytes) const {
  std::vector<RangeSet::Range> added;
  {
    absl::MutexLock lock(&mutex_);
    added = seen_.Add(offset, offset + bytes.size());
  }
  uint32_t sum = 0;
  uint64_t summed = 0;
  for (const auto& [begin, end] : added) {
    sum ^= CrcPart(bytes.subspan(begin - offset, end - begin), size_ - end);
    summed += end - begin;
  }
  absl::MutexLock lock(&mutex_);
  sum_ ^= sum;
  summed_ += summed;
  if (summed_ < size_ || sum_ == crc_) return absl::OkStatus();
  return absl::DataLossError(absl::StrFormat(
      "%s: its bytes have the CRC-32 %08x, the archive says %08x; the file is "
      "damaged, get it again",
      name_, sum_, crc_));
}

}  // namespace checkpoint
