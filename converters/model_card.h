// File: converters/model_card.h
//
// The YAML front matter of a model card (README.md) as JSON.

#ifndef CONVERTERS_MODEL_CARD_H_
#define CONVERTERS_MODEL_CARD_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json_fwd.hpp"

namespace converters {

// What stands between the first line "---" of `card` and the next (or the
// end). Plain scalars are typed as in YAML 1.1: the many spellings of
// true, false and null, zero in any notation as 0; every other scalar, numbers
// and dates among them, is its text, as is what a list holds. An empty object
// if there is no front matter or it is no mapping. Errors: InvalidArgument,
// with line and column where it is not YAML, and for more values than a card
// has, which aliases can make of a short text.
absl::StatusOr<nlohmann::json> ParseModelCard(absl::string_view card);

}  // namespace converters

#endif  // CONVERTERS_MODEL_CARD_H_
