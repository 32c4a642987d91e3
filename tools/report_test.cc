#include "tools/report.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

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
  output.set_weights(weights);
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
  EXPECT_THAT(table, HasSubstr("\na-00002-of-00002.gguf  "));
  EXPECT_THAT(table,
              EndsWith("\nQ4_K_M: 25.0 % of the weights are Q5_0 instead of "
                       "Q4_K, whose blocks do not divide their rows\n"));
}

}  // namespace
}  // namespace make_gguf
