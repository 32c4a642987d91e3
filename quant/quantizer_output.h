// File: quant/quantizer_output.h
//
// How llama-quantize arranges its output, apart from the tensors' types: a
// quantized file is the converted one with its tensors sorted, their shapes
// trimmed and its metadata edited by these functions.

#ifndef QUANT_QUANTIZER_OUTPUT_H_
#define QUANT_QUANTIZER_OUTPUT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "gguf/metadata.h"
#include "quant/file_type.h"

namespace quant {

// The order in which the quantizer writes tensors of these names, as indices:
// first those that are in no block, then "blk.N.…" by the number N; among
// equals byte by byte (output.weight, output_norm.weight, token_embd.weight,
// blk.0.attn_k.weight, …).
std::vector<size_t> QuantizerOrder(absl::Span<const std::string> names);

// The shape as the quantizer writes it: without dimensions of extent 1 at the
// end, but for the first.
std::vector<uint64_t> QuantizerShape(absl::Span<const uint64_t> shape);

// The metadata of the quantizer's output: the input's, without the split.*
// keys of a sharded model, with general.quantization_version (UINT32 2) and
// general.file_type (UINT32) moved to the end in this order, or added.
// Overrides and quantize.imatrix.* go behind them.
void EditLikeQuantizer(const FileType& file_type, gguf::Metadata& metadata);

}  // namespace quant

#endif  // QUANT_QUANTIZER_OUTPUT_H_
