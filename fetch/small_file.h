// File: fetch/small_file.h
//
// Reading and replacing small files whole.

#ifndef FETCH_SMALL_FILE_H_
#define FETCH_SMALL_FILE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace fetch {

// Size in bytes of a regular file, links followed; nullopt if there is none.
std::optional<uint64_t> FileSize(const std::string& path);

// The file's contents; nullopt if it cannot be read or exceeds `limit` bytes.
std::optional<std::string> ReadFile(const std::string& path, size_t limit);

// Replaces the file at `path` in one step. Readers see the old contents or the
// new, never a part.
absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view contents);

// Has the contents of the file at `path` on the disk.
absl::Status FlushFile(const std::string& path);

// Appends `text` to an open file. `path` is for the error message.
absl::Status WriteAll(int fd, absl::string_view text, absl::string_view path);

}  // namespace fetch

#endif  // FETCH_SMALL_FILE_H_
