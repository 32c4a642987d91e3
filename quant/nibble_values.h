// File: quant/nibble_values.h
//
// The values that the 16 levels of a format with uneven steps stand for.

#ifndef QUANT_NIBBLE_VALUES_H_
#define QUANT_NIBBLE_VALUES_H_

#include <cstddef>
#include <cstdint>

namespace quant {

struct NibbleValues {
  constexpr explicit NibbleValues(const int8_t (&values)[16]) {
    for (size_t level = 0; level < 16; ++level) {
      as_byte[level] = values[level];
      as_float[level] = values[level];
    }
  }

  alignas(64) float as_float[16] = {};
  alignas(16) int8_t as_byte[16] = {};
};

// E2M1, doubled so that all are integers: 1 sign, 2 exponent and 1 mantissa
// bits. The scales of FP4 are halved to make up for that.
inline constexpr NibbleValues kE2M1({0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4,
                                     -6, -8, -12});

// IQ4: denser around zero, as weights are.
inline constexpr NibbleValues kIQ4({-127, -104, -83, -65, -49, -35, -22, -10, 1,
                                    13, 25, 38, 53, 69, 89, 113});

}  // namespace quant

#endif  // QUANT_NIBBLE_VALUES_H_
