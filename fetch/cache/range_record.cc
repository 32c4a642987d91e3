#include "fetch/cache/range_record.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "base/range_set.h"

namespace fetch {
namespace {

// A record of a few thousand ranges is a few hundred kilobytes; a longer one
// is not ours.
constexpr uint64_t kMaxRecordBytes = uint64_t{64} << 20;

std::string HeaderBeforeBoot(const RecordKey& key) {
  return absl::StrCat("make-gguf ranges 1 ", key.etag, " ", key.size, " ");
}

// A line "written BEGIN END" about a file of `size` bytes. Earlier versions
// said "synced" of some.
bool ParseLine(absl::string_view line, uint64_t size, base::Range* range) {
  const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
  return fields.size() == 3 &&
         (fields[0] == "written" || fields[0] == "synced") &&
         absl::SimpleAtoi(fields[1], &range->begin) &&
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
  const std::string header = HeaderBeforeBoot(key);
  if (lines.empty() || !absl::ConsumePrefix(&lines[0], header)) return {};
  RecordedRanges ranges;
  ranges.of_this_boot = !lines[0].empty() && lines[0] == BootId();
  for (size_t i = 1; i < lines.size(); ++i) {
    base::Range range;
    if (!ParseLine(lines[i], key.size, &range)) break;
    ranges.there.Add(range);
  }
  return ranges;
}

absl::Status WriteRangeRecord(const std::string& path, const RecordKey& key,
                              const base::RangeSet& there,
                              const std::string& boot_id) {
  return base::ReplaceFile(
      path,
      absl::StrCat(HeaderBeforeBoot(key), boot_id.empty() ? "unknown" : boot_id,
                   "\n", RecordLines(there)));
}

std::string RecordLines(const base::RangeSet& written) {
  std::string lines;
  for (const base::Range& range : written.Ranges()) {
    absl::StrAppend(&lines, "written ", range.begin, " ", range.end, "\n");
  }
  return lines;
}

bool IsUnflushed(const DownloadPaths& paths) {
  return base::FileSize(paths.record_path).has_value();
}

bool MustBeHashed(const DownloadPaths& paths, const RecordKey& key) {
  if (key.size < kRecordedFrom) return true;
  if (!IsUnflushed(paths)) return false;
  const RecordedRanges ranges = ReadRangeRecord(paths.record_path, key);
  return !ranges.of_this_boot || ranges.there.size() < key.size;
}

}  // namespace fetch
