// File: converters/config/config.h
//
// Typed access to a model's config.json, with errors that name the key, what
// was found and what was expected. Keys have had several spellings over the
// years (key_names.h); every accessor takes them all, the first that has a
// value other than null counts.

#ifndef CONVERTERS_CONFIG_CONFIG_H_
#define CONVERTERS_CONFIG_CONFIG_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/config/config_class.h"
#include "nlohmann/json_fwd.hpp"

namespace converters {

// Owns its values; immutable, so thread-safe.
class Config {
 public:
  using Keys = absl::Span<const absl::string_view>;

  // `raw` is config.json as parsed. Where it holds the settings of a text model
  // in an object of their own (text_config, llm_config, …), these are laid over
  // the others. Both have the defaults of their own model_type, as far as
  // `classes` know it (config_class.h).
  // Errors: InvalidArgument if `raw` is no object.
  static absl::StatusOr<Config> Make(const nlohmann::json& raw,
                                     absl::Span<const ConfigClass> classes);

  // The value of the first of `keys` that has one other than null; null if
  // there is none.
  const nlohmann::json* Find(Keys keys) const;
  bool Has(Keys keys) const { return Find(keys) != nullptr; }

  // A whole number from 0 to 2^32 - 1; 128.0 is one. The first form is for what
  // a model can't be without: its absence is an error.
  absl::StatusOr<uint32_t> Uint(Keys keys) const;
  absl::StatusOr<std::optional<uint32_t>> OptionalUint(Keys keys) const;
  absl::StatusOr<uint64_t> UintOr(Keys keys, uint64_t fallback) const;
  // The same, but 0 is an error: for what others are divided by.
  absl::StatusOr<uint32_t> PositiveUint(Keys keys) const;
  // Any finite number.
  absl::StatusOr<double> Number(Keys keys) const;
  absl::StatusOr<std::optional<double>> OptionalNumber(Keys keys) const;
  absl::StatusOr<double> NumberOr(Keys keys, double fallback) const;
  absl::StatusOr<bool> BoolOr(Keys keys, bool fallback) const;
  // A string; empty if there is none, or something else.
  std::string Text(Keys keys) const;

  // Lists; empty if there is none.
  absl::StatusOr<std::vector<uint32_t>> Uints(Keys keys) const;
  absl::StatusOr<std::vector<double>> Numbers(Keys keys) const;
  absl::StatusOr<std::vector<std::string>> Texts(Keys keys) const;
  // One number for each block: a list of `blocks`, or one number for all.
  absl::StatusOr<std::vector<uint32_t>> UintPerBlock(Keys keys,
                                                     uint64_t blocks) const;

  // The one of `keys` that Find takes, else the first: for messages.
  absl::string_view NameOf(Keys keys) const;
  // An error that says which value one of `keys` has, and what was expected.
  absl::Status Unexpected(Keys keys, absl::string_view expected) const;

  // The rotary settings as an object of their own: rope_parameters, or what
  // older files say instead, with `rope_type`, `rope_theta` and a few more in
  // it where the file has them anywhere.
  Config Rope() const;
  // Those of one kind of layers ("full_attention", "sliding_attention"), empty
  // if the file has none of this kind.
  Config RopeOf(absl::string_view kind) const;

 private:
  Config(nlohmann::json values, std::string name);

  absl::Status Missing(Keys keys) const;
  template <typename T, typename Convert>
  absl::StatusOr<std::vector<T>> List(Keys keys, absl::string_view expected,
                                      Convert convert) const;

  std::shared_ptr<const nlohmann::json> values_;  // an object
  std::string name_;                              // for messages: "config.json"
};

}  // namespace converters

#endif  // CONVERTERS_CONFIG_CONFIG_H_
