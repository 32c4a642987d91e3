// Downloads a model repository from a Hugging Face hub, or what a conversion
// needs of it, and prints the directory it is in.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/command_line.h"
#include "base/human_text.h"
#include "base/printable.h"
#include "base/program.h"
#include "base/status_line.h"
#include "base/status_macros.h"
#include "fetch/fetch.h"
#include "fetch/progress_display.h"

namespace fetch {
namespace {

using base::FlagGroup;
using base::Into;
using base::IntoNumber;
using enum base::FlagKind;

// Of flags that only --help=all shows.
constexpr bool kRare = true;
constexpr int kMostConnections = 64;
constexpr int kMostTries = 1000;

constexpr char kUsage[] =
    R"(hf_fetch ORG/NAME [FLAGS]: downloads a model from a Hugging Face hub and
prints its directory. An interrupted download goes on where it stopped; every
file is verified.)";

constexpr char kExamples[] = R"(Examples:
  hf_fetch mistralai/Mistral-7B-v0.1
      what a conversion needs: configuration, tokenizer, card and weights
  hf_fetch org/name --include '*.gguf' --local_dir .
      all that matches, as plain files
  HF_TOKEN=… hf_fetch org/private --revision refs/pr/3 --dry_run
      shows what is still to be fetched

Exits with 0 if all files are there, with 1 after an error, with 2 if the
arguments are wrong, and after a signal with 128 and its number.
--help=all shows all flags.)";

struct Arguments {
  std::string help;
  FetchOptions options;
  bool offline = false;
  bool dry_run = false;
};

FlagGroup WhatFlags(FetchOptions& options) {
  return {
      "What",
      {
          {"model", kValue, "ORG/NAME", "the same as ORG/NAME alone",
           Into(&options.repo_id)},
          {"revision", kValue, "REV",
           "branch, tag, commit or refs/pr/N; default: main",
           Into(&options.revision)},
          {"include", kCommaList, "PATTERNS",
           "files like these, not what a conversion needs",
           Into(&options.include)},
          {"exclude", kCommaList, "PATTERNS", "but no files like these",
           Into(&options.exclude)},
      },
  };
}

FlagGroup WhereFlags(FetchOptions& options) {
  return {
      "Where",
      {
          {"local_dir", kValue, "DIR",
           "plain files in there, instead of the cache",
           Into(&options.local_dir)},
          {"cache_dir", kValue, "DIR",
           "default: $HF_HUB_CACHE, ~/.cache/huggingface/hub",
           Into(&options.cache_dir)},
          {"hf_home", kValue, "DIR", "of cache and token; default: $HF_HOME",
           Into(&options.home), kRare},
          {"endpoint", kValue, "URL",
           "a mirror; default: $HF_ENDPOINT, huggingface.co",
           Into(&options.endpoint)},
          {"token", kValue, "TOKEN",
           "default: $HF_TOKEN, as stored; others can see this flag",
           Into(&options.token), kRare, /*empty_is_value=*/true},
          {"token_path", kValue, "FILE",
           "with the access token; default: $HF_TOKEN_PATH",
           Into(&options.token_path)},
          {"proxy", kValue, "URL",
           "http://[NAME:PASSWORD@]HOST:PORT; default: $https_proxy",
           Into(&options.proxy), kRare, /*empty_is_value=*/true},
      },
  };
}

FlagGroup HowFlags(Arguments& arguments) {
  FetchOptions& options = arguments.options;
  return {
      "How",
      {
          {"offline", kSwitch, "", "only what is on the disk",
           Into(&arguments.offline)},
          {"dry_run", kSwitch, "", "show what is still to be fetched",
           Into(&arguments.dry_run)},
          {"connections", kValue, "N", "at once, at most; default: 8",
           IntoNumber(&options.connections, 1, kMostConnections)},
          {"stall_timeout", kValue, "TIME",
           "of a connection that brings nothing; default: 30s",
           [&options](const std::vector<std::string>& values) {
             if (absl::ParseDuration(values.back(), &options.stall_timeout) &&
                 options.stall_timeout > absl::ZeroDuration()) {
               return absl::OkStatus();
             }
             return absl::InvalidArgumentError("it is a time such as 90s");
           },
           kRare},
          {"max_tries", kValue, "N",
           "of a request that brings nothing new; default: 6",
           IntoNumber(&options.max_tries, 1, kMostTries), kRare},
      },
  };
}

absl::StatusOr<Arguments> Parse(absl::Span<const char* const> words) {
  Arguments arguments;
  FetchOptions& options = arguments.options;
  ASSIGN_OR_RETURN(
      arguments.help,
      base::ParseCommandLine(
          {kUsage,
           kExamples,
           "model",
           {WhatFlags(options), WhereFlags(options), HowFlags(arguments)}},
          words));
  if (arguments.offline) options.offline = true;
  if (arguments.help.empty() && options.repo_id.empty()) {
    return absl::InvalidArgumentError("no model is given: hf_fetch ORG/NAME");
  }
  return arguments;
}

void PrintPlan(const SnapshotPlan& plan) {
  for (const SnapshotFile& file : plan.files) {
    absl::PrintF("%12d to fetch of %12d  %s\n", file.bytes_to_fetch, file.size,
                 base::Printable(file.path, std::string::npos));
  }
  absl::PrintF("%d of %d bytes (%s) to fetch, commit %s, into %s\n",
               plan.bytes_to_fetch, plan.total_bytes,
               base::BytesText(static_cast<double>(plan.bytes_to_fetch)),
               plan.commit, plan.directory);
}

absl::Status Run(const Arguments& arguments) {
  // `bazel run` starts elsewhere; paths are meant from where the user is.
  const char* started_in = std::getenv("BUILD_WORKING_DIRECTORY");
  if (started_in != nullptr && chdir(started_in) != 0) {
    return absl::NotFoundError(absl::StrCat("cannot go to ", started_in));
  }
  const base::OrderlyStop orderly;
  base::StatusLine line(stderr, isatty(STDERR_FILENO) == 1);
  ProgressDisplay display(line);
  FetchObserver observer;
  observer.progress = [&display](const FetchProgress& progress) {
    display.Show(progress);
  };
  observer.notice = [&line](absl::string_view text) { line.Say(text); };
  observer.cancelled = [] { return base::stop_requested.load(); };
  if (arguments.dry_run) {
    ASSIGN_OR_RETURN(const SnapshotPlan plan,
                     PlanSnapshot(arguments.options, observer));
    PrintPlan(plan);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const Snapshot snapshot,
                   FetchSnapshot(arguments.options, observer));
  line.Say(absl::StrFormat(
      "%d files, %s, of which %s fetched now; commit %s", snapshot.files.size(),
      base::BytesText(static_cast<double>(snapshot.total_bytes)),
      base::BytesText(static_cast<double>(snapshot.received_bytes)),
      snapshot.commit));
  absl::PrintF("%s\n", snapshot.directory);
  return absl::OkStatus();
}

int Main(absl::Span<const char* const> words) {
  base::BeginProgram();
  const absl::StatusOr<Arguments> arguments = Parse(words);
  absl::Status status = arguments.status();
  if (status.ok() && arguments->help.empty()) {
    status = Run(*arguments);
  } else if (status.ok()) {
    absl::PrintF("%s", arguments->help);
  }
  if (status.ok()) status = base::FinishOutput();
  if (status.ok()) return EXIT_SUCCESS;
  base::StatusLine(stderr, false)
      .Say(absl::StrCat("hf_fetch: ", status.message()));
  if (!arguments.ok()) return 2;
  return absl::IsCancelled(status) && base::stop_requested
             ? base::StopExitCode()
             : EXIT_FAILURE;
}

}  // namespace
}  // namespace fetch

int main(int argc, char** argv) {
  return fetch::Main(absl::MakeConstSpan(argv + 1, argc - 1));
}
