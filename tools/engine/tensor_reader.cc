#include "tools/engine/tensor_reader.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/log/check.h"
#include "absl/status/status.h"

namespace make_gguf {
namespace {

using converters::RowMap;
using converters::RowSegment;
using converters::TensorPlan;

// The source rows of output rows [row, row + count): how far apart the lowest
// and the highest are.
struct RowRange {
  uint64_t lowest = std::numeric_limits<uint64_t>::max();
  uint64_t highest = 0;
  uint64_t size() const { return highest - lowest + 1; }
};

RowRange SourceRange(const RowMap& map, uint64_t row, uint64_t count) {
  RowRange range;
  for (uint64_t done = 0; done < count;) {
    const uint64_t run = std::min(map.RunLength(row + done), count - done);
    const uint64_t source = map.SourceRow(row + done);
    range.lowest = std::min(range.lowest, source);
    range.highest = std::max(range.highest, source + run - 1);
    done += run;
  }
  return range;
}

// Rows scattered into more runs than this are announced as one range.
constexpr int kMaxPrefetchedRuns = 4;

void PrefetchRows(const converters::TensorSource& source,
                  const RowSegment& segment, uint64_t row_size, uint64_t row,
                  uint64_t count) {
  const RowMap& map = segment.rows;
  if (map.RunLength(row) * kMaxPrefetchedRuns < count) {
    const RowRange range = SourceRange(map, row, count);
    source.Prefetch(segment.source, range.lowest * row_size,
                    range.size() * row_size);
    return;
  }
  for (uint64_t done = 0; done < count;) {
    const uint64_t run = std::min(map.RunLength(row + done), count - done);
    source.Prefetch(segment.source, map.SourceRow(row + done) * row_size,
                    run * row_size);
    done += run;
  }
}

}  // namespace

void Prefetch(const converters::TensorSource& source, const TensorPlan& tensor,
              uint64_t first, uint64_t count) {
  for (const RowSegment& segment : tensor.segments) {
    if (count == 0) return;
    const uint64_t elements = segment.rows.rows() * tensor.row_size;
    if (first >= elements) {
      first -= elements;
      continue;
    }
    const uint64_t part = std::min(elements - first, count);
    const uint64_t row = first / tensor.row_size;
    const uint64_t column = first % tensor.row_size;
    if (column + part <= tensor.row_size) {
      source.Prefetch(segment.source,
                      segment.rows.SourceRow(row) * tensor.row_size + column,
                      part);
    } else {
      // Rows that are read in part are announced whole.
      const uint64_t rows =
          (column + part + tensor.row_size - 1) / tensor.row_size;
      PrefetchRows(source, segment, tensor.row_size, row, rows);
    }
    count -= part;
    first = 0;
  }
}

absl::Status TensorReader::Read(const TensorPlan& tensor, uint64_t first,
                                absl::Span<float> out) {
  if (!tensor.values.empty()) {
    CHECK_LE(first + out.size(), tensor.values.size());
    std::copy_n(tensor.values.begin() + first, out.size(), out.begin());
    return absl::OkStatus();
  }
  for (const RowSegment& segment : tensor.segments) {
    if (out.empty()) break;
    const uint64_t elements = segment.rows.rows() * tensor.row_size;
    if (first >= elements) {
      first -= elements;
      continue;
    }
    const size_t count = std::min<uint64_t>(elements - first, out.size());
    absl::Status status =
        ReadSegment(segment, tensor.row_size, first, out.first(count));
    if (!status.ok()) return status;
    out.remove_prefix(count);
    first = 0;
  }
  CHECK(out.empty()) << tensor.name << ": read past its end";
  return absl::OkStatus();
}

absl::Status TensorReader::ReadSegment(const RowSegment& segment,
                                       uint64_t row_size, uint64_t first,
                                       absl::Span<float> out) {
  uint64_t row = first / row_size;
  uint64_t column = first % row_size;
  while (!out.empty()) {
    // Whole rows if they start here, else the rest of a row.
    if (column == 0 && out.size() >= row_size) {
      const size_t count = out.size() / row_size * row_size;
      absl::Status status = ReadRows(segment, row_size, row, out.first(count));
      if (!status.ok()) return status;
      row += count / row_size;
      out.remove_prefix(count);
      continue;
    }
    const size_t count = std::min<uint64_t>(row_size - column, out.size());
    absl::Status status = source_.Read(
        segment.source, segment.rows.SourceRow(row) * row_size + column,
        out.first(count));
    if (!status.ok()) return status;
    ++row;
    column = 0;
    out.remove_prefix(count);
  }
  return absl::OkStatus();
}

absl::Status TensorReader::ReadRows(const RowSegment& segment,
                                    uint64_t row_size, uint64_t row,
                                    absl::Span<float> out) {
  const RowMap& map = segment.rows;
  const uint64_t count = out.size() / row_size;
  const RowRange range = SourceRange(map, row, count);
  const bool in_order = map.RunLength(row) >= count;
  if (in_order || range.size() > count) {
    for (uint64_t done = 0; done < count;) {
      const uint64_t run = std::min(map.RunLength(row + done), count - done);
      absl::Status status =
          source_.Read(segment.source, map.SourceRow(row + done) * row_size,
                       out.subspan(done * row_size, run * row_size));
      if (!status.ok()) return status;
      done += run;
    }
    return absl::OkStatus();
  }
  shuffled_.resize(range.size() * row_size);
  absl::Status status = source_.Read(segment.source, range.lowest * row_size,
                                     absl::MakeSpan(shuffled_));
  if (!status.ok()) return status;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t source = map.SourceRow(row + i) - range.lowest;
    std::copy_n(shuffled_.begin() + source * row_size, row_size,
                out.begin() + i * row_size);
  }
  return absl::OkStatus();
}

ElementOrigin OriginOf(const TensorPlan& tensor, uint64_t element) {
  for (const RowSegment& segment : tensor.segments) {
    const uint64_t elements = segment.rows.rows() * tensor.row_size;
    if (element < elements) {
      return {
          segment.source,
          segment.rows.SourceRow(element / tensor.row_size) * tensor.row_size +
              element % tensor.row_size};
    }
    element -= elements;
  }
  CHECK(false) << tensor.name << ": element past its end";
  return {};
}

}  // namespace make_gguf
