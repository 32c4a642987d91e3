// File: tools/engine/imatrix.h
//
// Importance matrices: for each tensor, how much its columns matter, measured
// by llama-imatrix as mean squared activations. In a GGUF file or in the older
// form with names like imatrix.dat, whose layout is, in little endian:
//   i32 entries; each: i32 length and bytes of the name, i32 calls,
//   i32 n and n times the F32 (mean square) * calls;
//   then, in newer files: i32 chunks, i32 length and bytes of the data set's
//   name.

#ifndef TOOLS_ENGINE_IMATRIX_H_
#define TOOLS_ENGINE_IMATRIX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "converters/model_plan.h"
#include "gguf/metadata.h"

namespace make_gguf {

// Importance weights of each tensor of a model: one per column, for each matrix
// of a 3-D tensor; empty where there are none. They are finite and not
// negative; matrices that no data went through (an expert that was never
// chosen) have weights of 1.
using ImportanceTable = std::vector<std::vector<float>>;

struct ImportanceMatrix {
  ImportanceTable table;  // as ModelPlan::tensors
  // Tensors that the quantizer would quantize and that the file says nothing
  // of.
  std::vector<std::string> missing;
  uint32_t entries = 0;  // in the file, those of other models' tensors included
  std::string dataset;   // empty if the file doesn't say
  uint32_t chunks = 0;
};

// Reads a file of either form, as far as it speaks of tensors that the
// quantizer would quantize: what is kept is at most `max_bytes`, whatever the
// file's size.
// Errors: NotFound if it is not there; DataLoss or InvalidArgument, naming the
// file and the entry, for anything that is damaged or does not fit the tensor
// of its name (token_embd.weight excepted, whose entry is left out then);
// ResourceExhausted if more than `max_bytes` are needed.
absl::StatusOr<ImportanceMatrix> ReadImportanceMatrix(
    const std::string& path, const converters::ModelPlan& model,
    uint64_t max_bytes);

// The keys quantize.imatrix.*, as llama-quantize writes them for a matrix that
// was given as `path`.
gguf::Metadata ImportanceMetadata(const ImportanceMatrix& matrix,
                                  absl::string_view path);

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_IMATRIX_H_
