#include "converters/checkpoint/checkpoint.h"

#include <algorithm>
#include <filesystem>  // for listing a directory, without exceptions
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "converters/checkpoint/file.h"
#include "converters/checkpoint/pytorch.h"
#include "converters/checkpoint/safetensors.h"
#include "converters/checkpoint/shard_index.h"
#include "converters/checkpoint/stored_tensor.h"
#include "converters/tensor_source.h"

namespace checkpoint {
namespace {

using ReadTensors = absl::StatusOr<std::vector<StoredTensor>> (*)(
    std::shared_ptr<const File> data, const std::string& file);

// A format's files are named PREFIX*SUFFIX, or listed in the index.
struct Format {
  absl::string_view prefix;
  absl::string_view suffix;
  absl::string_view index;  // empty if the format has none
  ReadTensors read;
};

// In the order of preference.
constexpr Format kFormats[] = {
    {"model", ".safetensors", "model.safetensors.index.json", &ReadSafetensors},
    {"pytorch_model", ".bin", "pytorch_model.bin.index.json", &ReadPyTorch},
    {"consolidated", ".pth", "", &ReadPyTorch},
};

// By name, in byte order.
absl::StatusOr<std::vector<std::string>> ListDirectory(
    const std::string& directory) {
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  std::vector<std::string> names;
  while (!error && entry != std::filesystem::directory_iterator()) {
    names.push_back(entry->path().filename().string());
    entry.increment(error);
  }
  if (error) {
    return absl::ErrnoToStatus(
        error.value(),
        absl::StrCat("cannot list the checkpoint's directory ", directory));
  }
  absl::c_sort(names);
  return names;
}

std::vector<std::string> FilesOf(const Format& format,
                                 absl::Span<const std::string> names) {
  std::vector<std::string> files;
  for (const std::string& name : names) {
    if (absl::StartsWith(name, format.prefix) &&
        absl::EndsWith(name, format.suffix)) {
      files.push_back(name);
    }
  }
  return files;
}

absl::Status NoWeights(const std::string& directory,
                       absl::Span<const std::string> names) {
  std::vector<std::string> similar;
  for (const std::string& name : names) {
    for (absl::string_view suffix :
         {".safetensors", ".bin", ".pt", ".pth", ".h5", ".msgpack", ".gguf"}) {
      if (absl::EndsWith(name, suffix)) similar.push_back(name);
    }
  }
  std::string error = absl::StrCat(directory,
                                   ": no weights; expected model.safetensors, "
                                   "pytorch_model.bin, or their shards");
  if (!similar.empty()) {
    absl::StrAppend(&error, "; found only ", ListNames(similar));
  }
  if (absl::c_linear_search(names, "adapter_config.json")) {
    absl::StrAppend(&error,
                    "; this is an adapter (LoRA): merge it into its base "
                    "model first");
  }
  return absl::NotFoundError(error);
}

// The tensors of one format's files.
class Loader {
 public:
  Loader(const std::string& directory, const Format& format)
      : directory_(directory), format_(format) {}

  // Requires that the index or files are there.
  absl::StatusOr<std::unique_ptr<converters::TensorSource>> Load(
      absl::Span<const std::string> names) {
    std::vector<std::string> files = FilesOf(format_, names);
    if (absl::c_linear_search(names, format_.index)) {
      RETURN_IF_ERROR(ReadIndex());
      files = index_->files();
    }
    RETURN_IF_ERROR(CheckPresent(files, names));
    for (const std::string& file : files) RETURN_IF_ERROR(ReadFile(file));
    RETURN_IF_ERROR(CheckUnique());
    if (index_.has_value()) {
      RETURN_IF_ERROR(
          CheckAgainstIndex(*index_, Path(format_.index), tensors_));
    }
    return std::make_unique<StoredTensorSource>(std::move(tensors_));
  }

 private:
  std::string Path(absl::string_view file) const {
    return (std::filesystem::path(directory_) / file).string();
  }

  absl::Status ReadIndex() {
    const std::string path = Path(format_.index);
    ASSIGN_OR_RETURN(const std::shared_ptr<const File> file, pool_.Open(path));
    if (file->size() > kMaxIndexBytes) {
      return absl::DataLossError(
          absl::StrCat(path, ": ", file->size(),
                       " bytes are too many for an index of tensors"));
    }
    ASSIGN_OR_RETURN(const std::string text,
                     ReadString(*file, 0, file->size()));
    ASSIGN_OR_RETURN(index_, ParseShardIndex(text, path, format_.suffix));
    return absl::OkStatus();
  }

  absl::Status CheckPresent(absl::Span<const std::string> files,
                            absl::Span<const std::string> names) const {
    std::vector<std::string> missing;
    if (index_.has_value()) {
      absl::c_copy_if(files, std::back_inserter(missing),
                      [&](const std::string& file) {
                        return !absl::c_binary_search(names, file);
                      });
    } else {
      missing = MissingFromNumberedSet(files);
    }
    if (format_.suffix == ".pth" && files.size() > 1) {
      return absl::UnimplementedError(absl::StrCat(
          directory_, ": ", files.size(),
          " consolidated*.pth files hold slices of each tensor, one for each "
          "of as many devices; use the checkpoint in Hugging Face's format"));
    }
    if (missing.empty()) return absl::OkStatus();
    return absl::NotFoundError(absl::StrCat(
        directory_, ": ", missing.size(), " of the checkpoint's files ",
        missing.size() == 1 ? "is" : "are", " missing: ", ListNames(missing),
        "; download the checkpoint again"));
  }

  absl::Status ReadFile(const std::string& file) {
    ASSIGN_OR_RETURN(std::shared_ptr<const File> data, pool_.Open(Path(file)));
    ASSIGN_OR_RETURN(std::vector<StoredTensor> tensors,
                     format_.read(std::move(data), file));
    absl::c_move(tensors, std::back_inserter(tensors_));
    return absl::OkStatus();
  }

  absl::Status CheckUnique() const {
    absl::flat_hash_map<absl::string_view, absl::string_view> file_of;
    for (const StoredTensor& tensor : tensors_) {
      const auto [first, inserted] = file_of.emplace(tensor.name, tensor.file);
      if (inserted) continue;
      return absl::DataLossError(absl::StrCat(
          directory_, ": tensor ", base::Printable(tensor.name), " is both in ",
          base::Printable(first->second), " and in ",
          base::Printable(tensor.file),
          "; if these are two versions of the model, keep one of them"));
    }
    return absl::OkStatus();
  }

  const std::string& directory_;
  const Format& format_;
  FilePool pool_;
  std::optional<ShardIndex> index_;
  std::vector<StoredTensor> tensors_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<converters::TensorSource>> Open(
    const std::string& directory) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names,
                   ListDirectory(directory));
  for (const Format& format : kFormats) {
    if (!FilesOf(format, names).empty() ||
        absl::c_linear_search(names, format.index)) {
      return Loader(directory, format).Load(names);
    }
  }
  return NoWeights(directory, names);
}

}  // namespace checkpoint
