// File: converters/value_map.h
//
// What a converter does to values on their way from a checkpoint: a closed
// list, exact to the bit.

#ifndef CONVERTERS_VALUE_MAP_H_
#define CONVERTERS_VALUE_MAP_H_

#include "absl/types/span.h"

namespace converters {

struct ValueMap {
  enum Kind {
    kNone,
    kAddOne,       // 1 + x: norms that are stored around 0
    kNegativeExp,  // -exp(x): the decay of state spaces
    kReciprocal,   // 1 / x
    kScale,        // x * factor
  };
  static ValueMap AddOne() { return {kAddOne}; }
  static ValueMap NegativeExp() { return {kNegativeExp}; }
  static ValueMap Reciprocal() { return {kReciprocal}; }
  static ValueMap Scale(float factor) { return {kScale, factor}; }

  Kind kind = kNone;
  float factor = 1;
  // Whether results are rounded to F16. The reference computes in the
  // checkpoint's type where that is F16, and in F32 else.
  bool in_f16 = false;
};

// Replaces each value. exp is PyTorch's: SLEEF's of 1.0 ULP, with fused
// multiply-add.
void Apply(const ValueMap& map, absl::Span<float> values);

}  // namespace converters

#endif  // CONVERTERS_VALUE_MAP_H_
