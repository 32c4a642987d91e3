#include "fetch/writeback.h"

#include <fcntl.h>

#include <cstdint>

namespace fetch {

#ifdef __linux__

void StartWriteback(int fd, uint64_t begin, uint64_t end) {
  sync_file_range(fd, static_cast<off64_t>(begin),
                  static_cast<off64_t>(end - begin), SYNC_FILE_RANGE_WRITE);
}

void FinishWriteback(int fd, uint64_t begin, uint64_t end) {
  sync_file_range(fd, static_cast<off64_t>(begin),
                  static_cast<off64_t>(end - begin),
                  SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                      SYNC_FILE_RANGE_WAIT_AFTER);
}

#else

void StartWriteback(int, uint64_t, uint64_t) {}
void FinishWriteback(int, uint64_t, uint64_t) {}

#endif

}  // namespace fetch
