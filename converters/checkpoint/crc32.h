// File: converters/checkpoint/crc32.h
//
// The CRC-32 of zip and zlib (polynomial 0xEDB88320), by carry-less
// multiplication where the CPU has it: several times zlib's speed, so that
// checking a checkpoint costs nothing that shows.

#ifndef CONVERTERS_CHECKPOINT_CRC32_H_
#define CONVERTERS_CHECKPOINT_CRC32_H_

#include <cstdint>

#include "absl/types/span.h"

namespace checkpoint {

// The same as zlib's crc32(0, …). Thread-safe.
uint32_t Crc32(absl::Span<const char> bytes);

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_CRC32_H_
