#include "tools/engine/model_loader.h"

#include <sys/stat.h>

#include <string>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
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

absl::StatusOr<LoadedModel> LoadGguf(const JobSpec& spec) {
  absl::StatusOr<std::unique_ptr<converters::GgufSource>> source =
      converters::GgufSource::Open(spec.model());
  if (!source.ok()) return source.status();
  absl::StatusOr<converters::ModelPlan> plan = converters::PlanGguf(**source);
  if (!plan.ok()) return plan.status();
  if (!spec.model_type().empty() && spec.model_type() != plan->architecture) {
    return absl::InvalidArgumentError(
        absl::StrCat(spec.model(), ": model_type is ", spec.model_type(),
                     ", but the file is ", plan->architecture));
  }
  if (!spec.pre().empty() || !spec.model_name().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(spec.model(),
                     ": --pre and --model_name concern checkpoints; a GGUF "
                     "file keeps its metadata"));
  }
  LoadedModel model;
  model.plan = *std::move(plan);
  for (size_t i = 0; i < (*source)->model().file_count(); ++i) {
    model.weight_files.push_back((*source)->model().file(i).path());
  }
  model.source = *std::move(source);
  return model;
}

absl::StatusOr<LoadedModel> LoadCheckpoint(const JobSpec& spec) {
  absl::StatusOr<nlohmann::json> config =
      base::ReadJsonFile(absl::StrCat(spec.model(), "/config.json"));
  if (!config.ok()) return config.status();
  absl::StatusOr<const converters::Architecture*> architecture =
      converters::FindArchitecture(*config, spec.model_type());
  if (!architecture.ok()) return InModel(spec, architecture.status());
  LoadedModel model;
  absl::StatusOr<std::unique_ptr<converters::TensorSource>> source =
      checkpoint::Open(spec.model());
  if (source.ok()) source = checkpoint::Dequantize(*std::move(source), *config);
  if (!source.ok()) return source.status();
  model.source = *std::move(source);

  converters::ConversionInput input;
  input.directory = spec.model();
  input.config = &*config;
  input.source = model.source.get();
  if (!spec.pre().empty()) input.options.pre_tokenizer = spec.pre();
  if (!spec.model_name().empty()) input.options.model_name = spec.model_name();
  absl::StatusOr<converters::ModelPlan> plan =
      converters::PlanModel(**architecture, input);
  if (!plan.ok()) return InModel(spec, plan.status());
  model.plan = *std::move(plan);

  absl::btree_set<std::string> files;
  for (const converters::SourceTensor& tensor : model.source->tensors()) {
    files.insert(absl::StrCat(spec.model(), "/", tensor.file));
  }
  model.weight_files.assign(files.begin(), files.end());
  return model;
}

}  // namespace

absl::StatusOr<LoadedModel> LoadModel(const JobSpec& spec) {
  struct stat info;
  if (stat(spec.model().c_str(), &info) != 0) {
    return absl::NotFoundError(
        absl::StrCat(spec.model(), ": there is no such directory or file"));
  }
  return S_ISDIR(info.st_mode) ? LoadCheckpoint(spec) : LoadGguf(spec);
}

}  // namespace make_gguf
