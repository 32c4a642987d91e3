#include "tools/engine/file_ops.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "absl/types/span.h"

namespace make_gguf {
namespace {

// Repeats a system call that a signal interrupted.
template <typename Call>
auto Uninterrupted(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

int ErrnoUnless(bool ok) { return ok ? 0 : -errno; }

}  // namespace

int64_t FileOps::Write(int fd, absl::Span<const uint8_t> bytes,
                       uint64_t offset) {
  const ssize_t written = Uninterrupted([&] {
    return pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  });
  return written >= 0 ? written : -errno;
}

int FileOps::Reserve(int fd, uint64_t size) {
  const off_t length = static_cast<off_t>(size);
  if (Uninterrupted([&] { return ftruncate(fd, length); }) != 0) return -errno;
  if (size == 0) return 0;
  if (Uninterrupted([&] { return fallocate(fd, 0, 0, length); }) == 0) return 0;
  if (errno != EOPNOTSUPP && errno != ENOSYS) return -errno;
  // The file system can't reserve: at least see whether it would fit now.
  struct stat file;
  if (fstat(fd, &file) != 0) return -errno;
  const uint64_t held = static_cast<uint64_t>(file.st_blocks) * 512;
  const uint64_t needed = size > held ? size - held : 0;
  return needed <= AvailableBytes(fd) ? 0 : -ENOSPC;
}

int FileOps::Sync(int fd) {
  return ErrnoUnless(Uninterrupted([&] { return fsync(fd); }) == 0);
}

void FileOps::StartWriteback(int fd) {
  sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);  // 0 bytes: to the end
}

int FileOps::Rename(const std::string& from, const std::string& to,
                    bool replace) {
  if (replace) return ErrnoUnless(rename(from.c_str(), to.c_str()) == 0);
  int result = RenameNoReplace(from, to);
  if (result == -EINVAL || result == -ENOSYS || result == -EOPNOTSUPP) {
    // A second name, which can't be made if it is taken, and then the first
    // one away.
    result = Link(from, to);
    if (result == 0) return ErrnoUnless(unlink(from.c_str()) == 0);
  } else {
    return result;
  }
  if (result != -EPERM && result != -ENOSYS && result != -EOPNOTSUPP) {
    return result;
  }
  // No second names either (FUSE, exFAT): it is looked first, and the job's
  // lock keeps other jobs away.
  struct stat there;
  if (lstat(to.c_str(), &there) == 0) return -EEXIST;
  return ErrnoUnless(rename(from.c_str(), to.c_str()) == 0);
}

int FileOps::RenameNoReplace(const std::string& from, const std::string& to) {
  return ErrnoUnless(renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(),
                               RENAME_NOREPLACE) == 0);
}

int FileOps::Link(const std::string& from, const std::string& to) {
  return ErrnoUnless(link(from.c_str(), to.c_str()) == 0);
}

uint64_t FileOps::AvailableBytes(int fd) {
  struct statvfs info;
  if (fstatvfs(fd, &info) != 0) return 0;
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

FileOps& FileOps::System() {
  static FileOps ops;
  return ops;
}

}  // namespace make_gguf
