// File: fetch/writeback.h
//
// Brings written bytes of a file to the disk piece by piece, so that a flush
// of all of them takes little time. A hint: without it, the flush does it all.

#ifndef FETCH_WRITEBACK_H_
#define FETCH_WRITEBACK_H_

#include <cstdint>

namespace fetch {

// Begins to write the bytes [begin, end), which should not change any more.
void StartWriteback(int fd, uint64_t begin, uint64_t end);

// Waits until the bytes [begin, end) are written. Says nothing of what the
// file system must note to find them, nor of errors: the flush does.
void FinishWriteback(int fd, uint64_t begin, uint64_t end);

}  // namespace fetch

#endif  // FETCH_WRITEBACK_H_
