// File: converters/key_writer.h
//
// Writes an architecture's metadata from values that may be absent or in
// error, so that a converter can list its keys one per line and check once.

#ifndef CONVERTERS_KEY_WRITER_H_
#define CONVERTERS_KEY_WRITER_H_

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gguf/metadata.h"

namespace converters {

// Keys are given without "<architecture>.". The first error is kept, what
// follows it is ignored. A value that is absent writes nothing.
class KeyWriter {
 public:
  // `metadata` must outlive the writer.
  KeyWriter(absl::string_view architecture, gguf::Metadata& metadata)
      : prefix_(absl::StrCat(architecture, ".")), metadata_(metadata) {}

  // `value` is from config.json, whose whole numbers fit in 32 bits.
  void Uint(absl::string_view key, uint64_t value) {
    if (status_.ok()) Set(key, static_cast<uint32_t>(value));
  }
  void Uint(absl::string_view key, absl::StatusOr<uint32_t> value) {
    if (Check(value)) Set(key, *value);
  }
  void Uint(absl::string_view key,
            absl::StatusOr<std::optional<uint32_t>> value) {
    if (Check(value) && value->has_value()) Set(key, **value);
  }
  void Number(absl::string_view key, absl::StatusOr<double> value) {
    if (Check(value)) SetFloat(key, *value);
  }
  void Number(absl::string_view key,
              absl::StatusOr<std::optional<double>> value) {
    if (Check(value) && value->has_value()) SetFloat(key, **value);
  }
  void Bool(absl::string_view key, absl::StatusOr<bool> value) {
    if (Check(value)) Set(key, *value);
  }
  void String(absl::string_view key, absl::string_view value) {
    if (status_.ok()) Set(key, std::string(value));
  }
  // Keeps the place of general.file_type, which the writer of the file knows.
  void FileType() {
    if (status_.ok()) metadata_.Set("general.file_type", uint32_t{0});
  }

  const absl::Status& status() const { return status_; }

 private:
  void SetFloat(absl::string_view key, double value) {
    if (std::abs(value) <= std::numeric_limits<float>::max()) {
      return Set(key, static_cast<float>(value));
    }
    status_ = absl::InvalidArgumentError(
        absl::StrCat("config.json: ", value, ", for ", prefix_, key,
                     ", is more than a 32-bit float can hold"));
  }
  template <typename T>
  bool Check(const absl::StatusOr<T>& value) {
    status_.Update(value.status());
    return status_.ok();
  }
  void Set(absl::string_view key, gguf::Value value) {
    metadata_.Set(absl::StrCat(prefix_, key), std::move(value));
  }

  std::string prefix_;
  gguf::Metadata& metadata_;
  absl::Status status_;
};

}  // namespace converters

#endif  // CONVERTERS_KEY_WRITER_H_
