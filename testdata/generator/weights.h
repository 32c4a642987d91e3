// File: testdata/generator/weights.h
//
// Weights that are the same on every machine: integers from a counter-based
// generator, scaled by powers of two, so that no math library has a say. Any
// part of a tensor can be made by itself.

#ifndef TESTDATA_GENERATOR_WEIGHTS_H_
#define TESTDATA_GENERATOR_WEIGHTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace testdata {

enum class Dtype { kF32, kF16, kBF16 };

// The dtype of this name as safetensors spells it, in any case.
std::optional<Dtype> ParseDtype(absl::string_view name);
absl::string_view DtypeName(Dtype dtype);
uint64_t DtypeBytes(Dtype dtype);

// How the values of a tensor are spread.
enum class Spread {
  kMatrix,  // around 0, deviation about 0.013, with a few outliers
  kNorm,    // around 1
  kBias,    // around 0
};

// Writes values [first, first + out.size() / DtypeBytes) of the tensor `name`
// to `out`, rounded to nearest even. `first` and the number of values are
// even, but for the end of a tensor. The values depend on seed, name and
// position alone.
void FillWeights(uint64_t seed, absl::string_view name, Spread spread,
                 Dtype dtype, uint64_t first, absl::Span<uint8_t> out);

}  // namespace testdata

#endif  // TESTDATA_GENERATOR_WEIGHTS_H_
