// File: tools/engine/chunk_sink.h
//
// Where made chunks go: into every output that wants them, with their digests
// into the journal.

#ifndef TOOLS_ENGINE_CHUNK_SINK_H_
#define TOOLS_ENGINE_CHUNK_SINK_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tools/engine/counters.h"
#include "tools/engine/journal.h"
#include "tools/engine/output_file.h"
#include "tools/engine/work_list.h"

namespace make_gguf {

// Thread-safe.
class ChunkSink {
 public:
  // All of it outlives the sink. `journal` may be null.
  ChunkSink(const WorkList& work,
            absl::Span<const std::unique_ptr<OutputFile>> outputs,
            Journal* journal, Counters& counters)
      : work_(work),
        outputs_(outputs),
        journal_(journal),
        counters_(counters) {}

  // Whether an earlier job claims chunk number `index`.
  bool Claimed(uint32_t index) const {
    return journal_ != nullptr && journal_->finished().contains(index);
  }

  // Whether every output holds the bytes that the journal claims; then they are
  // kept. Uses `forms` to look at them.
  absl::StatusOr<bool> Keep(uint32_t index,
                            std::vector<std::vector<uint8_t>>& forms);

  // Writes a chunk's forms and records it.
  absl::Status Write(uint32_t index,
                     absl::Span<const std::vector<uint8_t>> forms);

 private:
  const WorkList& work_;
  const absl::Span<const std::unique_ptr<OutputFile>> outputs_;
  Journal* const journal_;
  Counters& counters_;
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_CHUNK_SINK_H_
