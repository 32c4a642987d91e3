// File: gguf/byte_ranges.h
//
// A set of bytes, kept as disjoint ranges: which part of a tensor has been
// written.

#ifndef GGUF_BYTE_RANGES_H_
#define GGUF_BYTE_RANGES_H_

#include <cstddef>
#include <cstdint>
#include <map>

namespace gguf {

// Thread-compatible. Memory is proportional to the number of gaps.
class ByteRanges {
 public:
  // Adds [begin, end). Bytes that are in already stay in.
  void Add(uint64_t begin, uint64_t end);

  // The first byte from 0 on that is not in the set.
  uint64_t FirstGap() const;

 private:
  std::map<uint64_t, uint64_t> ranges_;  // begin → end; no two touch
};

}  // namespace gguf

#endif  // GGUF_BYTE_RANGES_H_
