#include "testdata/generator/safetensors_writer.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "nlohmann/json.hpp"
#include "testdata/generator/weights.h"

namespace testdata {
namespace {

using nlohmann::ordered_json;

constexpr uint64_t kChunkValues = 1 << 19;

std::string Header(absl::Span<const TensorSpec> tensors, Dtype dtype) {
  ordered_json header;
  header["__metadata__"] = {{"format", "pt"}};
  uint64_t offset = 0;
  for (const TensorSpec& tensor : tensors) {
    const uint64_t end = offset + tensor.elements() * DtypeBytes(dtype);
    header[tensor.name] = {{"dtype", std::string(DtypeName(dtype))},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

absl::Status WriteFile(const std::string& path,
                       absl::Span<const TensorSpec> tensors, Dtype dtype,
                       uint64_t seed) {
  std::ofstream file(path, std::ios::binary);
  const std::string header = Header(tensors, dtype);
  uint64_t size = header.size();
  for (int i = 0; i < 8; ++i, size >>= 8) {
    file.put(static_cast<char>(size & 0xff));
  }
  file << header;
  std::vector<uint8_t> chunk;
  for (const TensorSpec& tensor : tensors) {
    for (uint64_t done = 0; done < tensor.elements(); done += kChunkValues) {
      const uint64_t count = std::min(kChunkValues, tensor.elements() - done);
      chunk.resize(count * DtypeBytes(dtype));
      FillWeights(seed, tensor.name, tensor.spread, dtype, done,
                  absl::MakeSpan(chunk));
      file.write(reinterpret_cast<const char*>(chunk.data()),
                 static_cast<std::streamsize>(chunk.size()));
    }
  }
  file.close();
  if (!file) return absl::UnavailableError(absl::StrCat(path, ": not written"));
  return absl::OkStatus();
}

// Cuts the list into pieces of about equal size.
std::vector<std::vector<TensorSpec>> Split(std::vector<TensorSpec> tensors,
                                           int shards) {
  uint64_t total = 0, seen = 0;
  for (const TensorSpec& tensor : tensors) total += tensor.elements();
  std::vector<std::vector<TensorSpec>> pieces(shards);
  for (TensorSpec& tensor : tensors) {
    const uint64_t elements = tensor.elements();
    pieces[std::min<uint64_t>(seen * shards / total, shards - 1)].push_back(
        std::move(tensor));
    seen += elements;
  }
  return pieces;
}

}  // namespace

uint64_t TensorSpec::elements() const {
  uint64_t product = 1;
  for (uint64_t extent : shape) product *= extent;
  return product;
}

absl::Status WriteSafetensors(const std::string& directory,
                              std::vector<TensorSpec> tensors, Dtype dtype,
                              uint64_t seed, int shards) {
  std::vector<std::vector<TensorSpec>> pieces =
      Split(std::move(tensors), shards);
  ordered_json index;
  uint64_t bytes = 0;
  for (int i = 0; i < shards; ++i) {
    std::sort(pieces[i].begin(), pieces[i].end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    const std::string name =
        shards == 1
            ? "model.safetensors"
            : absl::StrFormat("model-%05d-of-%05d.safetensors", i + 1, shards);
    for (const TensorSpec& tensor : pieces[i]) {
      index["weight_map"][tensor.name] = name;
      bytes += tensor.elements() * DtypeBytes(dtype);
    }
    const absl::Status status =
        WriteFile(absl::StrCat(directory, "/", name), pieces[i], dtype, seed);
    if (!status.ok()) return status;
  }
  if (shards == 1) return absl::OkStatus();
  index["metadata"]["total_size"] = bytes;
  std::ofstream file(absl::StrCat(directory, "/model.safetensors.index.json"));
  file << index.dump(2) << "\n";
  file.close();
  if (!file) {
    return absl::UnavailableError(
        absl::StrCat(directory, ": index not written"));
  }
  return absl::OkStatus();
}

}  // namespace testdata
