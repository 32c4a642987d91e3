#include "tools/engine/chunk_sink.h"

#include <cstdint>
#include <vector>

#include "absl/crc/crc32c.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"

namespace make_gguf {
namespace {

uint32_t Digest(absl::Span<const uint8_t> bytes) {
  return static_cast<uint32_t>(absl::ComputeCrc32c(absl::string_view(
      reinterpret_cast<const char*>(bytes.data()), bytes.size())));
}

}  // namespace

absl::StatusOr<bool> ChunkSink::Keep(uint32_t index,
                                     std::vector<std::vector<uint8_t>>& forms) {
  if (!Claimed(index)) return false;
  const Chunk& chunk = work_.chunks[index];
  const std::vector<Variant>& variants = work_.tensors[chunk.work].variants;
  const ChunkDigests& digests = journal_->finished().at(index);
  if (digests.size() != variants.size()) return false;
  // First everything is compared; only then is anything taken as written.
  for (size_t v = 0; v < variants.size(); ++v) {
    forms[v].resize(variants[v].Bytes(chunk.weights));
    for (const Destination& to : variants[v].destinations) {
      const OutputFile& output = *outputs_[to.output];
      if (output.complete()) continue;
      if (!output.resumed()) return false;
      RETURN_IF_ERROR(output.ReadBack(to.tensor, variants[v].Bytes(chunk.first),
                                      absl::MakeSpan(forms[v])));
      if (Digest(forms[v]) != digests[v]) return false;
    }
  }
  for (size_t v = 0; v < variants.size(); ++v) {
    for (const Destination& to : variants[v].destinations) {
      OutputFile& output = *outputs_[to.output];
      if (!output.complete()) {
        RETURN_IF_ERROR(
            output.Keep(to.tensor, variants[v].Bytes(chunk.first), forms[v]));
      }
      counters_.bytes_resumed += forms[v].size();
    }
  }
  return true;
}

absl::Status ChunkSink::Write(uint32_t index,
                              absl::Span<const std::vector<uint8_t>> forms) {
  const Chunk& chunk = work_.chunks[index];
  const std::vector<Variant>& variants = work_.tensors[chunk.work].variants;
  ChunkDigests digests;
  for (size_t v = 0; v < variants.size(); ++v) {
    if (journal_ != nullptr) digests.push_back(Digest(forms[v]));
    for (const Destination& to : variants[v].destinations) {
      OutputFile& output = *outputs_[to.output];
      if (output.complete()) continue;
      RETURN_IF_ERROR(
          output.Write(to.tensor, variants[v].Bytes(chunk.first), forms[v]));
      counters_.bytes_written += forms[v].size();
    }
  }
  return journal_ == nullptr ? absl::OkStatus() : journal_->Add(index, digests);
}

}  // namespace make_gguf
