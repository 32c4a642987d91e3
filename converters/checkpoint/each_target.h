// File: converters/checkpoint/each_target.h
//
// For tests: runs a check on every instruction set that this machine has.

#ifndef CONVERTERS_CHECKPOINT_EACH_TARGET_H_
#define CONVERTERS_CHECKPOINT_EACH_TARGET_H_

#include <cstdint>

#include "gtest/gtest.h"
#include "hwy/highway.h"
#include "hwy/targets.h"

namespace checkpoint {

// Calls check() once for each of Highway's targets that the CPU supports.
template <typename Check>
void OnEachTarget(const Check& check) {
  const int64_t all = hwy::SupportedTargets();
  for (int64_t left = all; left != 0; left &= left - 1) {
    const int64_t target = left & -left;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(hwy::TargetName(target));
    check();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace checkpoint

#endif  // CONVERTERS_CHECKPOINT_EACH_TARGET_H_
