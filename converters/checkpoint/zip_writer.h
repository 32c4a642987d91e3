// File: converters/checkpoint/zip_writer.h
//
// For tests: writes zip archives, well-formed and damaged ones.

#ifndef CONVERTERS_CHECKPOINT_ZIP_WRITER_H_
#define CONVERTERS_CHECKPOINT_ZIP_WRITER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "converters/checkpoint/pickle_writer.h"
#include "zlib.h"

namespace checkpoint {

class ZipWriter {
 public:
  // What differs from a plain member.
  struct Options {
    uint16_t method = 0;
    uint16_t flags = 0;
    bool zip64 = false;                          // sizes and place in 64 bits
    std::optional<uint32_t> crc = {};            // another CRC than its own
    std::optional<uint64_t> size = {};           // claimed by the directory
    std::optional<uint64_t> header_offset = {};  // claimed by the directory
    std::optional<std::string> local_name = {};  // in the local header
  };

  ZipWriter& Add(absl::string_view name, absl::string_view data) {
    return Add(name, data, Options());
  }
  ZipWriter& Add(absl::string_view name, absl::string_view data,
                 const Options& options) {
    const uint32_t crc = options.crc.value_or(static_cast<uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(data.data()), data.size())));
    const uint64_t offset = options.header_offset.value_or(bytes_.size());
    const uint64_t size = options.size.value_or(data.size());
    const std::string local_name =
        options.local_name.value_or(std::string(name));
    const bool descriptor = options.flags & 8;
    absl::StrAppend(&bytes_, "PK\x03\x04", Bytes<uint16_t>(20),
                    Bytes(options.flags), Bytes(options.method),
                    Bytes<uint32_t>(0), Bytes(descriptor ? 0 : crc));
    const uint32_t local_size = descriptor ? 0 : data.size();
    absl::StrAppend(&bytes_, Bytes(local_size), Bytes(local_size),
                    Bytes<uint16_t>(local_name.size()), Bytes<uint16_t>(0),
                    local_name, data);
    if (descriptor) {
      absl::StrAppend(&bytes_, "PK\x07\x08", Bytes(crc),
                      Bytes<uint32_t>(data.size()),
                      Bytes<uint32_t>(data.size()));
    }
    AddEntry(name, options, crc, size, offset);
    ++count_;
    return *this;
  }

  // The archive; with zip64 end records if asked for.
  std::string Finish(bool zip64 = false,
                     std::optional<uint64_t> count = {}) const {
    const uint64_t members = count.value_or(count_);
    std::string bytes = absl::StrCat(bytes_, directory_);
    if (zip64) {
      absl::StrAppend(&bytes, "PK\x06\x06", Bytes<uint64_t>(44),
                      Bytes<uint32_t>(0), Bytes<uint64_t>(0), Bytes(members),
                      Bytes(members), Bytes<uint64_t>(directory_.size()),
                      Bytes<uint64_t>(bytes_.size()));
      absl::StrAppend(&bytes, "PK\x06\x07", Bytes<uint32_t>(0),
                      Bytes<uint64_t>(bytes_.size() + directory_.size()),
                      Bytes<uint32_t>(1));
    }
    absl::StrAppend(&bytes, "PK\x05\x06", Bytes<uint32_t>(0),
                    Bytes<uint16_t>(zip64 ? 0xFFFF : members),
                    Bytes<uint16_t>(zip64 ? 0xFFFF : members));
    absl::StrAppend(&bytes, Bytes<uint32_t>(zip64 ? ~0u : directory_.size()),
                    Bytes<uint32_t>(zip64 ? ~0u : bytes_.size()),
                    Bytes<uint16_t>(0));
    return bytes;
  }

 private:
  void AddEntry(absl::string_view name, const Options& options, uint32_t crc,
                uint64_t size, uint64_t offset) {
    std::string extra;
    if (options.zip64) {
      extra = absl::StrCat(Bytes<uint16_t>(1), Bytes<uint16_t>(24), Bytes(size),
                           Bytes(size), Bytes(offset));
      size = offset = 0xFFFFFFFF;
    }
    absl::StrAppend(&directory_, "PK\x01\x02", Bytes<uint32_t>(20),
                    Bytes(options.flags), Bytes(options.method),
                    Bytes<uint32_t>(0));
    absl::StrAppend(&directory_, Bytes(crc), Bytes<uint32_t>(size),
                    Bytes<uint32_t>(size), Bytes<uint16_t>(name.size()),
                    Bytes<uint16_t>(extra.size()));
    absl::StrAppend(&directory_, std::string(10, '\0'), Bytes<uint32_t>(offset),
                    name, extra);
  }

  std::string bytes_;
  std::string directory_;
  uint64_t count_ = 0;
};

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_ZIP_WRITER_H_
