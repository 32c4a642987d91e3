#include "tools/inspect_report.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/human_text.h"
#include "base/printable.h"
#include "gguf/file.h"
#include "gguf/file_set.h"
#include "gguf/layout.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"
#include "nlohmann/json.hpp"
#include "quant/file_type.h"

namespace make_gguf {
namespace {

using Json = nlohmann::ordered_json;

// The first and the last elements of an array that are shown: all of it, or
// `limit` in two halves.
struct Ends {
  Ends(size_t size, size_t limit)
      : whole(size <= limit),
        first(whole ? size : limit - limit / 2),
        last(whole ? 0 : limit / 2) {}
  bool whole;
  size_t first;
  size_t last;
};

// Of text from a file, what could act on a terminal as escapes.
std::string Escaped(absl::string_view text) {
  return base::Printable(absl::Utf8SafeCEscape(text), std::string::npos);
}

std::string Quoted(absl::string_view text, size_t limit) {
  if (text.size() <= limit) {
    return absl::StrCat("\"", Escaped(text), "\"");
  }
  // Not in the middle of a character.
  size_t end = limit;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80) --end;
  return absl::StrCat("\"", Escaped(text.substr(0, end)), "\"… (", text.size(),
                      " bytes)");
}

// The shortest text that gives the same number.
template <typename T>
std::string NumberText(T value) {
  char buffer[64];
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, result.ptr);
}

class TextOf {
 public:
  explicit TextOf(const InspectOptions& options) : options_(options) {}

  template <typename T>
  std::string operator()(const T& value) const {
    if constexpr (std::is_same_v<T, bool>) {
      return value ? "true" : "false";
    } else {
      return NumberText(value);
    }
  }
  std::string operator()(const std::string& text) const {
    return Quoted(text, options_.string_bytes);
  }
  std::string operator()(const gguf::Array& array) const {
    return std::visit(
        [this](const auto& values) { return this->Elements(values); },
        array.elements);
  }

 private:
  template <typename T>
  std::string Elements(const std::vector<T>& values) const {
    const Ends ends(values.size(), options_.array_elements);
    std::vector<std::string> parts;
    for (size_t i = 0; i < ends.first; ++i) {
      parts.push_back((*this)(T(values[i])));
    }
    if (!ends.whole) parts.push_back("…");
    for (size_t i = values.size() - ends.last; i < values.size(); ++i) {
      parts.push_back((*this)(T(values[i])));
    }
    return absl::StrCat(
        "[", absl::StrJoin(parts, ", "), "]",
        ends.whole ? "" : absl::StrCat(" (", values.size(), " elements)"));
  }

  const InspectOptions& options_;
};

class JsonOf {
 public:
  explicit JsonOf(const InspectOptions& options) : options_(options) {}

  template <typename T>
  Json operator()(const T& value) const {
    if constexpr (std::is_floating_point_v<T>) {
      if (!std::isfinite(value)) return Json(NumberText(value));
    }
    return Json(value);
  }
  Json operator()(const gguf::Array& array) const {
    return std::visit(
        [this](const auto& values) { return this->Elements(values); },
        array.elements);
  }

 private:
  template <typename T>
  Json Elements(const std::vector<T>& values) const {
    const Ends ends(values.size(), options_.array_elements);
    const auto part = [&](size_t begin, size_t end) {
      Json list = Json::array();
      for (size_t i = begin; i < end; ++i)
        list.push_back((*this)(T(values[i])));
      return list;
    };
    if (ends.whole) return part(0, values.size());
    Json object;
    object["length"] = values.size();
    object["first"] = part(0, ends.first);
    object["last"] = part(values.size() - ends.last, values.size());
    return object;
  }

  const InspectOptions& options_;
};

// "UINT32", "ARRAY STRING".
std::string TypeText(const gguf::Value& value) {
  const std::string name(gguf::ValueTypeName(gguf::TypeOf(value)));
  const auto* array = std::get_if<gguf::Array>(&value);
  if (array == nullptr) return name;
  return absl::StrCat(name, " ", gguf::ValueTypeName(array->element_type()));
}

// What a number in the metadata stands for, " (Q4_K_M)"; empty if nothing.
std::string Meaning(const gguf::Metadata::Entry& entry) {
  const auto* number = std::get_if<uint32_t>(&entry.value);
  if (entry.key != gguf::kFileTypeKey || number == nullptr) return "";
  const quant::FileType* type = quant::FindFileType(*number);
  return type == nullptr ? "" : absl::StrCat(" (", type->name, ")");
}

uint64_t FileBytes(const gguf::FileSet& model) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < model.file_count(); ++i) bytes += model.file(i).size();
  return bytes;
}

const gguf::TensorPlacement& Placement(const gguf::FileSet& model,
                                       size_t tensor) {
  const gguf::FileSet::Location where = model.location(tensor);
  return model.file(where.file).placement(where.tensor);
}

std::string MetadataTable(const gguf::FileSet& model,
                          const InspectOptions& options) {
  std::vector<std::vector<std::string>> rows;
  for (const gguf::Metadata::Entry& entry : model.metadata().entries()) {
    rows.push_back({Escaped(entry.key), TypeText(entry.value),
                    ValueText(entry.value, options) + Meaning(entry)});
  }
  return base::TableText(rows, "lll");
}

std::string TensorTable(const gguf::FileSet& model) {
  const bool split = model.file_count() > 1;
  std::vector<std::vector<std::string>> rows = {
      {"type", "shape", "bytes", split ? "shard, offset" : "offset", "name"}};
  for (size_t i = 0; i < model.tensors().size(); ++i) {
    const gguf::TensorInfo& tensor = model.tensors()[i];
    const gguf::TensorPlacement& place = Placement(model, i);
    const std::string shard =
        split ? absl::StrCat(model.location(i).file + 1, ", ") : "";
    rows.push_back({absl::StrCat(tensor.type), gguf::ShapeString(tensor.shape),
                    absl::StrCat(place.bytes),
                    absl::StrCat(shard, place.offset), Escaped(tensor.name)});
  }
  return base::TableText(rows, "llrrl");
}

std::string TotalsTable(const std::vector<TypeTotal>& totals) {
  std::vector<std::vector<std::string>> rows = {
      {"type", "tensors", "weights", "bytes", "bits per weight"}};
  const auto add = [&rows](std::string name, const TypeTotal& total) {
    rows.push_back({std::move(name), absl::StrCat(total.tensors),
                    absl::StrCat(total.weights), absl::StrCat(total.bytes),
                    absl::StrFormat("%.4f", BitsPerWeight({total}))});
  };
  TypeTotal sum{};
  for (const TypeTotal& total : totals) {
    add(absl::StrCat(total.type), total);
    sum.tensors += total.tensors;
    sum.weights += total.weights;
    sum.bytes += total.bytes;
  }
  add("all", sum);
  return base::TableText(rows, "lrrrr");
}

Json FilesJson(const gguf::FileSet& model) {
  Json files = Json::array();
  for (size_t i = 0; i < model.file_count(); ++i) {
    const gguf::File& file = model.file(i);
    files.push_back({{"path", file.path()},
                     {"bytes", file.size()},
                     {"version", file.version()},
                     {"alignment", file.alignment()},
                     {"data_offset", file.data_offset()}});
  }
  return files;
}

Json MetadataJson(const gguf::FileSet& model, const InspectOptions& options) {
  Json metadata = Json::object();
  for (const auto& [key, value] : model.metadata().entries()) {
    Json types = Json::array();
    types.push_back(gguf::ValueTypeName(gguf::TypeOf(value)));
    if (const auto* array = std::get_if<gguf::Array>(&value)) {
      types.push_back(gguf::ValueTypeName(array->element_type()));
    }
    metadata[key] = {{"type", std::move(types)},
                     {"value", std::visit(JsonOf(options), value)}};
  }
  return metadata;
}

Json TensorsJson(const gguf::FileSet& model) {
  Json tensors = Json::array();
  for (size_t i = 0; i < model.tensors().size(); ++i) {
    const gguf::TensorInfo& tensor = model.tensors()[i];
    const gguf::TensorPlacement& place = Placement(model, i);
    tensors.push_back({{"name", tensor.name},
                       {"type", gguf::Traits(tensor.type).name},
                       {"shape", tensor.shape},
                       {"file", model.location(i).file},
                       {"offset", place.offset},
                       {"bytes", place.bytes}});
  }
  return tensors;
}

Json TotalsJson(const std::vector<TypeTotal>& totals) {
  Json types = Json::array();
  uint64_t weights = 0;
  uint64_t bytes = 0;
  for (const TypeTotal& total : totals) {
    types.push_back({{"type", gguf::Traits(total.type).name},
                     {"tensors", total.tensors},
                     {"weights", total.weights},
                     {"bytes", total.bytes}});
    weights += total.weights;
    bytes += total.bytes;
  }
  return {{"types", std::move(types)},
          {"weights", weights},
          {"bytes", bytes},
          {"bits_per_weight", BitsPerWeight(totals)}};
}

}  // namespace

std::vector<TypeTotal> TotalsByType(const gguf::FileSet& model) {
  std::vector<TypeTotal> totals;
  for (const gguf::TensorInfo& tensor : model.tensors()) {
    auto total =
        std::find_if(totals.begin(), totals.end(),
                     [&](const TypeTotal& t) { return t.type == tensor.type; });
    if (total == totals.end()) {
      total = totals.insert(totals.end(), TypeTotal{tensor.type});
    }
    // An open model's tensors have valid shapes.
    ++total->tensors;
    total->weights += *gguf::ElementCount(tensor);
    total->bytes += *gguf::TensorBytes(tensor);
  }
  return totals;
}

double BitsPerWeight(const std::vector<TypeTotal>& totals) {
  double weights = 0;
  double bytes = 0;
  for (const TypeTotal& total : totals) {
    weights += static_cast<double>(total.weights);
    bytes += static_cast<double>(total.bytes);
  }
  return weights == 0 ? 0 : 8 * bytes / weights;
}

std::string ValueText(const gguf::Value& value, const InspectOptions& options) {
  return std::visit(TextOf(options), value);
}

std::string TextReport(const gguf::FileSet& model,
                       const InspectOptions& options) {
  const gguf::File& first = model.file(0);
  std::string report;
  for (size_t i = 0; i < model.file_count(); ++i) {
    absl::StrAppend(&report,
                    base::Printable(model.file(i).path(), std::string::npos),
                    "\n");
  }
  absl::StrAppendFormat(
      &report, "GGUF version %d, %d bytes, alignment %d, %d keys, %d tensors\n",
      first.version(), FileBytes(model), first.alignment(),
      model.metadata().entries().size(), model.tensors().size());
  absl::StrAppend(&report, "\nMetadata\n", MetadataTable(model, options),
                  "\nTensors (offsets from the start of the data)\n",
                  TensorTable(model), "\nTotals\n",
                  TotalsTable(TotalsByType(model)));
  return report;
}

std::string JsonReport(const gguf::FileSet& model,
                       const InspectOptions& options) {
  const Json report = {{"files", FilesJson(model)},
                       {"metadata", MetadataJson(model, options)},
                       {"tensors", TensorsJson(model)},
                       {"totals", TotalsJson(TotalsByType(model))}};
  return report.dump(2, ' ', /*ensure_ascii=*/true,
                     Json::error_handler_t::replace) +
         "\n";
}

}  // namespace make_gguf
