// File: converters/json_file.h
//
// Reads the small text files of a checkpoint directory.

#ifndef CONVERTERS_JSON_FILE_H_
#define CONVERTERS_JSON_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json_fwd.hpp"

namespace converters {

// The whole content of the regular file `path`.
// Errors: NotFound if there is no such file; FailedPrecondition if it is no
// regular file or larger than `max_bytes`; the operating system's otherwise.
absl::StatusOr<std::string> ReadTextFile(const std::string& path,
                                         uint64_t max_bytes = 64 << 20);

// The same, parsed. Errors: also DataLoss, with the position, where the content
// is not UTF-8 JSON, has a number that a double can't hold, or nests deeper
// than 128 levels, which bounds every recursion over it.
absl::StatusOr<nlohmann::json> ReadJsonFile(const std::string& path,
                                            uint64_t max_bytes = 64 << 20);

}  // namespace converters

#endif  // CONVERTERS_JSON_FILE_H_
