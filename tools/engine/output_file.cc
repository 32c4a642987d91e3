#include "tools/engine/output_file.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "base/blame.h"
#include "base/status_macros.h"

namespace make_gguf {
namespace {

// What follows a tensor up to the next one's place.
constexpr std::array<uint8_t, gguf::kMaxAlignment> kZeros = {};

}  // namespace

OutputFile::OutputFile(std::unique_ptr<PartialFile> file,
                       const gguf::Layout& layout, uint64_t pending_limit,
                       const std::atomic<bool>& stop)
    : file_(std::move(file)),
      layout_(layout),
      stop_(&stop),
      hash_(pending_limit, [this](uint64_t offset, absl::Span<uint8_t> out) {
        return ReadForDigest(offset, out);
      }) {}

OutputFile::OutputFile(const gguf::Layout& layout, std::string sha256)
    : layout_(layout),
      stop_(nullptr),
      hash_(0, nullptr),
      sha256_(std::move(sha256)) {}

absl::Status OutputFile::Begin(absl::Span<const uint8_t> header) {
  return hash_.Add(0, header);
}

absl::Status OutputFile::Write(size_t tensor, uint64_t offset,
                               absl::Span<const uint8_t> bytes) {
  RETURN_IF_ERROR(file_->Write(layout_.FileOffset(tensor) + offset, bytes));
  return Digest(tensor, offset, bytes);
}

absl::Status OutputFile::Keep(size_t tensor, uint64_t offset,
                              absl::Span<const uint8_t> bytes) {
  return Digest(tensor, offset, bytes);
}

absl::Status OutputFile::ReadBack(size_t tensor, uint64_t offset,
                                  absl::Span<uint8_t> bytes) const {
  return file_->Read(layout_.FileOffset(tensor) + offset, bytes);
}

absl::Status OutputFile::Digest(size_t tensor, uint64_t offset,
                                absl::Span<const uint8_t> bytes) {
  const uint64_t begin = layout_.FileOffset(tensor) + offset;
  RETURN_IF_ERROR(hash_.Add(begin, bytes));
  if (offset + bytes.size() < layout_.tensors[tensor].bytes) {
    return absl::OkStatus();
  }
  const uint64_t end = begin + bytes.size();
  const uint64_t next = tensor + 1 < layout_.tensors.size()
                            ? layout_.FileOffset(tensor + 1)
                            : layout_.file_size;
  const auto padding = absl::MakeConstSpan(kZeros).first(next - end);
  // A new file has its zeros; of one that was left nobody has looked at them.
  if (resumed() && !padding.empty())
    RETURN_IF_ERROR(file_->Write(end, padding));
  return hash_.Add(end, padding);
}

absl::Status OutputFile::ReadForDigest(uint64_t offset,
                                       absl::Span<uint8_t> out) const {
  if (*stop_) return base::Stopped();
  return file_->Read(offset, out);
}

void OutputFile::StartWriteback() {
  if (!complete()) file_->StartWriteback();
}

absl::Status OutputFile::Finish() {
  if (complete()) return absl::OkStatus();
  ASSIGN_OR_RETURN(sha256_, hash_.Finish(layout_.file_size));
  return absl::OkStatus();
}

absl::Status OutputFile::Sync() {
  if (complete()) return absl::OkStatus();
  absl::Status status = file_->Sync();
  if (!status.ok()) Remove();
  return status;
}

absl::Status OutputFile::Rename() {
  return complete() ? absl::OkStatus() : file_->Rename();
}

void OutputFile::Remove() {
  if (!complete()) file_->Remove();
}

}  // namespace make_gguf
