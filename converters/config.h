// File: converters/config.h
//
// Typed access to a model's config.json, with errors that name the key, what
// was found and what was expected. Keys have had several spellings over the
// years; every accessor takes them all, the first that has a value counts.

#ifndef CONVERTERS_CONFIG_H_
#define CONVERTERS_CONFIG_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json_fwd.hpp"

namespace converters {

// Owns its values; immutable, so thread-safe.
class Config {
 public:
  using Keys = std::initializer_list<absl::string_view>;

  // `raw` is config.json as parsed. Defaults of its model_type are filled in
  // (config_defaults.h), the keys of a nested text_config moved up.
  // Errors: InvalidArgument if `raw` is no object.
  static absl::StatusOr<Config> Make(const nlohmann::json& raw);

  // The value of the first of `keys` that has one other than null; null if
  // there is none.
  const nlohmann::json* Find(Keys keys) const;

  // A whole number from 0 to 2^32 - 1. The first form is for what a model can't
  // be without: its absence is an error.
  absl::StatusOr<uint32_t> Uint(Keys keys) const;
  absl::StatusOr<std::optional<uint32_t>> OptionalUint(Keys keys) const;
  absl::StatusOr<uint64_t> UintOr(Keys keys, uint64_t fallback) const;
  // The same, but 0 is an error: for what others are divided by.
  absl::StatusOr<uint32_t> PositiveUint(Keys keys) const;
  // Any number.
  absl::StatusOr<double> Number(Keys keys) const;
  absl::StatusOr<std::optional<double>> OptionalNumber(Keys keys) const;
  absl::StatusOr<double> NumberOr(Keys keys, double fallback) const;
  absl::StatusOr<bool> BoolOr(Keys keys, bool fallback) const;
  // A string; empty if there is none, or something else.
  std::string Text(Keys keys) const;

  // The rotary settings: rope_parameters, or what older files say instead, with
  // `rope_type` and `rope_theta` in it where the file has them anywhere. Its
  // values are read by a Config of their own.
  Config Rope() const;

 private:
  Config(nlohmann::json values, std::string name);

  absl::Status Missing(Keys keys) const;
  absl::Status Unexpected(Keys keys, absl::string_view expected) const;

  std::shared_ptr<const nlohmann::json> values_;  // an object
  std::string name_;                              // for messages: "config.json"
};

}  // namespace converters

#endif  // CONVERTERS_CONFIG_H_
