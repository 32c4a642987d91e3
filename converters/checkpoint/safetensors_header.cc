#include "converters/checkpoint/safetensors_header.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/printable.h"
#include "nlohmann/json.hpp"

namespace checkpoint {
namespace {

// Listens to the parser and fills the header. A document tree would take far
// more memory than the header's 100 MB, and would hide keys that occur twice.
class HeaderBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderBuilder(SafetensorsHeader& header) : header_(header) {}

  const std::string& error() const { return error_; }

  bool null() override {
    // The library takes "__metadata__": null for no metadata.
    if (place_ == Place::kTop && top_key_ == kMetadataKey) return true;
    return Scalar("null");
  }
  bool boolean(bool) override { return Scalar("a boolean"); }
  bool number_integer(number_integer_t) override {
    return Scalar("a negative number");
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::kArray) return Scalar("a number");
    array_.push_back(value);
    return true;
  }
  bool number_float(number_float_t, const string_t&) override {
    return Scalar("a number that is no 64-bit integer");
  }
  bool string(string_t& value) override;
  bool binary(binary_t&) override { return Scalar("binary data"); }
  bool start_object(size_t) override;
  bool key(string_t& value) override;
  bool end_object() override;
  bool start_array(size_t) override;
  bool end_array() override;
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    return Fail(absl::StrCat("no valid UTF-8 JSON at byte ", position, " (",
                             base::Printable(error.what()), ")"));
  }

 private:
  static constexpr absl::string_view kMetadataKey = "__metadata__";
  // Deeper values are skipped, but not without bound.
  static constexpr int kMaxSkippedDepth = 120;

  enum class Place {
    kStart,     // before the header's {
    kTop,       // in the header's object
    kMetadata,  // in "__metadata__"
    kEntry,     // in a tensor's object
    kArray,     // in its "shape" or "data_offsets"
    kSkipped,   // in the value of a key of no meaning
    kEnd,
  };

  bool Fail(std::string error) {
    error_ = std::move(error);
    return false;
  }
  std::string Where() const {
    std::string where = absl::StrCat("\"", base::Printable(top_key_), "\"");
    if (place_ == Place::kMetadata || place_ == Place::kEntry ||
        place_ == Place::kArray) {
      absl::StrAppend(&where, ".\"", base::Printable(key_), "\"");
    }
    return where;
  }
  bool Unexpected(absl::string_view found) {
    if (place_ == Place::kStart) {
      return Fail(absl::StrCat("the header is ", found, ", not an object"));
    }
    absl::string_view expected = "an object";
    if (place_ == Place::kMetadata) expected = "a string";
    if (place_ == Place::kEntry) {
      expected = key_ == "dtype" ? "a string" : "an array";
    }
    if (place_ == Place::kArray) expected = "non-negative integers";
    return Fail(absl::StrCat(Where(), " holds ", found, ", not ", expected));
  }
  // A value that has a meaning nowhere.
  bool Scalar(absl::string_view found) {
    if (place_ == Place::kSkipped || IsUnknownKey()) return true;
    return Unexpected(found);
  }
  bool IsUnknownKey() const {
    return place_ == Place::kEntry && key_ != "dtype" && key_ != "shape" &&
           key_ != "data_offsets";
  }
  bool Skip() {
    place_ = Place::kSkipped;
    if (++skipped_depth_ <= kMaxSkippedDepth) return true;
    return Fail(absl::StrCat("\"", base::Printable(top_key_),
                             "\" is nested too deeply"));
  }
  bool EndSkipped() {
    if (--skipped_depth_ == 0) place_ = Place::kEntry;
    return true;
  }
  bool FinishEntry();

  SafetensorsHeader& header_;
  std::string error_;
  Place place_ = Place::kStart;
  std::string top_key_;
  std::string key_;
  int skipped_depth_ = 0;
  bool has_metadata_ = false;
  // What has been seen of the entry.
  std::optional<std::string> dtype_;
  std::optional<std::vector<uint64_t>> shape_;
  std::optional<std::vector<uint64_t>> offsets_;
  std::vector<uint64_t> array_;
};

bool HeaderBuilder::string(string_t& value) {
  if (place_ == Place::kMetadata) {
    header_.metadata[key_] = value;
    return true;
  }
  if (place_ == Place::kEntry && key_ == "dtype") {
    dtype_ = value;
    return true;
  }
  return Scalar("a string");
}

bool HeaderBuilder::start_object(size_t) {
  switch (place_) {
    case Place::kStart:
      place_ = Place::kTop;
      return true;
    case Place::kTop:
      place_ = top_key_ == kMetadataKey ? Place::kMetadata : Place::kEntry;
      key_.clear();
      return true;
    default:
      if (place_ == Place::kSkipped || IsUnknownKey()) return Skip();
      return Unexpected("an object");
  }
}

bool HeaderBuilder::key(string_t& value) {
  bool twice = false;
  if (place_ == Place::kTop) {
    top_key_ = value;
    twice = header_.tensors.contains(value) ||
            (value == kMetadataKey && has_metadata_);
    has_metadata_ = has_metadata_ || value == kMetadataKey;
  } else if (place_ == Place::kMetadata) {
    key_ = value;
    twice = header_.metadata.contains(value);
  } else if (place_ == Place::kEntry) {
    key_ = value;
    twice = (value == "dtype" && dtype_.has_value()) ||
            (value == "shape" && shape_.has_value()) ||
            (value == "data_offsets" && offsets_.has_value());
  }
  return twice ? Fail(absl::StrCat(Where(), " occurs twice")) : true;
}

bool HeaderBuilder::end_object() {
  switch (place_) {
    case Place::kSkipped:
      return EndSkipped();
    case Place::kEntry:
      return FinishEntry();
    case Place::kMetadata:
      place_ = Place::kTop;
      return true;
    default:
      place_ = Place::kEnd;
      return true;
  }
}

bool HeaderBuilder::start_array(size_t) {
  if (place_ == Place::kSkipped || IsUnknownKey()) return Skip();
  if (place_ != Place::kEntry || key_ == "dtype") return Unexpected("an array");
  place_ = Place::kArray;
  array_.clear();
  return true;
}

bool HeaderBuilder::end_array() {
  if (place_ == Place::kSkipped) return EndSkipped();
  (key_ == "shape" ? shape_ : offsets_) = array_;
  place_ = Place::kEntry;
  return true;
}

bool HeaderBuilder::FinishEntry() {
  absl::string_view missing;
  if (!offsets_.has_value()) missing = "data_offsets";
  if (!shape_.has_value()) missing = "shape";
  if (!dtype_.has_value()) missing = "dtype";
  if (!missing.empty()) {
    return Fail(absl::StrCat("\"", base::Printable(top_key_), "\" has no \"",
                             missing, "\""));
  }
  if (offsets_->size() != 2) {
    return Fail(absl::StrCat("\"", base::Printable(top_key_),
                             "\".\"data_offsets\" holds ", offsets_->size(),
                             " numbers, not 2"));
  }
  SafetensorsEntry& entry = header_.tensors[top_key_];
  entry.dtype = *std::move(dtype_);
  entry.shape = *std::move(shape_);
  entry.begin = (*offsets_)[0];
  entry.end = (*offsets_)[1];
  dtype_.reset();
  shape_.reset();
  offsets_.reset();
  place_ = Place::kTop;
  return true;
}

}  // namespace

absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(
    absl::string_view text) {
  // The parser would take it for the text's end.
  const size_t nul = text.find('\0');
  if (nul != absl::string_view::npos) {
    return absl::DataLossError(
        absl::StrCat("no valid UTF-8 JSON at byte ", nul, " (a NUL)"));
  }
  SafetensorsHeader header;
  HeaderBuilder builder(header);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
    return absl::DataLossError(builder.error());
  }
  return header;
}

}  // namespace checkpoint
