#include "tools/report.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "gguf/layout.h"
#include "gguf/tensor_type.h"
#include "google/protobuf/util/json_util.h"
#include "quant/file_type.h"
#include "quant/mix.h"
#include "quant/quantize.h"
#include "tools/engine/job_report.h"
#include "tools/engine/job_spec.h"

namespace make_gguf {
namespace {

std::string TypesLine(const OutputReport& report) {
  return absl::StrJoin(
      report.types(), ", ", [](std::string* out, const TypeShare& share) {
        absl::StrAppendFormat(out, "%s %d (%s)", share.type(), share.tensors(),
                              BytesString(share.bytes()));
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

}  // namespace

std::string DescribeOutput(const converters::ModelPlan& model,
                           const OutputPlan& output) {
  const OutputReport report = ReportOf(model, output);
  std::string text = absl::StrCat(output.path, "\n");
  const std::vector<gguf::TensorInfo> infos = OutputTensorInfos(model, output);
  size_t width = 0;
  for (const gguf::TensorInfo& info : infos) {
    width = std::max(width, info.name.size());
  }
  for (size_t i = 0; i < infos.size(); ++i) {
    absl::StrAppendFormat(
        &text, "  %-*s  %-6s  %12d  %s\n", static_cast<int>(width),
        infos[i].name, gguf::Traits(infos[i].type).name,
        output.layout.tensors[i].bytes, gguf::ShapeString(infos[i].shape));
  }
  absl::StrAppendFormat(&text, "  %d tensors: %s\n", infos.size(),
                        TypesLine(report));
  absl::StrAppendFormat(&text, "  %d bytes, %.4f bits per weight\n",
                        report.size(), report.bits_per_weight());
  return absl::StrCat(text, FallbackLines({&report}));
}

std::string SummaryTable(const JobReport& report) {
  size_t width = 4;
  for (const OutputReport& output : report.outputs()) {
    width = std::max(width, output.path().size());
  }
  const int columns = static_cast<int>(width);
  std::string table = absl::StrFormat("%-*s  %10s  %11s  %8s\n", columns,
                                      "file", "size", "bits/weight", "time");
  for (const OutputReport& output : report.outputs()) {
    absl::StrAppendFormat(&table, "%-*s  %10s  %11.4f  %6.1f s\n", columns,
                          output.path(), BytesString(output.size()),
                          output.bits_per_weight(), output.compute_seconds());
  }
  absl::StrAppendFormat(
      &table,
      "%.1f s in all (%.1f s of CPU), read %s, wrote %s, peak memory "
      "%s\n",
      report.wall_seconds(), report.cpu_seconds(),
      BytesString(report.bytes_read()), BytesString(report.bytes_written()),
      BytesString(report.peak_memory()));
  return absl::StrCat(table, FallbackLines(std::vector<const OutputReport*>(
                                 report.outputs().pointer_begin(),
                                 report.outputs().pointer_end())));
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
  std::ofstream file(path);
  if (!(file << json && file.flush())) {
    return absl::UnavailableError(
        absl::StrCat(path, ": can't write the report"));
  }
  return absl::OkStatus();
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
