// Writes the checkpoint of a case (testdata/cases): copies its files and makes
// its weights, which weights.json describes:
//
//   {"files": {FILE: [[NAME, DTYPE, SHAPE, FILL], ...]},   safetensors
//    "index": FILE or null, "metadata": {...} or null}
//
// Values come from one table of integers that a fixed recurrence makes, so that
// they are the same on every machine. With g for an integer of the table,
// roughly normal with a deviation of 209 and not beyond 1020, a FILL is
//
//   w         g / 2^13, in F32 with another g / 2^22     w:E        g * 2^E
//   1         1 + g / 2^11 (F32: as in w)                pos        |g| / 2^10
//   + 1 / 64 out       as w, every 61st 16 times as large         0 zeros
//   const:V   all V                                      ids        0, 1, 2,
//   ... int:L:H   whole numbers from L to H                  tied:NAME  NAME's
//   bytes

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "nlohmann/json.hpp"

namespace {

using nlohmann::ordered_json;

constexpr size_t kTable = 65521;  // prime, so that no row repeats another's

std::vector<uint64_t> RandomTable() {
  uint64_t state = 0x9E3779B97F4A7C15;
  std::vector<uint64_t> table(kTable);
  for (uint64_t& number : table) {
    state += 0x9E3779B97F4A7C15;
    number = state;
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9;
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB;
    number ^= number >> 31;
  }
  return table;
}

const std::vector<uint64_t>& Random() {
  static const auto* const table = new std::vector<uint64_t>(RandomTable());
  return *table;
}

// The sum of a number's bytes, around 0.
double Normal(size_t index) {
  const uint64_t number = Random()[index % kTable];
  int sum = -1020;
  for (int shift = 0; shift < 64; shift += 8) sum += number >> shift & 255;
  return sum;
}

// CRC-32 as in zlib: where in the table a tensor's values begin.
uint32_t Crc32(absl::string_view text) {
  uint32_t crc = ~0u;
  for (const char c : text) {
    crc ^= static_cast<uint8_t>(c);
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

struct Fill {
  std::string kind;
  std::vector<double> arguments;
};

Fill ParseFill(absl::string_view text) {
  std::vector<std::string> parts = absl::StrSplit(text, ':');
  Fill fill{parts[0], {}};
  for (size_t i = 1; i < parts.size(); ++i) {
    double argument = 0;
    if (absl::SimpleAtod(parts[i], &argument)) {
      fill.arguments.push_back(argument);
    }
  }
  return fill;
}

// Value number `index` of the table that `fill` makes for a type that is `fine`
// (F32) or not.
absl::StatusOr<double> Value(const Fill& fill, bool fine, size_t index) {
  const double g = Normal(index);
  const double finer = fine ? Normal(index + 7) * 0x1p-22 : 0.0;
  if (fill.kind == "w" && !fill.arguments.empty()) {
    return std::ldexp(g, static_cast<int>(fill.arguments[0]));
  }
  if (fill.kind == "w") return g * 0x1p-13 + finer;
  if (fill.kind == "1") return 1 + g * 0x1p-11 + finer;
  if (fill.kind == "pos") return std::abs(g) * 0x1p-10 + 0x1p-6;
  if (fill.kind == "0") return 0.0;
  if (fill.kind == "out") {
    return (g * 0x1p-13 + finer) * (index % 61 == 0 ? 16 : 1);
  }
  if (fill.kind == "const" && fill.arguments.size() == 1) {
    return fill.arguments[0];
  }
  if (fill.kind == "int" && fill.arguments.size() == 2) {
    const uint64_t range = fill.arguments[1] - fill.arguments[0] + 1;
    return fill.arguments[0] + (Random()[index] >> 11) % range;
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown fill ", fill.kind));
}

// The bits of `value` as F16, rounded to nearest even; no subnormals are made.
uint16_t F16Bits(double value) {
  if (value == 0) return 0;
  int exponent = 0;
  const double fraction = std::frexp(std::abs(value), &exponent);
  const int bits = static_cast<int>(std::nearbyint(std::ldexp(fraction, 11)));
  return (value < 0 ? 0x8000 : 0) + ((exponent + 13) << 10) + bits;
}

uint16_t Bf16Bits(double value) {
  const uint32_t bits = std::bit_cast<uint32_t>(static_cast<float>(value));
  return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}

template <typename T>
void Append(T number, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

absl::Status AppendValue(absl::string_view dtype, double value,
                         std::string& bytes) {
  if (dtype == "F64")
    Append(value, bytes);
  else if (dtype == "F32")
    Append(static_cast<float>(value), bytes);
  else if (dtype == "F16")
    Append(F16Bits(value), bytes);
  else if (dtype == "BF16")
    Append(Bf16Bits(value), bytes);
  else if (dtype == "I64")
    Append(static_cast<int64_t>(value), bytes);
  else if (dtype == "I32")
    Append(static_cast<int32_t>(value), bytes);
  else if (dtype == "U8")
    Append(static_cast<uint8_t>(value), bytes);
  else
    return absl::InvalidArgumentError(absl::StrCat("unknown dtype ", dtype));
  return absl::OkStatus();
}

absl::StatusOr<std::string> MakeTensor(absl::string_view name,
                                       absl::string_view dtype, uint64_t count,
                                       const std::string& fill_text) {
  const Fill fill = ParseFill(fill_text);
  const size_t start = Crc32(name) % kTable;
  std::string bytes;
  for (uint64_t i = 0; i < count; ++i) {
    double value = i;
    if (fill.kind != "ids") {
      const auto made =
          Value(fill, dtype == "F32" || dtype == "F64", (start + i) % kTable);
      if (!made.ok()) return made.status();
      value = *made;
    }
    absl::Status status = AppendValue(dtype, value, bytes);
    if (!status.ok()) return status;
  }
  return bytes;
}

absl::Status Write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file) return absl::OkStatus();
  return absl::UnavailableError(path.string() + ": not written");
}

absl::Status WriteWeights(const ordered_json& tensors, ordered_json metadata,
                          const std::filesystem::path& path) {
  ordered_json header;
  header["__metadata__"] =
      metadata.is_null() ? ordered_json{{"format", "pt"}} : metadata;
  std::string data;
  std::map<std::string, std::string> made;
  for (const ordered_json& tensor : tensors) {
    const std::string name = tensor[0];
    const std::string fill = tensor[3];
    uint64_t count = 1;
    for (const uint64_t extent : tensor[2]) count *= extent;
    absl::string_view tied = fill;
    if (absl::ConsumePrefix(&tied, "tied:")) {
      made[name] = made[std::string(tied)];
    } else {
      absl::StatusOr<std::string> bytes =
          MakeTensor(name, tensor[1].get<std::string>(), count, fill);
      if (!bytes.ok()) return bytes.status();
      made[name] = *std::move(bytes);
    }
    header[name] = {
        {"dtype", tensor[1]},
        {"shape", tensor[2]},
        {"data_offsets", {data.size(), data.size() + made[name].size()}}};
    data += made[name];
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string file;
  Append(static_cast<uint64_t>(text.size()), file);
  return Write(path, file + text + data);
}

absl::Status Run(const std::string& weights,
                 const std::filesystem::path& directory,
                 const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    constexpr absl::string_view kFolder = "/checkpoint/";
    const std::filesystem::path to =
        directory / file.substr(file.rfind(kFolder) + kFolder.size());
    std::filesystem::create_directories(to.parent_path());
    std::filesystem::copy_file(file, to);
  }
  std::ifstream stream(weights);
  const ordered_json spec = ordered_json::parse(stream, nullptr, false);
  if (!spec.is_object()) {
    return absl::InvalidArgumentError(weights + ": no JSON object");
  }
  ordered_json map;
  for (const auto& [file, tensors] : spec["files"].items()) {
    absl::Status status = WriteWeights(
        tensors, spec.value("metadata", ordered_json()), directory / file);
    if (!status.ok()) return status;
    for (const ordered_json& tensor : tensors) {
      map[tensor[0].get<std::string>()] = file;
    }
  }
  const ordered_json index = spec.value("index", ordered_json());
  if (!index.is_string()) return absl::OkStatus();
  return Write(directory / index.get<std::string>(),
               ordered_json{{"weight_map", map}}.dump(2));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: make_case WEIGHTS.JSON DIRECTORY FILE...\n";
    return 2;
  }
  const absl::Status status =
      Run(argv[1], argv[2], std::vector<std::string>(argv + 3, argv + argc));
  if (status.ok()) return 0;
  std::cerr << argv[1] << ": " << status << "\n";
  return 1;
}
