// File: fetch/effective_environment.h
//
// What holds for one call: the environment, but for what its options say.

#ifndef FETCH_EFFECTIVE_ENVIRONMENT_H_
#define FETCH_EFFECTIVE_ENVIRONMENT_H_

#include "absl/status/statusor.h"
#include "fetch/environment.h"
#include "fetch/fetch_options.h"

namespace fetch {

// Errors: those of ReadEnvironment; InvalidArgument for a token or token file
// that was asked for and is none, or an endpoint that is no URL.
absl::StatusOr<Environment> EffectiveEnvironment(const FetchOptions& options);

}  // namespace fetch

#endif  // FETCH_EFFECTIVE_ENVIRONMENT_H_
