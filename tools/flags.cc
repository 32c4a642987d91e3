#include "tools/flags.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/user_path.h"
#include "gguf/split.h"
#include "tools/engine/job_spec.h"

// Flags without a default tell "not given" from any value, so that only what
// is given overrides the job file.
using OptionalString = std::optional<std::string>;
using OptionalBool = std::optional<bool>;

ABSL_FLAG(
    OptionalString, job, std::nullopt,
    "a JobSpec (tools/engine/job.proto) in text format or JSON; flags that are "
    "given as well override it");
ABSL_FLAG(
    OptionalString, model, std::nullopt,
    "the checkpoint: a directory with config.json, weights and tokenizer; or "
    "a GGUF file; or a model on the Hugging Face hub, ORG/NAME");
ABSL_FLAG(OptionalString, revision, std::nullopt,
          "of a model of the hub: a branch, tag, commit or refs/pr/N; default: "
          "main");
ABSL_FLAG(OptionalString, endpoint, std::nullopt,
          "of a model of the hub: the hub or a mirror; default: $HF_ENDPOINT, "
          "else https://huggingface.co");
ABSL_FLAG(OptionalString, cache_dir, std::nullopt,
          "of a model of the hub: where it is downloaded to; default: "
          "$HF_HUB_CACHE, else $HF_HOME/hub, else ~/.cache/huggingface/hub");
ABSL_FLAG(OptionalString, token_path, std::nullopt,
          "of a model of the hub: a file with the access token; default: "
          "$HF_TOKEN, else $HF_TOKEN_PATH, else the stored token");
ABSL_FLAG(OptionalBool, offline, std::nullopt,
          "of a model of the hub: use only what is in the cache, as "
          "$HF_HUB_OFFLINE=1 says as well");
ABSL_FLAG(OptionalString, model_type, std::nullopt,
          "the architecture, as --list_architectures names it; default: found "
          "from config.json");
ABSL_FLAG(OptionalString, outname, std::nullopt,
          "what the files' names begin with; default: the directory's name");
ABSL_FLAG(OptionalString, outdir, std::nullopt,
          "where the files go; default: models/<outname>");
ABSL_FLAG(OptionalString, quants, std::nullopt,
          "the types to make, separated by commas; default: Q4_K_M,Q5_K_S");
ABSL_FLAG(OptionalBool, keep_fp16, std::nullopt, "make the F16 file as well");
ABSL_FLAG(OptionalString, intermediate, std::nullopt,
          "f16: weights are rounded to F16 before they are quantized, as the "
          "reference does; f32: they are not");
ABSL_FLAG(OptionalBool, overwrite, std::nullopt,
          "replace outputs that are there already");
ABSL_FLAG(
    OptionalString, pre, std::nullopt,
    "sets tokenizer.ggml.pre by hand; default: found from tokenizer.json");
ABSL_FLAG(OptionalString, model_name, std::nullopt,
          "stands for the directory's name in general.name and its kin");
ABSL_FLAG(OptionalString, output_tensor_type, std::nullopt,
          "the type of output.weight in quantized files");
ABSL_FLAG(OptionalString, token_embedding_type, std::nullopt,
          "the type of token_embd.weight in quantized files");
ABSL_FLAG(OptionalString, tensor_type, std::nullopt,
          "REGEX=TYPE: the type of tensors in whose name REGEX is found, in "
          "quantized files; may be repeated, the first match counts");
ABSL_FLAG(OptionalBool, pure, std::nullopt,
          "no mix: every tensor that is quantized gets the file's base type");
ABSL_FLAG(OptionalBool, leave_output_tensor, std::nullopt,
          "leave output.weight unquantized");
ABSL_FLAG(OptionalString, imatrix, std::nullopt,
          "an importance matrix (GGUF, or the older .dat)");
ABSL_FLAG(OptionalBool, allow_requantize, std::nullopt,
          "quantize from a GGUF file even if it is quantized already");
ABSL_FLAG(OptionalString, split_max_size, std::nullopt,
          "outputs in files of at most this size: a number with K, M or G");
ABSL_FLAG(std::optional<uint64_t>, split_max_tensors, std::nullopt,
          "outputs in files of at most so many tensors");
ABSL_FLAG(OptionalBool, no_tensor_first_split, std::nullopt,
          "the first file of a split output holds metadata only");
ABSL_FLAG(std::optional<int32_t>, threads, std::nullopt,
          "threads; default: one per core");
ABSL_FLAG(OptionalString, memory_limit, std::nullopt,
          "memory for the whole job, such as 300M; default: 256M, or "
          "more where the plan and one chunk per thread need it");
ABSL_FLAG(OptionalBool, resume, std::nullopt,
          "go on with a job that was stopped; default: true");
ABSL_FLAG(bool, dry_run, false,
          "print each output's tensors, types and size, and write nothing");
ABSL_FLAG(bool, list_types, false, "print the types that --quants takes");
ABSL_FLAG(bool, list_architectures, false,
          "print the architectures that can be converted");
ABSL_FLAG(std::string, report, "", "write a JobReport (JSON) to this file");
ABSL_FLAG(
    std::string, progress, "auto",
    "auto: a bar on a terminal, plain lines elsewhere; plain; json; none");

namespace make_gguf {
namespace {

constexpr char kUsage[] =
    "converts a Hugging Face checkpoint to quantized GGUF files.\n\n"
    "  make_gguf --model=DIRECTORY-or-ORG/NAME [--quants=Q4_K_M,Q5_K_S] "
    "[--outdir=DIRECTORY]\n\n"
    "Exits with 0 if all files are made, 1 after an error, and, as shells have "
    "it,\nwith 128 and the signal's number when it was stopped.";

void SetString(const absl::Flag<OptionalString>& flag, std::string* field) {
  if (const OptionalString value = absl::GetFlag(flag)) *field = *value;
}

absl::Status SetIntermediate(JobSpec& spec) {
  const OptionalString value = absl::GetFlag(FLAGS_intermediate);
  if (!value) return absl::OkStatus();
  Intermediate intermediate;
  if (!Intermediate_Parse(absl::AsciiStrToUpper(*value), &intermediate)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--intermediate=", *value, ": it is f16 or f32"));
  }
  spec.set_intermediate(intermediate);
  return absl::OkStatus();
}

absl::Status SetTensorTypes(Mix& mix) {
  const OptionalString value = absl::GetFlag(FLAGS_tensor_type);
  if (!value) return absl::OkStatus();
  mix.clear_tensor_types();
  for (absl::string_view rule : absl::StrSplit(*value, '\n')) {
    const size_t equals = rule.rfind('=');
    if (equals == absl::string_view::npos || equals == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("--tensor_type=", rule, ": it is REGEX=TYPE"));
    }
    TensorTypeRule& added = *mix.add_tensor_types();
    added.set_pattern(std::string(rule.substr(0, equals)));
    added.set_type(std::string(rule.substr(equals + 1)));
  }
  return absl::OkStatus();
}

absl::Status SetQuants(JobSpec& spec) {
  const OptionalString value = absl::GetFlag(FLAGS_quants);
  if (!value) return absl::OkStatus();
  spec.clear_quants();
  for (absl::string_view name :
       absl::StrSplit(*value, ',', absl::SkipWhitespace())) {
    spec.add_quants(std::string(absl::StripAsciiWhitespace(name)));
  }
  if (!spec.quants().empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "--quants names no type; --list_types shows all");
}

absl::Status SetExecution(Execution& execution) {
  if (const auto threads = absl::GetFlag(FLAGS_threads)) {
    if (*threads < 1 || *threads > 1024) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--threads=", *threads, ": it is a number from 1 to 1024"));
    }
    execution.set_threads(*threads);
  }
  if (const OptionalString limit = absl::GetFlag(FLAGS_memory_limit)) {
    absl::StatusOr<uint64_t> bytes = ParseBytes(*limit);
    if (!bytes.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--memory_limit: ", bytes.status().message()));
    }
    execution.set_memory_limit_bytes(*bytes);
  }
  if (const OptionalBool resume = absl::GetFlag(FLAGS_resume)) {
    execution.set_resume(*resume);
  }
  return absl::OkStatus();
}

void SetFlagsOfMix(Mix& mix) {
  SetString(FLAGS_output_tensor_type, mix.mutable_output_tensor_type());
  SetString(FLAGS_token_embedding_type, mix.mutable_token_embedding_type());
  if (const OptionalBool pure = absl::GetFlag(FLAGS_pure)) mix.set_pure(*pure);
  if (const OptionalBool leave = absl::GetFlag(FLAGS_leave_output_tensor)) {
    mix.set_leave_output_tensor(*leave);
  }
}

absl::Status SetSplit(Split& split) {
  if (const OptionalString size = absl::GetFlag(FLAGS_split_max_size)) {
    absl::StatusOr<uint64_t> bytes = gguf::ParseSplitSize(*size);
    if (!bytes.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--split_max_size: ", bytes.status().message()));
    }
    split.set_max_bytes(*bytes);
  }
  if (const auto tensors = absl::GetFlag(FLAGS_split_max_tensors)) {
    split.set_max_tensors(*tensors);
  }
  if (const OptionalBool first = absl::GetFlag(FLAGS_no_tensor_first_split)) {
    split.set_no_tensor_first_split(*first);
  }
  if (split.no_tensor_first_split() && split.max_bytes() == 0 &&
      split.max_tensors() == 0) {
    return absl::InvalidArgumentError(
        "--no_tensor_first_split goes with --split_max_size or "
        "--split_max_tensors");
  }
  return absl::OkStatus();
}

// Leaves `spec` without a hub if none of the flags is given.
void SetHub(JobSpec& spec) {
  Hub hub;
  SetString(FLAGS_endpoint, hub.mutable_endpoint());
  SetString(FLAGS_cache_dir, hub.mutable_cache_dir());
  SetString(FLAGS_token_path, hub.mutable_token_path());
  if (const OptionalBool offline = absl::GetFlag(FLAGS_offline)) {
    hub.set_offline(*offline);
  }
  if (hub.ByteSizeLong() > 0) spec.mutable_hub()->MergeFrom(hub);
}

// Lays the flags that were given over `spec`.
absl::Status ApplyFlags(JobSpec& spec) {
  SetString(FLAGS_model, spec.mutable_model());
  SetString(FLAGS_model_type, spec.mutable_model_type());
  SetString(FLAGS_outname, spec.mutable_outname());
  SetString(FLAGS_outdir, spec.mutable_outdir());
  SetString(FLAGS_pre, spec.mutable_pre());
  SetString(FLAGS_model_name, spec.mutable_model_name());
  SetString(FLAGS_imatrix, spec.mutable_imatrix());
  SetString(FLAGS_revision, spec.mutable_revision());
  SetHub(spec);
  if (const OptionalBool keep = absl::GetFlag(FLAGS_keep_fp16)) {
    spec.set_keep_fp16(*keep);
  }
  if (const OptionalBool overwrite = absl::GetFlag(FLAGS_overwrite)) {
    spec.set_overwrite(*overwrite);
  }
  if (const OptionalBool allow = absl::GetFlag(FLAGS_allow_requantize)) {
    spec.set_allow_requantize(*allow);
  }
  SetFlagsOfMix(*spec.mutable_mix());
  absl::Status status = SetQuants(spec);
  if (status.ok()) status = SetIntermediate(spec);
  if (status.ok()) status = SetTensorTypes(*spec.mutable_mix());
  if (status.ok()) status = SetSplit(*spec.mutable_split());
  if (status.ok()) status = SetExecution(*spec.mutable_execution());
  return status;
}

Action WantedAction() {
  if (absl::GetFlag(FLAGS_list_types)) return Action::kListTypes;
  if (absl::GetFlag(FLAGS_list_architectures)) {
    return Action::kListArchitectures;
  }
  return absl::GetFlag(FLAGS_dry_run) ? Action::kDryRun : Action::kConvert;
}

// --help lists what stands in this file, not only what stands in main's.
void ShowOwnFlagsInHelp() {
  absl::FlagsUsageConfig config;
  config.contains_help_flags =
      config.contains_helpshort_flags = [](absl::string_view file) {
        return absl::EndsWith(file, "tools/flags.cc");
      };
  absl::SetFlagsUsageConfig(config);
}

// "--NAME" and "--noNAME" of a flag that is on or off, with its value written
// out: absl does that for plain bool flags only.
std::string WithValue(std::string argument) {
  constexpr absl::string_view kSwitches[] = {"keep_fp16",
                                             "overwrite",
                                             "pure",
                                             "resume",
                                             "allow_requantize",
                                             "leave_output_tensor",
                                             "offline",
                                             "no_tensor_first_split"};
  for (absl::string_view name : kSwitches) {
    if (argument == absl::StrCat("--", name)) {
      return absl::StrCat(argument, "=true");
    }
    if (argument == absl::StrCat("--no", name)) {
      return absl::StrCat("--", name, "=false");
    }
  }
  return argument;
}

absl::Status ParseFlags(int argc, char** argv) {
  const std::vector<std::string> arguments =
      NormalizeArguments(absl::MakeConstSpan(argv, argc));
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  absl::SetProgramUsageMessage(kUsage);
  ShowOwnFlagsInHelp();
  const std::vector<char*> rest = absl::ParseCommandLine(
      static_cast<int>(pointers.size()), pointers.data());
  if (rest.size() <= 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("unexpected argument '", rest[1],
                   "'; lists are separated by commas: --quants=Q4_K_M,Q5_K_S"));
}

}  // namespace

std::vector<std::string> NormalizeArguments(
    absl::Span<const char* const> arguments) {
  constexpr absl::string_view kRepeated = "--tensor_type=";
  std::vector<std::string> normal;
  size_t tensor_type = 0;  // where the joined flag stands; 0: nowhere yet
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string argument = arguments[i];
    if (argument == "--") {
      normal.insert(normal.end(), arguments.begin() + i, arguments.end());
      break;
    }
    if (absl::StartsWith(argument, "--")) {
      const size_t name_end = std::min(argument.find('='), argument.size());
      std::replace(argument.begin() + 2, argument.begin() + name_end, '-', '_');
    }
    argument = WithValue(std::move(argument));
    if (argument == "--tensor_type" && i + 1 < arguments.size()) {
      absl::StrAppend(&argument, "=", arguments[++i]);
    }
    if (!absl::StartsWith(argument, kRepeated)) {
      normal.push_back(std::move(argument));
    } else if (tensor_type == 0) {
      tensor_type = normal.size();
      normal.push_back(std::move(argument));
    } else {
      absl::StrAppend(&normal[tensor_type], "\n",
                      absl::string_view(argument).substr(kRepeated.size()));
    }
  }
  return normal;
}

absl::StatusOr<CommandLine> ParseCommandLine(int argc, char** argv) {
  absl::Status status = ParseFlags(argc, argv);
  if (!status.ok()) return status;
  CommandLine command_line;
  command_line.action = WantedAction();
  command_line.report = base::UserPath(absl::GetFlag(FLAGS_report));
  command_line.progress = absl::GetFlag(FLAGS_progress);
  if (const OptionalString job = absl::GetFlag(FLAGS_job)) {
    absl::StatusOr<JobSpec> spec = ReadJobSpec(base::UserPath(*job));
    if (!spec.ok()) return spec.status();
    command_line.spec = *std::move(spec);
  }
  status = ApplyFlags(command_line.spec);
  if (!status.ok()) return status;
  return command_line;
}

}  // namespace make_gguf
