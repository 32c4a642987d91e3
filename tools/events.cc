#include "tools/events.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"
#include "tools/engine/job_spec.h"

namespace make_gguf {
namespace {

using Json = nlohmann::ordered_json;

Event MakeEvent(std::string text, const Json& json) {
  // Paths may hold bytes that are no UTF-8.
  return {std::move(text),
          json.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace

Event PlanEvent(const PreparedJob& job) {
  uint64_t bytes = 0;
  Json outputs = Json::array();
  for (const OutputPlan& output : job.outputs) {
    bytes += output.layout.file_size;
    outputs.push_back({{"path", output.path},
                       {"type", output.file_type->name},
                       {"size", output.layout.file_size}});
  }
  std::string threads = absl::StrCat(job.threads, " threads");
  if (job.threads < job.spec.execution().threads()) {
    absl::StrAppend(&threads, " of ", job.spec.execution().threads(),
                    " (more need a higher --memory_limit)");
  }
  return MakeEvent(
      absl::StrFormat(
          "%s: %d tensors, %d weights; %d %s, %s; %s, planned peak memory %s",
          job.spec.model(), job.model.plan.tensors.size(), job.work.weights,
          job.outputs.size(), job.outputs.size() == 1 ? "file" : "files",
          BytesString(bytes), threads, BytesString(job.planned_peak)),
      {{"event", "plan"},
       {"model", job.spec.model()},
       {"architecture", job.model.plan.architecture},
       {"tensors", job.model.plan.tensors.size()},
       {"weights", job.work.weights},
       {"outputs", std::move(outputs)},
       {"bytes", bytes},
       {"threads", job.threads},
       {"planned_peak_memory", job.planned_peak}});
}

Event WarningEvent(const converters::Warning& warning) {
  return MakeEvent(absl::StrCat("warning: ", warning),
                   {{"event", "warning"},
                    {"code", warning.code},
                    {"message", warning.text}});
}

Event ResumeEvent(const Journal& journal, size_t chunks) {
  if (journal.resumed()) {
    return MakeEvent(
        absl::StrFormat("going on with a stopped job: %d of %d chunks are done",
                        journal.finished().size(), chunks),
        {{"event", "resume"},
         {"chunks_done", journal.finished().size()},
         {"chunks", chunks}});
  }
  if (journal.restart_reason().empty()) return {};
  return MakeEvent(
      absl::StrCat("a stopped job can't be gone on with, starting over: ",
                   journal.restart_reason()),
      {{"event", "restart"}, {"reason", journal.restart_reason()}});
}

Event FinishedEvent(const OutputReport& output) {
  return MakeEvent(
      absl::StrCat("finished ", output.path(), "  ", BytesString(output.size()),
                   "  sha256 ", output.sha256()),
      {{"event", "finished"},
       {"path", output.path()},
       {"size", output.size()},
       {"sha256", output.sha256()}});
}

Event ErrorEvent(absl::string_view message) {
  return MakeEvent(absl::StrCat("error: ", message),
                   {{"event", "error"}, {"message", message}});
}

}  // namespace make_gguf
