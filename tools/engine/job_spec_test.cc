#include "tools/engine/job_spec.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace make_gguf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string WriteFile(const std::string& name, const std::string& content) {
  const std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path) << content;
  return path;
}

std::vector<std::string> TypeNames(const JobSpec& spec) {
  std::vector<std::string> names;
  const auto types = WantedFileTypes(spec);
  EXPECT_TRUE(types.ok()) << types.status();
  for (const quant::FileType* type : *types) names.emplace_back(type->name);
  return names;
}

TEST(JobSpecTest, ReadsTextAndJsonAlike) {
  const auto text = ReadJobSpec(
      WriteFile("job.textproto",
                "model: 'm' quants: 'Q8_0' quants: 'F16' intermediate: F32\n"
                "mix { pure: true } execution { threads: 3 }"));
  const auto json = ReadJobSpec(WriteFile(
      "job.json",
      R"( {"model": "m", "quants": ["Q8_0", "F16"], "intermediate": "F32",
          "mix": {"pure": true}, "execution": {"threads": 3}} )"));
  ASSERT_TRUE(text.ok()) << text.status();
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(text->SerializeAsString(), json->SerializeAsString());
  EXPECT_EQ(text->execution().threads(), 3);
}

TEST(JobSpecTest, NamesTheFileAndTheLineOfAMistake) {
  const auto spec =
      ReadJobSpec(WriteFile("bad.textproto", "model: 'm'\nquant: 'Q8_0'\n"));
  EXPECT_THAT(spec.status().message(), HasSubstr("bad.textproto"));
  EXPECT_THAT(spec.status().message(), HasSubstr("line 2"));
  EXPECT_FALSE(ReadJobSpec(WriteFile("bad.json", "{\"quant\": 1}")).ok());
  EXPECT_THAT(ReadJobSpec("/nowhere.json").status().message(),
              HasSubstr("/nowhere.json"));
}

TEST(JobSpecTest, FillsInDefaults) {
  JobSpec spec;
  EXPECT_FALSE(FillDefaults(spec).ok());
  spec.set_model("/data/tiny-llama/");
  setenv("BUILD_WORKING_DIRECTORY", "/home/user", 1);
  ASSERT_TRUE(FillDefaults(spec).ok());
  unsetenv("BUILD_WORKING_DIRECTORY");
  EXPECT_EQ(spec.outname(), "tiny-llama");
  EXPECT_EQ(spec.outdir(), "/home/user/models/tiny-llama");
  EXPECT_THAT(spec.quants(), ElementsAre("Q4_K_M", "Q5_K_S"));
  EXPECT_TRUE(spec.execution().resume());
  EXPECT_EQ(OutputPath(spec, "Q8_0"),
            "/home/user/models/tiny-llama/tiny-llama-Q8_0.gguf");
}

JobSpec Complete() {
  JobSpec spec;
  spec.set_model("/data/tiny-llama");
  EXPECT_TRUE(FillDefaults(spec).ok());
  return spec;
}

// Whoever brings a spec: what one way in refuses no other lets through.
TEST(JobSpecTest, ChecksWhatTheModelIsNotNeededFor) {
  EXPECT_TRUE(ValidateSpec(Complete()).ok());
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"execution { threads: 200000 }", "from 1 to 1024"},
      {"execution { threads: -1 }", "from 1 to 1024"},
      {"execution { chunk_weights: 1000000000000 }", "chunk_weights"},
      {"outname: 'a/b'", "without '/'"},
      {"outname: '\\000'", "without '/'"},
      {"intermediate: 7", "F16 or F32"},
      {"quants: 'Q4_K_X'", "Q4_K_X"},
      {"mix { output_tensor_type: 'Q9' }", "Q9"},
      {"split { no_tensor_first_split: true }", "--split_max_size"}};
  for (const auto& [text, message] : bad) {
    SCOPED_TRACE(text);
    JobSpec spec = Complete();
    const auto change = ReadJobSpec(WriteFile("change.textproto", text));
    ASSERT_TRUE(change.ok()) << change.status();
    spec.MergeFrom(*change);
    EXPECT_THAT(ValidateSpec(spec).message(), HasSubstr(message));
  }
}

TEST(JobSpecTest, EmptyFileLeavesAllOpen) {
  const auto spec = ReadJobSpec(WriteFile("empty.textproto", ""));
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->ByteSizeLong(), 0);
}

TEST(JobSpecTest, NamesOutputsOfAGgufFileWithoutItsTypeAndShard) {
  for (const std::string file :
       {"/m/tiny-F16.gguf", "/m/tiny.Q4_K_M.gguf", "/m/tiny.gguf",
        "/m/tiny-BF16-00001-of-00003.gguf"}) {
    JobSpec spec;
    spec.set_model(file);
    ASSERT_TRUE(FillDefaults(spec).ok());
    EXPECT_EQ(spec.outname(), "tiny") << file;
  }
}

TEST(JobSpecTest, KeepsOrderAndDropsAliasesAndRepeats) {
  JobSpec spec;
  for (const char* name : {"q5_k_s", "Q4_K", "F16", "Q4_K_M", "Q5_K_S"}) {
    spec.add_quants(name);
  }
  spec.set_keep_fp16(true);
  EXPECT_THAT(TypeNames(spec), ElementsAre("Q5_K_S", "Q4_K_M", "F16"));
}

TEST(JobSpecTest, KeepFp16AddsF16Last) {
  JobSpec spec;
  spec.add_quants("Q8_0");
  spec.set_keep_fp16(true);
  EXPECT_THAT(TypeNames(spec), ElementsAre("Q8_0", "F16"));
}

TEST(JobSpecTest, UnknownTypeNamesSimilarOnes) {
  JobSpec spec;
  spec.add_quants("q4_k_x");
  const auto types = WantedFileTypes(spec);
  EXPECT_THAT(types.status().message(), HasSubstr("q4_k_x"));
  EXPECT_THAT(types.status().message(), HasSubstr("Q4_K_M"));
}

TEST(JobSpecTest, ParsesBytes) {
  EXPECT_EQ(*ParseBytes("262144"), 262144u);
  EXPECT_EQ(*ParseBytes("300M"), 300u << 20);
  EXPECT_EQ(*ParseBytes("1.5gib"), 3u << 29);
  EXPECT_EQ(*ParseBytes("2kB"), 2048u);
  for (const char* bad : {"", "M", "-1", "3X", "1MiBs", "1e99T", "nan"}) {
    EXPECT_FALSE(ParseBytes(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace make_gguf
