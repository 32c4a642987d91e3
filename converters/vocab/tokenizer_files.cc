#include "converters/vocab/tokenizer_files.h"

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <ios>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace vocab {
namespace {

// Real tokenizer files nest about 8 levels.
constexpr int kMaxJsonDepth = 64;

std::string PathOf(const std::string& directory, absl::string_view name) {
  return (std::filesystem::path(directory) / std::string(name)).string();
}

// Deepest nesting of brackets outside strings.
int JsonDepth(absl::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = ++depth > deepest ? depth : deepest;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

bool FileExists(const std::string& directory, absl::string_view name) {
  std::error_code error;
  return std::filesystem::is_regular_file(PathOf(directory, name), error);
}

absl::StatusOr<std::string> ReadTextFile(const std::string& directory,
                                         absl::string_view name) {
  const std::string path = PathOf(directory, name);
  if (!FileExists(directory, name)) {
    return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  }
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = file ? std::streamoff{file.tellg()} : -1;
  if (size < 0) {
    return absl::DataLossError(absl::StrCat(path, ": can't be opened"));
  }
  std::string text(static_cast<size_t>(size), '\0');
  file.seekg(0);
  if (!file.read(text.data(), size)) {
    return absl::DataLossError(absl::StrCat(path, ": can't be read"));
  }
  return text;
}

absl::StatusOr<nlohmann::json> ReadJsonObject(const std::string& directory,
                                              absl::string_view name) {
  if (!FileExists(directory, name)) return nlohmann::json();
  absl::StatusOr<std::string> text = ReadTextFile(directory, name);
  if (!text.ok()) return text.status();
  if (JsonDepth(*text) > kMaxJsonDepth) {
    return absl::DataLossError(
        absl::StrCat(PathOf(directory, name), ": JSON nested deeper than ",
                     kMaxJsonDepth, " levels; no tokenizer file is"));
  }
  nlohmann::json parsed =
      nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) {
    return absl::DataLossError(absl::StrCat(
        PathOf(directory, name),
        ": not valid JSON (or not valid UTF-8); download the file again"));
  }
  if (!parsed.is_object()) {
    return absl::DataLossError(absl::StrCat(PathOf(directory, name),
                                            ": expected a JSON object, found ",
                                            parsed.type_name()));
  }
  return parsed;
}

const nlohmann::json& Member(const nlohmann::json& object,
                             absl::string_view key) {
  static const nlohmann::json* const kNull = new nlohmann::json();
  if (!object.is_object()) return *kNull;
  const auto found = object.find(std::string(key));
  return found == object.end() ? *kNull : *found;
}

const std::string* StringMember(const nlohmann::json& object,
                                absl::string_view key) {
  return Member(object, key).get_ptr<const std::string*>();
}

std::optional<int64_t> IntegerMember(const nlohmann::json& object,
                                     absl::string_view key) {
  const nlohmann::json& value = Member(object, key);
  if (!value.is_number_integer()) return std::nullopt;
  // An unsigned value beyond int64_t would turn negative.
  if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) {
    return std::nullopt;
  }
  return value.get<int64_t>();
}

std::optional<bool> BoolMember(const nlohmann::json& object,
                               absl::string_view key) {
  const nlohmann::json& value = Member(object, key);
  if (!value.is_boolean()) return std::nullopt;
  return value.get<bool>();
}

std::optional<uint64_t> UnsignedOf(const nlohmann::json& value) {
  if (value.is_number_unsigned()) return value.get<uint64_t>();
  if (!value.is_number_integer() || value.get<int64_t>() < 0) {
    return std::nullopt;
  }
  return value.get<uint64_t>();
}

}  // namespace vocab
