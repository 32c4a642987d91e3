// File: tools/report.h
//
// What a job will make or has made, for people and for programs.

#ifndef TOOLS_REPORT_H_
#define TOOLS_REPORT_H_

#include <string>

#include "absl/status/status.h"
#include "converters/model_plan.h"
#include "tools/engine/job.pb.h"
#include "tools/engine/planner.h"

namespace make_gguf {

// Every tensor of an output with type, shape and size, then its totals: what
// --dry_run prints.
std::string DescribeOutput(const converters::ModelPlan& model,
                           const OutputPlan& output);

// A table: file, size, bits per weight, time; below it what fell back.
std::string SummaryTable(const JobReport& report);

// Writes a report as JSON. Errors name the file.
absl::Status WriteReport(const JobReport& report, const std::string& path);

// The file types that --quants takes, one a line after two spaces.
std::string ListTypes();

}  // namespace make_gguf

#endif  // TOOLS_REPORT_H_
