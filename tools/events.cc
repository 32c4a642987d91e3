#include "tools/events.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "base/human_text.h"
#include "nlohmann/json.hpp"

namespace make_gguf {
namespace {

using Json = nlohmann::ordered_json;

Event MakeEvent(std::string text, const Json& json) {
  return {std::move(text), JsonLine(json)};
}

}  // namespace

Event PlanEvent(const JobPlan& plan) {
  uint64_t bytes = 0;
  Json outputs = Json::array();
  for (const OutputPlan& output : plan.outputs) {
    bytes += output.layout.file_size;
    outputs.push_back({{"path", output.path},
                       {"type", output.file_type->name},
                       {"size", output.layout.file_size}});
  }
  std::string threads = absl::StrCat(plan.threads, " threads");
  if (plan.threads < plan.spec.execution().threads()) {
    absl::StrAppend(&threads, " of ", plan.spec.execution().threads(),
                    " (more need a higher --memory_limit)");
  }
  return MakeEvent(
      absl::StrFormat(
          "%s: %d tensors, %d weights; %d %s, %s; %s, planned peak memory %s",
          plan.spec.model(), plan.model.plan.tensors.size(), plan.work.weights,
          plan.outputs.size(), plan.outputs.size() == 1 ? "file" : "files",
          base::BytesText(bytes), threads, base::BytesText(plan.planned_peak)),
      {{"event", "plan"},
       {"model", plan.spec.model()},
       {"architecture", plan.model.plan.architecture},
       {"tensors", plan.model.plan.tensors.size()},
       {"weights", plan.work.weights},
       {"outputs", std::move(outputs)},
       {"bytes", bytes},
       {"threads", plan.threads},
       {"planned_peak_memory", plan.planned_peak}});
}

Event WarningEvent(const converters::Warning& warning) {
  return MakeEvent(absl::StrCat("warning: ", warning),
                   {{"event", "warning"},
                    {"code", warning.code},
                    {"message", warning.text}});
}

Event NoticeEvent(absl::string_view text) {
  return MakeEvent(std::string(text), {{"event", "notice"}, {"message", text}});
}

Event ResumeEvent(const Resumption& resumption) {
  if (!resumption.resumed) {
    return MakeEvent(
        absl::StrCat("a stopped job can't be gone on with, starting over: ",
                     resumption.restart_reason),
        {{"event", "restart"}, {"reason", resumption.restart_reason}});
  }
  return MakeEvent(
      absl::StrFormat("going on with a stopped job: %d of %d chunks are done",
                      resumption.chunks_done, resumption.chunks),
      {{"event", "resume"},
       {"chunks_done", resumption.chunks_done},
       {"chunks", resumption.chunks}});
}

Event FinishedEvent(const OutputReport& output) {
  return MakeEvent(absl::StrCat("finished ", output.path(), "  ",
                                base::BytesText(output.size()), "  sha256 ",
                                output.sha256()),
                   {{"event", "finished"},
                    {"path", output.path()},
                    {"size", output.size()},
                    {"sha256", output.sha256()}});
}

Event ErrorEvent(absl::string_view message) {
  return MakeEvent(absl::StrCat("error: ", message),
                   {{"event", "error"}, {"message", message}});
}

Event StoppedEvent(absl::string_view message) {
  return MakeEvent(std::string(message),
                   {{"event", "stopped"}, {"message", message}});
}

std::string JsonLine(const Json& object) {
  // Paths may hold bytes that are no UTF-8.
  return object.dump(-1, ' ', /*ensure_ascii=*/true,
                     Json::error_handler_t::replace);
}

}  // namespace make_gguf
