#include "gguf/file.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "gguf/header_parser.h"
#include "gguf/layout.h"
#include "gguf/tensor_info.h"

namespace gguf {

absl::StatusOr<std::unique_ptr<File>> File::Open(absl::string_view path) {
  ASSIGN_OR_RETURN(std::unique_ptr<base::InputFile> input,
                   base::InputFile::Open(path));
  ASSIGN_OR_RETURN(Header header, ParseHeader(*input));
  auto file =
      std::unique_ptr<File>(new File(std::move(input), std::move(header)));
  RETURN_IF_ERROR(file->Validate());
  return file;
}

File::File(std::unique_ptr<base::InputFile> input, Header header)
    : input_(std::move(input)), header_(std::move(header)) {
  for (size_t i = 0; i < header_.tensors.size(); ++i) {
    index_.emplace(header_.tensors[i].name, i);
  }
}

absl::Status File::Damaged(absl::string_view what) const {
  return absl::DataLossError(absl::StrCat(path(), ": ", what));
}

absl::Status File::Validate() {
  const absl::StatusOr<uint64_t> alignment = AlignmentOf(metadata());
  if (!alignment.ok()) return Damaged(alignment.status().message());
  alignment_ = *alignment;
  // The header is far below 2^63, so this fits.
  data_offset_ = *PaddedSize(header_.size, alignment_);
  if (tensors().empty()) return CheckEnd(data_offset_);
  if (data_offset_ > size()) {
    return Damaged(absl::StrCat("the data of tensor '", tensors()[0].name,
                                "' starts at byte ", data_offset_,
                                ", but the file has only ", size()));
  }
  RETURN_IF_ERROR(
      CheckZeros(header_.size, data_offset_, "between header and data"));
  return PlaceTensors();
}

absl::Status File::PlaceTensors() {
  uint64_t expected = 0;  // offset in the data
  for (size_t i = 0; i < tensors().size(); ++i) {
    const TensorInfo& tensor = tensors()[i];
    if (header_.offsets[i] != expected) {
      return Damaged(absl::StrCat("tensor '", tensor.name, "' has offset ",
                                  header_.offsets[i], ", expected ", expected,
                                  ", where the tensor before it ends"));
    }
    const uint64_t bytes = *TensorBytes(tensor);  // checked while parsing
    const uint64_t room = size() - data_offset_ - expected;
    if (bytes > room) {
      return Damaged(absl::StrCat(
          "tensor '", tensor.name, "' has ", bytes, " bytes of data at byte ",
          data_offset_ + expected, ", but the file ends at byte ", size(), ", ",
          bytes - room, " bytes too early"));
    }
    placements_.push_back(TensorPlacement{expected, bytes});
    const uint64_t end = data_offset_ + expected + bytes;
    const auto padded = PaddedSize(expected + bytes, alignment_);
    const bool is_last = i + 1 == tensors().size();
    if (!padded.has_value() || (!is_last && *padded > size() - data_offset_)) {
      return Damaged(absl::StrCat("the file ends at byte ", size(),
                                  " in the padding after tensor '", tensor.name,
                                  "'"));
    }
    expected = *padded;
    RETURN_IF_ERROR(
        CheckZeros(end, std::min(data_offset_ + expected, size()),
                   absl::StrCat("after tensor '", tensor.name, "'")));
  }
  return CheckEnd(data_offset_ + expected);
}

absl::Status File::CheckEnd(uint64_t padded_end) const {
  if (size() <= padded_end) return absl::OkStatus();
  return Damaged(absl::StrCat("the file has ", size() - padded_end,
                              " bytes after the end of its last tensor at ",
                              padded_end));
}

absl::Status File::CheckZeros(uint64_t begin, uint64_t end,
                              absl::string_view where) const {
  uint8_t bytes[4096];
  while (begin < end) {
    const auto part =
        absl::MakeSpan(bytes, std::min<uint64_t>(sizeof(bytes), end - begin));
    RETURN_IF_ERROR(input_->ReadAt(begin, part));
    const auto* found = std::find_if(part.begin(), part.end(),
                                     [](uint8_t byte) { return byte != 0; });
    if (found != part.end()) {
      return Damaged(absl::StrCat(
          "the padding ", where, " has ", static_cast<int>(*found), " at byte ",
          begin + (found - part.begin()), ", expected 0"));
    }
    begin += part.size();
  }
  return absl::OkStatus();
}

std::optional<size_t> File::FindTensor(absl::string_view name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

absl::Status File::ReadTensorBytes(size_t tensor, uint64_t offset,
                                   absl::Span<uint8_t> out) const {
  if (tensor >= placements_.size()) {
    return absl::OutOfRangeError(absl::StrCat(
        path(), ": tensor number ", tensor, " of ", placements_.size()));
  }
  const TensorPlacement& place = placements_[tensor];
  if (offset > place.bytes || out.size() > place.bytes - offset) {
    return absl::OutOfRangeError(absl::StrCat(
        path(), ": tensor '", tensors()[tensor].name, "' has ", place.bytes,
        " bytes; ", out.size(), " bytes at ", offset, " lie outside"));
  }
  absl::Status status =
      input_->ReadAt(data_offset_ + place.offset + offset, out);
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(status.message(), " (tensor '",
                                   tensors()[tensor].name, "')"));
}

void File::PrefetchTensorBytes(size_t tensor, uint64_t offset,
                               uint64_t size) const {
  input_->Prefetch(data_offset_ + placements_[tensor].offset + offset, size);
}

}  // namespace gguf
