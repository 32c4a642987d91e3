#include "tools/engine/fingerprint.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/blame.h"
#include "base/digest.h"
#include "base/file.h"
#include "tools/engine/plan_file.h"

namespace make_gguf {
namespace {

using converters::SourceFile;

void AddFact(JournalHead& head, absl::string_view name,
             absl::string_view value) {
  JournalHead::Fact& fact = *head.add_facts();
  fact.set_name(std::string(name));
  fact.set_value(std::string(value));
}

// Another build may make other bytes of the same plan: a kernel was mended, a
// tensor is read otherwise.
std::string ThisProgram() {
  base::Sha256 hash;
  const auto file = base::InputFile::Open("/proc/self/exe");
  if (!file.ok()) return "unknown";
  std::vector<uint8_t> buffer(1 << 20);
  for (uint64_t at = 0; at < (*file)->size(); at += buffer.size()) {
    const auto piece = absl::MakeSpan(buffer).first(
        std::min<uint64_t>(buffer.size(), (*file)->size() - at));
    if (!(*file)->ReadAt(at, piece).ok()) return "unknown";
    hash.Update(piece);
  }
  return hash.Finish();
}

// Not its device, whose number may be another after the machine has started
// again.
std::string FileState(const SourceFile& file) {
  const auto time = [](int64_t nanoseconds) {
    return absl::FormatTime(absl::FromUnixNanos(nanoseconds),
                            absl::UTCTimeZone());
  };
  return absl::StrCat(file.size, " bytes of ", time(file.modified), ", inode ",
                      file.inode, ", changed ", time(file.changed));
}

template <typename Messages>
std::string DigestOf(const Messages& messages) {
  base::Sha256 hash;
  for (const auto& message : messages) {
    const std::string bytes = message.SerializeAsString();
    hash.Update(absl::StrCat(bytes.size(), ":", bytes));
  }
  return hash.Finish();
}

// The digest of the importance weights, which are taken out.
std::string TakeImportance(JobPlanProto& proto) {
  base::Sha256 hash;
  for (JobPlanProto::Tensor& tensor : *proto.mutable_tensors()) {
    JobPlanProto::Tensor importance;
    importance.mutable_importance()->Swap(tensor.mutable_importance());
    const std::string bytes = importance.SerializeAsString();
    hash.Update(absl::StrCat(bytes.size(), ":", bytes));
  }
  return hash.Finish();
}

}  // namespace

JournalHead FingerprintOf(const JobPlan& plan) {
  JobPlanProto proto = ToProto(plan);
  JournalHead head;
  AddFact(head, "the program", ThisProgram());
  AddFact(head, "the list of types",
          absl::StrJoin(proto.outputs(), ",",
                        [](std::string* out, const JobPlanProto::Output& to) {
                          absl::StrAppend(out, to.file_type());
                        }));
  for (const SourceFile& file : plan.model.source->files()) {
    AddFact(head, absl::StrCat("weights file ", file.path), FileState(file));
  }
  AddFact(head, "what config.json says", proto.config_sha256());
  AddFact(head, "the list of weights", DigestOf(proto.source_tensors()));
  AddFact(head, "the importance matrix", TakeImportance(proto));
  AddFact(head, "the tensors' plan", DigestOf(proto.tensors()));
  for (size_t i = 0; i < plan.outputs.size(); ++i) {
    const std::string& path = plan.outputs[i].path;
    const std::string name = path.substr(path.rfind('/') + 1);
    AddFact(head, absl::StrCat("output ", name),
            absl::StrCat(proto.outputs(i).file_size(), " bytes of ",
                         DigestOf(absl::MakeConstSpan(&proto.outputs(i), 1))));
    head.add_outputs(name);
  }
  AddFact(head, "the chunk size", absl::StrCat(proto.chunk_weights()));
  return head;
}

absl::Status CheckUnchanged(const converters::TensorSource& source) {
  for (const SourceFile& file : source.files()) {
    const std::string before = FileState(file);
    struct stat info;
    const std::string now =
        stat(file.path.c_str(), &info) == 0
            ? FileState(converters::MakeSourceFile(file.path, info))
            : "it is not there";
    if (now == before) continue;
    return base::BlameInput(absl::FailedPreconditionError(
        absl::StrCat(file.path, " was changed while it was read: it had ",
                     before, ", now ", now, "; the next run starts over")));
  }
  return absl::OkStatus();
}

}  // namespace make_gguf
