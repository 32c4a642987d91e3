// File: fetch/cache/foreign_partial.h
//
// Partial files that other clients leave when they are killed: the first bytes
// of a file. huggingface_hub calls them NAME.incomplete or, since 2026, with a
// random part of its own for each process, NAME.XXXXXXXX.incomplete of eight
// hexadecimal digits.

#ifndef FETCH_CACHE_FOREIGN_PARTIAL_H_
#define FETCH_CACHE_FOREIGN_PARTIAL_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace fetch {

struct ForeignPartial {
  std::string path;
  uint64_t bytes = 0;  // that are there from the first on; 0 if there are none
};

// The one that has the most of a file of `size` bytes, among `path`, which ends
// in ".incomplete", and the names with a random part. Looks for the latter only
// if they can save much. Changes nothing; whoever takes it holds the lock.
ForeignPartial FindForeignPartial(const std::string& path, uint64_t size);

}  // namespace fetch

#endif  // FETCH_CACHE_FOREIGN_PARTIAL_H_
