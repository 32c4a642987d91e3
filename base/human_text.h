// File: base/human_text.h
//
// Numbers as people read them, the same in every program of ours.

#ifndef BASE_HUMAN_TEXT_H_
#define BASE_HUMAN_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace base {

// "17 B", "4.2 MiB": powers of 1024, with one decimal.
std::string BytesText(double bytes);

// "02:03", or "1:02:03".
std::string ClockText(double seconds);

// "[####....] ": `width` characters between the brackets, of which this
// fraction is full.
std::string BarText(double fraction, int width);

// Rows of cells, padded to their column's widest cell and two spaces apart;
// `alignment` has 'l' or 'r' for each column, `indent` spaces begin each row.
// Widths are counted in bytes.
std::string TableText(const std::vector<std::vector<std::string>>& rows,
                      absl::string_view alignment, int indent = 2);

}  // namespace base

#endif  // BASE_HUMAN_TEXT_H_
