#include "testdata/expected.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace testdata {
namespace {

using nlohmann::ordered_json;

constexpr char kExpected[] = "testdata/expected";
constexpr char kCases[] = "testdata/cases";

ordered_json ReadJson(const std::string& path) {
  std::ifstream file(path);
  return ordered_json::parse(file, nullptr, false);
}

// Tensors are objects in files of one type, arrays in those of a case.
ExpectedFile::Tensor ToTensor(const ordered_json& tensor) {
  if (tensor.is_object()) {
    return {tensor["name"], tensor["type"], tensor["shape"], tensor["sha256"]};
  }
  return {tensor[0], tensor[1], tensor[2], tensor[3]};
}

std::vector<ExpectedFile::Tensor> ToTensors(const ordered_json& list) {
  std::vector<ExpectedFile::Tensor> tensors;
  for (const ordered_json& tensor : list) tensors.push_back(ToTensor(tensor));
  return tensors;
}

// A case says all metadata once, and for the other types what is different.
ordered_json Metadata(const ordered_json& file, const ordered_json& base) {
  if (file.contains("metadata")) return file["metadata"];
  ordered_json metadata = base["metadata"];
  for (const auto& [key, value] : file["metadata_changes"].items()) {
    if (value.is_null()) {
      metadata.erase(key);
    } else {
      metadata[key] = value;
    }
  }
  return metadata;
}

void AddCase(const std::string& path,
             std::map<std::string, ExpectedFile>& files) {
  const ordered_json all = ReadJson(path);
  for (const auto& [label, file] : all.items()) {
    // Of the converter's outputs those of one type for all.
    if (label == "q8_0" || label == "auto") continue;
    files[absl::AsciiStrToUpper(label)] = {
        Metadata(file, all["f16"]), ToTensors(file["tensors"]), file["sha256"]};
  }
}

void AddNames(const char* directory, std::vector<std::string>& names) {
  if (!std::filesystem::exists(directory)) return;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
}

}  // namespace

std::vector<std::string> Checkpoints() {
  std::vector<std::string> names;
  AddNames(kExpected, names);
  AddNames(kCases, names);
  std::sort(names.begin(), names.end());
  return names;
}

std::string CheckpointDirectory(const std::string& name) {
  const std::string model = absl::StrCat("testdata/models/", name);
  return std::filesystem::exists(model)
             ? model
             : absl::StrCat("testdata/generated/", name);
}

std::map<std::string, ExpectedFile> ExpectedFiles(const std::string& name) {
  std::map<std::string, ExpectedFile> files;
  const std::string path = absl::StrCat(kCases, "/", name, "/expected.json");
  if (std::filesystem::exists(path)) {
    AddCase(path, files);
    return files;
  }
  for (const auto& entry : std::filesystem::directory_iterator(
           absl::StrCat(kExpected, "/", name))) {
    const ordered_json file = ReadJson(entry.path().string());
    files[entry.path().stem().string()] = {file["metadata"],
                                           ToTensors(file["tensors"]), ""};
  }
  return files;
}

std::string TestName(std::string checkpoint) {
  for (char& c : checkpoint) {
    if (!absl::ascii_isalnum(c)) c = '_';
  }
  return checkpoint;
}

}  // namespace testdata
