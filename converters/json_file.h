// File: converters/json_file.h
//
// Reads the small files of a checkpoint directory.

#ifndef CONVERTERS_JSON_FILE_H_
#define CONVERTERS_JSON_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "nlohmann/json_fwd.hpp"

namespace converters {

// The whole content of the regular file `path`.
// Errors: NotFound if, and only if, nothing bears that name;
// FailedPrecondition if it is no regular file (a directory, a pipe, a link
// that leads nowhere) or larger than `max_bytes`; the operating system's
// otherwise.
absl::StatusOr<std::string> ReadTextFile(const std::string& path,
                                         uint64_t max_bytes = 64 << 20);

// The same, parsed. Errors: also those of base::ParseJson.
absl::StatusOr<nlohmann::json> ReadJsonFile(
    const std::string& path, const base::JsonLimits& limits = base::kSmallJson,
    base::JsonOrder* order = nullptr);

}  // namespace converters

#endif  // CONVERTERS_JSON_FILE_H_
