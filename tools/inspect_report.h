// File: tools/inspect_report.h
//
// What `inspect` prints of a GGUF model: its metadata, its tensors, and totals
// by type.

#ifndef TOOLS_INSPECT_REPORT_H_
#define TOOLS_INSPECT_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gguf/file_set.h"
#include "gguf/metadata.h"
#include "gguf/tensor_type.h"

namespace make_gguf {

struct InspectOptions {
  // Of a longer array so many elements from its ends are shown.
  size_t array_elements = 8;
  // Of a longer string so many bytes from its start are shown in text; JSON
  // has strings in full.
  size_t string_bytes = 100;
};

// All tensors of one type.
struct TypeTotal {
  gguf::TensorType type;
  uint64_t tensors = 0;
  uint64_t weights = 0;
  uint64_t bytes = 0;
};

// In the order of the types' first tensors.
std::vector<TypeTotal> TotalsByType(const gguf::FileSet& model);

// 8 × bytes / weights over all types; 0 if there are no weights.
double BitsPerWeight(const std::vector<TypeTotal>& totals);

// One value on one line, strings quoted and escaped.
std::string ValueText(const gguf::Value& value, const InspectOptions& options);

// The whole model for people, with a line end.
std::string TextReport(const gguf::FileSet& model,
                       const InspectOptions& options);

// The same for programs: an object with "files", "metadata", "tensors" and
// "totals". An array of more than options.array_elements elements is an object
// with "length", "first" and "last". Text that is no UTF-8 has U+FFFD for what
// is not; numbers that are not finite are strings.
std::string JsonReport(const gguf::FileSet& model,
                       const InspectOptions& options);

}  // namespace make_gguf

#endif  // TOOLS_INSPECT_REPORT_H_
