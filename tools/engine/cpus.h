// File: tools/engine/cpus.h
//
// How many threads of computation this process may have at once.

#ifndef TOOLS_ENGINE_CPUS_H_
#define TOOLS_ENGINE_CPUS_H_

#include <string>

namespace make_gguf {

// The machine's cores, those the process is bound to, or those that its
// container is given (cgroup v2's cpu.max, v1's cpu.cfs_quota_us, of its group
// and all above it), whichever is fewest; at least 1. `root` is put before
// /proc and /sys, for tests.
int UsableCpus(const std::string& root = "");

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_CPUS_H_
