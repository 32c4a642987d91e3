#include "tools/engine/fingerprint.h"

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/digest.h"
#include "tools/engine/blame.h"

namespace make_gguf {
namespace {

// Changes when the same plan would give other bytes than before.
constexpr absl::string_view kBytesVersion = "2";
constexpr absl::string_view kOutputPrefix = "output ";

absl::string_view FileName(absl::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string WeightsFact(absl::string_view path) {
  return absl::StrCat("weights file ", FileName(path));
}

void AddFact(Fingerprint& fingerprint, absl::string_view name,
             absl::string_view value) {
  Fingerprint::Fact& fact = *fingerprint.add_facts();
  fact.set_name(std::string(name));
  fact.set_value(std::string(value));
}

std::string FileState(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return "unreadable";
  return absl::StrCat(info.st_size, " bytes of ",
                      absl::FormatTime(absl::TimeFromTimespec(info.st_mtim),
                                       absl::UTCTimeZone()));
}

template <typename T>
absl::string_view BytesOf(const std::vector<T>& values) {
  return absl::string_view(reinterpret_cast<const char*>(values.data()),
                           values.size() * sizeof(T));
}

// Which views of which source tensors make each tensor.
std::string DataPlan(const converters::ModelPlan& model) {
  base::Sha256 hash;
  for (const converters::TensorPlan& tensor : model.tensors) {
    hash.Update(absl::StrCat(tensor.name, ";"));
    hash.Update(BytesOf(tensor.values));
    for (const converters::TensorPart& part : tensor.parts) {
      hash.Update(absl::StrCat(part.view.source, "+", part.view.offset));
      for (const auto& dim : part.view.dims) {
        hash.Update(absl::StrCat("*", dim.extent, ",", dim.stride));
      }
      for (const converters::ValueMap& map : part.maps) {
        hash.Update(absl::StrCat("|", map.kind, ",", map.factor, ",",
                                 map.in_f16 ? 1 : 0));
      }
    }
  }
  return hash.Finish();
}

std::string OutputState(const OutputPlan& output) {
  base::Sha256 hash;
  hash.Update(output.header_sha256);
  for (const OutputTensor& tensor : output.tensors) {
    hash.Update(tensor.rounded ? "r" : "-");
  }
  return absl::StrCat(output.layout.file_size, " bytes with head ",
                      hash.Finish());
}

std::string ImportanceState(const ImportanceTable& importance) {
  base::Sha256 hash;
  for (const std::vector<float>& weights : importance) {
    hash.Update(absl::StrCat(weights.size(), ":"));
    hash.Update(BytesOf(weights));
  }
  return hash.Finish();
}

}  // namespace

Fingerprint FingerprintOf(const FingerprintInput& input) {
  Fingerprint fingerprint;
  AddFact(fingerprint, "the program's version of the data", kBytesVersion);
  AddFact(fingerprint, "the list of types",
          absl::StrJoin(input.outputs, ",",
                        [](std::string* out, const OutputPlan& output) {
                          absl::StrAppend(out, output.file_type->name);
                        }));
  for (const std::string& file : input.weight_files) {
    AddFact(fingerprint, WeightsFact(file), FileState(file));
  }
  AddFact(fingerprint, "the tensors' plan", DataPlan(*input.model));
  AddFact(fingerprint, "the importance matrix",
          ImportanceState(*input.importance));
  for (const OutputPlan& output : input.outputs) {
    AddFact(fingerprint, absl::StrCat(kOutputPrefix, FileName(output.path)),
            OutputState(output));
  }
  AddFact(fingerprint, "the chunk size", absl::StrCat(input.chunk_weights));
  return fingerprint;
}

absl::Status CheckUnchanged(const Fingerprint& fingerprint,
                            absl::Span<const std::string> weight_files) {
  for (const std::string& file : weight_files) {
    const std::string state = FileState(file);
    for (const Fingerprint::Fact& fact : fingerprint.facts()) {
      if (fact.name() == WeightsFact(file) && fact.value() != state) {
        return BlameInput(absl::FailedPreconditionError(absl::StrCat(
            file, " was changed while it was read: it had ", fact.value(),
            ", now ", state, "; the next run starts over")));
      }
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> OutputNames(const Fingerprint& fingerprint) {
  std::vector<std::string> names;
  for (const Fingerprint::Fact& fact : fingerprint.facts()) {
    absl::string_view name = fact.name();
    if (absl::ConsumePrefix(&name, kOutputPrefix)) names.emplace_back(name);
  }
  return names;
}

}  // namespace make_gguf
