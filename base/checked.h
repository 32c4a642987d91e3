// File: base/checked.h
//
// Arithmetic on sizes that come from files: nullopt where 64 bits don't hold
// the result.

#ifndef BASE_CHECKED_H_
#define BASE_CHECKED_H_

#include <cstdint>
#include <initializer_list>
#include <optional>

namespace base {

inline std::optional<uint64_t> CheckedProduct(
    std::initializer_list<uint64_t> factors) {
  uint64_t product = 1;
  bool fits = true;
  for (const uint64_t factor : factors) {
    if (factor == 0) return 0;
    fits = !__builtin_mul_overflow(product, factor, &product) && fits;
  }
  if (!fits) return std::nullopt;
  return product;
}

inline std::optional<uint64_t> CheckedSum(
    std::initializer_list<uint64_t> terms) {
  uint64_t sum = 0;
  for (const uint64_t term : terms) {
    if (__builtin_add_overflow(sum, term, &sum)) return std::nullopt;
  }
  return sum;
}

}  // namespace base

#endif  // BASE_CHECKED_H_
