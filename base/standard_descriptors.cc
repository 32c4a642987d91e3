#include "base/standard_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

namespace base {

void OpenStandardDescriptors() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) {  // the lowest free number each time
    fd = open("/dev/null", O_RDWR);
  }
  if (fd > STDERR_FILENO) close(fd);
}

}  // namespace base
