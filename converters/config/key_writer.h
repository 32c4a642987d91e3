// File: converters/config/key_writer.h
//
// Writes an architecture's metadata from values that may be absent or in
// error, so that a converter can list its keys one per line and check once.

#ifndef CONVERTERS_CONFIG_KEY_WRITER_H_
#define CONVERTERS_CONFIG_KEY_WRITER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gguf/metadata.h"

namespace converters {

// Keys are given without "<architecture>.". The first error is kept, what
// follows it is ignored. A value that is absent writes nothing. A key that is
// written again keeps its place and gets the new value.
class KeyWriter {
 public:
  // `metadata` must outlive the writer.
  KeyWriter(absl::string_view architecture, gguf::Metadata& metadata)
      : prefix_(absl::StrCat(architecture, ".")), metadata_(metadata) {}

  // An error if `value` has more than 32 bits.
  void Uint(absl::string_view key, uint64_t value);
  void Uint(absl::string_view key, absl::StatusOr<uint32_t> value) {
    if (Check(value)) Set(key, *value);
  }
  void Uint(absl::string_view key,
            absl::StatusOr<std::optional<uint32_t>> value) {
    if (Check(value) && value->has_value()) Set(key, **value);
  }
  void Number(absl::string_view key, double value) {
    if (status_.ok()) SetFloat(key, value);
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
  // Lists, one value for each block, say; of INT32, as the reference has whole
  // numbers in lists. An empty list writes nothing.
  void Ints(absl::string_view key, absl::StatusOr<std::vector<uint32_t>> list);
  void Numbers(absl::string_view key, absl::StatusOr<std::vector<double>> list);
  void Bools(absl::string_view key, std::vector<bool> list);

  // Takes a key out again.
  void Remove(absl::string_view key) {
    metadata_.Erase(absl::StrCat(prefix_, key));
  }
  // Keeps the place of general.file_type, which the writer of the file knows.
  void FileType() {
    if (status_.ok()) metadata_.Set("general.file_type", uint32_t{0});
  }

  const absl::Status& status() const { return status_; }

 private:
  void SetFloat(absl::string_view key, double value);
  // `value` as 32 bits; 0 and an error where they don't hold it.
  float ToFloat(absl::string_view key, double value);
  void Fail(absl::string_view key, absl::string_view what);
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

#endif  // CONVERTERS_CONFIG_KEY_WRITER_H_
