// File: tools/engine/job_report.h
//
// What is told of an output and of a job that has come to its end.

#ifndef TOOLS_ENGINE_JOB_REPORT_H_
#define TOOLS_ENGINE_JOB_REPORT_H_

#include "converters/model_plan.h"
#include "tools/engine/job.pb.h"
#include "tools/engine/planner.h"

namespace make_gguf {

// The part of an output's report that its plan tells.
OutputReport ReportOf(const converters::ModelPlan& model,
                      const OutputPlan& output);

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_JOB_REPORT_H_
