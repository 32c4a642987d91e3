#include "tools/display.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/human_text.h"
#include "converters/warning.h"
#include "nlohmann/json.hpp"
#include "tools/events.h"

namespace make_gguf {
namespace {

// Of a bar, in characters: no more than is of use, no less than can be read.
constexpr int kMaxBarWidth = 30;
constexpr int kMinBarWidth = 8;
// How much the newest interval counts in the rates.
constexpr double kSmoothing = 0.3;

double Fraction(const ProgressView& view) {
  if (view.weights_total == 0) return 1;
  return static_cast<double>(view.weights_done) / view.weights_total;
}

}  // namespace

std::string ProgressLine(const ProgressView& view, int bar_width) {
  const double fraction = Fraction(view);
  std::string line = bar_width > 0 ? base::BarText(fraction, bar_width) : "";
  absl::StrAppendFormat(&line, "%3d%%  %.1f M weights/s  in %s/s out %s/s",
                        static_cast<int>(100 * fraction),
                        view.weights_per_second * 1e-6,
                        base::BytesText(view.bytes_in_per_second),
                        base::BytesText(view.bytes_out_per_second));
  if (view.seconds_left.has_value()) {
    absl::StrAppend(&line, "  ", base::ClockText(*view.seconds_left), " left");
  }
  return absl::StrCat(line, "  ", view.tensor);
}

std::string BarLine(const ProgressView& view, int columns) {
  // A character is left free: some terminals wrap a line that is full.
  const int room = columns - 1;
  const int text = static_cast<int>(ProgressLine(view, 0).size());
  const int brackets = 3;
  const int bar =
      std::clamp(room - text - brackets, kMinBarWidth, kMaxBarWidth);
  return ProgressLine(view, bar).substr(0, std::max(room, 0));
}

std::string ProgressJson(const ProgressView& view) {
  nlohmann::ordered_json json = {
      {"event", "progress"},
      {"weights_done", view.weights_done},
      {"weights_total", view.weights_total},
      {"seconds", view.seconds},
      {"weights_per_second", view.weights_per_second},
      {"bytes_in_per_second", view.bytes_in_per_second},
      {"bytes_out_per_second", view.bytes_out_per_second},
      {"seconds_left", nullptr},
      {"tensor", view.tensor}};
  if (view.seconds_left.has_value()) json["seconds_left"] = *view.seconds_left;
  return JsonLine(json);
}

Observer Display::observer() {
  const auto say = [this](const auto& what) { reporter_.Say(what); };
  Observer observer;
  observer.planned = [say](const JobPlan& plan) { say(PlanEvent(plan)); };
  observer.warning = [say](const converters::Warning& warning) {
    say(WarningEvent(warning));
  };
  observer.resumed = [say](const Resumption& resumption) {
    say(ResumeEvent(resumption));
  };
  observer.finished = [say](const OutputReport& output) {
    say(FinishedEvent(output));
  };
  observer.progress = [this](const JobProgress& progress) { Show(progress); };
  return observer;
}

void Display::Show(const JobProgress& progress) {
  // The last state is worth a line, if any is.
  const ReportMode mode = reporter_.mode();
  const bool now = progress.syncing && mode != ReportMode::kNone;
  if (!now && !reporter_.IsTimeForProgress()) return;
  const ProgressView view = View(progress);
  if (mode == ReportMode::kJson) {
    reporter_.line().SayVerbatim(ProgressJson(view));
  } else if (mode == ReportMode::kBar) {
    reporter_.line().Show(BarLine(view, reporter_.line().columns()));
  } else {
    reporter_.line().Show(ProgressLine(view, 0));
  }
}

ProgressView Display::View(const JobProgress& progress) {
  const Clock::time_point now = Clock::now();
  const auto seconds = [](Clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
  };
  const double interval = std::max(seconds(now - last_time_), 1e-6);
  // Resumed weights take next to no time and would spoil the rates.
  const uint64_t done = progress.weights_done;
  const uint64_t worked = done - std::min(done, progress.weights_resumed);
  const auto update = [&](double& rate, uint64_t& last, uint64_t current) {
    const double newest = static_cast<double>(current - last) / interval;
    rate = last_time_ == start_ ? newest : rate + kSmoothing * (newest - rate);
    last = current;
  };
  update(weights_rate_, last_weights_, std::max(worked, last_weights_));
  update(in_rate_, last_in_, progress.bytes_read);
  update(out_rate_, last_out_, progress.bytes_written);
  last_time_ = now;
  ProgressView view;
  view.weights_done = done;
  view.weights_total = progress.weights_total;
  view.seconds = seconds(now - start_);
  view.weights_per_second = weights_rate_;
  view.bytes_in_per_second = in_rate_;
  view.bytes_out_per_second = out_rate_;
  if (weights_rate_ > 0) {
    view.seconds_left =
        static_cast<double>(progress.weights_total - done) / weights_rate_;
  }
  view.tensor = progress.syncing ? "files go to disk" : progress.tensor;
  return view;
}

}  // namespace make_gguf
