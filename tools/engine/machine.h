// File: tools/engine/machine.h
//
// What the machine, or the container, lets this process have.

#ifndef TOOLS_ENGINE_MACHINE_H_
#define TOOLS_ENGINE_MACHINE_H_

#include <cstdint>
#include <string>

namespace make_gguf {

// The machine's cores, those the process is bound to, or those that its
// container is given (cgroup v2's cpu.max, v1's cpu.cfs_quota_us, of its group
// and all above it), whichever is fewest; at least 1. `root` is put before
// /proc and /sys, for tests.
int UsableCpus(const std::string& root = "");

// How many descriptors the process may have; raises the limit as far as the
// system lets it.
uint64_t DescriptorLimit();

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_MACHINE_H_
