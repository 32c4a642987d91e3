// File: converters/checkpoint/safetensors_header.h
//
// The JSON header of a safetensors file: its syntax. What it says about the
// file is judged by safetensors.h.

#ifndef CONVERTERS_CHECKPOINT_SAFETENSORS_HEADER_H_
#define CONVERTERS_CHECKPOINT_SAFETENSORS_HEADER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace checkpoint {

struct SafetensorsEntry {
  std::string dtype;
  std::vector<uint64_t> shape;
  uint64_t begin = 0;  // of the data, from the header's end
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::map<std::string, SafetensorsEntry> tensors;
  std::map<std::string, std::string> metadata;
};

// Keys that the format does not know are skipped within a tensor's entry, as
// the safetensors library does.
// Errors: DataLoss, saying what is wrong at which byte or key, for text that is
// no UTF-8 JSON object, a key that occurs twice, a value of the wrong kind, a
// number that is no integer in 0 to 2^64 - 1, an entry that lacks a key.
absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(
    absl::string_view text);

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_SAFETENSORS_HEADER_H_
