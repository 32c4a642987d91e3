#include "tools/engine/writeback.h"

#include <memory>

#include "absl/time/time.h"

namespace make_gguf {
namespace {

// Long enough for the disk to get large pieces, short enough for little to be
// left at the end.
constexpr absl::Duration kInterval = absl::Milliseconds(250);

}  // namespace

Writeback::Writeback(absl::Span<const std::unique_ptr<OutputFile>> outputs)
    : outputs_(outputs) {
  thread_.Start([this] { Run(); });
}

Writeback::~Writeback() {
  {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
  }
  thread_.Join();
}

void Writeback::Run() {
  absl::MutexLock lock(&mutex_);
  while (!mutex_.AwaitWithTimeout(absl::Condition(&ended_), kInterval)) {
    for (const std::unique_ptr<OutputFile>& output : outputs_) {
      output->StartWriteback();
    }
  }
}

}  // namespace make_gguf
