#include "converters/vocab/tokenizer_files.h"

#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "converters/json_file.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

std::string PathOf(const std::string& directory, absl::string_view name) {
  return (std::filesystem::path(directory) / std::string(name)).string();
}

}  // namespace

bool FileExists(const std::string& directory, absl::string_view name) {
  std::error_code error;
  return std::filesystem::is_regular_file(PathOf(directory, name), error);
}

absl::StatusOr<nlohmann::json> ReadJsonObject(const std::string& directory,
                                              absl::string_view name) {
  if (!FileExists(directory, name)) return nlohmann::json();
  const std::string path = PathOf(directory, name);
  absl::StatusOr<nlohmann::json> parsed = converters::ReadJsonFile(path);
  if (parsed.ok() && !parsed->is_object()) {
    return absl::DataLossError(absl::StrCat(
        path, ": expected a JSON object, found ", parsed->type_name()));
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
