#include "tools/engine/plan_file.h"

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/process_stats.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/engine/engine.h"

namespace make_gguf {
namespace {

using ::testing::HasSubstr;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Plans of jobs on a checkpoint, and on the GGUF file made of it.
class PlanFileTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    std::filesystem::copy("testdata/models/tiny-llama", directory_ + "/model",
                          std::filesystem::copy_options::recursive);
    spec_.set_model(directory_ + "/model");
    spec_.set_outdir(directory_ + "/out");
    spec_.set_outname("m");
    if (GetParam()) {
      spec_.add_quants("F16");
      const auto plan = Plan(spec_);
      ASSERT_TRUE(plan.ok()) << plan.status();
      ASSERT_TRUE(Run(*plan).ok());
      std::filesystem::rename(Output("F16"), directory_ + "/source.gguf");
      spec_.set_model(directory_ + "/source.gguf");
    }
    spec_.clear_quants();
    for (const char* type : {"Q4_K_M", "Q8_0", "F16"}) spec_.add_quants(type);
  }

  static absl::StatusOr<JobReport> Run(const JobPlan& plan) {
    return make_gguf::Run(plan, {}, {.journal = false, .check_space = false});
  }

  std::string Output(const std::string& type) const {
    return directory_ + "/out/m-" + type + ".gguf";
  }

  // The plan with something changed in it.
  absl::Status Read(const std::function<void(JobPlanProto&)>& change) {
    const auto plan = Plan(spec_);
    EXPECT_TRUE(plan.ok()) << plan.status();
    JobPlanProto proto = ToProto(*plan);
    change(proto);
    return FromProto(proto).status();
  }

  const std::string directory_ = testing::TempDir() + "/plan_file";
  JobSpec spec_;
};

INSTANTIATE_TEST_SUITE_P(Sources, PlanFileTest, testing::Bool());

TEST_P(PlanFileTest, WhatIsReadBackMakesTheSameFiles) {
  for (const bool split : {false, true}) {
    if (split) spec_.mutable_split()->set_max_tensors(9);
    const auto plan = Plan(spec_);
    ASSERT_TRUE(plan.ok()) << plan.status();
    const std::string path = directory_ + "/plan";
    ASSERT_TRUE(WritePlan(*plan, path).ok());
    const auto direct = Run(*plan);
    ASSERT_TRUE(direct.ok()) << direct.status();
    std::filesystem::remove_all(directory_ + "/out");
    Execution execution;
    execution.set_threads(3);
    const auto back = ReadPlan(path, execution);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->spec.execution().threads(), 3);
    const auto report = Run(*back);
    ASSERT_TRUE(report.ok()) << report.status();
    ASSERT_EQ(report->outputs_size(), direct->outputs_size());
    for (int i = 0; i < report->outputs_size(); ++i) {
      EXPECT_EQ(report->outputs(i).path(), direct->outputs(i).path());
      EXPECT_EQ(report->outputs(i).sha256(), direct->outputs(i).sha256());
    }
    EXPECT_EQ(ToProto(*back).outputs_size(), ToProto(*plan).outputs_size());
    std::filesystem::remove_all(directory_ + "/out");
  }
}

TEST_P(PlanFileTest, ModelThatHasChangedIsNamed) {
  const auto plan = Plan(spec_);
  ASSERT_TRUE(plan.ok());
  const std::string path = directory_ + "/plan";
  ASSERT_TRUE(WritePlan(*plan, path).ok());
  const std::string weights =
      GetParam() ? spec_.model() : spec_.model() + "/model.safetensors";
  const std::string content = ReadFile(weights);
  std::filesystem::remove(weights);
  std::ofstream(weights, std::ios::binary) << content;
  const absl::Status status = ReadPlan(path).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr(weights));
}

TEST_P(PlanFileTest, NothingIsTakenOnTrust) {
  EXPECT_TRUE(Read([](JobPlanProto&) {}).ok());
  const uint64_t most = std::numeric_limits<uint64_t>::max();
  const std::vector<std::pair<std::string, std::function<void(JobPlanProto&)>>>
      changes = {
          {"format", [](auto& p) { p.set_format("another"); }},
          {"outname", [](auto& p) { p.mutable_spec()->set_outname("../x"); }},
          {"threads",
           [](auto& p) {
             p.mutable_spec()->mutable_execution()->set_threads(1 << 30);
           }},
          {"no outputs", [](auto& p) { p.clear_outputs(); }},
          {"twice", [](auto& p) { *p.add_outputs() = p.outputs(0); }},
          {"no such tensor",
           [](auto& p) {
             p.mutable_outputs(0)->mutable_tensors(0)->set_tensor(100'000);
           }},
          {"no such type",
           [](auto& p) {
             p.mutable_outputs(0)->mutable_tensors(0)->set_type(1000);
           }},
          {"other type",
           [](auto& p) {
             p.mutable_outputs(0)->mutable_tensors(0)->set_type(0);
           }},
          {"no such file type",
           [](auto& p) { p.mutable_outputs(0)->set_file_type("Q9"); }},
          {"shard", [](auto& p) { p.mutable_outputs(0)->set_shard(7); }},
          {"size", [](auto& p) { p.mutable_outputs(0)->set_file_size(1); }},
          {"metadata", [](auto& p) { p.set_metadata("GGUF"); }},
          {"other metadata", [](auto& p) { p.set_metadata(""); }},
          {"a dimension of 0",
           [](auto& p) { p.mutable_tensors(0)->set_shape(0, 0); }},
          {"more elements",
           [](auto& p) { p.mutable_tensors(0)->set_shape(0, 1 << 30); }},
          {"no such source",
           [](auto& p) {
             p.mutable_tensors(0)->mutable_parts(0)->set_source(1 << 30);
           }},
          {"beyond the source",
           [most](auto& p) {
             p.mutable_tensors(0)->mutable_parts(0)->set_offset(most);
           }},
          {"far strides",
           [most](auto& p) {
             p.mutable_tensors(0)->mutable_parts(0)->set_strides(0, most);
           }},
          {"no parts", [](auto& p) { p.mutable_tensors(0)->clear_parts(); }},
          {"map of values",
           [](auto& p) {
             p.mutable_tensors(0)->mutable_parts(0)->add_maps()->set_kind(77);
           }},
          {"importance",
           [](auto& p) { p.mutable_tensors(0)->add_importance(1); }},
          {"chunks of nothing", [](auto& p) { p.set_chunk_weights(0); }},
          {"huge chunks", [most](auto& p) { p.set_chunk_weights(most); }},
          {"another source",
           [](auto& p) { p.mutable_source_tensors(0)->set_name("x"); }},
          {"fewer sources", [](auto& p) { p.clear_source_tensors(); }}};
  for (const auto& [name, change] : changes) {
    EXPECT_FALSE(Read(change).ok()) << name;
  }
}

// Whatever happened to the bytes: an error, or a plan that can be run.
TEST_P(PlanFileTest, DamagedFilesAreErrors) {
  spec_.clear_quants();
  spec_.add_quants("Q4_0");
  const auto plan = Plan(spec_);
  ASSERT_TRUE(plan.ok());
  const std::string path = directory_ + "/plan";
  ASSERT_TRUE(WritePlan(*plan, path).ok());
  const std::string whole = ReadFile(path);
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    std::string damaged = whole;
    for (int i = 0; i < 3; ++i) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    if (round % 3 == 0) damaged.resize(random() % damaged.size());
    std::ofstream(path, std::ios::binary) << damaged;
    (void)ReadPlan(path).ok();
  }
}

}  // namespace
}  // namespace make_gguf
