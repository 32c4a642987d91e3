// File: tools/events.h
//
// What make_gguf says, besides a job's progress (display.h): each thing in both
// languages of a Reporter. The JSON's "event" is "plan", "warning", "notice",
// "resume", "restart", "finished", "stopped" or "error"; of progress "progress"
// or "download".

#ifndef TOOLS_EVENTS_H_
#define TOOLS_EVENTS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "converters/warning.h"
#include "nlohmann/json_fwd.hpp"
#include "tools/engine/job.pb.h"
#include "tools/engine/job_plan.h"
#include "tools/engine/observer.h"
#include "tools/reporter.h"

namespace make_gguf {

// What the job is going to do, and what it needs for that.
Event PlanEvent(const JobPlan& plan);
Event WarningEvent(const converters::Warning& warning);
// Something to know that asks for nothing: a retry, a wait for a lock.
Event NoticeEvent(absl::string_view text);
// Whether the job goes on with a stopped one or why it can't.
Event ResumeEvent(const Resumption& resumption);
// A file that is whole and has its final name.
Event FinishedEvent(const OutputReport& output);
// Of an error that ends the program, or of its end because it was asked to.
Event ErrorEvent(absl::string_view message);
Event StoppedEvent(absl::string_view message);

// An object on one line, of characters that any terminal can be given.
std::string JsonLine(const nlohmann::ordered_json& object);

}  // namespace make_gguf

#endif  // TOOLS_EVENTS_H_
