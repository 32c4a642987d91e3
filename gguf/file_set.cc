#include "gguf/file_set.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "gguf/file.h"
#include "gguf/metadata.h"
#include "gguf/split.h"
#include "gguf/tensor_info.h"

namespace gguf {
namespace {

// Whether `file` says that it is shard `number` of `count`.
absl::Status CheckShard(const File& file, size_t number, size_t count) {
  const auto* found_number = file.metadata().FindAs<uint16_t>(kSplitNumberKey);
  if (found_number == nullptr || *found_number != number) {
    return absl::DataLossError(
        absl::StrCat(file.path(), ": key '", kSplitNumberKey, "' is ",
                     found_number == nullptr ? "missing or no UINT16"
                                             : absl::StrCat(*found_number),
                     ", expected ", number));
  }
  if (ShardCount(file) != count) {
    return absl::DataLossError(
        absl::StrCat(file.path(), ": key '", kSplitCountKey, "' says ",
                     ShardCount(file), " shards, expected ", count));
  }
  return absl::OkStatus();
}

}  // namespace

size_t ShardCount(const File& file) {
  const auto* count = file.metadata().FindAs<uint16_t>(kSplitCountKey);
  return count == nullptr || *count == 0 ? 1 : *count;
}

absl::StatusOr<std::unique_ptr<FileSet>> FileSet::Open(absl::string_view path) {
  ASSIGN_OR_RETURN(std::unique_ptr<File> file, File::Open(path));
  auto set = std::unique_ptr<FileSet>(new FileSet());
  if (ShardCount(*file) == 1) {
    set->files_.push_back(std::move(file));
  } else {
    RETURN_IF_ERROR(set->OpenShards(std::move(file)));
  }
  RETURN_IF_ERROR(set->Join());
  return set;
}

absl::StatusOr<std::unique_ptr<FileSet>> FileSet::OpenAlone(
    absl::string_view path) {
  ASSIGN_OR_RETURN(std::unique_ptr<File> file, File::Open(path));
  auto set = std::unique_ptr<FileSet>(new FileSet());
  set->files_.push_back(std::move(file));
  RETURN_IF_ERROR(set->Join());
  return set;
}

absl::Status FileSet::OpenShards(std::unique_ptr<File> first_opened) {
  const size_t count = ShardCount(*first_opened);
  const std::optional<ShardName> name = ParseShardPath(first_opened->path());
  if (!name.has_value() || name->count != count) {
    return absl::FailedPreconditionError(absl::StrCat(
        first_opened->path(), " is one of ", count,
        " shards, but its name does not end like -00001-of-",
        absl::Dec(count, absl::kZeroPad5),
        ".gguf; give it back the name it had, so that the others are found"));
  }
  for (size_t i = 0; i < count; ++i) {
    if (i == name->number) {
      files_.push_back(std::move(first_opened));
    } else {
      const std::string path = ShardPath(name->prefix, i, count);
      absl::StatusOr<std::unique_ptr<File>> file = File::Open(path);
      if (absl::IsNotFound(file.status())) {
        return absl::FailedPreconditionError(
            absl::StrCat(path, " is missing, shard ", i + 1, " of ", count));
      }
      if (!file.ok()) return file.status();
      files_.push_back(*std::move(file));
    }
    RETURN_IF_ERROR(CheckShard(*files_.back(), i, count));
  }
  return absl::OkStatus();
}

absl::Status FileSet::Join() {
  const bool is_whole = files_.size() == ShardCount(*files_[0]);
  metadata_ = files_[0]->TakeMetadata();
  for (size_t f = 0; f < files_.size(); ++f) {
    const absl::Span<const TensorInfo> tensors = files_[f]->tensors();
    for (size_t t = 0; t < tensors.size(); ++t) {
      // Keyed by the name that the file holds, which stays where it is.
      if (!index_.emplace(tensors[t].name, tensors_.size()).second) {
        return absl::DataLossError(
            absl::StrCat(files_[f]->path(), ": tensor '", tensors[t].name,
                         "' is in an earlier shard too"));
      }
      tensors_.push_back(tensors[t]);
      locations_.push_back(Location{f, t});
    }
  }
  if (!is_whole) return absl::OkStatus();
  RETURN_IF_ERROR(CheckTensorCount());
  for (absl::string_view key :
       {kSplitNumberKey, kSplitCountKey, kSplitTensorsKey}) {
    metadata_.Erase(key);
  }
  return absl::OkStatus();
}

absl::Status FileSet::CheckTensorCount() const {
  const auto* promised = metadata_.FindAs<int32_t>(kSplitTensorsKey);
  if (promised == nullptr ||
      (*promised >= 0 && static_cast<uint64_t>(*promised) == tensors_.size())) {
    return absl::OkStatus();
  }
  return absl::DataLossError(
      absl::StrCat(files_[0]->path(), ": key '", kSplitTensorsKey, "' is ",
                   *promised, ", but the ", files_.size(), " shards have ",
                   tensors_.size(), " tensors"));
}

std::optional<size_t> FileSet::FindTensor(absl::string_view name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

absl::Status FileSet::ReadTensorBytes(size_t tensor, uint64_t offset,
                                      absl::Span<uint8_t> out) const {
  if (tensor >= locations_.size()) {
    return absl::OutOfRangeError(absl::StrCat(files_[0]->path(),
                                              ": tensor number ", tensor,
                                              " of ", locations_.size()));
  }
  const Location& where = locations_[tensor];
  return files_[where.file]->ReadTensorBytes(where.tensor, offset, out);
}

void FileSet::PrefetchTensorBytes(size_t tensor, uint64_t offset,
                                  uint64_t size) const {
  const Location& where = locations_[tensor];
  files_[where.file]->PrefetchTensorBytes(where.tensor, offset, size);
}

}  // namespace gguf
