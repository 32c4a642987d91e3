#include "tools/flags.h"

#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace make_gguf {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

CommandLine Parsed(const std::vector<const char*>& arguments) {
  CommandLine command_line;
  const absl::Status status = ParseFlags(arguments, command_line);
  EXPECT_TRUE(status.ok()) << status;
  return command_line;
}

std::string ErrorOf(const std::vector<const char*>& arguments) {
  CommandLine command_line;
  return std::string(ParseFlags(arguments, command_line).message());
}

std::string Text(const JobSpec& spec) {
  std::string text;
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  printer.PrintToString(spec, &text);
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

TEST(FlagsTest, EachFlagSetsItsField) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"some/dir", R"(model: "some/dir")"},
      {"--model=dir", R"(model: "dir")"},
      {"--model-type=llama", R"(model_type: "llama")"},
      {"--allow_requantize", "allow_requantize: true"},
      {"--model_name=N", R"(model_name: "N")"},
      {"--pre=gpt-2", R"(pre: "gpt-2")"},
      {"--outdir=out", R"(outdir: "out")"},
      {"--outname=N", R"(outname: "N")"},
      {"--overwrite", "overwrite: true"},
      {"--split_max_size=2G", "split { max_bytes: 2000000000 }"},
      {"--split_max_tensors=9", "split { max_tensors: 9 }"},
      {"--quants=q4_k_m,Q8_0", R"(quants: "q4_k_m" quants: "Q8_0")"},
      {"--keep_fp16", "keep_fp16: true"},
      {"--imatrix=m.dat", R"(imatrix: "m.dat")"},
      {"--intermediate=f32", "intermediate: F32"},
      {"--tensor_type=a{1,2}=b=Q6_K",
       R"(mix { tensor_types { pattern: "a{1,2}=b" type: "Q6_K" } })"},
      {"--output_tensor_type=F16", R"(mix { output_tensor_type: "F16" })"},
      {"--token_embedding_type=F16", R"(mix { token_embedding_type: "F16" })"},
      {"--pure", "mix { pure: true }"},
      {"--leave-output-tensor", "mix { leave_output_tensor: true }"},
      {"--revision=v1", R"(revision: "v1")"},
      {"--offline", "hub { offline: true }"},
      {"--endpoint=http://h", R"(hub { endpoint: "http://h" })"},
      {"--cache_dir=c", R"(hub { cache_dir: "c" })"},
      {"--token_path=t", R"(hub { token_path: "t" })"},
      {"--threads=3", "execution { threads: 3 }"},
      {"--memory_limit=1M", "execution { memory_limit_bytes: 1048576 }"},
      {"--noresume", "execution { resume: false }"},
  };
  for (const auto& [flag, expected] : cases) {
    EXPECT_EQ(Text(Parsed({flag}).spec), expected);
  }
}

// As the script that this program replaces is called.
TEST(FlagsTest, TakesTheReplacedScriptsCommandLine) {
  const CommandLine line =
      Parsed({"models/m", "--model_type", "llama", "--outname", "N", "--outdir",
              "D", "--quants", "Q4_K_M", "Q5_K_S", "--keep_fp16"});
  EXPECT_EQ(Text(line.spec),
            R"(model: "models/m" model_type: "llama" outname: "N" outdir: "D" )"
            R"(quants: "Q4_K_M" quants: "Q5_K_S" keep_fp16: true)");
}

TEST(FlagsTest, ListsJoinAndOtherFlagsAreGivenOnce) {
  EXPECT_THAT(
      Parsed({"--quants=Q4_K_S", "--quants", "Q8_0", "m/n"}).spec.quants(),
      ElementsAre("Q4_K_S", "Q8_0"));
  EXPECT_EQ(Parsed({"-tensor_type=a=Q8_0", "-tensor-type", "b=Q6_K"})
                .spec.mix()
                .tensor_types_size(),
            2);
  EXPECT_THAT(ErrorOf({"--outname=a", "--outname=b"}), HasSubstr("twice"));
}

TEST(FlagsTest, SizesAndCountsAreNotZero) {
  for (const char* flag :
       {"--memory_limit=0", "--memory_limit=0.5", "--split_max_size=0",
        "--split_max_tensors=0", "--threads=0", "--threads=1025"}) {
    EXPECT_THAT(ErrorOf({flag}), HasSubstr(flag));
  }
}

TEST(FlagsTest, FlagsGoOverTheJobFile) {
  const std::string path = testing::TempDir() + "/job";
  std::ofstream(path)
      << "model: 'm' quants: 'Q8_0' keep_fp16: true outname: 'n'"
         "mix { pure: true tensor_types { pattern: 'a' type: 'Q8_0' } }"
         "split { max_tensors: 3 }";
  const std::string job = absl::StrCat("--job=", path);
  EXPECT_EQ(
      Text(Parsed({"--no_keep_fp16", "--quants=F16", "--tensor_type=b=F32",
                   "--no_tensor_first_split", job.c_str()})
               .spec),
      R"(model: "m" outname: "n" quants: "F16" )"
      R"(mix { tensor_types { pattern: "b" type: "F32" } pure: true } )"
      R"(split { max_tensors: 3 no_tensor_first_split: true })");
  // One that can't be read is named once.
  EXPECT_EQ(ErrorOf({"--job=/nowhere.json"}).find("/nowhere.json"),
            ErrorOf({"--job=/nowhere.json"}).rfind("/nowhere.json"));
}

TEST(FlagsTest, HowToReportIsKnownAfterAnError) {
  CommandLine line;
  EXPECT_FALSE(
      ParseFlags({{"--threads=0", "--progress=json", "--bad"}}, line).ok());
  EXPECT_EQ(line.progress, ReportMode::kJson);
  EXPECT_THAT(ErrorOf({"--progress=bogus"}), HasSubstr("plain"));
}

TEST(FlagsTest, HelpFitsAScreenOrTwo) {
  const CommandLine line = Parsed({"--threads=0", "--help"});
  EXPECT_EQ(line.action, Action::kHelp);
  const std::vector<std::string> lines = absl::StrSplit(line.help, '\n');
  EXPECT_LT(lines.size(), 80);
  for (const std::string& text : lines) EXPECT_LE(text.size(), 82) << text;
  EXPECT_THAT(
      line.help,
      AllOf(HasSubstr("\n  --quants=TYPES "), HasSubstr("Examples:"),
            Not(HasSubstr("--token_path")), Not(HasSubstr("default: ;"))));
  EXPECT_THAT(Parsed({"--help=all"}).help, HasSubstr("--token_path=FILE"));
}

}  // namespace
}  // namespace make_gguf
