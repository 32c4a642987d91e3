// File: tools/engine/crew.h
//
// Threads that work while the one that called them tells how far they are.

#ifndef TOOLS_ENGINE_CREW_H_
#define TOOLS_ENGINE_CREW_H_

#include <functional>

namespace make_gguf {

// Runs `work(0)`, `work(1)` … on up to `threads` threads and waits for their
// end; calls `tick` about five times a second meanwhile. Where the system
// gives fewer threads, fewer calls of `work` run: each takes its share from
// something common until that is empty. With none, `work(0)` runs in the
// calling thread. Returns how many ran.
int RunCrew(int threads, const std::function<void(int)>& work,
            const std::function<void()>& tick);

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_CREW_H_
