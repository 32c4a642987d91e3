#include "tools/engine/job_outputs.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/human_text.h"
#include "gguf/writer.h"
#include "tools/engine/blame.h"
#include "tools/engine/fingerprint.h"
#include "tools/engine/job_spec.h"

namespace make_gguf {
namespace {

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

}  // namespace

absl::StatusOr<std::unique_ptr<JobOutputs>> JobOutputs::Open(
    const JobPlan& job, const std::atomic<bool>& stop, gguf::FileOps& ops) {
  std::error_code error;
  std::filesystem::create_directories(job.spec.outdir(), error);
  if (error) {
    return absl::ErrnoToStatus(
        error.value(),
        absl::StrCat(job.spec.outdir(), ": can't make the output directory"));
  }
  auto outputs = absl::WrapUnique(new JobOutputs(job, stop, ops));
  absl::Status status = outputs->OpenJournal();
  if (status.ok()) status = outputs->TakeBackFinished();
  if (status.ok()) status = outputs->CheckNotThere();
  if (status.ok()) status = outputs->CheckSpace();
  if (!status.ok()) return status;
  status = outputs->Begin();
  if (status.ok()) return outputs;
  // A stopped job's work stays for the next try.
  if (!outputs->journal_->resumed()) outputs->Discard();
  return status;
}

absl::Status JobOutputs::OpenJournal() {
  FingerprintInput input;
  input.model = &job_.model.plan;
  input.outputs = job_.outputs;
  input.weight_files = job_.model.weight_files;
  input.importance = &job_.importance;
  input.chunk_weights = job_.chunk_weights;
  fingerprint_ = FingerprintOf(input);
  absl::StatusOr<std::unique_ptr<Journal>> journal = Journal::Open(
      absl::StrCat(job_.spec.outdir(), "/", job_.spec.outname(), ".journal"),
      fingerprint_, job_.spec.execution().resume());
  if (!journal.ok()) return journal.status();
  journal_ = *std::move(journal);
  return absl::OkStatus();
}

std::vector<std::string> JobOutputs::ReplacedPartials() const {
  std::vector<std::string> paths = OutputNames(journal_->replaced());
  for (std::string& path : paths) {
    path = gguf::PartialPath(absl::StrCat(job_.spec.outdir(), "/", path));
  }
  return paths;
}

uint64_t JobOutputs::JournalBytes() const {
  uint64_t bytes = Journal::RecordBytes(0);  // of AddCommitting
  for (const Chunk& chunk : job_.work.chunks) {
    bytes +=
        Journal::RecordBytes(job_.work.tensors[chunk.work].variants.size());
  }
  return bytes;
}

// A job that was stopped between its renames left some outputs finished: they
// become partial again, to be checked like the others.
absl::Status JobOutputs::TakeBackFinished() {
  if (!journal_->was_committing()) return absl::OkStatus();
  for (const OutputPlan& output : job_.outputs) {
    const std::string partial = gguf::PartialPath(output.path);
    if (!Exists(output.path) || Exists(partial)) continue;
    if (std::rename(output.path.c_str(), partial.c_str()) != 0) {
      return absl::ErrnoToStatus(errno,
                                 absl::StrCat(output.path, ": can't rename"));
    }
  }
  return absl::OkStatus();
}

absl::Status JobOutputs::CheckNotThere() const {
  if (job_.spec.overwrite()) return absl::OkStatus();
  std::vector<std::string> there;
  for (const OutputPlan& output : job_.outputs) {
    if (Exists(output.path)) there.push_back(output.path);
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
  for (const OutputPlan& output : job_.outputs) {
    needed += output.layout.file_size;
    there.insert(gguf::PartialPath(output.path));
  }
  struct statvfs disk;
  if (statvfs(job_.spec.outdir().c_str(), &disk) != 0) {
    return absl::OkStatus();  // reserving the space will tell
  }
  uint64_t available = uint64_t{disk.f_bavail} * disk.f_frsize;
  for (const std::string& path : there) available += AllocatedBytes(path);
  if (needed <= available) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      job_.spec.outdir(), ": the outputs need ", needed, " bytes (",
      base::BytesText(needed), "), but only ", available, " bytes (",
      base::BytesText(available), ") are free"));
}

absl::Status JobOutputs::Begin() {
  for (const std::string& path : ReplacedPartials()) unlink(path.c_str());
  absl::Status status = journal_->Begin(JournalBytes());
  return status.ok() ? OpenFiles() : status;
}

absl::Status JobOutputs::OpenFiles() {
  for (const OutputPlan& output : job_.outputs) {
    gguf::WriterOptions options;
    options.overwrite = job_.spec.overwrite();
    options.keep_partial = true;
    options.resume = journal_->resumed();
    options.ops = &ops_;
    absl::StatusOr<std::unique_ptr<gguf::Writer>> writer = gguf::Writer::Create(
        output.path, OutputMetadata(job_.model.plan, output, job_.options),
        OutputTensorInfos(job_.model.plan, output), options);
    if (!writer.ok()) return writer.status();
    files_.push_back(std::make_unique<OutputFile>(*std::move(writer),
                                                  job_.pending_limit, stop_));
    absl::Status status = files_.back()->Begin();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status JobOutputs::Commit(const std::function<void(size_t)>& finished) {
  absl::Status status = CheckUnchanged(fingerprint_, job_.model.weight_files);
  for (const std::unique_ptr<OutputFile>& file : files_) {
    if (status.ok() && stop_) status = Stopped();
    if (status.ok()) status = file->Finish();
  }
  if (status.ok()) status = journal_->AddCommitting();
  for (size_t i = 0; i < files_.size() && status.ok(); ++i) {
    status = files_[i]->Commit();
    if (status.ok()) finished(i);
  }
  if (status.ok()) journal_->Remove();
  return status;
}

void JobOutputs::Discard() {
  for (const OutputPlan& output : job_.outputs) {
    unlink(gguf::PartialPath(output.path).c_str());
  }
  journal_->Remove();
}

}  // namespace make_gguf
