// File: base/standard_descriptors.h

#ifndef BASE_STANDARD_DESCRIPTORS_H_
#define BASE_STANDARD_DESCRIPTORS_H_

namespace base {

// Opens /dev/null as standard input, output or error where the program was
// started without it (`program <&- >&- 2>&-`); otherwise the first file that is
// opened takes the number, and messages are written into it. What every main
// does first.
void OpenStandardDescriptors();

}  // namespace base

#endif  // BASE_STANDARD_DESCRIPTORS_H_
