// File: base/process_stats.h
//
// What this process has used of the machine.

#ifndef BASE_PROCESS_STATS_H_
#define BASE_PROCESS_STATS_H_

#include <cstdint>

namespace base {

// Bytes of resident memory, now and at most so far. 0 if the system doesn't
// tell.
uint64_t ResidentMemory();
uint64_t PeakMemory();

// Seconds of CPU time of all threads so far, in user and system mode.
double CpuSeconds();

}  // namespace base

#endif  // BASE_PROCESS_STATS_H_
