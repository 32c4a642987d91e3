#include "tools/engine/output_file.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/engine/blame.h"

namespace make_gguf {

using gguf::Layout;

OutputFile::OutputFile(std::unique_ptr<gguf::Writer> writer,
                       uint64_t pending_limit, const std::atomic<bool>& stop)
    : writer_(std::move(writer)),
      stop_(stop),
      hash_(pending_limit, [this](uint64_t offset, absl::Span<uint8_t> out) {
        return ReadFile(offset, out);
      }) {}

absl::Status OutputFile::Begin() {
  absl::Status status = hash_.Add(0, writer_->layout().header);
  writer_->ReleaseHeader();
  return status;
}

absl::Status OutputFile::Write(size_t tensor, uint64_t offset,
                               absl::Span<const uint8_t> bytes) {
  absl::Status status = writer_->Write(tensor, offset, bytes);
  return status.ok() ? Digest(tensor, offset, bytes) : status;
}

absl::Status OutputFile::Keep(size_t tensor, uint64_t offset,
                              absl::Span<const uint8_t> bytes) {
  absl::Status status = writer_->MarkWritten(tensor, offset, bytes.size());
  return status.ok() ? Digest(tensor, offset, bytes) : status;
}

absl::Status OutputFile::ReadBack(size_t tensor, uint64_t offset,
                                  absl::Span<uint8_t> bytes) const {
  return writer_->ReadBack(tensor, offset, bytes);
}

absl::Status OutputFile::Digest(size_t tensor, uint64_t offset,
                                absl::Span<const uint8_t> bytes) {
  const Layout& layout = writer_->layout();
  const uint64_t begin = layout.FileOffset(tensor) + offset;
  absl::Status status = hash_.Add(begin, bytes);
  if (!status.ok() || offset + bytes.size() < layout.tensors[tensor].bytes) {
    return status;
  }
  // The zeros that follow the tensor.
  const uint64_t end = begin + bytes.size();
  const uint64_t next = tensor + 1 < layout.tensors.size()
                            ? layout.FileOffset(tensor + 1)
                            : layout.file_size;
  return hash_.Add(end, std::vector<uint8_t>(next - end));
}

absl::Status OutputFile::ReadFile(uint64_t offset,
                                  absl::Span<uint8_t> out) const {
  const Layout& layout = writer_->layout();
  const auto after =
      std::upper_bound(layout.tensors.begin(), layout.tensors.end(),
                       offset - layout.data_offset(),
                       [](uint64_t at, const gguf::TensorPlacement& t) {
                         return at < t.offset;
                       });
  // Tensors without padding between them follow each other.
  for (size_t tensor = after - layout.tensors.begin() - 1; !out.empty();
       ++tensor) {
    if (stop_) return Stopped();
    const uint64_t begin = offset - layout.FileOffset(tensor);
    const auto part = out.first(
        std::min<uint64_t>(out.size(), layout.tensors[tensor].bytes - begin));
    absl::Status status = writer_->ReadBack(tensor, begin, part);
    if (!status.ok()) return status;
    offset += part.size();
    out.remove_prefix(part.size());
  }
  return absl::OkStatus();
}

absl::Status OutputFile::Finish() {
  absl::StatusOr<std::string> digest =
      hash_.Finish(writer_->layout().file_size);
  if (!digest.ok()) return digest.status();
  sha256_ = *std::move(digest);
  return writer_->Sync();
}

}  // namespace make_gguf
