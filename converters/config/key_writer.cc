#include "converters/config/key_writer.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gguf/metadata.h"

namespace converters {

void KeyWriter::Fail(absl::string_view key, absl::string_view what) {
  status_.Update(absl::InvalidArgumentError(
      absl::StrCat("config.json: ", what, ", for ", prefix_, key)));
}

void KeyWriter::Uint(absl::string_view key, uint64_t value) {
  if (!status_.ok()) return;
  if (value > std::numeric_limits<uint32_t>::max()) {
    return Fail(key, absl::StrCat(value, " is more than 32 bits can hold"));
  }
  Set(key, static_cast<uint32_t>(value));
}

float KeyWriter::ToFloat(absl::string_view key, double value) {
  if (std::abs(value) <= std::numeric_limits<float>::max()) {
    return static_cast<float>(value);
  }
  Fail(key, absl::StrCat(value, " is no number that a 32-bit float can hold"));
  return 0;
}

void KeyWriter::SetFloat(absl::string_view key, double value) {
  const float number = ToFloat(key, value);
  if (status_.ok()) Set(key, number);
}

void KeyWriter::Ints(absl::string_view key,
                     absl::StatusOr<std::vector<uint32_t>> list) {
  if (!Check(list) || list->empty()) return;
  std::vector<int32_t> numbers;
  for (const uint32_t value : *list) {
    if (value > std::numeric_limits<int32_t>::max()) {
      return Fail(key, absl::StrCat(value, " is more than 31 bits can hold"));
    }
    numbers.push_back(static_cast<int32_t>(value));
  }
  metadata_.SetArray(absl::StrCat(prefix_, key), std::move(numbers));
}

void KeyWriter::Numbers(absl::string_view key,
                        absl::StatusOr<std::vector<double>> list) {
  if (!Check(list) || list->empty()) return;
  std::vector<float> numbers;
  for (const double value : *list) numbers.push_back(ToFloat(key, value));
  if (!status_.ok()) return;
  metadata_.SetArray(absl::StrCat(prefix_, key), std::move(numbers));
}

void KeyWriter::Bools(absl::string_view key, std::vector<bool> list) {
  if (!status_.ok() || list.empty()) return;
  metadata_.SetArray(absl::StrCat(prefix_, key), std::move(list));
}

}  // namespace converters
