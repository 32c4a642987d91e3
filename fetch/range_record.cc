#include "fetch/range_record.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "base/file.h"

namespace fetch {
namespace {

// A record of a few thousand ranges is a few hundred kilobytes; a longer one
// is not ours.
constexpr size_t kMaxRecordBytes = size_t{64} << 20;

std::string HeaderLine(const RecordKey& key) {
  return absl::StrCat("make-gguf ranges 1 ", key.etag, " ", key.size, " ",
                      key.boot_id.empty() ? "unknown" : key.boot_id, "\n");
}

void AppendLines(absl::string_view word, const base::RangeSet& ranges,
                 std::string* text) {
  for (const base::Range& range : ranges.Ranges()) {
    absl::StrAppend(text, word, " ", range.begin, " ", range.end, "\n");
  }
}

// One line "WORD BEGIN END" about a file of `size` bytes.
bool ParseLine(absl::string_view line, uint64_t size, absl::string_view* word,
               base::Range* range) {
  const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
  if (fields.size() != 3) return false;
  *word = fields[0];
  return absl::SimpleAtoi(fields[1], &range->begin) &&
         absl::SimpleAtoi(fields[2], &range->end) &&
         range->begin < range->end && range->end <= size;
}

}  // namespace

std::string BootId() {
  static const std::string* const kId =
      new std::string(absl::StripAsciiWhitespace(
          base::ReadFile("/proc/sys/kernel/random/boot_id", 100).value_or("")));
  return *kId;
}

RecordedRanges ReadRangeRecord(const std::string& path, const RecordKey& key) {
  const std::string text = base::ReadFile(path, kMaxRecordBytes).value_or("");
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  lines.pop_back();  // what follows the last line's end
  if (lines.empty()) return {};
  const std::vector<absl::string_view> header = absl::StrSplit(lines[0], ' ');
  RecordKey same_boot = key;
  if (header.size() == 6) same_boot.boot_id = std::string(header[5]);
  if (HeaderLine(same_boot) != absl::StrCat(lines[0], "\n")) return {};
  const bool trust_written =
      !key.boot_id.empty() && same_boot.boot_id == key.boot_id;
  RecordedRanges ranges;
  for (size_t i = 1; i < lines.size(); ++i) {
    absl::string_view word;
    base::Range range;
    if (!ParseLine(lines[i], key.size, &word, &range)) break;
    if (word == "synced") {
      ranges.synced.Add(range);
      ranges.there.Add(range);
    } else if (word == "written" && trust_written) {
      ranges.there.Add(range);
    }
  }
  return ranges;
}

absl::StatusOr<std::unique_ptr<RangeRecord>> RangeRecord::Create(
    const std::string& path, const RecordKey& key,
    const RecordedRanges& ranges) {
  auto record = absl::WrapUnique(new RangeRecord(path, key));
  {
    absl::MutexLock lock(&record->mutex_);
    record->written_ = ranges.there;
  }
  const absl::Status status = record->Rewrite(ranges.synced);
  if (!status.ok()) return status;
  return record;
}

RangeRecord::~RangeRecord() {
  if (fd_ >= 0) close(fd_);
}

absl::Status RangeRecord::AddWritten(const base::RangeSet& ranges) {
  std::string lines;
  AppendLines("written", ranges, &lines);
  absl::MutexLock lock(&mutex_);
  written_.Add(ranges);
  return base::WriteFully(fd_, lines, path_);
}

base::RangeSet RangeRecord::Written() const {
  absl::MutexLock lock(&mutex_);
  return written_;
}

absl::Status RangeRecord::SetSynced(const base::RangeSet& ranges) {
  return Rewrite(ranges);
}

absl::Status RangeRecord::Rewrite(const base::RangeSet& synced) {
  const std::string temporary = absl::StrCat(path_, ".new");
  const int fd =
      open(temporary.c_str(),
           O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) return base::FileError(errno, "make the record", temporary);
  std::string text = HeaderLine(key_);
  AppendLines("synced", synced, &text);
  absl::Status status = base::WriteFully(fd, text, temporary);
  if (status.ok() && !synced.empty() && fdatasync(fd) != 0) {
    status = base::FileError(errno, "flush", temporary);
  }
  absl::MutexLock lock(&mutex_);
  base::RangeSet unsynced = written_;
  for (const base::Range& range : synced.Ranges()) unsynced.Remove(range);
  text.clear();
  AppendLines("written", unsynced, &text);
  if (status.ok()) status = base::WriteFully(fd, text, temporary);
  if (status.ok() && rename(temporary.c_str(), path_.c_str()) != 0) {
    status = base::FileError(errno, "rename to", path_);
  }
  if (!status.ok()) {
    close(fd);
    return status;
  }
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
  return absl::OkStatus();
}

}  // namespace fetch
