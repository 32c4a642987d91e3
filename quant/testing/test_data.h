// File: quant/testing/test_data.h
//
// Weights for tests and benchmarks: reproducible to the bit on every machine.
// All of it comes from an integer generator by float operations that IEEE 754
// rounds exactly, none from libm, so that digests of what the kernels make of
// it can be committed.

#ifndef QUANT_TESTING_TEST_DATA_H_
#define QUANT_TESTING_TEST_DATA_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gguf/tensor_type.h"

namespace quant {

// What weights can look like. kNormal is what models have; the others are
// where formats have corners.
enum class Family {
  kNormal,
  kUniform,
  kHeavyTailed,
  kConstant,
  kZero,  // of both signs
  kTiny,  // about the magnitude below which a group counts as zero
  kHuge,  // up to the largest float: sums of squares overflow
  kDenormal,
  kAlternating,  // +c, -c: extremes of equal magnitude
  kSparse,
  kGrid,   // few distinct values: ties everywhere
  kMixed,  // blocks of very different magnitude side by side
};

// All families in order.
absl::Span<const Family> AllFamilies();

absl::string_view FamilyName(Family family);

// `count` weights; every seed gives others.
std::vector<float> MakeWeights(Family family, uint64_t seed, size_t count);

// `count` importance weights >= 0, some of them zero.
std::vector<float> MakeImportance(uint64_t seed, size_t count);

// FNV-1a of 64 bits; `digest` continues an earlier one.
uint64_t Digest(absl::Span<const uint8_t> bytes,
                uint64_t digest = 0xCBF29CE484222325);

// All types that QuantizeRows knows.
std::vector<gguf::TensorType> QuantizableTypes();

// The SIMD targets that this machine can run, for
// hwy::SetSupportedTargetsForTest. That affects the whole process.
std::vector<int64_t> RunnableTargets();

}  // namespace quant

#endif  // QUANT_TESTING_TEST_DATA_H_
