#include "tools/engine/job_outputs.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/blame.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/human_text.h"
#include "base/status_macros.h"
#include "gguf/layout.h"
#include "tools/engine/crew.h"
#include "tools/engine/fingerprint.h"
#include "tools/engine/job_spec.h"
#include "tools/engine/machine.h"

namespace make_gguf {
namespace {

// Descriptors for all that is no output: the model's files, the journal,
// libraries.
constexpr uint64_t kOtherDescriptors = 128;
// Disks do several flushes at once faster than one after the other.
constexpr size_t kMostSyncs = 16;

bool Exists(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

// Bytes of disk that a file takes up already.
uint64_t AllocatedBytes(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return 0;
  return static_cast<uint64_t>(info.st_blocks) * 512;
}

// Whether `path` is a file of this size and SHA-256.
absl::StatusOr<bool> Holds(const std::string& path, uint64_t size,
                           const std::string& sha256,
                           const std::atomic<bool>& stop) {
  const auto file = base::InputFile::Open(path, {.follow_links = false});
  if (!file.ok() || (*file)->size() != size) return false;
  base::Sha256 hash;
  std::vector<uint8_t> buffer(1 << 20);
  for (uint64_t at = 0; at < size; at += buffer.size()) {
    if (stop) return base::Stopped();
    const auto piece = absl::MakeSpan(buffer).first(
        std::min<uint64_t>(buffer.size(), size - at));
    if (!(*file)->ReadAt(at, piece).ok()) return false;
    hash.Update(piece);
  }
  return hash.Finish() == sha256;
}

}  // namespace

absl::StatusOr<std::unique_ptr<JobOutputs>> JobOutputs::Open(
    const JobPlan& plan, const std::atomic<bool>& stop,
    const RunOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(plan.spec.outdir(), error);
  if (error) {
    return base::FileError(error.value(), "make the output directory",
                           plan.spec.outdir());
  }
  auto outputs = absl::WrapUnique(new JobOutputs(plan, stop, options));
  RETURN_IF_ERROR(outputs->Prepare());
  absl::Status status = outputs->Begin();
  if (status.ok()) return outputs;
  // A stopped job's work stays for the next try.
  if (!outputs->resumed()) outputs->Discard();
  return status;
}

// Looks and changes nothing.
absl::Status JobOutputs::Prepare() {
  if (options_.journal) RETURN_IF_ERROR(OpenJournal());
  RETURN_IF_ERROR(CheckNotSource());
  RETURN_IF_ERROR(FindFinished());
  RETURN_IF_ERROR(CheckNotThere());
  return options_.check_space ? CheckSpace() : absl::OkStatus();
}

absl::Status JobOutputs::OpenJournal() {
  ASSIGN_OR_RETURN(
      journal_,
      Journal::Open(absl::StrCat(plan_.spec.outdir(), "/", plan_.spec.outname(),
                                 ".journal"),
                    FingerprintOf(plan_), plan_.work.chunks.size(),
                    plan_.spec.execution().resume(), *options_.file_ops));
  return absl::OkStatus();
}

std::vector<std::string> JobOutputs::ReplacedPartials() const {
  std::vector<std::string> paths;
  if (journal_ == nullptr) return paths;
  for (const std::string& name : journal_->replaced()) {
    // A journal may say anything; files of this job's name are all that a job
    // may have left.
    if (absl::StrContains(name, '/') || !absl::EndsWith(name, ".gguf") ||
        !absl::StartsWith(name, absl::StrCat(plan_.spec.outname(), "-"))) {
      continue;
    }
    paths.push_back(PartialPath(absl::StrCat(plan_.spec.outdir(), "/", name)));
  }
  return paths;
}

uint64_t JobOutputs::JournalBytes() const {
  if (journal_ == nullptr) return 0;
  // The last record has a digest of 64 digits for each output.
  uint64_t bytes = Journal::RecordBytes(32 * plan_.outputs.size());
  for (const Chunk& chunk : plan_.work.chunks) {
    bytes +=
        Journal::RecordBytes(plan_.work.tensors[chunk.work].variants.size());
  }
  return bytes;
}

// The weights would be gone before they are read.
absl::Status JobOutputs::CheckNotSource() const {
  for (const OutputPlan& output : plan_.outputs) {
    const std::string partial = PartialPath(output.path);
    struct stat info;
    if (stat(partial.c_str(), &info) != 0) continue;
    for (const converters::SourceFile& file : plan_.model.source->files()) {
      if (file.inode == info.st_ino && file.device == info.st_dev) {
        return absl::FailedPreconditionError(absl::StrCat(
            file.path, " is read, but would be written as ", partial,
            ": move it away, or give another --outname or --outdir"));
      }
    }
  }
  return absl::OkStatus();
}

// A job that was stopped between its renames left some outputs finished. They
// stay where they are; of what else has their names by now the digest tells.
absl::Status JobOutputs::FindFinished() {
  finished_.assign(plan_.outputs.size(), false);
  if (!resumed() || journal_->committing().size() != finished_.size()) {
    return absl::OkStatus();
  }
  for (size_t i = 0; i < finished_.size(); ++i) {
    const OutputPlan& output = plan_.outputs[i];
    if (Exists(PartialPath(output.path))) continue;
    ASSIGN_OR_RETURN(finished_[i], Holds(output.path, output.layout.file_size,
                                         journal_->committing()[i], stop_));
  }
  return absl::OkStatus();
}

absl::Status JobOutputs::CheckNotThere() const {
  if (plan_.spec.overwrite()) return absl::OkStatus();
  std::vector<std::string> there;
  for (size_t i = 0; i < plan_.outputs.size(); ++i) {
    const std::string& path = plan_.outputs[i].path;
    if (!finished_[i] && Exists(path)) there.push_back(path);
  }
  if (there.empty()) return absl::OkStatus();
  return absl::AlreadyExistsError(absl::StrCat(
      absl::StrJoin(there, ", "), there.size() == 1 ? " exists" : " exist",
      " already; --overwrite replaces"));
}

absl::Status JobOutputs::CheckSpace() const {
  uint64_t needed = JournalBytes();
  // What this job goes on with or removes before it reserves its space.
  absl::btree_set<std::string> there;
  for (std::string& path : ReplacedPartials()) there.insert(std::move(path));
  for (size_t i = 0; i < plan_.outputs.size(); ++i) {
    if (finished_[i]) continue;
    needed += plan_.outputs[i].layout.file_size;
    there.insert(PartialPath(plan_.outputs[i].path));
  }
  struct statvfs disk;
  if (statvfs(plan_.spec.outdir().c_str(), &disk) != 0) {
    return absl::OkStatus();  // reserving the space will tell
  }
  uint64_t available = uint64_t{disk.f_bavail} * disk.f_frsize;
  for (const std::string& path : there) available += AllocatedBytes(path);
  if (needed <= available) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      plan_.spec.outdir(), ": the outputs need ", needed, " bytes (",
      base::BytesText(needed), "), but only ", available, " bytes (",
      base::BytesText(available), ") are free"));
}

absl::Status JobOutputs::Begin() {
  for (const std::string& path : ReplacedPartials()) unlink(path.c_str());
  if (journal_ != nullptr) RETURN_IF_ERROR(journal_->Begin(JournalBytes()));
  const bool keep_open =
      plan_.outputs.size() + kOtherDescriptors <= DescriptorLimit();
  for (size_t i = 0; i < plan_.outputs.size(); ++i) {
    ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> file, OpenFile(i, keep_open));
    files_.push_back(std::move(file));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<OutputFile>> JobOutputs::OpenFile(
    size_t number, bool keep_open) const {
  const OutputPlan& output = plan_.outputs[number];
  if (finished_[number]) {
    return std::make_unique<OutputFile>(output.layout,
                                        journal_->committing()[number]);
  }
  ASSIGN_OR_RETURN(
      const gguf::Layout layout,
      gguf::PlanLayout(OutputMetadata(plan_.model.plan, output, plan_.options),
                       OutputTensorInfos(plan_.model.plan, output)));
  PartialFileOptions options;
  options.overwrite = plan_.spec.overwrite();
  options.resume = resumed();
  options.keep_open = keep_open;
  options.ops = options_.file_ops;
  ASSIGN_OR_RETURN(
      std::unique_ptr<PartialFile> partial,
      PartialFile::Open(output.path, layout.header, layout.file_size, options));
  auto file = std::make_unique<OutputFile>(std::move(partial), output.layout,
                                           plan_.pending_limit, stop_);
  RETURN_IF_ERROR(file->Begin(layout.header));
  return file;
}

absl::Status JobOutputs::SyncFiles(const std::function<void()>& tick) {
  for (const std::unique_ptr<OutputFile>& file : files_) file->StartWriteback();
  std::vector<absl::Status> statuses(files_.size());
  std::atomic<size_t> next{0};
  const auto sync = [&](int) {
    for (size_t i = next++; i < files_.size(); i = next++) {
      statuses[i] = files_[i]->Sync();
    }
  };
  RunCrew(static_cast<int>(std::min(files_.size(), kMostSyncs)), sync, tick);
  for (absl::Status& status : statuses) RETURN_IF_ERROR(std::move(status));
  return absl::OkStatus();
}

absl::Status JobOutputs::Commit(
    const std::function<void(size_t)>& finished,
    const std::function<void(const converters::Warning&)>& warn,
    const std::function<void()>& tick) {
  RETURN_IF_ERROR(CheckUnchanged(*plan_.model.source));
  std::vector<std::string> digests;
  for (const std::unique_ptr<OutputFile>& file : files_) {
    RETURN_IF_ERROR(file->Finish());
    digests.push_back(file->sha256());
  }
  if (stop_) return base::Stopped();
  RETURN_IF_ERROR(SyncFiles(tick));
  if (stop_) return base::Stopped();
  if (journal_ != nullptr) RETURN_IF_ERROR(journal_->AddCommit(digests));
  size_t renamed = 0;
  absl::Status status;
  while (renamed < files_.size() && status.ok()) {
    status = files_[renamed]->Rename();
    if (status.ok()) ++renamed;
  }
  const absl::Status synced =
      SyncDirectory(plan_.spec.outdir(), *options_.file_ops);
  if (!synced.ok()) {
    warn(
        {"directory-not-synced",
         absl::StrCat("the files have their names, but whether these outlive a "
                      "crash of the machine is not known: ",
                      synced.message())});
  }
  for (size_t i = 0; i < renamed; ++i) finished(i);
  if (status.ok() && journal_ != nullptr) journal_->Remove();
  return status;
}

void JobOutputs::Discard() {
  for (const std::unique_ptr<OutputFile>& file : files_) file->Remove();
  if (journal_ != nullptr) journal_->Remove();
}

}  // namespace make_gguf
