#include "tools/engine/job_spec.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "base/user_path.h"
#include "gguf/split.h"
#include "gguf/tensor_type.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "tools/engine/machine.h"

namespace make_gguf {
namespace {

constexpr uint64_t kMaxJobBytes = uint64_t{16} << 20;
// What a name of 255 bytes leaves beside the type, a shard's number and
// ".gguf.partial".
constexpr size_t kMaxOutnameBytes = 200;

// Keeps the first error of the text parser.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (!text_.empty()) return;
    text_ =
        absl::StrCat("line ", line + 1, ", column ", column + 1, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

absl::Status ParseText(const std::string& text, JobSpec& spec) {
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  if (parser.ParseFromString(text, &spec)) return absl::OkStatus();
  return absl::InvalidArgumentError(error.text());
}

absl::Status ParseJson(const std::string& text, JobSpec& spec) {
  const auto status = google::protobuf::util::JsonStringToMessage(text, &spec);
  if (status.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("not a job in JSON: ", std::string(status.message())));
}

absl::StatusOr<gguf::TensorType> TensorTypeNamed(absl::string_view name) {
  const auto type = gguf::ParseTensorType(name);
  if (type.has_value()) return *type;
  return absl::InvalidArgumentError(
      absl::StrCat("unknown tensor type '", name, "'"));
}

// File types whose names begin like `name`.
std::string Similar(absl::string_view name) {
  const std::string wanted = absl::AsciiStrToUpper(name.substr(0, 2));
  std::vector<absl::string_view> similar;
  for (const quant::FileType& type : quant::AllFileTypes()) {
    if (absl::StartsWith(type.name, wanted)) similar.push_back(type.name);
  }
  if (similar.empty()) return "";
  return absl::StrCat("; there are ", absl::StrJoin(similar, ", "));
}

// What outputs of this model are called: as its directory; or as its GGUF file,
// without what that name says of shards and types.
std::string NameOf(const std::string& model) {
  std::filesystem::path path = std::filesystem::path(model).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  std::string name = path.filename().string();
  if (!absl::EndsWith(name, ".gguf")) return name;
  const auto shard = gguf::ParseShardPath(name);
  name = shard.has_value() ? shard->prefix : name.substr(0, name.size() - 5);
  const size_t mark = name.find_last_of("-.");
  if (mark != std::string::npos && mark > 0 &&
      quant::FindFileType(absl::string_view(name).substr(mark + 1)) !=
          nullptr) {
    name.resize(mark);
  }
  return name;
}

absl::Status CheckOutname(absl::string_view name) {
  if (absl::StrContains(name, '/') || absl::StrContains(name, '\0') ||
      name.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("outname is '", base::Printable(name),
                     "': it is a name without '/'; --outdir says where the "
                     "files go"));
  }
  if (name.size() > kMaxOutnameBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "outname has ", name.size(), " bytes, at most ", kMaxOutnameBytes,
        " are possible; --outname gives a shorter one"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<JobSpec> ReadJobSpec(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string content,
                   base::ReadFile(path, kMaxJobBytes));
  JobSpec spec;
  const bool json =
      absl::StartsWith(absl::StripLeadingAsciiWhitespace(content), "{");
  absl::Status status =
      json ? ParseJson(content, spec) : ParseText(content, spec);
  if (status.ok()) return spec;
  return absl::Status(status.code(),
                      absl::StrCat(path, ": ", status.message()));
}

absl::Status FillDefaults(JobSpec& spec) {
  if (spec.model().empty()) {
    return absl::InvalidArgumentError(
        "no model is given; --model=DIRECTORY names the checkpoint");
  }
  spec.set_model(base::UserPath(spec.model()));
  if (spec.outname().empty()) spec.set_outname(NameOf(spec.model()));
  if (spec.outdir().empty()) {
    spec.set_outdir(absl::StrCat("models/", spec.outname()));
  }
  spec.set_outdir(base::UserPath(spec.outdir()));
  if (spec.quants().empty()) {
    spec.add_quants("Q4_K_M");
    spec.add_quants("Q5_K_S");
  }
  Execution& execution = *spec.mutable_execution();
  if (execution.threads() == 0) {
    execution.set_threads(std::min(UsableCpus(), kMaxThreads));
  }
  if (!execution.has_resume()) execution.set_resume(true);
  return absl::OkStatus();
}

absl::Status ValidateSpec(const JobSpec& spec) {
  RETURN_IF_ERROR(CheckOutname(spec.outname()));
  RETURN_IF_ERROR(WantedFileTypes(spec).status());
  RETURN_IF_ERROR(OverridesOf(spec.mix()).status());
  if (!Intermediate_IsValid(spec.intermediate())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "intermediate is ", spec.intermediate(), ": it is F16 or F32"));
  }
  const Execution& execution = spec.execution();
  if (execution.threads() < 1 || execution.threads() > kMaxThreads) {
    return absl::InvalidArgumentError(
        absl::StrCat("threads is ", execution.threads(),
                     ": it is a number from 1 to ", kMaxThreads));
  }
  if (execution.chunk_weights() > kMaxChunkWeights) {
    return absl::InvalidArgumentError(
        absl::StrCat("chunk_weights is ", execution.chunk_weights(),
                     ": it is at most ", kMaxChunkWeights));
  }
  const Split& split = spec.split();
  if (split.no_tensor_first_split() && split.max_bytes() == 0 &&
      split.max_tensors() == 0) {
    return absl::InvalidArgumentError(
        "no_tensor_first_split goes with a split by size or by tensors: "
        "--split_max_size or --split_max_tensors");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<const quant::FileType*>> WantedFileTypes(
    const JobSpec& spec) {
  std::vector<const quant::FileType*> types;
  std::vector<std::string> names(spec.quants().begin(), spec.quants().end());
  if (spec.keep_fp16()) names.push_back("F16");
  for (const std::string& name : names) {
    const quant::FileType* type = quant::FindFileType(name);
    if (type == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown type '", name, "'", Similar(name),
                       "; --list_types shows all"));
    }
    if (std::find(types.begin(), types.end(), type) == types.end()) {
      types.push_back(type);
    }
  }
  return types;
}

absl::StatusOr<quant::MixOverrides> OverridesOf(const Mix& mix) {
  quant::MixOverrides overrides;
  overrides.pure = mix.pure();
  overrides.leave_output_tensor = mix.leave_output_tensor();
  if (!mix.output_tensor_type().empty()) {
    ASSIGN_OR_RETURN(overrides.output_tensor_type,
                     TensorTypeNamed(mix.output_tensor_type()));
  }
  if (!mix.token_embedding_type().empty()) {
    ASSIGN_OR_RETURN(overrides.token_embedding_type,
                     TensorTypeNamed(mix.token_embedding_type()));
  }
  for (const TensorTypeRule& rule : mix.tensor_types()) {
    ASSIGN_OR_RETURN(const gguf::TensorType type, TensorTypeNamed(rule.type()));
    overrides.tensor_types.emplace_back(rule.pattern(), type);
  }
  return overrides;
}

std::string OutputPath(const JobSpec& spec, absl::string_view file_type) {
  return absl::StrCat(spec.outdir(), "/", spec.outname(), "-", file_type,
                      ".gguf");
}

absl::StatusOr<uint64_t> ParseBytes(absl::string_view text) {
  const size_t digits = text.find_first_not_of("0123456789.");
  const std::string unit = absl::AsciiStrToUpper(
      digits == absl::string_view::npos ? "" : text.substr(digits));
  constexpr absl::string_view kPrefixes = "KMGT";
  const absl::Status error = absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is no number of bytes; write 300M or 1.5G"));
  double number;
  if (!absl::SimpleAtod(text.substr(0, digits), &number)) return error;
  int power = 0;
  if (!unit.empty() && unit != "B") {
    const size_t prefix = kPrefixes.find(unit[0]);
    const absl::string_view rest = absl::string_view(unit).substr(1);
    if (prefix == absl::string_view::npos ||
        (!rest.empty() && rest != "B" && rest != "IB")) {
      return error;
    }
    power = static_cast<int>(prefix) + 1;
  }
  const double bytes = std::ldexp(number, 10 * power);
  if (!(bytes >= 1 && bytes < std::ldexp(1.0, 63))) return error;
  return static_cast<uint64_t>(bytes);
}

}  // namespace make_gguf
