#include "converters/checkpoint/checksummed_file.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "base/blame.h"
#include "base/range_set.h"
#include "base/status_macros.h"
#include "converters/checkpoint/crc32.h"
#include "converters/checkpoint/file.h"
#include "zlib.h"

namespace checkpoint {
namespace {

// What bytes that are followed by `after` others give to the CRC of the whole.
// CRC(A | B) = CRC(A) * x^(8 |B|) + CRC(B), where + is exclusive or: the parts
// can be added in any order.
uint32_t CrcPart(absl::Span<const char> bytes, uint64_t after) {
  return static_cast<uint32_t>(
      crc32_combine(Crc32(bytes), 0, static_cast<z_off_t>(after)));
}

}  // namespace

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
  RETURN_IF_ERROR(CheckRange(*this, offset, out.size()));
  RETURN_IF_ERROR(file_->ReadAt(offset_ + offset, out));
  return Account(offset, out);
}

void ChecksummedFile::Prefetch(uint64_t offset, uint64_t size) const {
  file_->Prefetch(offset_ + offset, size);
}

absl::Status ChecksummedFile::Account(uint64_t offset,
                                      absl::Span<const char> bytes) const {
  std::vector<base::Range> added;
  {
    absl::MutexLock lock(&mutex_);
    added = seen_.AddNew({offset, offset + bytes.size()});
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
  return base::BlameInput(absl::DataLossError(absl::StrFormat(
      "%s: its bytes have the CRC-32 %08x, the archive says %08x; the file is "
      "damaged, get it again",
      name_, sum_, crc_)));
}

}  // namespace checkpoint
