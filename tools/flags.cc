#include "tools/flags.h"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/command_line.h"
#include "base/status_macros.h"
#include "base/user_path.h"
#include "gguf/split.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "tools/engine/job_spec.h"
#include "tools/reporter.h"

namespace make_gguf {
namespace {

using base::FlagGroup;
using base::FlagSetter;
using base::Into;
using enum base::FlagKind;
using google::protobuf::FieldDescriptor;

// Of flags that only --help=all shows.
constexpr bool kRare = true;

constexpr char kUsage[] =
    R"(make_gguf MODEL [FLAGS]: quantized GGUF files of a model, all in one pass.

MODEL is a directory with config.json, weights and tokenizer; or a GGUF file;
or a model on the Hugging Face hub, ORG/NAME, which is downloaded first.)";

constexpr char kExamples[] = R"(Examples:
  make_gguf ./Mistral-7B
      makes models/Mistral-7B/Mistral-7B-Q4_K_M.gguf and …-Q5_K_S.gguf
  make_gguf mistralai/Mistral-7B-v0.1 --quants Q4_K_M Q8_0 --keep_fp16
      downloads it; one file of each type, and the F16 file
  make_gguf Mistral-7B-F16.gguf --quants IQ4_XS --imatrix m.dat --dry_run
      shows what an existing file would become

Exits with 0 if all files are made, with 1 after an error, and after a signal
with 128 and its number. The same command goes on with a job that was stopped.
--help=all shows all flags.)";

// A number as a flag gives it, where 0 stands for a flag that is not given.
absl::StatusOr<uint64_t> PositiveNumber(absl::string_view text) {
  uint64_t number = 0;
  if (absl::SimpleAtoi(text, &number) && number > 0) return number;
  return absl::InvalidArgumentError("it is a number from 1");
}

absl::Status SetEnum(google::protobuf::Message& message,
                     const FieldDescriptor& field, const std::string& value) {
  const auto& type = *field.enum_type();
  if (const auto* found = type.FindValueByName(absl::AsciiStrToUpper(value))) {
    message.GetReflection()->SetEnum(&message, &field, found);
    return absl::OkStatus();
  }
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) {
    names.push_back(absl::AsciiStrToLower(type.value(i)->name()));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("it is ", absl::StrJoin(names, " or ")));
}

// Sets the field that `path` names, "mix.pure".
absl::Status SetField(JobSpec& spec, absl::string_view path,
                      const std::vector<std::string>& values) {
  google::protobuf::Message* message = &spec;
  const FieldDescriptor* field = nullptr;
  for (absl::string_view name : absl::StrSplit(path, '.')) {
    if (field != nullptr) {
      message = message->GetReflection()->MutableMessage(message, field);
    }
    field = message->GetDescriptor()->FindFieldByName(std::string(name));
  }
  const auto& reflection = *message->GetReflection();
  if (field->is_repeated()) {
    reflection.ClearField(message, field);
    for (const std::string& value : values) {
      reflection.AddString(message, field, value);
    }
    return absl::OkStatus();
  }
  const std::string& value = values.back();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      reflection.SetBool(message, field, value == "true");
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(*message, *field, value);
    case FieldDescriptor::CPPTYPE_UINT64: {
      const absl::StatusOr<uint64_t> number = PositiveNumber(value);
      if (!number.ok()) return number.status();
      reflection.SetUInt64(message, field, *number);
      return absl::OkStatus();
    }
    default:
      reflection.SetString(message, field, value);
      return absl::OkStatus();
  }
}

absl::Status SetTensorTypes(Mix& mix, const std::vector<std::string>& rules) {
  mix.clear_tensor_types();
  for (const std::string& rule : rules) {
    const size_t equals = rule.rfind('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError("it is REGEX=TYPE");
    }
    TensorTypeRule& added = *mix.add_tensor_types();
    added.set_pattern(rule.substr(0, equals));
    added.set_type(rule.substr(equals + 1));
  }
  return absl::OkStatus();
}

FlagSetter Field(JobSpec& spec, absl::string_view path) {
  return [&spec, path](const std::vector<std::string>& values) {
    return SetField(spec, path, values);
  };
}

// A size that `parse` turns into bytes.
FlagSetter Bytes(JobSpec& spec, absl::string_view path,
                 absl::StatusOr<uint64_t> (*parse)(absl::string_view)) {
  return [&spec, path, parse](const std::vector<std::string>& values) {
    const absl::StatusOr<uint64_t> bytes = parse(values.back());
    if (!bytes.ok()) return bytes.status();
    return SetField(spec, path, {absl::StrCat(*bytes)});
  };
}

FlagGroup ModelFlags(JobSpec& spec) {
  return {
      "Model",
      {
          {"model", kValue, "MODEL", "the same as MODEL alone",
           Field(spec, "model")},
          {"model_type", kValue, "NAME",
           "its architecture; default: as config.json says",
           Field(spec, "model_type")},
          {"allow_requantize", kSwitch, "",
           "take a GGUF file that is quantized already",
           Field(spec, "allow_requantize")},
          {"model_name", kValue, "NAME",
           "for general.name; default: as the directory",
           Field(spec, "model_name"), kRare},
          {"pre", kValue, "NAME", "for tokenizer.ggml.pre; default: found out",
           Field(spec, "pre"), kRare},
      },
  };
}

FlagGroup OutputFlags(JobSpec& spec, CommandLine& command_line) {
  return {
      "Outputs, OUTDIR/OUTNAME-TYPE.gguf",
      {
          {"outdir", kValue, "DIR", "where they go; default: models/OUTNAME",
           Field(spec, "outdir")},
          {"outname", kValue, "NAME",
           "what their names begin with; default: the model's",
           Field(spec, "outname")},
          {"overwrite", kSwitch, "", "replace files that are there",
           Field(spec, "overwrite")},
          {"split_max_size", kValue, "SIZE",
           "in shards of at most so much, such as 2G (10^9)",
           Bytes(spec, "split.max_bytes", gguf::ParseSplitSize)},
          {"split_max_tensors", kValue, "N",
           "in shards of at most so many tensors",
           Field(spec, "split.max_tensors")},
          {"no_tensor_first_split", kSwitch, "",
           "the first shard holds metadata only",
           Field(spec, "split.no_tensor_first_split"), kRare},
          {"report", kValue, "FILE", "a report in JSON: sizes, digests, times",
           Into(&command_line.report)},
      },
  };
}

FlagGroup TypeFlags(JobSpec& spec) {
  return {
      "Types",
      {
          {"quants", kWordList, "TYPES",
           "to make, by commas or spaces; default: Q4_K_M Q5_K_S",
           [&spec](const std::vector<std::string>& values) {
             if (!values.empty()) return SetField(spec, "quants", values);
             return absl::InvalidArgumentError(
                 "it names no type; --list_types shows all");
           }},
          {"keep_fp16", kSwitch, "", "the F16 file as well",
           Field(spec, "keep_fp16")},
          {"imatrix", kValue, "FILE",
           "an importance matrix, GGUF or the older .dat",
           Field(spec, "imatrix")},
          {"intermediate", kValue, "f16|f32",
           "f32: not rounded to F16 first; default: f16",
           Field(spec, "intermediate")},
          {"tensor_type", kList, "REGEX=TYPE",
           "the type of tensors with such names; may be repeated",
           [&spec](const std::vector<std::string>& values) {
             return SetTensorTypes(*spec.mutable_mix(), values);
           }},
          {"output_tensor_type", kValue, "TYPE", "the type of output.weight",
           Field(spec, "mix.output_tensor_type")},
          {"token_embedding_type", kValue, "TYPE",
           "the type of token_embd.weight",
           Field(spec, "mix.token_embedding_type")},
          {"pure", kSwitch, "", "no mix: one type for all that is quantized",
           Field(spec, "mix.pure")},
          {"leave_output_tensor", kSwitch, "", "do not quantize output.weight",
           Field(spec, "mix.leave_output_tensor"), kRare},
      },
  };
}

FlagGroup HubFlags(JobSpec& spec) {
  return {
      "Models of the hub",
      {
          {"revision", kValue, "REV",
           "branch, tag, commit or refs/pr/N; default: main",
           Field(spec, "revision")},
          {"offline", kSwitch, "", "only what is in the cache",
           Field(spec, "hub.offline")},
          {"endpoint", kValue, "URL",
           "a mirror; default: $HF_ENDPOINT, huggingface.co",
           Field(spec, "hub.endpoint"), kRare},
          {"cache_dir", kValue, "DIR",
           "default: $HF_HUB_CACHE, ~/.cache/huggingface/hub",
           Field(spec, "hub.cache_dir"), kRare},
          {"token_path", kValue, "FILE",
           "with an access token; default: $HF_TOKEN, as stored",
           Field(spec, "hub.token_path"), kRare},
      },
  };
}

FlagGroup ExecutionFlags(JobSpec& spec, CommandLine& command_line,
                         std::string& job) {
  return {
      "Execution",
      {
          {"threads", kValue, "N", "at most so many; default: one per core",
           [&spec](const std::vector<std::string>& values) {
             int threads = 0;
             absl::Status status =
                 base::IntoNumber(&threads, 1, kMaxThreads)(values);
             spec.mutable_execution()->set_threads(threads);
             return status;
           }},
          {"memory_limit", kValue, "SIZE",
           "of the job, such as 1G (2^30); default: 256M or more",
           Bytes(spec, "execution.memory_limit_bytes", ParseBytes)},
          {"resume", kSwitch, "", "go on with a stopped job, unless --noresume",
           Field(spec, "execution.resume")},
          {"strict", kSwitch, "", "every warning is an error, before any work",
           Into(&command_line.strict)},
          {"progress", kValue, "HOW",
           "bar, plain, json or none; default: bar or plain",
           [&command_line](const std::vector<std::string>& values) {
             const auto mode = ParseReportMode(values.back(), stderr);
             if (mode.ok()) command_line.progress = *mode;
             return mode.status();
           }},
          {"job", kValue, "FILE", "a job file; flags given as well override it",
           Into(&job)},
      },
  };
}

// Of what is done instead of a conversion.
struct Instead {
  bool dry_run = false;
  bool list_types = false;
  bool list_architectures = false;
};

FlagGroup InsteadFlags(Instead& instead, CommandLine& command_line) {
  return {
      "Instead of a conversion",
      {
          {"dry_run", kSwitch, "",
           "show each output's tensors, types and exact size",
           Into(&instead.dry_run)},
          {"plan_only", kValue, "FILE", "write the job's plan there, as data",
           Into(&command_line.plan_only), kRare},
          {"from_plan", kValue, "FILE",
           "carry out such a plan; only execution flags go with it",
           Into(&command_line.from_plan), kRare},
          {"list_types", kSwitch, "", "show the types that --quants takes",
           Into(&instead.list_types)},
          {"list_architectures", kSwitch, "",
           "show the architectures that are known",
           Into(&instead.list_architectures)},
      },
  };
}

Action ActionOf(const Instead& instead) {
  if (instead.list_types) return Action::kListTypes;
  if (instead.list_architectures) return Action::kListArchitectures;
  return instead.dry_run ? Action::kDryRun : Action::kConvert;
}

// Lays what the arguments say over `command_line`; gives what --job says.
absl::StatusOr<std::string> Parse(absl::Span<const char* const> arguments,
                                  CommandLine& command_line) {
  JobSpec& spec = command_line.spec;
  std::string job;
  Instead instead;
  ASSIGN_OR_RETURN(
      command_line.help,
      base::ParseCommandLine(
          {kUsage,
           kExamples,
           "model",
           {ModelFlags(spec), OutputFlags(spec, command_line), TypeFlags(spec),
            HubFlags(spec), ExecutionFlags(spec, command_line, job),
            InsteadFlags(instead, command_line)}},
          arguments));
  command_line.action =
      command_line.help.empty() ? ActionOf(instead) : Action::kHelp;
  return job;
}

}  // namespace

absl::Status ParseFlags(absl::Span<const char* const> arguments,
                        CommandLine& command_line) {
  command_line.progress = *ParseReportMode("auto", stderr);
  ASSIGN_OR_RETURN(const std::string job, Parse(arguments, command_line));
  if (!job.empty() && command_line.action != Action::kHelp) {
    ASSIGN_OR_RETURN(command_line.spec, ReadJobSpec(base::UserPath(job)));
    // What is given as well goes over it.
    RETURN_IF_ERROR(Parse(arguments, command_line).status());
  }
  command_line.report = base::UserPath(command_line.report);
  return absl::OkStatus();
}

}  // namespace make_gguf
