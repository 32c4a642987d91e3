#include "converters/checkpoint/pytorch.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "converters/checkpoint/file.h"
#include "converters/checkpoint/pickle.h"
#include "converters/checkpoint/stored_tensor.h"
#include "converters/checkpoint/torch_state.h"
#include "converters/checkpoint/zip_archive.h"

namespace checkpoint {
namespace {

// The old format begins with a pickle of the number 0x1950a86a20f9469cfc6c.
constexpr absl::string_view kLegacyMagic(
    "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
// All pickles of protocol 2 and later begin so.
constexpr absl::string_view kPickleBegin = "\x80";
constexpr int64_t kLegacyVersion = 1001;
// Enough to tell the formats from each other.
constexpr uint64_t kSignatureBytes = 16;

absl::Status Annotate(const File& file, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(file.name(), ": ", status.message()));
}

absl::Status Damaged(const File& file, absl::string_view what) {
  return Annotate(file, absl::DataLossError(what));
}

// Ties the state's tensors to the files of their storages.
absl::StatusOr<std::vector<StoredTensor>> Place(
    TorchState state, absl::Span<const std::shared_ptr<const File>> storages,
    const std::string& file) {
  std::vector<StoredTensor> tensors;
  tensors.reserve(state.tensors.size());
  for (TorchTensor& tensor : state.tensors) {
    StoredTensor& stored = tensors.emplace_back();
    stored.name = std::move(tensor.name);
    stored.file = file;
    stored.type = tensor.type;
    stored.shape = std::move(tensor.shape);
    stored.strides = std::move(tensor.strides);
    stored.data = storages[tensor.storage];
    stored.offset = tensor.offset;
    RETURN_IF_ERROR(Normalize(stored));
  }
  return tensors;
}

// The directory that all of an archive's members are in: the name that the file
// had when it was saved.
absl::StatusOr<std::string> ArchivePrefix(const File& file,
                                          const ZipArchive& archive) {
  if (archive.entries().empty()) return Damaged(file, "the archive is empty");
  const std::string& first = archive.entries()[0].name;
  const size_t slash = first.find('/');
  const std::string prefix =
      first.substr(0, slash == std::string::npos ? 0 : slash + 1);
  for (const ZipArchive::Entry& entry : archive.entries()) {
    if (prefix.empty() || !absl::StartsWith(entry.name, prefix)) {
      return Damaged(file,
                     "its members are not all in one directory, as "
                     "torch.save puts them");
    }
  }
  if (archive.Contains(absl::StrCat(prefix, "constants.pkl"))) {
    return Annotate(file, absl::UnimplementedError(
                              "this is a TorchScript program, not a state "
                              "dictionary; save the model's weights alone"));
  }
  return prefix;
}

// A whole member, whose CRC is right.
absl::StatusOr<std::string> ReadMember(const ZipArchive& archive,
                                       const std::string& name,
                                       size_t max_size) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const File> member,
                   archive.Member(name));
  if (member->size() > max_size) {
    return Damaged(*member, absl::StrCat("has ", member->size(),
                                         " bytes, more than any checkpoint "
                                         "needs"));
  }
  return ReadString(*member, 0, member->size());
}

absl::Status CheckByteOrder(const File& file, const ZipArchive& archive,
                            const std::string& prefix) {
  const std::string name = absl::StrCat(prefix, "byteorder");
  if (!archive.Contains(name)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string order, ReadMember(archive, name, 16));
  if (order == "little") return absl::OkStatus();
  return Annotate(file, absl::UnimplementedError(
                            "it was saved on a machine of another byte order; "
                            "load and save it again on a little-endian one"));
}

absl::StatusOr<std::vector<StoredTensor>> ReadZipFormat(
    std::shared_ptr<const File> data, const std::string& file) {
  ASSIGN_OR_RETURN(const ZipArchive archive, ZipArchive::Open(data));
  ASSIGN_OR_RETURN(const std::string prefix, ArchivePrefix(*data, archive));
  RETURN_IF_ERROR(CheckByteOrder(*data, archive, prefix));
  ASSIGN_OR_RETURN(
      const std::string bytes,
      ReadMember(archive, absl::StrCat(prefix, "data.pkl"), Pickle::kMaxBytes));
  absl::StatusOr<Pickle> pickle = Pickle::Parse(bytes, TorchGlobals());
  if (absl::IsOutOfRange(pickle.status())) {
    return Damaged(*data, pickle.status().message());
  }
  if (!pickle.ok()) return Annotate(*data, pickle.status());
  absl::StatusOr<TorchState> state = ReadTorchState(*pickle);
  if (!state.ok()) return Annotate(*data, state.status());

  std::vector<std::shared_ptr<const File>> storages;
  for (const TorchStorage& storage : state->storages) {
    ASSIGN_OR_RETURN(
        std::shared_ptr<const File> member,
        archive.Member(absl::StrCat(prefix, "data/", storage.key)));
    if (member->size() != storage.bytes()) {
      return Damaged(*member,
                     absl::StrCat("has ", member->size(),
                                  " bytes, its pickle says ", storage.bytes()));
    }
    storages.push_back(std::move(member));
  }
  return Place(*std::move(state), storages, file);
}

// What the pickles at the beginning of the old format say.
struct LegacyHeader {
  TorchState state;
  std::vector<size_t> order;  // indices of the storages, as they are stored
  uint64_t size = 0;
};

// The next pickle of `bytes`, which it takes away from their front.
absl::StatusOr<Pickle> NextPickle(absl::string_view& bytes) {
  absl::StatusOr<Pickle> pickle = Pickle::Parse(bytes, TorchGlobals());
  if (pickle.ok()) bytes.remove_prefix(pickle->size());
  return pickle;
}

absl::Status CheckLegacySystem(const Pickle& version, const Pickle& system) {
  using Kind = PickleValue::Kind;
  if (!version.root().Is(Kind::kInt) ||
      version.root().number != kLegacyVersion) {
    return absl::DataLossError(
        "it is of an unknown version of PyTorch's old "
        "format");
  }
  if (!system.root().Is(Kind::kDict)) {
    return absl::DataLossError("its description of the machine is damaged");
  }
  for (const auto& [key, value] : system.dict(system.root())) {
    if (key.Is(Kind::kString) && system.string(key) == "little_endian" &&
        value.Is(Kind::kBool) && value.number == 0) {
      return absl::UnimplementedError(
          "it was saved on a machine of another byte order; load and save it "
          "again on a little-endian one");
    }
  }
  return absl::OkStatus();
}

// Reads the list of the storages' keys, which must name each once.
absl::Status OrderStorages(const Pickle& keys,
                           absl::Span<const TorchStorage> storages,
                           std::vector<size_t>& order) {
  using Kind = PickleValue::Kind;
  absl::flat_hash_map<absl::string_view, size_t> index_of;
  for (size_t i = 0; i < storages.size(); ++i) {
    index_of.emplace(storages[i].key, i);
  }
  if (keys.root().Is(Kind::kList)) {
    for (const PickleValue& key : keys.list(keys.root())) {
      if (!key.Is(Kind::kString)) break;
      const auto found = index_of.find(keys.string(key));
      if (found == index_of.end()) break;
      order.push_back(found->second);
      index_of.erase(found);
    }
    if (index_of.empty() && order.size() == keys.list(keys.root()).size()) {
      return absl::OkStatus();
    }
  }
  return absl::DataLossError(
      "its list of storages is not that of its tensors'");
}

// Errors: those of Pickle::Parse; OutOfRange asks for more bytes.
absl::StatusOr<LegacyHeader> ParseLegacyHeader(absl::string_view bytes) {
  using Kind = PickleValue::Kind;
  absl::string_view rest = bytes;
  ASSIGN_OR_RETURN(const Pickle magic, NextPickle(rest));
  if (!magic.root().Is(Kind::kLong) ||
      magic.string(magic.root()) != kLegacyMagic) {
    return absl::DataLossError("it is a pickle, but none of torch.save");
  }
  ASSIGN_OR_RETURN(const Pickle version, NextPickle(rest));
  ASSIGN_OR_RETURN(const Pickle system, NextPickle(rest));
  RETURN_IF_ERROR(CheckLegacySystem(version, system));
  LegacyHeader header;
  {
    ASSIGN_OR_RETURN(const Pickle pickle, NextPickle(rest));
    ASSIGN_OR_RETURN(header.state, ReadTorchState(pickle));
  }
  ASSIGN_OR_RETURN(const Pickle keys, NextPickle(rest));
  absl::Status ordered =
      OrderStorages(keys, header.state.storages, header.order);
  if (!ordered.ok()) return ordered;
  header.size = bytes.size() - rest.size();
  return header;
}

// Reads as little of the file as the pickles take, by and by.
absl::StatusOr<LegacyHeader> ReadLegacyHeader(const File& file) {
  for (uint64_t size = 64 << 10;; size *= 4) {
    size = std::min({size, file.size(), uint64_t{Pickle::kMaxBytes}});
    ASSIGN_OR_RETURN(const std::string bytes, ReadString(file, 0, size));
    absl::StatusOr<LegacyHeader> header = ParseLegacyHeader(bytes);
    if (header.ok()) return header;
    if (!absl::IsOutOfRange(header.status())) {
      return Annotate(file, header.status());
    }
    if (size == file.size() || size == Pickle::kMaxBytes) {
      return Damaged(file, absl::StrCat(header.status().message(),
                                        "; the file is truncated or no "
                                        "checkpoint"));
    }
  }
}

// The storages follow the pickles, each after the number of its elements.
absl::StatusOr<std::vector<std::shared_ptr<const File>>> FindLegacyStorages(
    const std::shared_ptr<const File>& data, const LegacyHeader& header) {
  std::vector<std::shared_ptr<const File>> files(header.state.storages.size());
  uint64_t position = header.size;
  for (size_t index : header.order) {
    const TorchStorage& storage = header.state.storages[index];
    uint64_t elements = 0;
    if (data->size() - position < sizeof(elements) ||
        data->size() - position - sizeof(elements) < storage.bytes()) {
      return Damaged(
          *data, absl::StrCat("it ends within a storage of ", storage.bytes(),
                              " bytes at ", position, "; it is truncated"));
    }
    ASSIGN_OR_RETURN(const std::string count,
                     ReadString(*data, position, sizeof(elements)));
    std::memcpy(&elements, count.data(), sizeof(elements));
    if (elements != storage.elements) {
      return Damaged(
          *data, absl::StrCat("the storage at ", position, " has ", elements,
                              " elements, its pickle says ", storage.elements));
    }
    position += sizeof(elements);
    files[index] = std::make_shared<FileSlice>(data, position, storage.bytes());
    position += storage.bytes();
  }
  if (position == data->size()) return files;
  return Damaged(*data, absl::StrCat(data->size() - position,
                                     " bytes follow its last storage"));
}

absl::StatusOr<std::vector<StoredTensor>> ReadLegacyFormat(
    std::shared_ptr<const File> data, const std::string& file) {
  ASSIGN_OR_RETURN(LegacyHeader header, ReadLegacyHeader(*data));
  ASSIGN_OR_RETURN(const std::vector<std::shared_ptr<const File>> storages,
                   FindLegacyStorages(data, header));
  return Place(std::move(header.state), storages, file);
}

}  // namespace

absl::StatusOr<std::vector<StoredTensor>> ReadPyTorch(
    std::shared_ptr<const File> data, const std::string& file) {
  ASSIGN_OR_RETURN(
      const std::string begin,
      ReadString(*data, 0, std::min<uint64_t>(data->size(), kSignatureBytes)));
  if (absl::StartsWith(begin, "PK\x03\x04")) {
    return ReadZipFormat(std::move(data), file);
  }
  if (absl::StartsWith(begin, kPickleBegin)) {
    return ReadLegacyFormat(std::move(data), file);
  }
  if (absl::StartsWith(begin, "version https:")) {
    return Damaged(*data,
                   "this is a Git LFS pointer, not the weights; get them with "
                   "`git lfs pull`");
  }
  return Damaged(*data, "this is no file of torch.save");
}

}  // namespace checkpoint
