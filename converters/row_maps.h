// File: converters/row_maps.h
//
// The row orders that converters need, by name.

#ifndef CONVERTERS_ROW_MAPS_H_
#define CONVERTERS_ROW_MAPS_H_

#include <cstdint>

#include "converters/tensor_rules.h"

namespace converters {

// `count` rows from `first` on.
inline RowMap ConsecutiveRows(uint64_t first, uint64_t count) {
  return RowMap{first, {{count, 1}}};
}

// From Hugging Face's order of a rotary head, first halves and then second
// halves of the rotated pairs, to GGUF's, where the two of a pair are
// neighbours: `heads` heads of `head_size` (even) rows, from row `first` on.
inline RowMap RotaryRows(uint64_t first, uint64_t heads, uint64_t head_size) {
  return RowMap{first,
                {{heads, head_size}, {head_size / 2, 1}, {2, head_size / 2}}};
}

// Parts of a fused layout: from each of `groups` groups of `group_rows` rows,
// the `count` rows that begin at row `offset` of the group.
inline RowMap GroupedRows(uint64_t groups, uint64_t group_rows, uint64_t offset,
                          uint64_t count) {
  return RowMap{offset, {{groups, group_rows}, {count, 1}}};
}

}  // namespace converters

#endif  // CONVERTERS_ROW_MAPS_H_
