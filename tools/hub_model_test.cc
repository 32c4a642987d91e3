#include "tools/hub_model.h"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "fetch/testing/fault_server.h"
#include "fetch/testing/hub_repo.h"
#include "fetch/testing/temp_dir.h"
#include "gguf/file.h"
#include "gguf/metadata.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/job_spec.h"
#include "tools/prepare.h"
#include "tools/run_job.h"

namespace make_gguf {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A hub on loopback that has tiny-llama, under another name.
class HubModelTest : public ::testing::Test {
 protected:
  HubModelTest() : repo_("tester/Little-Llama"), server_(&repo_) {
    fetch::testing::ClearHubEnvironment();
    const std::filesystem::path model = "testdata/models/tiny-llama";
    for (const auto& file : std::filesystem::directory_iterator(model)) {
      const std::string name = file.path().filename().string();
      repo_.Add(name, fetch::testing::Contents(file.path().string()),
                name == "model.safetensors");
    }
    setenv("HF_ENDPOINT", server_.url().c_str(), 1);
    setenv("HF_HUB_CACHE", (directory_ / "cache").c_str(), 1);
    spec_.set_model("tester/Little-Llama");
    spec_.set_outdir(directory_ / "out");
    spec_.add_quants("Q4_K_M");
  }

  fetch::testing::TempDir directory_;
  fetch::testing::HubRepo repo_;
  fetch::testing::FaultServer server_;
  std::atomic<bool> stop_{false};
  JobSpec spec_;
};

TEST_F(HubModelTest, GoesFromTheRepositorysNameToAFile) {
  ASSERT_TRUE(NamesHubModel(spec_));
  ASSERT_EQ(FetchHubModel(spec_, stop_), absl::OkStatus());
  EXPECT_FALSE(NamesHubModel(spec_));
  ASSERT_EQ(FillDefaults(spec_), absl::OkStatus());
  auto job = PrepareJob(spec_);
  ASSERT_TRUE(job.ok()) << job.status();
  const auto report = RunJob(*job, {});
  ASSERT_TRUE(report.ok()) << report.status();

  const auto file =
      gguf::File::Open(directory_ / "out/Little-Llama-Q4_K_M.gguf");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->tensors().size(), 21);
}

TEST_F(HubModelTest, ADryRunSaysWhatWouldBeDownloaded) {
  const auto before = DescribeDownload(spec_);
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_THAT(*before, HasSubstr("model.safetensors"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "cache"));

  JobSpec fetched = spec_;
  ASSERT_EQ(FetchHubModel(fetched, stop_), absl::OkStatus());
  const auto after = DescribeDownload(spec_);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_THAT(*after, IsEmpty());
}

TEST_F(HubModelTest, ARepositoryThatIsNotThereIsAnError) {
  spec_.set_model("tester/Other");
  EXPECT_EQ(FetchHubModel(spec_, stop_).code(), absl::StatusCode::kNotFound);
}

TEST_F(HubModelTest, WhatIsOnThisMachineIsNoHubModel) {
  spec_.set_model("testdata/models");
  EXPECT_FALSE(NamesHubModel(spec_));
}

}  // namespace
}  // namespace make_gguf
