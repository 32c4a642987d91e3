// File: converters/gather.h
//
// Reads elements that do not lie in the source in the order in which they are
// wanted: transposed, sliced or permuted ones.

#ifndef CONVERTERS_GATHER_H_
#define CONVERTERS_GATHER_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "converters/tensor_view.h"

namespace converters {

// Reads out.size() elements of the source, in its order, from `first` on.
using ReadRun =
    absl::FunctionRef<absl::Status(uint64_t first, absl::Span<float> out)>;

// Reads elements [first, first + out.size()) of the view `offset`, `dims` (see
// TensorView; the range must lie within it). Long runs are read straight to
// their place, short ones several at once, if need be with what lies between
// them, and sorted in memory, of which this takes 128 KiB.
// Errors: those of `read`.
absl::Status Gather(uint64_t offset, absl::Span<const TensorView::Dim> dims,
                    uint64_t first, absl::Span<float> out, ReadRun read);

}  // namespace converters

#endif  // CONVERTERS_GATHER_H_
