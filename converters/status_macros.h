// File: converters/status_macros.h
//
// Early return of errors, so that a converter reads as the steps it takes.

#ifndef CONVERTERS_STATUS_MACROS_H_
#define CONVERTERS_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the function if `expr`, an absl::Status, is an error.
#define RETURN_IF_ERROR(expr)                         \
  do {                                                \
    if (absl::Status status = (expr); !status.ok()) { \
      return status;                                  \
    }                                                 \
  } while (false)

// `lhs = value of expr`, an absl::StatusOr; returns if it is an error.
#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_IMPL(STATUS_OR_NAME(__LINE__), lhs, expr)

#define ASSIGN_OR_RETURN_IMPL(name, lhs, expr) \
  auto name = (expr);                          \
  if (!name.ok()) return name.status();        \
  lhs = *std::move(name)

#define STATUS_OR_NAME(line) STATUS_OR_NAME_IMPL(line)
#define STATUS_OR_NAME_IMPL(line) status_or_on_line_##line

#endif  // CONVERTERS_STATUS_MACROS_H_
