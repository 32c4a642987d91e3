#include "tools/engine/machine.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace make_gguf {
namespace {

// CPUs that quota and period give; infinite for what is no number ("max", -1).
double Ratio(const std::string& quota, const std::string& period) {
  double of, in;
  if (!absl::SimpleAtod(quota, &of) || !absl::SimpleAtod(period, &in) ||
      of <= 0 || in <= 0) {
    return INFINITY;
  }
  return of / in;
}

std::string Word(const std::string& path) {
  std::string word;
  std::ifstream(path) >> word;
  return word;
}

double QuotaAt(const std::string& directory) {
  std::ifstream file(directory + "/cpu.max");
  std::string quota, period;
  if (file >> quota >> period) return Ratio(quota, period);
  return Ratio(Word(directory + "/cpu.cfs_quota_us"),
               Word(directory + "/cpu.cfs_period_us"));
}

// The least of a group and those that it lies in. In a container the group's
// path may be that of the host, of which nothing is there: the container's own
// group then is the root.
double QuotaOf(const std::string& mount, std::string group) {
  double least = QuotaAt(mount);
  while (!group.empty() && group != "/") {
    least = std::min(least, QuotaAt(mount + group));
    group.resize(std::min(group.rfind('/'), group.size() - 1));
  }
  return least;
}

double Quota(const std::string& root) {
  double least = INFINITY;
  std::ifstream groups(root + "/proc/self/cgroup");
  std::string line;  // "0::/group", or "4:cpu,cpuacct:/group" of version 1
  while (std::getline(groups, line)) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const absl::string_view controllers =
        absl::string_view(line).substr(first + 1, second - first - 1);
    if (!controllers.empty() && !absl::StrContains(controllers, "cpu")) {
      continue;
    }
    const std::string group = line.substr(second + 1);
    for (const absl::string_view mount :
         {absl::string_view(), controllers, absl::string_view("cpu")}) {
      least =
          std::min(least, QuotaOf(absl::StrCat(root, "/sys/fs/cgroup",
                                               mount.empty() ? "" : "/", mount),
                                  group));
    }
  }
  return least;
}

}  // namespace

int UsableCpus(const std::string& root) {
  const double cores = std::max(1u, std::thread::hardware_concurrency());
  return static_cast<int>(
      std::max(1.0, std::ceil(std::min(cores, Quota(root)))));
}

uint64_t DescriptorLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit raised = limit;
    raised.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

}  // namespace make_gguf
