#include "tools/engine/imatrix.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "base/file.h"
#include "gguf/file.h"
#include "gguf/layout.h"

namespace make_gguf {
namespace {

constexpr absl::string_view kSums = ".in_sum2";
constexpr absl::string_view kCounts = ".counts";
// llama-quantize keeps strings that it adds to the metadata in 128 bytes.
constexpr size_t kMaxStringBytes = 127;
constexpr uint64_t kMaxLegacyBytes = uint64_t{8} << 30;

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

// Reads the old form from memory.
class LegacyReader {
 public:
  LegacyReader(absl::string_view path, absl::string_view bytes)
      : path_(path), rest_(bytes) {}

  absl::StatusOr<ImportanceMatrix> Read() {
    ImportanceMatrix matrix;
    int32_t entries;
    if (!Consume(entries) || entries < 1) {
      return Damaged(path_, "it has no entries");
    }
    for (int32_t i = 0; i < entries; ++i) {
      absl::Status status = ReadEntry(matrix);
      if (!status.ok()) return status;
    }
    if (rest_.empty()) return matrix;
    int32_t chunks;
    if (!Consume(chunks) || chunks < 0 || !ConsumeString(matrix.dataset)) {
      return Damaged(path_, "it is cut off after the entries");
    }
    matrix.chunks = chunks;
    return matrix;
  }

 private:
  absl::Status ReadEntry(ImportanceMatrix& matrix) {
    std::string name;
    int32_t calls, count;
    if (!ConsumeString(name) || !Consume(calls) || !Consume(count) ||
        count < 1 ||
        rest_.size() / sizeof(float) < static_cast<size_t>(count)) {
      return Damaged(path_, absl::StrCat("entry ", matrix.entries.size(), " '",
                                         name, "' is cut off"));
    }
    std::vector<float> weights(count);
    std::memcpy(weights.data(), rest_.data(), weights.size() * sizeof(float));
    rest_.remove_prefix(weights.size() * sizeof(float));
    if (calls > 0) {
      for (float& weight : weights) weight /= static_cast<float>(calls);
    }
    absl::Status status = CheckWeights(path_, name, weights);
    if (status.ok()) matrix.entries[name] = std::move(weights);
    return status;
  }

  bool Consume(int32_t& value) {
    if (rest_.size() < sizeof(value)) return false;
    std::memcpy(&value, rest_.data(), sizeof(value));
    rest_.remove_prefix(sizeof(value));
    return true;
  }

  bool ConsumeString(std::string& text) {
    int32_t length;
    if (!Consume(length) || length < 0 ||
        rest_.size() < static_cast<size_t>(length)) {
      return false;
    }
    text = std::string(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return true;
  }

  const absl::string_view path_;
  absl::string_view rest_;
};

absl::StatusOr<std::vector<float>> ReadFloats(const gguf::File& file,
                                              size_t tensor) {
  const gguf::TensorInfo& info = file.tensors()[tensor];
  absl::StatusOr<uint64_t> count = gguf::ElementCount(info);
  if (!count.ok()) return count.status();
  if (info.type != gguf::TensorType::kF32) {
    return Damaged(file.path(), absl::StrCat("'", info.name, "' is not F32"));
  }
  std::vector<float> values(*count);
  absl::Status status = file.ReadTensorBytes(
      tensor, 0,
      absl::MakeSpan(reinterpret_cast<uint8_t*>(values.data()),
                     values.size() * sizeof(float)));
  if (!status.ok()) return status;
  return values;
}

// Sums of squares become means, matrix by matrix.
absl::Status Average(const gguf::File& file, absl::string_view name,
                     absl::Span<const float> counts,
                     std::vector<float>& values) {
  if (counts.empty() || values.size() % counts.size() != 0) {
    return Damaged(file.path(),
                   absl::StrCat("'", name, "' has ", values.size(),
                                " sums and ", counts.size(), " counts"));
  }
  const size_t columns = values.size() / counts.size();
  for (size_t i = 0; i < values.size(); ++i) {
    const float count = counts[i / columns];
    values[i] = count > 0 ? values[i] / count : 1.0f;
  }
  return CheckWeights(file.path(), name, values);
}

absl::StatusOr<ImportanceMatrix> ReadGguf(const gguf::File& file) {
  ImportanceMatrix matrix;
  for (size_t i = 0; i < file.tensors().size(); ++i) {
    absl::string_view name = file.tensors()[i].name;
    if (!absl::ConsumeSuffix(&name, kSums)) continue;
    const auto counts_tensor = file.FindTensor(absl::StrCat(name, kCounts));
    if (!counts_tensor.has_value()) {
      return Damaged(file.path(), absl::StrCat("'", name, "' has no counts"));
    }
    absl::StatusOr<std::vector<float>> values = ReadFloats(file, i);
    if (!values.ok()) return values.status();
    absl::StatusOr<std::vector<float>> counts =
        ReadFloats(file, *counts_tensor);
    if (!counts.ok()) return counts.status();
    absl::Status status = Average(file, name, *counts, *values);
    if (!status.ok()) return status;
    matrix.entries[std::string(name)] = *std::move(values);
  }
  if (matrix.entries.empty()) return Damaged(file.path(), "it has no entries");
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
  return matrix;
}

bool MayBeQuantized(const converters::TensorPlan& tensor) {
  return tensor.precision == converters::Precision::kFileType &&
         tensor.shape.size() > 1 && tensor.shape[1] > 1;
}

}  // namespace

absl::StatusOr<ImportanceMatrix> ReadImportanceMatrix(const std::string& path) {
  absl::StatusOr<std::string> bytes = base::ReadFile(path, kMaxLegacyBytes);
  if (!bytes.ok()) return bytes.status();
  if (!absl::StartsWith(*bytes, gguf::kMagic)) {
    return LegacyReader(path, *bytes).Read();
  }
  bytes->clear();
  absl::StatusOr<std::unique_ptr<gguf::File>> file = gguf::File::Open(path);
  if (!file.ok()) return file.status();
  return ReadGguf(**file);
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
  metadata.Set("quantize.imatrix.entries_count",
               static_cast<uint32_t>(matrix.entries.size()));
  if (matrix.chunks > 0) {
    metadata.Set("quantize.imatrix.chunks_count", matrix.chunks);
  }
  return metadata;
}

absl::StatusOr<MatchedImportance> MatchImportance(
    ImportanceMatrix matrix, const converters::ModelPlan& model) {
  MatchedImportance matched;
  matched.table.resize(model.tensors.size());
  for (size_t i = 0; i < model.tensors.size(); ++i) {
    const converters::TensorPlan& tensor = model.tensors[i];
    if (!MayBeQuantized(tensor)) continue;
    const auto entry = matrix.entries.find(tensor.name);
    if (entry == matrix.entries.end()) {
      matched.missing.push_back(tensor.name);
      continue;
    }
    const uint64_t matrices = tensor.shape.size() > 2 ? tensor.shape[2] : 1;
    const uint64_t expected = tensor.shape[0] * matrices;
    if (entry->second.size() == expected) {
      matched.table[i] = std::move(entry->second);
    } else if (tensor.name != "token_embd.weight") {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", tensor.name, "' has ", entry->second.size(),
          " importance weights, but its ", matrices, " x ", tensor.shape[0],
          " columns need ", expected, "; the matrix is another model's"));
    }
  }
  return matched;
}

}  // namespace make_gguf
