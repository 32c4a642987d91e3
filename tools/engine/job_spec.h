// File: tools/engine/job_spec.h
//
// A JobSpec's way from a file to what the planner takes: reading, defaults,
// and names turned into types.

#ifndef TOOLS_ENGINE_JOB_SPEC_H_
#define TOOLS_ENGINE_JOB_SPEC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "quant/mix.h"
#include "tools/engine/job.pb.h"

namespace make_gguf {

// Reads a spec in protobuf's text format or, if its first character is '{', in
// JSON. Errors name the file, and the line where the parser gives one.
absl::StatusOr<JobSpec> ReadJobSpec(const std::string& path);

// Fills in what the user left open (outname, outdir, quants, execution) and
// makes the paths absolute.
// Errors: InvalidArgument if no model is named.
absl::Status FillDefaults(JobSpec& spec);

// The one place where a complete spec is checked, whoever brings it: a command
// line, a job file or a program.
// Errors: InvalidArgument for whatever can be seen to be wrong before the model
// is opened, with the way out.
absl::Status ValidateSpec(const JobSpec& spec);

inline constexpr int kMaxThreads = 1024;
inline constexpr uint64_t kMaxChunkWeights = uint64_t{1} << 28;

// The file types to make, in the order given, aliases and repeats dropped;
// F16 last if keep_fp16 asks for it.
// Errors: InvalidArgument for a type that is unknown, naming those near it.
absl::StatusOr<std::vector<const quant::FileType*>> WantedFileTypes(
    const JobSpec& spec);

// Errors: InvalidArgument for an unknown tensor type.
absl::StatusOr<quant::MixOverrides> OverridesOf(const Mix& mix);

// Where an output goes: OUTDIR/OUTNAME-TYPE.gguf.
std::string OutputPath(const JobSpec& spec, absl::string_view file_type);

// "262144", "300M", "1.5GiB": a number of bytes; K, M, G, T count in powers of
// 1024, with or without B or iB.
// Errors: InvalidArgument for anything else.
absl::StatusOr<uint64_t> ParseBytes(absl::string_view text);

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_JOB_SPEC_H_
