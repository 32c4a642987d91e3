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
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "converters/model_plan.h"
#include "gguf/metadata.h"

namespace make_gguf {

struct ImportanceMatrix {
  // By tensor name: one weight per column, for each matrix of a 3-D tensor.
  // Weights are finite and not negative; matrices that no data went through (an
  // expert that was never chosen) have weights of 1.
  std::map<std::string, std::vector<float>> entries;
  std::string dataset;  // empty if the file doesn't say
  uint32_t chunks = 0;
};

// Reads a file of either form.
// Errors: NotFound if it is not there; DataLoss or InvalidArgument, naming the
// file and the entry, for anything that is damaged.
absl::StatusOr<ImportanceMatrix> ReadImportanceMatrix(const std::string& path);

// The keys quantize.imatrix.*, as llama-quantize writes them for a matrix that
// was given as `path`.
gguf::Metadata ImportanceMetadata(const ImportanceMatrix& matrix,
                                  absl::string_view path);

// Importance weights of each tensor of a model; empty where there are none.
using ImportanceTable = std::vector<std::vector<float>>;

struct MatchedImportance {
  ImportanceTable table;
  // Tensors that may be quantized and that the matrix has no entry for.
  std::vector<std::string> missing;
};

// Errors: InvalidArgument for an entry that doesn't fit the tensor of its name,
// token_embd.weight excepted, whose entry is left out then.
absl::StatusOr<MatchedImportance> MatchImportance(
    ImportanceMatrix matrix, const converters::ModelPlan& model);

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_IMATRIX_H_
