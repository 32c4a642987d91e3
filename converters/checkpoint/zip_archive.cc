#include "converters/checkpoint/zip_archive.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "converters/checkpoint/checksummed_file.h"
#include "converters/checkpoint/file.h"

namespace checkpoint {
namespace {

constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kEntrySignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50;
constexpr uint32_t kLocatorSignature = 0x07064b50;
constexpr size_t kLocalSize = 30;
constexpr size_t kEntrySize = 46;
constexpr size_t kEndSize = 22;
constexpr size_t kEnd64Size = 56;
constexpr size_t kLocatorSize = 20;
constexpr size_t kMaxComment = 0xFFFF;
constexpr uint16_t kZip64Extra = 1;
// Encrypted, strongly encrypted, encrypted directory.
constexpr uint16_t kEncryptedFlags = 1 | (1 << 6) | (1 << 13);
// Sizes and CRC follow the data; the local header has none.
constexpr uint16_t kDescriptorFlag = 1 << 3;

// A little-endian integer at `offset` of bytes that reach so far.
template <typename T>
T Get(absl::string_view bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

absl::Status Damaged(const File& file, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(file.name(), ": ", what));
}

struct Directory {
  uint64_t offset;
  uint64_t size;
  uint64_t count;
};

// The directory's place from the zip64 records, if the end record at `end` is
// preceded by their locator.
absl::StatusOr<std::optional<Directory>> FindDirectory64(const File& file,
                                                         uint64_t end) {
  if (end < kLocatorSize) return std::nullopt;
  ASSIGN_OR_RETURN(const std::string locator,
                   ReadString(file, end - kLocatorSize, kLocatorSize));
  if (Get<uint32_t>(locator, 0) != kLocatorSignature) return std::nullopt;
  const uint64_t offset = Get<uint64_t>(locator, 8);
  const uint64_t limit = end - kLocatorSize;
  if (offset > limit || limit - offset < kEnd64Size) {
    return Damaged(file, "its zip64 records lie outside of it");
  }
  ASSIGN_OR_RETURN(const std::string record,
                   ReadString(file, offset, kEnd64Size));
  if (Get<uint32_t>(record, 0) != kEnd64Signature) {
    return Damaged(file, "its zip64 records are damaged");
  }
  if (Get<uint32_t>(record, 16) != 0 || Get<uint32_t>(record, 20) != 0) {
    return Damaged(file, "it is one of several parts of a zip archive");
  }
  return Directory{Get<uint64_t>(record, 48), Get<uint64_t>(record, 40),
                   Get<uint64_t>(record, 32)};
}

absl::StatusOr<Directory> FindDirectory(const File& file) {
  const uint64_t tail_size =
      std::min<uint64_t>(file.size(), kEndSize + kMaxComment);
  const uint64_t tail_offset = file.size() - tail_size;
  ASSIGN_OR_RETURN(const std::string tail,
                   ReadString(file, tail_offset, tail_size));
  for (uint64_t i = tail_size; i-- > 0;) {
    if (tail_size - i < kEndSize) continue;
    if (Get<uint32_t>(tail, i) != kEndSignature) continue;
    const uint64_t comment = Get<uint16_t>(tail, i + 20);
    if (i + kEndSize + comment != tail_size) continue;
    ASSIGN_OR_RETURN(const std::optional<Directory> large,
                     FindDirectory64(file, tail_offset + i));
    if (large.has_value()) return *large;
    if (Get<uint16_t>(tail, i + 4) != 0 || Get<uint16_t>(tail, i + 6) != 0) {
      return Damaged(file, "it is one of several parts of a zip archive");
    }
    return Directory{Get<uint32_t>(tail, i + 16), Get<uint32_t>(tail, i + 12),
                     Get<uint16_t>(tail, i + 10)};
  }
  return Damaged(file, "the zip archive has no end; the file is truncated");
}

// Takes the entry's 64-bit numbers from its extra fields, where the 32-bit ones
// say that they are there. False if they are not.
bool ReadZip64(absl::string_view extra, ZipArchive::Entry& entry) {
  uint64_t* wanted[] = {&entry.size, &entry.compressed_size,
                        &entry.header_offset};
  const auto is_wanted = [](const uint64_t* value) {
    return *value == 0xFFFFFFFF;
  };
  if (absl::c_none_of(wanted, is_wanted)) return true;
  while (extra.size() >= 4) {
    const uint16_t id = Get<uint16_t>(extra, 0);
    const uint16_t size = Get<uint16_t>(extra, 2);
    extra.remove_prefix(4);
    if (size > extra.size()) return false;
    if (id == kZip64Extra) {
      size_t position = 0;
      for (uint64_t* value : wanted) {
        if (!is_wanted(value)) continue;
        if (position + 8 > size) return false;
        *value = Get<uint64_t>(extra, position);
        position += 8;
      }
      return true;
    }
    extra.remove_prefix(size);
  }
  return false;
}

bool LeadsOutside(absl::string_view name) {
  if (name.empty() || name.front() == '/') return true;
  if (name.find('\0') != absl::string_view::npos) return true;
  if (absl::StrContains(name, '\\')) return true;
  return absl::StrContains(absl::StrCat("/", name, "/"), "/../");
}

// For messages: a name as it is, but on one line.
std::string Quote(absl::string_view name) {
  return absl::StrCat("\"", base::Printable(name), "\"");
}

}  // namespace

absl::StatusOr<ZipArchive> ZipArchive::Open(std::shared_ptr<const File> file) {
  ASSIGN_OR_RETURN(const Directory directory, FindDirectory(*file));
  const auto [offset, size, count] = directory;
  if (offset > file->size() || size > file->size() - offset) {
    return Damaged(*file, "the zip directory lies outside of the file");
  }
  if (size > kMaxDirectoryBytes || count > kMaxMembers) {
    return Damaged(
        *file, absl::StrCat("the zip directory claims ", count, " members in ",
                            size, " bytes, more than any checkpoint has"));
  }
  ZipArchive archive(std::move(file));
  absl::Status status = archive.ReadDirectory(offset, size, count);
  if (status.ok()) status = archive.IndexNames();
  if (status.ok()) status = archive.CheckLayout(offset);
  if (!status.ok()) return status;
  return archive;
}

absl::Status ZipArchive::ReadDirectory(uint64_t offset, uint64_t size,
                                       uint64_t count) {
  ASSIGN_OR_RETURN(const std::string directory,
                   ReadString(*file_, offset, size));
  absl::string_view rest = directory;
  for (uint64_t i = 0; i < count; ++i) {
    if (rest.size() < kEntrySize || Get<uint32_t>(rest, 0) != kEntrySignature) {
      return Damaged(*file_, absl::StrCat("entry ", i,
                                          " of the zip directory is damaged"));
    }
    Entry entry;
    entry.flags = Get<uint16_t>(rest, 8);
    entry.method = Get<uint16_t>(rest, 10);
    entry.crc = Get<uint32_t>(rest, 16);
    entry.compressed_size = Get<uint32_t>(rest, 20);
    entry.size = Get<uint32_t>(rest, 24);
    entry.header_offset = Get<uint32_t>(rest, 42);
    const size_t name = Get<uint16_t>(rest, 28);
    const size_t extra = Get<uint16_t>(rest, 30);
    const size_t comment = Get<uint16_t>(rest, 32);
    if (rest.size() - kEntrySize < name + extra + comment ||
        !ReadZip64(rest.substr(kEntrySize + name, extra), entry)) {
      return Damaged(*file_, absl::StrCat("entry ", i,
                                          " of the zip directory is damaged"));
    }
    entry.name = std::string(rest.substr(kEntrySize, name));
    if (LeadsOutside(entry.name)) {
      return Damaged(*file_,
                     absl::StrCat("the archive's member ", Quote(entry.name),
                                  " has a name that leads out of it"));
    }
    entries_.push_back(std::move(entry));
    rest.remove_prefix(kEntrySize + name + extra + comment);
  }
  if (rest.empty()) return absl::OkStatus();
  return Damaged(*file_,
                 absl::StrCat("the zip directory has ", rest.size(),
                              " bytes more than its ", count, " entries"));
}

absl::Status ZipArchive::IndexNames() {
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (index_.emplace(entries_[i].name, i).second) continue;
    return Damaged(*file_, absl::StrCat("the archive has two members ",
                                        Quote(entries_[i].name)));
  }
  return absl::OkStatus();
}

absl::Status ZipArchive::CheckLayout(uint64_t directory_offset) {
  std::vector<Entry*> by_offset;
  for (Entry& entry : entries_) by_offset.push_back(&entry);
  absl::c_sort(by_offset, [](const Entry* a, const Entry* b) {
    return a->header_offset > b->header_offset;
  });
  uint64_t limit = directory_offset;
  for (Entry* entry : by_offset) {
    entry->limit = limit;
    // The local header repeats the name.
    const uint64_t header = kLocalSize + entry->name.size();
    if (entry->header_offset > limit || limit - entry->header_offset < header ||
        limit - entry->header_offset - header < entry->compressed_size) {
      return Damaged(
          *file_,
          absl::StrCat("the archive's member ", Quote(entry->name), " (",
                       entry->compressed_size, " bytes, header at ",
                       entry->header_offset, ") overlaps what is at ", limit));
    }
    limit = entry->header_offset;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const File>> ZipArchive::Member(
    absl::string_view name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) {
    return absl::NotFoundError(absl::StrCat(
        file_->name(), ": the archive has no member ", Quote(name)));
  }
  const Entry& entry = entries_[found->second];
  if ((entry.flags & kEncryptedFlags) != 0) {
    return absl::UnimplementedError(absl::StrCat(file_->name(),
                                                 ": the archive's member ",
                                                 Quote(name), " is encrypted"));
  }
  if (entry.method != 0) {
    return absl::UnimplementedError(absl::StrCat(
        file_->name(), ": the archive's member ", Quote(name),
        " is compressed (method ", entry.method,
        "), which torch.save never does; load and save it again with torch"));
  }
  ASSIGN_OR_RETURN(
      const std::string header,
      ReadString(*file_, entry.header_offset, kLocalSize + name.size()));
  const uint64_t data_offset = entry.header_offset + kLocalSize +
                               Get<uint16_t>(header, 26) +
                               Get<uint16_t>(header, 28);
  const uint16_t flags = Get<uint16_t>(header, 6);
  const uint32_t size = Get<uint32_t>(header, 22);
  const bool has_sizes = (flags & kDescriptorFlag) == 0 && size != 0xFFFFFFFF;
  if (Get<uint32_t>(header, 0) != kLocalSignature ||
      absl::string_view(header).substr(kLocalSize) != name ||
      Get<uint16_t>(header, 26) != name.size() || flags != entry.flags ||
      Get<uint16_t>(header, 8) != entry.method ||
      (has_sizes && size != entry.size) ||
      entry.compressed_size != entry.size || data_offset > entry.limit ||
      entry.size > entry.limit - data_offset) {
    return Damaged(
        *file_, absl::StrCat("the header of the archive's member ", Quote(name),
                             " is damaged or contradicts the directory"));
  }
  return std::make_shared<ChecksummedFile>(
      file_, data_offset, entry.size, entry.crc,
      absl::StrCat(file_->name(), " (", Quote(name), ")"));
}

}  // namespace checkpoint
