#include "tools/engine/machine.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace make_gguf {
namespace {

// A machine's /proc and /sys, as far as they tell of CPUs.
class CpusTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path whole = root_ + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
  }

  const std::string root_ = testing::TempDir() + "/machine";
  const int cores_ =
      static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
};

TEST_F(CpusTest, WithoutALimitAllCores) {
  EXPECT_EQ(UsableCpus(root_), cores_);
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(UsableCpus(root_), cores_);
}

TEST_F(CpusTest, QuotaOfAnyGroupAboveCounts) {
  Write("/proc/self/cgroup", "0::/pod/container\n");
  Write("/sys/fs/cgroup/pod/container/cpu.max", "max 100000\n");
  Write("/sys/fs/cgroup/pod/cpu.max", "50000 100000\n");
  EXPECT_EQ(UsableCpus(root_), 1);  // half a core is one thread
}

TEST_F(CpusTest, QuotaIsRoundedUp) {
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/cpu.max", "110000 100000\n");
  EXPECT_EQ(UsableCpus(root_), std::min(cores_, 2));
}

TEST_F(CpusTest, VersionOneHasFilesOfItsOwn) {
  Write("/proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/docker/1\n");
  Write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "10000\n");
  Write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(UsableCpus(root_), 1);
}

TEST_F(CpusTest, NonsenseIsNoLimit) {
  Write("/proc/self/cgroup", "0:/\n\n::\n0::no/slash\n");
  Write("/sys/fs/cgroup/cpu.max", "0 0\n");
  EXPECT_EQ(UsableCpus(root_), cores_);
}

}  // namespace
}  // namespace make_gguf
