// File: tools/report.h
//
// What a job will make or has made, for people and for programs.

#ifndef TOOLS_REPORT_H_
#define TOOLS_REPORT_H_

#include <string>

#include "absl/status/status.h"
#include "converters/model_plan.h"
#include "tools/engine/job.pb.h"
#include "tools/engine/job_plan.h"
#include "tools/engine/planner.h"

namespace make_gguf {

// Every tensor of an output with type, shape and size, then its totals: what
// --dry_run prints.
std::string DescribeOutput(const converters::ModelPlan& model,
                           const OutputPlan& output);

// A table: file, size, bits per weight, time; below it what fell back.
std::string SummaryTable(const JobReport& report);

// Whether a report can be written to `path` and destroys nothing there: a file
// that exists is an earlier report, or empty.
// Errors, which name the path: FailedPrecondition; PermissionDenied and others
// as the system has them.
absl::Status CheckReportPath(const std::string& path);

// InvalidArgument if `path` is that of a file that the job writes.
absl::Status CheckReportApart(const std::string& path, const JobPlan& plan);

// Writes a report as JSON, in one step. Errors name the file.
absl::Status WriteReport(const JobReport& report, const std::string& path);

// The file types that --quants takes, one a line after two spaces.
std::string ListTypes();

}  // namespace make_gguf

#endif  // TOOLS_REPORT_H_
