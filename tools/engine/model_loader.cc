#include "tools/engine/model_loader.h"

#include <sys/stat.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "converters/checkpoint/checkpoint.h"
#include "converters/checkpoint/dequantize.h"
#include "converters/gguf_source.h"
#include "converters/plan_model.h"
#include "converters/registry.h"
#include "nlohmann/json.hpp"

namespace make_gguf {
namespace {

// `status` with the checkpoint's directory. Errors of reading a file have it
// already, those of what the files say do not.
absl::Status InModel(const JobSpec& spec, const absl::Status& status) {
  if (absl::StartsWith(status.message(), spec.model())) return status;
  return absl::Status(status.code(),
                      absl::StrCat(spec.model(), ": ", status.message()));
}

bool IsDirectory(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

absl::StatusOr<LoadedModel> LoadGguf(const JobSpec& spec) {
  ASSIGN_OR_RETURN(std::unique_ptr<converters::GgufSource> source,
                   converters::GgufSource::Open(spec.model()));
  LoadedModel model;
  ASSIGN_OR_RETURN(model.plan, converters::PlanGguf(*source));
  if (!spec.model_type().empty() &&
      spec.model_type() != model.plan.architecture) {
    return absl::InvalidArgumentError(
        absl::StrCat(spec.model(), ": model_type is ", spec.model_type(),
                     ", but the file is ", model.plan.architecture));
  }
  if (!spec.pre().empty() || !spec.model_name().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(spec.model(),
                     ": --pre and --model_name concern checkpoints; a GGUF "
                     "file keeps its metadata"));
  }
  model.source = std::move(source);
  return model;
}

absl::StatusOr<nlohmann::json> ReadConfig(const JobSpec& spec) {
  return base::ReadJsonFile(absl::StrCat(spec.model(), "/config.json"));
}

absl::StatusOr<LoadedModel> OpenCheckpoint(const JobSpec& spec,
                                           const nlohmann::json& config) {
  LoadedModel model;
  ASSIGN_OR_RETURN(model.source, checkpoint::Open(spec.model()));
  ASSIGN_OR_RETURN(model.source,
                   checkpoint::Dequantize(std::move(model.source), config));
  base::Sha256 hash;
  hash.Update(
      config.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  model.config_sha256 = hash.Finish();
  return model;
}

absl::StatusOr<LoadedModel> LoadCheckpoint(const JobSpec& spec) {
  ASSIGN_OR_RETURN(const nlohmann::json config, ReadConfig(spec));
  absl::StatusOr<const converters::Architecture*> architecture =
      converters::FindArchitecture(config, spec.model_type());
  if (!architecture.ok()) return InModel(spec, architecture.status());
  ASSIGN_OR_RETURN(LoadedModel model, OpenCheckpoint(spec, config));
  converters::ConversionInput input;
  input.directory = spec.model();
  input.config = &config;
  input.source = model.source.get();
  if (!spec.pre().empty()) input.options.pre_tokenizer = spec.pre();
  if (!spec.model_name().empty()) input.options.model_name = spec.model_name();
  absl::StatusOr<converters::ModelPlan> plan =
      converters::PlanModel(**architecture, input);
  if (!plan.ok()) return InModel(spec, plan.status());
  model.plan = *std::move(plan);
  return model;
}

absl::Status CheckThere(const JobSpec& spec) {
  struct stat info;
  if (stat(spec.model().c_str(), &info) == 0) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrCat(spec.model(), ": there is no such directory or file"));
}

}  // namespace

absl::StatusOr<LoadedModel> LoadModel(const JobSpec& spec) {
  RETURN_IF_ERROR(CheckThere(spec));
  return IsDirectory(spec.model()) ? LoadCheckpoint(spec) : LoadGguf(spec);
}

absl::StatusOr<LoadedModel> OpenModel(const JobSpec& spec) {
  RETURN_IF_ERROR(CheckThere(spec));
  if (IsDirectory(spec.model())) {
    ASSIGN_OR_RETURN(const nlohmann::json config, ReadConfig(spec));
    return OpenCheckpoint(spec, config);
  }
  LoadedModel model;
  ASSIGN_OR_RETURN(model.source, converters::GgufSource::Open(spec.model()));
  return model;
}

}  // namespace make_gguf
