#include "tools/report.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "base/file.h"
#include "base/human_text.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "gguf/layout.h"
#include "gguf/tensor_type.h"
#include "google/protobuf/util/json_util.h"
#include "quant/file_type.h"
#include "quant/mix.h"
#include "quant/quantize.h"
#include "tools/engine/job_report.h"

namespace make_gguf {
namespace {

constexpr uint64_t kMaxReportBytes = uint64_t{64} << 20;

std::string TypesLine(const OutputReport& report) {
  return absl::StrJoin(
      report.types(), ", ", [](std::string* out, const TypeShare& share) {
        absl::StrAppendFormat(out, "%s %d (%s)", share.type(), share.tensors(),
                              base::BytesText(share.bytes()));
      });
}

// What fell back in the outputs of each file type, all shards of one together.
std::string FallbackLines(absl::Span<const OutputReport* const> outputs) {
  std::map<std::string, uint64_t> weights;  // by file type
  std::map<std::tuple<std::string, std::string, std::string>, uint64_t> fallen;
  for (const OutputReport* output : outputs) {
    weights[output->file_type()] += output->weights();
    for (const Fallback& fallback : output->fallbacks()) {
      fallen[{output->file_type(), fallback.wanted(), fallback.used()}] +=
          fallback.weights();
    }
  }
  std::string lines;
  for (const auto& [types, count] : fallen) {
    const auto& [file_type, wanted, used] = types;
    absl::StrAppendFormat(
        &lines,
        "%s: %.1f %% of the weights are %s instead of %s, whose blocks "
        "do not divide their rows\n",
        file_type, 100.0 * count / weights[file_type], used, wanted);
  }
  return lines;
}

// Of a file that would be replaced.
absl::Status CheckIsReport(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string content,
                   base::ReadFile(path, kMaxReportBytes));
  JobReport report;
  if (content.empty() ||
      (google::protobuf::util::JsonStringToMessage(content, &report).ok() &&
       report.outputs_size() > 0)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      path,
      ": this file is no report of an earlier job and is not replaced; "
      "--report needs another name"));
}

}  // namespace

std::string DescribeOutput(const converters::ModelPlan& model,
                           const OutputPlan& output) {
  const OutputReport report = ReportOf(model, output);
  std::vector<std::vector<std::string>> rows;
  for (const gguf::TensorInfo& info : OutputTensorInfos(model, output)) {
    rows.push_back({base::Printable(info.name, std::string::npos),
                    std::string(gguf::Traits(info.type).name),
                    absl::StrCat(output.layout.tensors[rows.size()].bytes),
                    gguf::ShapeString(info.shape)});
  }
  return absl::StrCat(
      base::Printable(output.path, std::string::npos), "\n",
      base::TableText(rows, "llrl"),
      absl::StrFormat("  %d tensors: %s\n", rows.size(), TypesLine(report)),
      absl::StrFormat("  %d bytes, %.4f bits per weight\n", report.size(),
                      report.bits_per_weight()),
      FallbackLines({&report}));
}

std::string SummaryTable(const JobReport& report) {
  std::vector<std::vector<std::string>> rows = {
      {"file", "size", "bits/weight", "time"}};
  for (const OutputReport& output : report.outputs()) {
    rows.push_back({base::Printable(output.path(), std::string::npos),
                    base::BytesText(output.size()),
                    absl::StrFormat("%.4f", output.bits_per_weight()),
                    absl::StrFormat("%.1f s", output.compute_seconds())});
  }
  return absl::StrCat(
      base::TableText(rows, "lrrr", /*indent=*/0),
      absl::StrFormat(
          "%.1f s in all (%.1f s of CPU), read %s, wrote %s, peak memory %s\n",
          report.wall_seconds(), report.cpu_seconds(),
          base::BytesText(report.bytes_read()),
          base::BytesText(report.bytes_written()),
          base::BytesText(report.peak_memory())),
      FallbackLines(std::vector<const OutputReport*>(
          report.outputs().pointer_begin(), report.outputs().pointer_end())));
}

absl::Status CheckReportPath(const std::string& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) == 0) RETURN_IF_ERROR(CheckIsReport(path));
  const std::string directory = base::DirectoryOf(path);
  if (access(directory.c_str(), W_OK | X_OK) == 0) return absl::OkStatus();
  return base::FileError(errno, "write the report into", directory);
}

absl::Status CheckReportApart(const std::string& path, const JobPlan& plan) {
  const auto canonical = [](const std::string& name) {
    std::error_code error;
    return std::filesystem::weakly_canonical(name, error);
  };
  const std::filesystem::path report = canonical(path);
  bool clashes = report.parent_path() == canonical(plan.spec.outdir()) &&
                 report.extension() == ".journal";
  for (const OutputPlan& output : plan.outputs) {
    clashes = clashes || report == canonical(output.path) ||
              report == canonical(output.path + ".partial");
  }
  if (!clashes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": the job writes this file itself; --report needs another name"));
}

absl::Status WriteReport(const JobReport& report, const std::string& path) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(report, &json, options)
           .ok()) {
    return absl::InternalError("the report can't be written as JSON");
  }
  return base::ReplaceFile(path, json);
}

std::string ListTypes() {
  std::string text;
  for (const quant::FileType& type : quant::AllFileTypes()) {
    if (!quant::CanQuantize(type.base)) continue;
    const bool needs_importance =
        quant::RequiresImportance(type, "blk.0.attn_k.weight", type.base);
    absl::StrAppendFormat(&text, "  %-10s %s\n",
                          absl::StrCat(type.name, needs_importance ? "*" : ""),
                          type.description);
  }
  return absl::StrCat(text, "* needs an importance matrix (--imatrix)\n");
}

}  // namespace make_gguf
