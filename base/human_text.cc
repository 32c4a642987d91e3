#include "base/human_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace base {

std::string BytesText(double bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < std::size(kUnits)) {
    bytes /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.*f %s", unit == 0 ? 0 : 1, bytes, kUnits[unit]);
}

std::string ClockText(double seconds) {
  const int64_t all = static_cast<int64_t>(seconds + 0.5);
  const std::string rest =
      absl::StrFormat("%02d:%02d", all / 60 % 60, all % 60);
  return all < 3600 ? rest : absl::StrCat(all / 3600, ":", rest);
}

std::string BarText(double fraction, int width) {
  const int filled = static_cast<int>(fraction * width);
  return absl::StrCat("[", std::string(filled, '#'),
                      std::string(width - filled, '.'), "] ");
}

std::string TableText(const std::vector<std::vector<std::string>>& rows,
                      absl::string_view alignment, int indent) {
  std::vector<size_t> widths(alignment.size());
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], row[c].size());
    }
  }
  std::string table;
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string fill(widths[c] - row[c].size(), ' ');
      table.append(c == 0 ? indent : 2, ' ');
      if (alignment[c] == 'r') {
        absl::StrAppend(&table, fill, row[c]);
      } else {
        absl::StrAppend(&table, row[c], c + 1 == row.size() ? "" : fill);
      }
    }
    absl::StrAppend(&table, "\n");
  }
  return table;
}

}  // namespace base
