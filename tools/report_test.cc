#include "tools/report.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tools/engine/testing/engine_fixture.h"

namespace make_gguf {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

// A shard with so many weights, some of which fell back.
void AddShard(JobReport& report, const std::string& path, uint64_t weights,
              uint64_t fallen) {
  OutputReport& output = *report.add_outputs();
  output.set_path(path);
  output.set_file_type("Q4_K_M");
  output.set_size(3 << 19);
  output.set_weights(weights);
  output.set_bits_per_weight(4.5);
  Fallback& fallback = *output.add_fallbacks();
  fallback.set_wanted("Q4_K");
  fallback.set_used("Q5_0");
  fallback.set_weights(fallen);
}

TEST(SummaryTableTest, CountsTheShardsOfAModelTogether) {
  JobReport report;
  AddShard(report, "a-00001-of-00002.gguf", 300, 50);
  AddShard(report, "a-00002-of-00002.gguf", 100, 50);
  const std::string table = SummaryTable(report);
  EXPECT_THAT(table, HasSubstr("\na-00002-of-00002.gguf  1.5 MiB       4.5000  "
                               "0.0 s\n"));
  EXPECT_THAT(table,
              EndsWith("\nQ4_K_M: 25.0 % of the weights are Q5_0 instead of "
                       "Q4_K, whose blocks do not divide their rows\n"));
}

class ReportTest : public EngineTest {
 protected:
  std::string Write(const std::string& name, const std::string& content) {
    std::filesystem::create_directories(directory_);
    const std::string path = absl::StrCat(directory_, "/", name);
    std::ofstream(path) << content;
    return path;
  }
};

TEST_F(ReportTest, DescribesTensorsAndTheSizeThatTheFileWillHave) {
  const JobPlan plan = Prepare();
  ASSERT_TRUE(Run(plan).ok());
  for (const OutputPlan& output : plan.outputs) {
    EXPECT_THAT(
        DescribeOutput(plan.model.plan, output),
        HasSubstr(absl::StrCat("  ", std::filesystem::file_size(output.path),
                               " bytes, ")));
  }
  // 556 rows of 8 blocks of 34 bytes, and a norm of 256 floats.
  const std::string text = DescribeOutput(plan.model.plan, plan.outputs[2]);
  EXPECT_THAT(text, HasSubstr("\n  token_embd.weight      Q8_0  27200  "
                              "[256, 100]\n"));
  EXPECT_THAT(text, HasSubstr("\n  output_norm.weight     F32    1024  "
                              "[256]\n"));
  EXPECT_THAT(text, HasSubstr("\n  7 tensors: F32 1 (1.0 KiB), Q8_0 6 (147.7 "
                              "KiB)\n"));
}

TEST_F(ReportTest, IsWrittenWholeOrNotAtAll) {
  JobReport report;
  AddShard(report, "a.gguf", 300, 50);
  const std::string path = Write("report.json", "");
  ASSERT_TRUE(WriteReport(report, path).ok());
  const auto json = nlohmann::json::parse(ReadFile(path));
  EXPECT_EQ(json["outputs"][0]["weights"], "300");
  EXPECT_EQ(json["outputs"][0]["fallbacks"][0]["used"], "Q5_0");
  EXPECT_EQ(Files().size(), 1);
  EXPECT_THAT(WriteReport(report, "/nowhere/report.json").message(),
              HasSubstr("/nowhere/report.json"));
}

TEST_F(ReportTest, ReplacesReportsOnly) {
  JobReport report;
  AddShard(report, "a.gguf", 300, 50);
  const std::string path = Write("report.json", "");
  EXPECT_TRUE(CheckReportPath(path).ok());
  ASSERT_TRUE(WriteReport(report, path).ok());
  EXPECT_TRUE(CheckReportPath(path).ok());
  EXPECT_TRUE(CheckReportPath(directory_ + "/new.json").ok());
  EXPECT_THAT(CheckReportPath(Write("job", R"({"model": "m"})")).message(),
              HasSubstr("/job"));
  EXPECT_FALSE(CheckReportPath(Write("notes", "my notes")).ok());
  EXPECT_FALSE(CheckReportPath(directory_).ok());
  EXPECT_FALSE(CheckReportPath("/dev/full").ok());
  EXPECT_THAT(CheckReportPath("/nowhere/report.json").message(),
              HasSubstr("/nowhere"));
}

TEST_F(ReportTest, IsNoneOfTheFilesThatTheJobWrites) {
  const JobPlan plan = Prepare();
  for (const char* name : {"fake-Q8_0.gguf", "fake-F16.gguf.partial",
                           "x/../fake-Q4_K_S.gguf", "fake.journal"}) {
    EXPECT_FALSE(
        CheckReportApart(absl::StrCat(directory_, "/", name), plan).ok())
        << name;
  }
  EXPECT_TRUE(CheckReportApart(directory_ + "/fake.json", plan).ok());
}

}  // namespace
}  // namespace make_gguf
