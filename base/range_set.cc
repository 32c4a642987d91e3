#include "base/range_set.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace base {

void RangeSet::Add(Range range) {
  if (range.end <= range.begin) return;
  auto next = ends_.upper_bound(range.begin);
  if (next != ends_.begin() && std::prev(next)->second >= range.begin) --next;
  while (next != ends_.end() && next->first <= range.end) {
    range.begin = std::min(range.begin, next->first);
    range.end = std::max(range.end, next->second);
    size_ -= next->second - next->first;
    next = ends_.erase(next);
  }
  ends_.emplace_hint(next, range.begin, range.end);
  size_ += range.size();
}

void RangeSet::Add(const RangeSet& other) {
  for (const auto& [begin, end] : other.ends_) Add({begin, end});
}

std::vector<Range> RangeSet::AddNew(Range range) {
  std::vector<Range> added;
  for (Range gap = FirstGap(range.begin, range.end); gap.size() > 0;
       gap = FirstGap(gap.end, range.end)) {
    added.push_back(gap);
  }
  Add(range);
  return added;
}

void RangeSet::Remove(Range range) {
  if (range.end <= range.begin) return;
  auto next = ends_.upper_bound(range.begin);
  if (next != ends_.begin() && std::prev(next)->second > range.begin) --next;
  while (next != ends_.end() && next->first < range.end) {
    const Range old = {next->first, next->second};
    next = ends_.erase(next);
    size_ -= old.size();
    for (const Range& kept : {Range{old.begin, std::min(old.end, range.begin)},
                              Range{std::max(old.begin, range.end), old.end}}) {
      if (kept.end <= kept.begin) continue;
      ends_.emplace(kept.begin, kept.end);
      size_ += kept.size();
    }
  }
}

void RangeSet::Clear() {
  ends_.clear();
  size_ = 0;
}

bool RangeSet::Contains(Range range) const {
  return range.end <= range.begin || RunEnd(range.begin) >= range.end;
}

uint64_t RangeSet::RunEnd(uint64_t position) const {
  const auto next = ends_.upper_bound(position);
  if (next == ends_.begin()) return position;
  return std::max(position, std::prev(next)->second);
}

Range RangeSet::FirstGap(uint64_t from, uint64_t limit) const {
  const uint64_t begin = RunEnd(from);
  if (begin >= limit) return {limit, limit};
  const auto next = ends_.upper_bound(begin);
  return {begin, next == ends_.end() ? limit : std::min(limit, next->first)};
}

std::vector<Range> RangeSet::Ranges() const {
  std::vector<Range> ranges;
  for (const auto& [begin, end] : ends_) ranges.push_back({begin, end});
  return ranges;
}

}  // namespace base
