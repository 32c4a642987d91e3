// File: tools/engine/file_ops.h
//
// The system calls through which outputs change a disk, as an interface,
// so that tests can make any of them fail.

#ifndef TOOLS_ENGINE_FILE_OPS_H_
#define TOOLS_ENGINE_FILE_OPS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/types/span.h"

namespace make_gguf {

// Calls return 0 (Write: bytes written, possibly fewer than asked) or -errno.
// Thread-safe.
class FileOps {
 public:
  virtual ~FileOps() = default;

  virtual int64_t Write(int fd, absl::Span<const uint8_t> bytes,
                        uint64_t offset);
  // Gives the file `size` bytes, zeros where nothing was, and reserves the
  // disk space for them where the file system can.
  virtual int Reserve(int fd, uint64_t size);
  virtual int Sync(int fd);
  // Lets the system begin to bring to disk what was written so far, without
  // waiting for it. A wish: not every file system has it.
  virtual void StartWriteback(int fd);
  // Renames `from`, replacing `to` only if `replace`; else -EEXIST if there is
  // a `to`, without a moment between looking and renaming where the file system
  // has a way for that: RenameNoReplace, or a second name by Link.
  virtual int Rename(const std::string& from, const std::string& to,
                     bool replace);
  virtual int RenameNoReplace(const std::string& from, const std::string& to);
  virtual int Link(const std::string& from, const std::string& to);
  // Bytes that an ordinary user can still write to the file system of fd.
  virtual uint64_t AvailableBytes(int fd);

  // The real ones.
  static FileOps& System();
};

}  // namespace make_gguf

#endif  // TOOLS_ENGINE_FILE_OPS_H_
