// File: converters/checkpoint/zip_archive.h
//
// The members of a zip archive, as far as torch.save makes them: stored without
// compression, in one file, with zip64 where sizes ask for it.
// Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT

#ifndef CONVERTERS_CHECKPOINT_ZIP_ARCHIVE_H_
#define CONVERTERS_CHECKPOINT_ZIP_ARCHIVE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/checkpoint/file.h"

namespace checkpoint {

class ZipArchive {
 public:
  // A member as the central directory describes it.
  struct Entry {
    std::string name;
    uint16_t flags = 0;
    uint16_t method = 0;
    uint32_t crc = 0;
    uint64_t compressed_size = 0;
    uint64_t size = 0;
    uint64_t header_offset = 0;  // of the local header
    uint64_t limit = 0;          // where the next member, or the directory, is
  };

  // The most members and the longest directory that are read: more than any
  // file of a checkpoint has.
  static constexpr uint64_t kMaxDirectoryBytes = 6 << 20;
  static constexpr uint64_t kMaxMembers = 40'000;

  // Reads the directory, and no member.
  // Errors: DataLoss for a file that is no zip archive, is truncated, or whose
  // directory is at odds with the file or itself: members that overlap, lie
  // outside of it, occur twice, or whose names lead out of the archive.
  static absl::StatusOr<ZipArchive> Open(std::shared_ptr<const File> file);

  ZipArchive(ZipArchive&&) = default;
  ZipArchive& operator=(ZipArchive&&) = default;

  // In the directory's order.
  absl::Span<const Entry> entries() const { return entries_; }

  bool Contains(absl::string_view name) const { return index_.contains(name); }

  // A member's bytes, checked by its CRC as they are read (see
  // checksummed_file.h; so keep one File for all that is read of a member).
  // Errors: NotFound; Unimplemented for a member that is compressed or
  // encrypted; DataLoss if its own header contradicts the directory.
  absl::StatusOr<std::shared_ptr<const File>> Member(
      absl::string_view name) const;

 private:
  explicit ZipArchive(std::shared_ptr<const File> file)
      : file_(std::move(file)) {}

  absl::Status ReadDirectory(uint64_t offset, uint64_t size, uint64_t count);
  absl::Status IndexNames();
  absl::Status CheckLayout(uint64_t directory_offset);

  std::shared_ptr<const File> file_;
  std::vector<Entry> entries_;
  // Name, as entries_ has it, to index there.
  absl::flat_hash_map<absl::string_view, size_t> index_;
};

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_ZIP_ARCHIVE_H_
