#include "tools/engine/plan_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "base/checked.h"
#include "base/file.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "converters/model_plan.h"
#include "gguf/file.h"
#include "gguf/layout.h"
#include "gguf/split.h"
#include "gguf/tensor_type.h"
#include "quant/file_type.h"
#include "quant/quantize.h"
#include "tools/engine/job_spec.h"

namespace make_gguf {
namespace {

using converters::TensorPart;
using converters::TensorPlan;
using converters::TensorView;
using Proto = JobPlanProto;

constexpr absl::string_view kFormat = "make_gguf plan, version 1";
constexpr uint64_t kMaxFileBytes = uint64_t{1} << 30;
// Parts of a tensor have as many maps as an architecture names.
constexpr int kMaxMaps = 16;

template <typename Text>
absl::Status Bad(const Text& where, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      "no plan of this program: ", base::Printable(where), ": ", what));
}

// Metadata as a GGUF file that holds nothing else.
std::string Encoded(const gguf::Metadata& metadata) {
  const absl::StatusOr<gguf::Layout> layout = gguf::PlanLayout(metadata, {});
  if (!layout.ok()) return "";
  return std::string(layout->header.begin(), layout->header.end());
}

// The reader of GGUF files takes files alone, so this is one, in memory.
absl::StatusOr<gguf::Metadata> Decoded(const std::string& bytes) {
  const int fd = memfd_create("metadata", MFD_CLOEXEC);
  if (fd < 0) return base::FileError(errno, "make", "a file in memory");
  const auto closer = absl::MakeCleanup([fd] { close(fd); });
  RETURN_IF_ERROR(base::WriteFully(fd, bytes, "a file in memory"));
  ASSIGN_OR_RETURN(const std::unique_ptr<gguf::File> file,
                   gguf::File::Open(absl::StrCat("/proc/self/fd/", fd)));
  if (!file->tensors().empty()) return Bad("metadata", "it has tensors");
  return file->metadata();
}

void Add(const TensorPart& part, Proto::Tensor& tensor) {
  Proto::Part& to = *tensor.add_parts();
  if (part.view.source != TensorView::kZeros) to.set_source(part.view.source);
  to.set_offset(part.view.offset);
  for (const TensorView::Dim& dim : part.view.dims) {
    to.add_extents(dim.extent);
    to.add_strides(dim.stride);
  }
  to.mutable_shape()->Assign(part.view.shape.begin(), part.view.shape.end());
  for (const converters::ValueMap& map : part.maps) {
    Proto::Part::Map& added = *to.add_maps();
    added.set_kind(map.kind);
    added.set_factor(map.factor);
    added.set_in_f16(map.in_f16);
  }
}

void AddModel(const JobPlan& plan, Proto& proto) {
  for (const converters::SourceFile& file : plan.model.source->files()) {
    Proto::SourceFile& to = *proto.add_source_files();
    to.set_path(file.path);
    to.set_size(file.size);
    to.set_modified(file.modified);
    to.set_changed(file.changed);
    to.set_inode(file.inode);
    to.set_device(file.device);
  }
  for (const converters::SourceTensor& tensor : plan.model.source->tensors()) {
    Proto::SourceTensor& to = *proto.add_source_tensors();
    to.set_name(tensor.name);
    to.set_file(tensor.file);
    to.set_dtype(std::string(tensor.dtype));
    to.mutable_shape()->Assign(tensor.shape.begin(), tensor.shape.end());
    to.set_bytes(tensor.bytes);
  }
  for (size_t i = 0; i < plan.model.plan.tensors.size(); ++i) {
    const TensorPlan& tensor = plan.model.plan.tensors[i];
    Proto::Tensor& to = *proto.add_tensors();
    to.set_name(tensor.name);
    to.mutable_shape()->Assign(tensor.shape.begin(), tensor.shape.end());
    to.set_always_f32(tensor.precision == converters::Precision::kF32);
    if (tensor.stored_type.has_value()) {
      to.set_stored_type(static_cast<uint32_t>(*tensor.stored_type));
    }
    for (const TensorPart& part : tensor.parts) Add(part, to);
    to.mutable_values()->Assign(tensor.values.begin(), tensor.values.end());
    to.mutable_importance()->Assign(plan.options.importance[i].begin(),
                                    plan.options.importance[i].end());
  }
}

void AddOutput(const OutputPlan& output, Proto& proto) {
  Proto::Output& to = *proto.add_outputs();
  to.set_file_type(std::string(output.file_type->name));
  to.set_shard(output.shard);
  to.set_shard_count(output.shard_count);
  to.set_quantizer_order(output.quantizer_order);
  for (const OutputTensor& tensor : output.tensors) {
    Proto::Output::Tensor& added = *to.add_tensors();
    added.set_tensor(tensor.tensor);
    added.set_type(static_cast<uint32_t>(tensor.type));
    added.set_rounded(tensor.rounded);
    added.set_copied(tensor.copied);
    if (tensor.fallback_from.has_value()) {
      added.set_fallback_from(static_cast<uint32_t>(*tensor.fallback_from));
    }
  }
  to.set_file_size(output.layout.file_size);
  to.set_header_sha256(output.header_sha256);
  to.set_split_keys(Encoded(output.split_keys));
}

// Reads a plan's parts back, each checked before the next relies on it.
class Reader {
 public:
  Reader(const Proto& proto, JobPlan& plan) : proto_(proto), plan_(plan) {}

  absl::Status Read() {
    if (proto_.format() != kFormat) {
      return Bad("format",
                 absl::StrCat("it is '", base::Printable(proto_.format()),
                              "', expected '", kFormat, "'"));
    }
    plan_.spec = proto_.spec();
    RETURN_IF_ERROR(FillDefaults(plan_.spec));
    RETURN_IF_ERROR(ValidateSpec(plan_.spec));
    ASSIGN_OR_RETURN(plan_.model, OpenModel(plan_.spec));
    RETURN_IF_ERROR(CheckSource());
    plan_.model.plan.architecture = proto_.architecture();
    ASSIGN_OR_RETURN(plan_.model.plan.metadata, Decoded(proto_.metadata()));
    ASSIGN_OR_RETURN(plan_.options.quantized_metadata,
                     Decoded(proto_.quantized_metadata()));
    for (const Warning& warning : proto_.warnings()) {
      plan_.model.plan.warnings.push_back({warning.code(), warning.text()});
    }
    for (const Proto::Tensor& tensor : proto_.tensors()) {
      RETURN_IF_ERROR(ReadTensor(tensor));
    }
    if (proto_.outputs().empty()) return Bad("outputs", "there are none");
    for (const Proto::Output& output : proto_.outputs()) {
      RETURN_IF_ERROR(ReadOutput(output));
    }
    plan_.chunk_weights = proto_.chunk_weights();
    if (plan_.chunk_weights == 0 || plan_.chunk_weights > kMaxChunkWeights) {
      return Bad("chunk_weights", absl::StrCat(plan_.chunk_weights));
    }
    return PlanWork(plan_);
  }

 private:
  // Whether the model is what was planned.
  absl::Status CheckSource() const {
    Proto now;
    AddModel(plan_, now);
    const auto changed = [](absl::string_view what) {
      return absl::FailedPreconditionError(absl::StrCat(
          base::Printable(what),
          " is not what it was when the plan was made; plan anew"));
    };
    for (int i = 0; i < proto_.source_files_size(); ++i) {
      if (i >= now.source_files_size() ||
          proto_.source_files(i).SerializeAsString() !=
              now.source_files(i).SerializeAsString()) {
        return changed(proto_.source_files(i).path());
      }
    }
    for (int i = 0; i < now.source_tensors_size(); ++i) {
      if (i >= proto_.source_tensors_size() ||
          proto_.source_tensors(i).SerializeAsString() !=
              now.source_tensors(i).SerializeAsString()) {
        return changed(now.source_tensors(i).name());
      }
    }
    if (proto_.source_tensors_size() != now.source_tensors_size() ||
        proto_.source_files_size() != now.source_files_size()) {
      return changed(plan_.spec.model());
    }
    if (proto_.config_sha256() != plan_.model.config_sha256) {
      return changed(absl::StrCat(plan_.spec.model(), "/config.json"));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<gguf::TensorType> Type(uint32_t number) const {
    if (gguf::FindTensorType(number) != nullptr) {
      return static_cast<gguf::TensorType>(number);
    }
    return Bad("type", absl::StrCat("there is no number ", number));
  }

  absl::Status ReadTensor(const Proto::Tensor& from) {
    TensorPlan tensor;
    tensor.name = from.name();
    tensor.shape.assign(from.shape().begin(), from.shape().end());
    tensor.precision = from.always_f32() ? converters::Precision::kF32
                                         : converters::Precision::kFileType;
    ASSIGN_OR_RETURN(const uint64_t elements,
                     gguf::ElementCount(
                         {tensor.name, gguf::TensorType::kF32, tensor.shape}));
    if (from.has_stored_type()) {
      ASSIGN_OR_RETURN(tensor.stored_type, Type(from.stored_type()));
    }
    uint64_t given = 0;
    for (const Proto::Part& part : from.parts()) {
      ASSIGN_OR_RETURN(TensorPart read, ReadPart(from, part));
      given = base::CheckedSum({given, read.view.elements}).value_or(0);
      tensor.parts.push_back(std::move(read));
    }
    if (tensor.parts.empty()) {
      tensor.values.assign(from.values().begin(), from.values().end());
      given = tensor.values.size();
    }
    if (given != elements) {
      return Bad(from.name(), absl::StrCat(given, " values for ", elements));
    }
    RETURN_IF_ERROR(CheckStored(tensor));
    RETURN_IF_ERROR(ReadImportance(from, tensor));
    plan_.model.plan.tensors.push_back(std::move(tensor));
    return absl::OkStatus();
  }

  absl::StatusOr<TensorPart> ReadPart(const Proto::Tensor& tensor,
                                      const Proto::Part& from) const {
    TensorPart part;
    TensorView& view = part.view;
    view.source = from.has_source() ? from.source() : TensorView::kZeros;
    view.offset = from.offset();
    view.shape.assign(from.shape().begin(), from.shape().end());
    const auto& sources = plan_.model.source->tensors();
    if (from.extents_size() != from.strides_size() ||
        from.maps_size() > kMaxMaps ||
        (from.has_source() && from.source() >= sources.size())) {
      return Bad(tensor.name(), "a part that can't be");
    }
    std::optional<uint64_t> elements = 1, last = view.offset, shape = 1;
    for (int i = 0; i < from.extents_size(); ++i) {
      const TensorView::Dim dim = {from.extents(i), from.strides(i)};
      if (dim.extent < 2) return Bad(tensor.name(), "an axis without extent");
      view.dims.push_back(dim);
      elements = base::CheckedProduct({elements.value_or(0), dim.extent});
      const auto reach = base::CheckedProduct({dim.extent - 1, dim.stride});
      if (!elements || !reach) return Bad(tensor.name(), "too many elements");
      last = base::CheckedSum({*last, *reach});
      if (!last) return Bad(tensor.name(), "a part that lies nowhere");
    }
    for (const uint64_t extent : view.shape) {
      shape = base::CheckedProduct({shape.value_or(0), extent});
      if (!shape) return Bad(tensor.name(), "too many elements");
    }
    view.elements = *elements;
    if (shape != elements ||
        (from.has_source() && *last >= sources[from.source()].elements())) {
      return Bad(tensor.name(), "a part that lies outside of its source");
    }
    for (const Proto::Part::Map& map : from.maps()) {
      if (map.kind() > converters::ValueMap::kScale) {
        return Bad(tensor.name(), "an unknown map of values");
      }
      part.maps.push_back({static_cast<converters::ValueMap::Kind>(map.kind()),
                           map.factor(), map.in_f16()});
    }
    return part;
  }

  // A tensor that may be copied as it is stored is the whole of one source.
  absl::Status CheckStored(const TensorPlan& tensor) const {
    if (!tensor.stored_type.has_value()) return absl::OkStatus();
    const auto bytes =
        gguf::TensorBytes({tensor.name, *tensor.stored_type, tensor.shape});
    const bool whole = tensor.parts.size() == 1 &&
                       tensor.parts[0].view.source != TensorView::kZeros &&
                       tensor.parts[0].view.offset == 0 &&
                       tensor.parts[0].maps.empty() &&
                       tensor.parts[0].view.RunLength(0) == tensor.elements();
    if (whole && bytes.ok() &&
        *bytes ==
            plan_.model.source->tensors()[tensor.parts[0].view.source].bytes) {
      return absl::OkStatus();
    }
    return Bad(tensor.name, "it is not stored so");
  }

  absl::Status ReadImportance(const Proto::Tensor& from,
                              const TensorPlan& tensor) {
    std::vector<float> weights(from.importance().begin(),
                               from.importance().end());
    const uint64_t matrices = tensor.shape.size() > 2 ? tensor.shape[2] : 1;
    const bool good = std::all_of(
        weights.begin(), weights.end(),
        [](float weight) { return std::isfinite(weight) && weight >= 0; });
    if (!weights.empty() &&
        (!good ||
         weights.size() != base::CheckedProduct({tensor.shape[0], matrices}))) {
      return Bad(from.name(), "importance weights that don't fit it");
    }
    plan_.options.importance.push_back(std::move(weights));
    return absl::OkStatus();
  }

  absl::Status ReadOutput(const Proto::Output& from) {
    OutputPlan output;
    output.file_type = quant::FindFileType(from.file_type());
    if (output.file_type == nullptr) {
      return Bad("file_type", base::Printable(from.file_type()));
    }
    output.shard = from.shard();
    output.shard_count = from.shard_count();
    if (output.shard >= output.shard_count || output.shard_count > 65535) {
      return Bad("shard",
                 absl::StrCat(output.shard, " of ", output.shard_count));
    }
    output.path = OutputPath(plan_.spec, output.file_type->name);
    if (output.shard_count > 1) {
      output.path = gguf::ShardPath(absl::StripSuffix(output.path, ".gguf"),
                                    output.shard, output.shard_count);
    }
    output.quantizer_order = from.quantizer_order();
    ASSIGN_OR_RETURN(output.split_keys, Decoded(from.split_keys()));
    for (const Proto::Output::Tensor& tensor : from.tensors()) {
      ASSIGN_OR_RETURN(OutputTensor read, ReadOutputTensor(tensor));
      output.tensors.push_back(read);
    }
    RETURN_IF_ERROR(CompleteOutput(plan_.model.plan, plan_.options, output));
    if (output.layout.file_size != from.file_size() ||
        output.header_sha256 != from.header_sha256()) {
      return Bad(output.path, "its head is not the one that was planned");
    }
    for (const OutputPlan& other : plan_.outputs) {
      if (other.path == output.path) return Bad(output.path, "it comes twice");
    }
    plan_.outputs.push_back(std::move(output));
    return absl::OkStatus();
  }

  absl::StatusOr<OutputTensor> ReadOutputTensor(
      const Proto::Output::Tensor& from) const {
    const auto& tensors = plan_.model.plan.tensors;
    if (from.tensor() >= tensors.size()) {
      return Bad("outputs", absl::StrCat("there is no tensor ", from.tensor()));
    }
    OutputTensor tensor;
    tensor.tensor = from.tensor();
    ASSIGN_OR_RETURN(tensor.type, Type(from.type()));
    tensor.rounded = from.rounded();
    tensor.copied = from.copied();
    if (tensor.copied ? tensors[tensor.tensor].stored_type != tensor.type
                      : !quant::CanQuantize(tensor.type)) {
      return Bad(tensors[tensor.tensor].name, "it can't be made so");
    }
    if (from.has_fallback_from()) {
      ASSIGN_OR_RETURN(tensor.fallback_from, Type(from.fallback_from()));
    }
    return tensor;
  }

  const Proto& proto_;
  JobPlan& plan_;
};

}  // namespace

JobPlanProto ToProto(const JobPlan& plan) {
  Proto proto;
  proto.set_format(std::string(kFormat));
  *proto.mutable_spec() = plan.spec;
  proto.set_config_sha256(plan.model.config_sha256);
  proto.set_architecture(plan.model.plan.architecture);
  proto.set_metadata(Encoded(plan.model.plan.metadata));
  proto.set_quantized_metadata(Encoded(plan.options.quantized_metadata));
  for (const converters::Warning& warning : plan.model.plan.warnings) {
    Warning& to = *proto.add_warnings();
    to.set_code(warning.code);
    to.set_text(warning.text);
  }
  AddModel(plan, proto);
  for (const OutputPlan& output : plan.outputs) AddOutput(output, proto);
  proto.set_chunk_weights(plan.chunk_weights);
  return proto;
}

absl::StatusOr<JobPlan> FromProto(const JobPlanProto& proto) {
  JobPlan plan;
  RETURN_IF_ERROR(Reader(proto, plan).Read());
  return plan;
}

absl::Status WritePlan(const JobPlan& plan, const std::string& path) {
  std::string bytes;
  if (!ToProto(plan).SerializeToString(&bytes) ||
      bytes.size() > kMaxFileBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(path, ": the plan is larger than ", kMaxFileBytes,
                     " bytes: plan fewer outputs at once"));
  }
  return base::ReplaceFile(path, bytes);
}

absl::StatusOr<JobPlan> ReadPlan(const std::string& path,
                                 const Execution& execution) {
  ASSIGN_OR_RETURN(const std::string bytes,
                   base::ReadFile(path, kMaxFileBytes));
  Proto proto;
  if (!proto.ParseFromString(bytes)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": no plan of this program, or cut off"));
  }
  proto.mutable_spec()->mutable_execution()->MergeFrom(execution);
  absl::StatusOr<JobPlan> plan = FromProto(proto);
  if (plan.ok()) return plan;
  return absl::Status(plan.status().code(),
                      absl::StrCat(path, ": ", plan.status().message()));
}

}  // namespace make_gguf
