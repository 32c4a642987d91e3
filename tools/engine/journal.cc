#include "tools/engine/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/crc/crc32c.h"
#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace make_gguf {
namespace {

constexpr absl::string_view kMagic = "MGJ1";
constexpr uint32_t kCommitting = 0xFFFFFFFF;
constexpr uint32_t kMaxDigests = 1024;

void AppendU32(std::string& to, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) {
    to.push_back(static_cast<char>(value >> shift));
  }
}

bool ConsumeU32(absl::string_view& from, uint32_t& value) {
  if (from.size() < 4) return false;
  value = 0;
  for (int i = 0; i < 4; ++i) {
    value |= uint32_t{static_cast<uint8_t>(from[i])} << (8 * i);
  }
  from.remove_prefix(4);
  return true;
}

uint32_t Crc(absl::string_view bytes) {
  return static_cast<uint32_t>(absl::ComputeCrc32c(bytes));
}

std::string Head(const Fingerprint& fingerprint) {
  const std::string body = fingerprint.SerializeAsString();
  std::string head(kMagic);
  AppendU32(head, body.size());
  AppendU32(head, Crc(body));
  return head + body;
}

bool ConsumeHead(absl::string_view& from, Fingerprint& fingerprint) {
  uint32_t size, crc;
  if (!absl::ConsumePrefix(&from, kMagic) || !ConsumeU32(from, size) ||
      !ConsumeU32(from, crc) || from.size() < size ||
      Crc(from.substr(0, size)) != crc) {
    return false;
  }
  const bool parsed = fingerprint.ParseFromArray(from.data(), size);
  from.remove_prefix(size);
  return parsed;
}

bool ConsumeRecord(absl::string_view& from, uint32_t& chunk,
                   ChunkDigests& digests) {
  absl::string_view rest = from;
  uint32_t count, crc;
  if (!ConsumeU32(rest, chunk) || !ConsumeU32(rest, count) ||
      count > kMaxDigests) {
    return false;
  }
  digests.resize(count);
  for (uint32_t& digest : digests) {
    if (!ConsumeU32(rest, digest)) return false;
  }
  const size_t size = from.size() - rest.size();
  if (!ConsumeU32(rest, crc) || crc != Crc(from.substr(0, size))) return false;
  from = rest;
  return true;
}

absl::Status FileError(absl::string_view path, absl::string_view action) {
  return absl::ErrnoToStatus(errno, absl::StrCat(path, ": can't ", action));
}

// What differs between the job that was stopped and the one that is to run.
std::string Difference(const Fingerprint& stopped, const Fingerprint& now) {
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

absl::StatusOr<std::string> ReadAll(int fd, absl::string_view path) {
  struct stat info;
  if (fstat(fd, &info) != 0) return FileError(path, "stat");
  std::string bytes(info.st_size, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = pread(fd, &bytes[done], bytes.size() - done, done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError(path, "read");
    if (n == 0) break;
    done += n;
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(
    const std::string& path, const Fingerprint& fingerprint, bool resume) {
  auto journal = absl::WrapUnique(new Journal(path, fingerprint));
  absl::Status status = journal->OpenLocked();
  if (status.ok()) status = journal->Load(resume);
  if (!status.ok()) return status;
  return journal;
}

Journal::~Journal() {
  if (fd_ < 0) return;
  if (was_empty_ && !begun_) Remove();
  close(fd_);
}

absl::Status Journal::OpenLocked() {
  while (true) {
    fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd_ < 0) return FileError(path_, "open");
    if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) {
        return absl::UnavailableError(absl::StrCat(
            path_,
            ": another job is writing these outputs; wait until it is "
            "done, or give another --outdir or --outname"));
      }
      return FileError(path_, "lock");
    }
    // The job that held the lock may have removed the file meanwhile.
    struct stat locked, named;
    if (fstat(fd_, &locked) == 0 && stat(path_.c_str(), &named) == 0 &&
        locked.st_ino == named.st_ino && locked.st_dev == named.st_dev) {
      return absl::OkStatus();
    }
    close(fd_);
    fd_ = -1;
  }
}

absl::Status Journal::Load(bool resume) {
  absl::StatusOr<std::string> bytes = ReadAll(fd_, path_);
  if (!bytes.ok()) return bytes.status();
  was_empty_ = bytes->empty();
  if (was_empty_) return absl::OkStatus();
  absl::string_view rest = *bytes;
  Fingerprint stopped;
  if (!ConsumeHead(rest, stopped)) {
    restart_reason_ = "the journal's head is damaged";
    return absl::OkStatus();
  }
  restart_reason_ = resume ? Difference(stopped, fingerprint_)
                           : "going on with it was not wanted";
  if (!restart_reason_.empty()) {
    replaced_ = std::move(stopped);
    return absl::OkStatus();
  }
  resumed_ = true;
  uint32_t chunk;
  ChunkDigests digests;
  while (ConsumeRecord(rest, chunk, digests)) {
    if (chunk == kCommitting) {
      was_committing_ = true;
    } else {
      finished_[chunk] = digests;
    }
  }
  // New records follow the last good one.
  kept_bytes_ = bytes->size() - rest.size();
  return absl::OkStatus();
}

absl::Status Journal::Begin(uint64_t bytes) {
  begun_ = true;
  const off_t kept = static_cast<off_t>(kept_bytes_);
  if (ftruncate(fd_, kept) != 0) return FileError(path_, "truncate");
  if (lseek(fd_, kept, SEEK_SET) < 0) return FileError(path_, "seek");
  const std::string head = resumed_ ? "" : Head(fingerprint_);
  // Beyond its end, so that the file's size keeps saying what was recorded.
  const off_t size = static_cast<off_t>(head.size() + bytes);
  if (fallocate(fd_, FALLOC_FL_KEEP_SIZE, kept, size) != 0 &&
      (errno == ENOSPC || errno == EDQUOT)) {
    return FileError(path_, "reserve space");
  }
  return Append(head);
}

uint64_t Journal::RecordBytes(size_t digests) {
  return sizeof(uint32_t) * (digests + 3);
}

absl::Status Journal::Add(uint32_t chunk, absl::Span<const uint32_t> digests) {
  std::string record;
  record.reserve(RecordBytes(digests.size()));
  AppendU32(record, chunk);
  AppendU32(record, digests.size());
  for (uint32_t digest : digests) AppendU32(record, digest);
  AppendU32(record, Crc(record));
  absl::MutexLock lock(&mutex_);
  return Append(record);
}

absl::Status Journal::AddCommitting() { return Add(kCommitting, {}); }

void Journal::Remove() { unlink(path_.c_str()); }

absl::Status Journal::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = write(fd_, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return FileError(path_, "write");
    bytes.remove_prefix(done);
  }
  return absl::OkStatus();
}

}  // namespace make_gguf
