#include "tools/engine/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/crc/crc32c.h"
#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/file.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "tools/engine/partial_file.h"

namespace make_gguf {
namespace {

constexpr absl::string_view kMagic = "MGJ2";
constexpr absl::string_view kAnyVersion = "MGJ";
constexpr size_t kFrameBytes = 8;  // before each message
constexpr uint32_t kMaxHeadBytes = 64 << 20;
constexpr uint32_t kMaxRecordBytes = 1 << 20;

void AppendU32(std::string& to, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) {
    to.push_back(static_cast<char>(value >> shift));
  }
}

uint32_t U32At(absl::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    value |= uint32_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
  }
  return value;
}

uint32_t Crc(absl::string_view bytes) {
  return static_cast<uint32_t>(absl::ComputeCrc32c(bytes));
}

template <typename Message>
std::string Framed(const Message& message) {
  const std::string body = message.SerializeAsString();
  std::string frame;
  frame.reserve(kFrameBytes + body.size());
  AppendU32(frame, body.size());
  AppendU32(frame, Crc(body));
  return frame + body;
}

// Reads a file's messages one by one, so that its size bounds no memory.
class FrameReader {
 public:
  FrameReader(int fd, const std::string& path) : fd_(fd), path_(path) {}

  // Up to `size` bytes from here on; fewer at the file's end.
  absl::StatusOr<absl::string_view> Peek(size_t size) {
    if (buffer_.size() - at_ < size) {
      buffer_.erase(0, at_);
      at_ = 0;
      const size_t there = buffer_.size();
      buffer_.resize(std::max<size_t>(size, 1 << 16));
      const int64_t got = base::ReadFully(
          fd_,
          absl::MakeSpan(reinterpret_cast<uint8_t*>(buffer_.data()) + there,
                         buffer_.size() - there),
          offset_ + there);
      if (got < 0)
        return base::FileError(static_cast<int>(-got), "read", path_);
      buffer_.resize(there + static_cast<size_t>(got));
    }
    return absl::string_view(buffer_).substr(at_, size);
  }
  void Skip(size_t size) {
    at_ += size;
    offset_ += size;
  }
  uint64_t offset() const { return offset_; }

  // False if no whole and undamaged message of that kind follows.
  template <typename Message>
  absl::StatusOr<bool> Next(uint32_t max_bytes, Message& message) {
    ASSIGN_OR_RETURN(absl::string_view frame, Peek(kFrameBytes));
    if (frame.size() < kFrameBytes) return false;
    const uint32_t size = U32At(frame, 0);
    // No message is empty, and zeros are what a file has that was never
    // written.
    if (size == 0 || size > max_bytes) return false;
    ASSIGN_OR_RETURN(frame, Peek(kFrameBytes + size));
    if (frame.size() < kFrameBytes + size) return false;
    const absl::string_view body = frame.substr(kFrameBytes);
    if (Crc(body) != U32At(frame, 4) ||
        !message.ParseFromArray(body.data(), static_cast<int>(size))) {
      return false;
    }
    Skip(kFrameBytes + size);
    return true;
  }

 private:
  const int fd_;
  const std::string& path_;
  std::string buffer_;
  size_t at_ = 0;        // in the buffer
  uint64_t offset_ = 0;  // of at_ in the file
};

// What differs between the job that was stopped and the one that is to run.
std::string Difference(const JournalHead& stopped, const JournalHead& now) {
  for (int i = 0; i < std::max(stopped.facts_size(), now.facts_size()); ++i) {
    if (i >= stopped.facts_size()) {
      return absl::StrCat(now.facts(i).name(), " is new");
    }
    if (i >= now.facts_size()) {
      return absl::StrCat(stopped.facts(i).name(), " is gone");
    }
    const auto& before = stopped.facts(i);
    const auto& after = now.facts(i);
    if (before.name() != after.name()) {
      return absl::StrCat(before.name(), " was there, now ", after.name());
    }
    if (before.value() != after.value()) {
      return absl::StrCat(before.name(), " was ", before.value(), ", is now ",
                          after.value());
    }
  }
  return "";
}

bool SameOutputs(const JournalHead& a, const JournalHead& b) {
  return std::equal(a.outputs().begin(), a.outputs().end(), b.outputs().begin(),
                    b.outputs().end());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(const std::string& path,
                                                       const JournalHead& head,
                                                       uint32_t chunks,
                                                       bool resume,
                                                       FileOps& ops) {
  auto journal = absl::WrapUnique(new Journal(path, head, ops));
  RETURN_IF_ERROR(journal->Lock());
  RETURN_IF_ERROR(journal->Load(chunks, resume));
  return journal;
}

Journal::~Journal() {
  if (lock_ != nullptr && was_empty_ && !begun_) Remove();
}

absl::Status Journal::Lock() {
  ASSIGN_OR_RETURN(lock_,
                   base::FileLock::TryAcquire(path_, {.refuse_links = true}));
  if (lock_ != nullptr) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(path_,
                   ": another job is writing these outputs; wait until it is "
                   "done, or give another --outdir or --outname"));
}

absl::Status Journal::Load(uint32_t chunks, bool resume) {
  FrameReader reader(lock_->fd(), path_);
  ASSIGN_OR_RETURN(const absl::string_view magic, reader.Peek(kMagic.size()));
  was_empty_ = magic.empty();
  if (was_empty_) return absl::OkStatus();
  if (!absl::StartsWith(magic, kAnyVersion) &&
      !absl::StartsWith(kMagic, magic)) {
    return absl::FailedPreconditionError(absl::StrCat(
        path_,
        " is no journal of a job, and one of that name would replace "
        "it; move it away, or give another --outdir or --outname"));
  }
  if (magic.size() == kMagic.size() && magic != kMagic) {
    restart_reason_ = "its journal is of another version of this program";
    return absl::OkStatus();
  }
  reader.Skip(magic.size());
  JournalHead stopped;
  ASSIGN_OR_RETURN(const bool good, reader.Next(kMaxHeadBytes, stopped));
  if (!good) {
    restart_reason_ = "the journal's head is damaged";
    return absl::OkStatus();
  }
  end_ = reader.offset();
  JournalRecord record;
  bool more = true;
  while (more) {
    ASSIGN_OR_RETURN(more, reader.Next(kMaxRecordBytes, record));
    if (!more) break;
    end_ = reader.offset();  // new records follow the last good one
    if (record.has_commit()) {
      committing_.assign(record.commit().sha256().begin(),
                         record.commit().sha256().end());
    } else if (record.chunk().number() < chunks) {
      finished_[record.chunk().number()].assign(record.chunk().crc32c().begin(),
                                                record.chunk().crc32c().end());
    }
  }
  const bool has_records = !finished_.empty() || !committing_.empty();
  return Judge(stopped, has_records, resume);
}

absl::Status Journal::Judge(const JournalHead& stopped, bool has_records,
                            bool resume) {
  if (!resume) {
    restart_reason_ = "going on with it was not wanted";
  } else if (!SameOutputs(stopped, head_) && has_records) {
    return absl::FailedPreconditionError(absl::StrCat(
        path_, " is that of a stopped job, with ", finished_.size(),
        " chunks done, for ",
        base::Printable(absl::StrJoin(stopped.outputs(), ", ")),
        ": let that one go on first, give another --outname or --outdir, or "
        "discard it by --noresume"));
  } else {
    restart_reason_ = Difference(stopped, head_);
  }
  if (restart_reason_.empty() && SameOutputs(stopped, head_)) {
    resumed_ = true;
    return absl::OkStatus();
  }
  if (restart_reason_.empty()) restart_reason_ = "it was for other outputs";
  replaced_.assign(stopped.outputs().begin(), stopped.outputs().end());
  finished_.clear();
  committing_.clear();
  end_ = 0;
  return absl::OkStatus();
}

absl::Status Journal::Begin(uint64_t bytes) {
  begun_ = true;
  if (!resumed_) end_ = 0;
  const int fd = lock_->fd();
  const off_t end = static_cast<off_t>(end_);
  if (ftruncate(fd, end) != 0) return base::FileError(errno, "truncate", path_);
  if (lseek(fd, end, SEEK_SET) < 0) {
    return base::FileError(errno, "seek in", path_);
  }
  const std::string head = resumed_ ? "" : absl::StrCat(kMagic, Framed(head_));
  // Beyond its end, so that the file's size keeps saying what was recorded.
  const off_t size = static_cast<off_t>(head.size() + bytes);
  if (fallocate(fd, FALLOC_FL_KEEP_SIZE, end, size) != 0 &&
      (errno == ENOSPC || errno == EDQUOT)) {
    return base::FileError(errno, "reserve space for", path_);
  }
  return Append(head);
}

uint64_t Journal::RecordBytes(size_t digests) {
  // Field tags and lengths take at most 16 bytes.
  return kFrameBytes + 16 + sizeof(uint32_t) * digests;
}

absl::Status Journal::Add(uint32_t chunk, absl::Span<const uint32_t> digests) {
  JournalRecord record;
  record.mutable_chunk()->set_number(chunk);
  record.mutable_chunk()->mutable_crc32c()->Assign(digests.begin(),
                                                   digests.end());
  return Append(Framed(record));
}

absl::Status Journal::AddCommit(absl::Span<const std::string> sha256) {
  JournalRecord record;
  record.mutable_commit()->mutable_sha256()->Assign(sha256.begin(),
                                                    sha256.end());
  RETURN_IF_ERROR(Append(Framed(record)));
  RETURN_IF_ERROR(SyncDescriptor(lock_->fd(), path_, ops_));
  return SyncDirectory(base::DirectoryOf(path_), ops_);
}

void Journal::Remove() { unlink(path_.c_str()); }

absl::Status Journal::Append(absl::string_view bytes) {
  absl::MutexLock lock(&mutex_);
  return base::WriteFully(lock_->fd(), bytes, path_);
}

}  // namespace make_gguf
