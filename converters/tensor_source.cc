#include "converters/tensor_source.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "converters/gather.h"
#include "converters/tensor_view.h"

namespace converters {
namespace {

// Elements scattered into more runs than this are announced as one range,
// unless they are less than one in so many of it.
constexpr uint64_t kMaxPrefetchedRuns = 4;
constexpr uint64_t kMaxPrefetchedShare = 8;

}  // namespace

uint64_t SourceTensor::elements() const {
  uint64_t product = 1;
  for (uint64_t extent : shape) product *= extent;
  return product;
}

SourceFile MakeSourceFile(absl::string_view path, const struct stat& info) {
  const auto nanoseconds = [](const timespec& time) {
    return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  };
  SourceFile file;
  file.path = std::string(path);
  file.size = static_cast<uint64_t>(info.st_size);
  file.modified = nanoseconds(info.st_mtim);
  file.changed = nanoseconds(info.st_ctim);
  file.inode = info.st_ino;
  file.device = info.st_dev;
  return file;
}

void TensorSource::Prefetch(size_t, uint64_t, uint64_t) const {}

absl::Status TensorSource::ReadView(const TensorView& view, uint64_t first,
                                    absl::Span<float> out) const {
  if (view.source == TensorView::kZeros) {
    std::fill(out.begin(), out.end(), 0.0f);
    return absl::OkStatus();
  }
  return Gather(view.offset, view.dims, first, out,
                [&](uint64_t begin, absl::Span<float> run) {
                  return Read(view.source, begin, run);
                });
}

void TensorSource::PrefetchView(const TensorView& view, uint64_t first,
                                uint64_t count) const {
  if (view.source == TensorView::kZeros || count == 0) return;
  if (view.RunLength(first) >= count / kMaxPrefetchedRuns) {
    while (count > 0) {
      const uint64_t run = std::min(view.RunLength(first), count);
      Prefetch(view.source, view.Origin(first), run);
      first += run;
      count -= run;
    }
    return;
  }
  const auto [begin, size] = view.Bounds(first, count);
  if (size / kMaxPrefetchedShare <= count) Prefetch(view.source, begin, size);
}

absl::Status TensorSource::ReadStored(size_t tensor, uint64_t,
                                      absl::Span<uint8_t>) const {
  const SourceTensor& info = tensors()[tensor];
  return absl::UnimplementedError(
      absl::StrCat(info.file, ": tensor '", info.name,
                   "': its stored bytes can't be read as they are"));
}

}  // namespace converters
