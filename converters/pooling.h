// File: converters/pooling.h
//
// How an embedding model makes one vector of all: from the files that the
// sentence-transformers library keeps beside a checkpoint.

#ifndef CONVERTERS_POOLING_H_
#define CONVERTERS_POOLING_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gguf/metadata.h"

namespace converters {

// GGUF's numbers.
enum class Pooling : uint32_t { kMean = 1, kCls = 2, kLast = 3, kRank = 4 };

// By modules.json's first module whose type ends in "Pooling", else by
// embedding_config.json; nothing if neither says anything.
// Errors: InvalidArgument for a way of pooling that GGUF has no number for;
// those of ReadJsonFile.
absl::StatusOr<std::optional<Pooling>> ReadPooling(
    const std::string& directory);

// Adds "<architecture>.pooling_type", if that is said.
absl::Status AddPooling(const std::string& directory,
                        absl::string_view architecture, gguf::Metadata& keys);

}  // namespace converters

#endif  // CONVERTERS_POOLING_H_
