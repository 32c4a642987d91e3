#include "tools/engine/imatrix.h"

#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "base/file.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "gguf/file.h"
#include "gguf/layout.h"
#include "gguf/tensor_type.h"
#include "quant/tensor_role.h"

namespace make_gguf {
namespace {

constexpr absl::string_view kSums = ".in_sum2";
constexpr absl::string_view kCounts = ".counts";
// llama-quantize keeps strings that it adds to the metadata in 128 bytes.
constexpr size_t kMaxStringBytes = 127;
constexpr int32_t kMaxNameBytes = 4096;

absl::Status Damaged(absl::string_view path, absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat(path, ": damaged importance matrix: ", what));
}

absl::Status CheckWeights(absl::string_view path, absl::string_view name,
                          absl::Span<const float> weights) {
  for (size_t i = 0; i < weights.size(); ++i) {
    if (!std::isfinite(weights[i]) || weights[i] < 0) {
      return Damaged(
          path, absl::StrCat("'", name, "', column ", i, " is ", weights[i]));
    }
  }
  return absl::OkStatus();
}

// Takes a file's entries for the model's tensors.
class Collector {
 public:
  Collector(const std::string& path, const converters::ModelPlan& model,
            uint64_t max_bytes)
      : path_(path), model_(model), room_(max_bytes) {
    matrix_.table.resize(model.tensors.size());
    for (size_t i = 0; i < model.tensors.size(); ++i) {
      const converters::TensorPlan& tensor = model.tensors[i];
      // Whatever its precision: that of the source may be F32.
      if (quant::IsQuantizable(
              {tensor.name, gguf::TensorType::kF32, tensor.shape})) {
        wanted_[tensor.name] = i;
      }
    }
  }

  // Where the `count` weights of the entry `name` go; null if nobody wants
  // them.
  absl::StatusOr<std::vector<float>*> Place(absl::string_view name,
                                            uint64_t count) {
    ++matrix_.entries;
    const auto found = wanted_.find(name);
    if (found == wanted_.end()) return nullptr;
    const converters::TensorPlan& tensor = model_.tensors[found->second];
    const uint64_t matrices = tensor.shape.size() > 2 ? tensor.shape[2] : 1;
    if (count != tensor.shape[0] * matrices) {
      if (name == "token_embd.weight") return nullptr;
      return absl::InvalidArgumentError(absl::StrCat(
          path_, ": '", name, "' has ", count, " importance weights, but its ",
          matrices, " x ", tensor.shape[0], " columns need ",
          tensor.shape[0] * matrices, "; the matrix is another model's"));
    }
    std::vector<float>& weights = matrix_.table[found->second];
    if (weights.empty()) {
      if (count * sizeof(float) > room_) {
        return absl::ResourceExhaustedError(
            absl::StrCat(path_,
                         ": the importance weights of this model take more "
                         "than the memory limit leaves; raise --memory_limit"));
      }
      room_ -= count * sizeof(float);
      weights.resize(count);
    }
    return &weights;
  }

  absl::StatusOr<ImportanceMatrix> Finish() {
    if (matrix_.entries == 0) return Damaged(path_, "it has no entries");
    for (const auto& [name, index] : wanted_) {
      if (matrix_.table[index].empty()) matrix_.missing.push_back(name);
    }
    return std::move(matrix_);
  }

  ImportanceMatrix& matrix() { return matrix_; }

 private:
  const std::string& path_;
  const converters::ModelPlan& model_;
  uint64_t room_;
  std::map<std::string, size_t, std::less<>> wanted_;
  ImportanceMatrix matrix_;
};

// Reads the old form, in which nothing but the number of entries says where
// they end.
class LegacyReader {
 public:
  LegacyReader(const base::InputFile& file, Collector& collector)
      : file_(file), collector_(collector) {}

  absl::Status Read() {
    int32_t entries;
    if (!Consume(entries) || entries < 1) {
      return Damaged(file_.path(), "it has no entries");
    }
    for (int32_t i = 0; i < entries; ++i) RETURN_IF_ERROR(ReadEntry(i));
    if (at_ == file_.size()) return absl::OkStatus();
    int32_t chunks;
    ImportanceMatrix& matrix = collector_.matrix();
    if (!Consume(chunks) || chunks < 0 || !ConsumeString(matrix.dataset)) {
      return Damaged(file_.path(), "it is cut off after the entries");
    }
    matrix.chunks = chunks;
    return absl::OkStatus();
  }

 private:
  absl::Status ReadEntry(int32_t number) {
    std::string name;
    int32_t calls, count;
    if (!ConsumeString(name) || !Consume(calls) || !Consume(count) ||
        count < 1 ||
        (file_.size() - at_) / sizeof(float) < static_cast<uint64_t>(count)) {
      return Damaged(file_.path(),
                     absl::StrCat("entry ", number, " '", base::Printable(name),
                                  "' is cut off"));
    }
    ASSIGN_OR_RETURN(std::vector<float>* const weights,
                     collector_.Place(name, count));
    if (weights != nullptr) {
      RETURN_IF_ERROR(ReadFloats(*weights));
      if (calls > 0) {
        for (float& weight : *weights) weight /= static_cast<float>(calls);
      }
      RETURN_IF_ERROR(CheckWeights(file_.path(), name, *weights));
    }
    at_ += count * sizeof(float);
    return absl::OkStatus();
  }

  absl::Status ReadFloats(std::vector<float>& values) const {
    return file_.ReadAt(
        at_, absl::MakeSpan(reinterpret_cast<uint8_t*>(values.data()),
                            values.size() * sizeof(float)));
  }

  bool ConsumeBytes(void* out, size_t size) {
    if (file_.size() - at_ < size ||
        !file_.ReadAt(at_, absl::MakeSpan(static_cast<uint8_t*>(out), size))
             .ok()) {
      return false;
    }
    at_ += size;
    return true;
  }

  bool Consume(int32_t& value) { return ConsumeBytes(&value, sizeof(value)); }

  bool ConsumeString(std::string& text) {
    int32_t length;
    if (!Consume(length) || length < 0 || length > kMaxNameBytes) return false;
    text.resize(length);
    return ConsumeBytes(text.data(), text.size());
  }

  const base::InputFile& file_;
  Collector& collector_;
  uint64_t at_ = 0;
};

absl::Status CheckF32(const gguf::File& file, const gguf::TensorInfo& info) {
  if (info.type == gguf::TensorType::kF32) return absl::OkStatus();
  return Damaged(file.path(), absl::StrCat("'", info.name, "' is not F32"));
}

absl::Status ReadFloats(const gguf::File& file, size_t tensor,
                        std::vector<float>& values) {
  return file.ReadTensorBytes(
      tensor, 0,
      absl::MakeSpan(reinterpret_cast<uint8_t*>(values.data()),
                     values.size() * sizeof(float)));
}

// Reads the sums of squares of entry `name`, which become means, matrix by
// matrix.
absl::Status ReadSums(const gguf::File& file, absl::string_view name,
                      size_t sums, Collector& collector) {
  const auto counts = file.FindTensor(absl::StrCat(name, kCounts));
  if (!counts.has_value()) {
    return Damaged(file.path(), absl::StrCat("'", name, "' has no counts"));
  }
  ASSIGN_OR_RETURN(const uint64_t values,
                   gguf::ElementCount(file.tensors()[sums]));
  ASSIGN_OR_RETURN(const uint64_t matrices,
                   gguf::ElementCount(file.tensors()[*counts]));
  RETURN_IF_ERROR(CheckF32(file, file.tensors()[sums]));
  RETURN_IF_ERROR(CheckF32(file, file.tensors()[*counts]));
  if (values % matrices != 0) {
    return Damaged(file.path(),
                   absl::StrCat("'", name, "' has ", values, " sums and ",
                                matrices, " counts"));
  }
  ASSIGN_OR_RETURN(std::vector<float>* const weights,
                   collector.Place(name, values));
  if (weights == nullptr) return absl::OkStatus();
  std::vector<float> count_of(matrices);
  RETURN_IF_ERROR(ReadFloats(file, sums, *weights));
  RETURN_IF_ERROR(ReadFloats(file, *counts, count_of));
  const size_t columns = values / matrices;
  for (size_t i = 0; i < weights->size(); ++i) {
    const float count = count_of[i / columns];
    (*weights)[i] = count > 0 ? (*weights)[i] / count : 1.0f;
  }
  return CheckWeights(file.path(), name, *weights);
}

absl::Status ReadGguf(const gguf::File& file, Collector& collector) {
  for (size_t i = 0; i < file.tensors().size(); ++i) {
    absl::string_view name = file.tensors()[i].name;
    if (absl::ConsumeSuffix(&name, kSums)) {
      RETURN_IF_ERROR(ReadSums(file, name, i, collector));
    }
  }
  ImportanceMatrix& matrix = collector.matrix();
  if (const auto* chunks =
          file.metadata().FindAs<uint32_t>("imatrix.chunk_count")) {
    matrix.chunks = *chunks;
  }
  if (const auto* datasets =
          file.metadata().FindAs<gguf::Array>("imatrix.datasets")) {
    const auto* names =
        std::get_if<std::vector<std::string>>(&datasets->elements);
    if (names != nullptr && !names->empty()) matrix.dataset = names->front();
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ImportanceMatrix> ReadImportanceMatrix(
    const std::string& path, const converters::ModelPlan& model,
    uint64_t max_bytes) {
  Collector collector(path, model, max_bytes);
  ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> file,
                   base::InputFile::Open(path));
  char magic[gguf::kMagic.size()] = {};
  const bool is_gguf =
      file->size() >= sizeof(magic) &&
      file->ReadAt(0, absl::MakeSpan(reinterpret_cast<uint8_t*>(magic),
                                     sizeof(magic)))
          .ok() &&
      absl::string_view(magic, sizeof(magic)) == gguf::kMagic;
  if (is_gguf) {
    ASSIGN_OR_RETURN(const std::unique_ptr<gguf::File> parsed,
                     gguf::File::Open(path));
    RETURN_IF_ERROR(ReadGguf(*parsed, collector));
  } else {
    RETURN_IF_ERROR(LegacyReader(*file, collector).Read());
  }
  return collector.Finish();
}

gguf::Metadata ImportanceMetadata(const ImportanceMatrix& matrix,
                                  absl::string_view path) {
  gguf::Metadata metadata;
  metadata.Set("quantize.imatrix.file",
               std::string(path.substr(0, kMaxStringBytes)));
  if (!matrix.dataset.empty()) {
    metadata.Set("quantize.imatrix.dataset",
                 matrix.dataset.substr(0, kMaxStringBytes));
  }
  metadata.Set("quantize.imatrix.entries_count", matrix.entries);
  if (matrix.chunks > 0) {
    metadata.Set("quantize.imatrix.chunks_count", matrix.chunks);
  }
  return metadata;
}

}  // namespace make_gguf
