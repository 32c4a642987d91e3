#include "tools/hub_model.h"

#include <atomic>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/testing/child_process.h"
#include "base/testing/temp_dir.h"
#include "fetch/observer.h"
#include "fetch/testing/fault_server.h"
#include "fetch/testing/hub_repo.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tools/engine/job.pb.h"

namespace make_gguf {
namespace {

namespace fs = std::filesystem;

using ::base::Contents;
using ::base::FilesBelow;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kTool[] = "tools/make_gguf";
constexpr char kModel[] = "testdata/models/tiny-llama";

// make_gguf as a user runs it, and a hub on loopback that has tiny-llama under
// another name, with weights on a second origin.
class HubModelTest : public ::testing::Test {
 protected:
  HubModelTest()
      : repo_("tester/Little-Llama-7B-v2"), hub_(&repo_), store_(&repo_) {
    fetch::testing::ClearHubEnvironment();
    hub_.RedirectLfsTo(store_.url());
    for (const auto& file : fs::directory_iterator(kModel)) {
      const std::string name = file.path().filename().string();
      repo_.Add(name, Contents(file.path().string()),
                name == "model.safetensors");
    }
    // What no conversion needs.
    repo_.Add("pytorch_model.bin", "the same once more", true);
    repo_.Add("consolidated.safetensors", "and again", true);
    repo_.Add("optimizer.pt", "a training state", true);
    repo_.Add("modeling_llama.py", "import os", false);
  }

  // The exit code; the rest is in result_.
  int Run(const std::vector<std::string>& flags) {
    std::vector<std::string> arguments = {kTool};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    result_ = base::RunProcess(
        arguments, {.environment = {{"HF_ENDPOINT", hub_.url()},
                                    {"HF_HOME", directory_ / "home"}}});
    return result_.exit_code;
  }

  int RunHubModel(const std::vector<std::string>& flags) {
    std::vector<std::string> all = {"--model=tester/Little-Llama-7B-v2",
                                    "--quants=Q4_K_M,Q8_0",
                                    "--outdir=" + directory_ / "out"};
    all.insert(all.end(), flags.begin(), flags.end());
    return Run(all);
  }

  std::string Output() const { return result_.out + result_.err; }

  base::TempDir directory_;
  fetch::testing::HubRepo repo_;
  fetch::testing::FaultServer hub_;
  fetch::testing::FaultServer store_;
  base::ProcessResult result_;
};

TEST_F(HubModelTest, GoesFromTheRepositorysNameToFiles) {
  ASSERT_EQ(RunHubModel({}), 0) << Output();
  EXPECT_THAT(FilesBelow(directory_ / "out"),
              ElementsAre("Little-Llama-7B-v2-Q4_K_M.gguf",
                          "Little-Llama-7B-v2-Q8_0.gguf"));
  // Byte for byte what a directory of that name becomes: no name in the
  // metadata is of the snapshot's directory, which is called after its commit.
  fs::copy(kModel, directory_ / "Little-Llama-7B-v2");
  ASSERT_EQ(Run({"--model=" + directory_ / "Little-Llama-7B-v2",
                 "--quants=Q4_K_M,Q8_0", "--outdir=" + directory_ / "local"}),
            0)
      << Output();
  for (const std::string& name : FilesBelow(directory_ / "out")) {
    EXPECT_TRUE(Contents(directory_ / absl::StrCat("out/", name)) ==
                Contents(directory_ / absl::StrCat("local/", name)))
        << name;
  }
}

TEST_F(HubModelTest, DownloadsWhatIsNeededAndThatOnce) {
  ASSERT_EQ(RunHubModel({"--progress=plain"}), 0) << Output();
  const std::vector<std::string> files = FilesBelow(directory_ / "home/hub");
  for (const char* name :
       {"pytorch_model", "consolidated", "optimizer", ".py"}) {
    EXPECT_THAT(files, Each(Not(HasSubstr(name))));
  }
  const int requests = hub_.CountRequests("/resolve/");
  ASSERT_EQ(RunHubModel({"--overwrite"}), 0) << Output();
  EXPECT_EQ(hub_.CountRequests("/resolve/"), requests);
}

TEST_F(HubModelTest, ADryRunSaysWhatWouldBeDownloaded) {
  ASSERT_EQ(RunHubModel({"--dry_run"}), 0) << Output();
  const size_t size = repo_.contents("model.safetensors").size();
  EXPECT_THAT(
      Output(),
      AllOf(HasSubstr(absl::StrFormat(
                "%15d of %15d bytes to fetch  model.safetensors", size, size)),
            HasSubstr(repo_.commit())));
  EXPECT_FALSE(fs::exists(directory_ / "home"));
  EXPECT_EQ(hub_.CountRequests("/resolve/"), 0);
  // With the model here, it is a dry run of the conversion.
  ASSERT_EQ(RunHubModel({}), 0) << Output();
  ASSERT_EQ(RunHubModel({"--dry_run"}), 0) << Output();
  EXPECT_THAT(Output(), AllOf(HasSubstr("blk.0.attn_q.weight"),
                              Not(HasSubstr("to fetch"))));
}

TEST_F(HubModelTest, OfflineListsWhatIsMissing) {
  EXPECT_EQ(RunHubModel({"--offline"}), 1);
  EXPECT_THAT(Output(), AllOf(HasSubstr("offline"), HasSubstr("Missing")));
  EXPECT_THAT(hub_.requests(), IsEmpty());
  ASSERT_EQ(RunHubModel({}), 0) << Output();
  const size_t requests = hub_.requests().size();
  EXPECT_EQ(RunHubModel({"--offline", "--overwrite"}), 0) << Output();
  EXPECT_EQ(hub_.requests().size(), requests);
  fs::remove(
      fs::path(directory_ / "home/hub/models--tester--Little-Llama-7B-v2/"
                            "blobs") /
      repo_.Etag("model.safetensors"));
  EXPECT_EQ(RunHubModel({"--offline", "--overwrite"}), 1);
  EXPECT_THAT(Output(), HasSubstr("Missing: model.safetensors"));
}

TEST_F(HubModelTest, NamesThatNothingHas) {
  EXPECT_EQ(Run({"--model=tester/Other"}), 1);
  EXPECT_THAT(Output(), AllOf(HasSubstr("no repository tester/Other"),
                              HasSubstr("Nor is there a directory")));
}

TEST_F(HubModelTest, RevisionOfADirectoryIsAMistake) {
  EXPECT_EQ(Run({absl::StrCat("--model=", kModel), "--revision=v2"}), 1);
  EXPECT_THAT(Output(), HasSubstr("concern models of the hub"));
}

TEST_F(HubModelTest, ProgressForMachines) {
  // A try that fails is a notice.
  store_.SetFault([failed = std::make_shared<std::atomic<bool>>(false)](
                      const fetch::testing::Request&,
                      fetch::testing::Connection* connection) {
    if (failed->exchange(true)) return false;
    connection->Reply(503, {}, "busy");
    return true;
  });
  ASSERT_EQ(RunHubModel({"--progress=json"}), 0) << Output();
  std::set<std::string> events;
  for (absl::string_view text :
       absl::StrSplit(result_.err, '\n', absl::SkipEmpty())) {
    const auto event = nlohmann::json::parse(text, nullptr, false);
    ASSERT_TRUE(event.is_object() && event.contains("event")) << text;
    events.insert(event["event"]);
    if (event["event"] == "download") {
      EXPECT_GT(event["download_bytes_total"], 821760) << text;
    }
  }
  EXPECT_THAT(events, ElementsAre("download", "finished", "notice", "plan",
                                  "progress"));
  ASSERT_EQ(RunHubModel({"--progress=none", "--cache_dir=" + directory_ / "c",
                         "--overwrite"}),
            0);
  EXPECT_THAT(Output(), Not(HasSubstr("download_bytes")));
}

TEST(DownloadJsonTest, HasWhatAPersonSees) {
  fetch::FetchProgress progress;
  progress.files = {{"a.json", 10, 10, true}, {"b.bin", 90, 30, false}};
  progress.total_bytes = 100;
  progress.done_bytes = 40;
  progress.bytes_per_second = 20;
  progress.time_left = absl::Seconds(3);
  EXPECT_EQ(
      DownloadJson(progress),
      R"({"event":"download","download_bytes_done":40,"download_bytes_total":100,)"
      R"("bytes_per_second":20.0,"seconds_left":3.0,"files":[)"
      R"({"path":"a.json","bytes_done":10,"bytes_total":10,)"
      R"("complete":true},{"path":"b.bin","bytes_done":30,)"
      R"("bytes_total":90,"complete":false}]})");
}

TEST(NamesHubModelTest, WhatIsOnThisMachineIsNoHubModel) {
  JobSpec spec;
  spec.set_model("testdata/models");
  EXPECT_FALSE(NamesHubModel(spec));
  spec.set_model("testdata/nothing");
  EXPECT_TRUE(NamesHubModel(spec));
}

}  // namespace
}  // namespace make_gguf
