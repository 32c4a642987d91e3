// File: base/range_set.h
//
// A set of byte positions, kept as disjoint half-open ranges: which parts of a
// file are there.

#ifndef BASE_RANGE_SET_H_
#define BASE_RANGE_SET_H_

#include <cstdint>
#include <map>
#include <vector>

namespace base {

// The bytes from `begin` up to but without `end`.
struct Range {
  uint64_t begin = 0;
  uint64_t end = 0;

  uint64_t size() const { return end - begin; }
  friend bool operator==(const Range& a, const Range& b) {
    return a.begin == b.begin && a.end == b.end;
  }
};

// Thread-compatible. Memory is proportional to the number of gaps.
class RangeSet {
 public:
  // Adds the bytes of `range`, whether or not they are in the set; an empty
  // range (end <= begin) adds nothing.
  void Add(Range range);
  void Add(const RangeSet& other);
  // The same; returns the parts of `range` that were not in the set.
  std::vector<Range> AddNew(Range range);

  void Remove(Range range);

  void Clear();

  bool empty() const { return ends_.empty(); }

  // How many bytes are in the set.
  uint64_t size() const { return size_; }

  bool Contains(Range range) const;

  // The end of the run of bytes in the set that starts at `position`;
  // `position` itself if that byte is not in the set.
  uint64_t RunEnd(uint64_t position) const;

  // The first run of bytes in [from, limit) that are not in the set; empty
  // (begin == end == limit) if there is none.
  Range FirstGap(uint64_t from, uint64_t limit) const;

  // In ascending order, never touching one another.
  std::vector<Range> Ranges() const;

 private:
  std::map<uint64_t, uint64_t> ends_;  // begin to end
  uint64_t size_ = 0;
};

}  // namespace base

#endif  // BASE_RANGE_SET_H_
