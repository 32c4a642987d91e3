// File: tools/events.h
//
// What a job says while it runs, besides its progress: each thing as a line for
// people and as a line of JSON for programs. A JSON line is an object whose
// "event" says what it is: "plan", "warning", "resume", "restart", "finished",
// "error"; those of the progress say "progress" (see display.h).

#ifndef TOOLS_EVENTS_H_
#define TOOLS_EVENTS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "converters/warning.h"
#include "tools/engine/job.pb.h"
#include "tools/engine/job_plan.h"
#include "tools/engine/observer.h"

namespace make_gguf {

// Lines without their ends.
struct Event {
  std::string text;
  std::string json;
};

// What the job is going to do, and what it needs for that.
Event PlanEvent(const JobPlan& plan);
Event WarningEvent(const converters::Warning& warning);
// Whether the job goes on with a stopped one or why it can't; without text if
// none was stopped.
Event ResumeEvent(const Resumption& resumption);
// A file that is whole and has its final name.
Event FinishedEvent(const OutputReport& output);
Event ErrorEvent(absl::string_view message);

}  // namespace make_gguf

#endif  // TOOLS_EVENTS_H_
