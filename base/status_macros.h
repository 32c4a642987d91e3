// File: base/status_macros.h
//
// Early return of errors, so that a function reads as the steps it takes. The
// one way in which errors are passed on here.

#ifndef BASE_STATUS_MACROS_H_
#define BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the function if the expression, an absl::Status, is an error.
// The function returns absl::Status or absl::StatusOr.
#define RETURN_IF_ERROR(...)                                \
  do {                                                      \
    if (absl::Status status_macros_result_ = (__VA_ARGS__); \
        !status_macros_result_.ok()) {                      \
      return status_macros_result_;                         \
    }                                                       \
  } while (false)

// `lhs = value of the expression`, an absl::StatusOr; returns if it is an
// error. `lhs` may declare a variable; it must not contain a comma.
#define ASSIGN_OR_RETURN(lhs, ...) \
  STATUS_MACROS_ASSIGN(STATUS_MACROS_NAME(__COUNTER__), lhs, __VA_ARGS__)

#define STATUS_MACROS_ASSIGN(name, lhs, ...)       \
  auto name = (__VA_ARGS__);                       \
  if (!name.ok()) return std::move(name).status(); \
  lhs = *std::move(name)

#define STATUS_MACROS_NAME(number) STATUS_MACROS_CONCATENATE(number)
#define STATUS_MACROS_CONCATENATE(number) status_macros_value_##number##_

#endif  // BASE_STATUS_MACROS_H_
