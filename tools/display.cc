#include "tools/display.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"

namespace make_gguf {
namespace {

constexpr absl::Duration kBarInterval = absl::Milliseconds(200);
constexpr absl::Duration kLineInterval = absl::Seconds(5);
constexpr absl::Duration kJsonInterval = absl::Seconds(1);
// Of a bar, in characters: no more than is of use, no less than can be read.
constexpr int kMaxBarWidth = 30;
constexpr int kMinBarWidth = 8;
// Where the terminal doesn't say.
constexpr int kUsualColumns = 80;
constexpr char kEraseLine[] = "\r\033[K";
// How much the newest interval counts in the rates.
constexpr double kSmoothing = 0.3;

absl::Duration Interval(DisplayMode mode) {
  if (mode == DisplayMode::kBar) return kBarInterval;
  return mode == DisplayMode::kJson ? kJsonInterval : kLineInterval;
}

// "1:02:03" or "02:03".
std::string Clock(double seconds) {
  const int64_t all = static_cast<int64_t>(seconds + 0.5);
  const std::string rest =
      absl::StrFormat("%02d:%02d", all / 60 % 60, all % 60);
  return all < 3600 ? rest : absl::StrCat(all / 3600, ":", rest);
}

int ColumnsOf(FILE* terminal) {
  winsize size = {};
  if (ioctl(fileno(terminal), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return kUsualColumns;
  }
  return size.ws_col;
}

std::string Bar(double fraction, int width) {
  const int filled = static_cast<int>(fraction * width);
  return absl::StrCat("[", std::string(filled, '#'),
                      std::string(width - filled, '.'), "] ");
}

double Fraction(const ProgressView& view) {
  if (view.weights_total == 0) return 1;
  return static_cast<double>(view.weights_done) / view.weights_total;
}

}  // namespace

absl::StatusOr<DisplayMode> ParseDisplayMode(absl::string_view name,
                                             FILE* stream) {
  if (name == "auto") {
    return isatty(fileno(stream)) ? DisplayMode::kBar : DisplayMode::kLines;
  }
  if (name == "bar") return DisplayMode::kBar;
  if (name == "plain") return DisplayMode::kLines;
  if (name == "json") return DisplayMode::kJson;
  if (name == "none") return DisplayMode::kNone;
  return absl::InvalidArgumentError(absl::StrCat(
      "--progress=", name, ": it is auto, bar, plain, json or none"));
}

std::string ProgressLine(const ProgressView& view, int bar_width) {
  const double fraction = Fraction(view);
  std::string line = bar_width > 0 ? Bar(fraction, bar_width) : "";
  absl::StrAppendFormat(
      &line, "%3d%%  %.1f M weights/s  in %.2f out %.2f GB/s",
      static_cast<int>(100 * fraction), view.weights_per_second * 1e-6,
      view.bytes_in_per_second * 1e-9, view.bytes_out_per_second * 1e-9);
  if (view.seconds_left.has_value()) {
    absl::StrAppend(&line, "  ", Clock(*view.seconds_left), " left");
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
  return json.dump(-1, ' ', false,
                   nlohmann::ordered_json::error_handler_t::replace);
}

Display::Display(DisplayMode mode, FILE* stream)
    : mode_(mode), stream_(stream), start_(absl::Now()), last_time_(start_) {}

Observer Display::JobObserver() {
  Observer observer;
  observer.planned = [this](const JobPlan& plan) { Show(PlanEvent(plan)); };
  observer.warning = [this](const converters::Warning& warning) {
    Show(WarningEvent(warning));
  };
  observer.resumed = [this](const Resumption& resumption) {
    Show(ResumeEvent(resumption));
  };
  observer.progress = [this](const JobProgress& progress) {
    ShowProgress(progress);
  };
  observer.finished = [this](const OutputReport& report) {
    Show(FinishedEvent(report));
  };
  return observer;
}

void Display::Finish() {
  if (!has_bar_) return;
  has_bar_ = false;
  std::fputs(kEraseLine, stream_);
  std::fflush(stream_);
}

void Display::Show(const Event& event) {
  if (event.text.empty()) return;
  Finish();
  absl::FPrintF(stream_, "%s\n",
                mode_ == DisplayMode::kJson ? event.json : event.text);
  std::fflush(stream_);
}

void Display::ShowProgress(const JobProgress& progress) {
  if (mode_ == DisplayMode::kNone) return;
  const absl::Time now = absl::Now();
  const bool begins_to_sync = progress.syncing && !syncing_;
  if (now - last_time_ < Interval(mode_) && !begins_to_sync) return;
  syncing_ = progress.syncing;
  const ProgressView view = View(progress, now);
  if (mode_ == DisplayMode::kJson) {
    absl::FPrintF(stream_, "%s\n", ProgressJson(view));
  } else if (mode_ == DisplayMode::kBar) {
    absl::FPrintF(stream_, "%s%s", kEraseLine,
                  BarLine(view, ColumnsOf(stream_)));
    has_bar_ = true;
  } else {
    absl::FPrintF(stream_, "%s\n", ProgressLine(view, 0));
  }
  std::fflush(stream_);
}

ProgressView Display::View(const JobProgress& progress, absl::Time now) {
  const double interval =
      std::max(absl::ToDoubleSeconds(now - last_time_), 1e-6);
  // Resumed weights take next to no time and would spoil the rates.
  const uint64_t worked =
      progress.weights_done -
      std::min(progress.weights_resumed, progress.weights_done);
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
  view.weights_done = progress.weights_done;
  view.weights_total = progress.weights_total;
  view.seconds = absl::ToDoubleSeconds(now - start_);
  view.weights_per_second = weights_rate_;
  view.bytes_in_per_second = in_rate_;
  view.bytes_out_per_second = out_rate_;
  if (weights_rate_ > 0) {
    view.seconds_left =
        static_cast<double>(view.weights_total - view.weights_done) /
        weights_rate_;
  }
  view.tensor = progress.syncing ? "files go to disk" : progress.tensor;
  return view;
}

}  // namespace make_gguf
