// The program make_gguf as a user meets it: its flags, what it prints, how it
// ends, and what is on the disk then.

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/digest.h"
#include "base/testing/child_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace make_gguf {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kProgram[] = "tools/make_gguf";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void WriteFile(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

// What the lines of --progress=json say that they are; each has to be an object
// that says so.
std::vector<std::string> EventsOf(const std::string& lines) {
  std::vector<std::string> events;
  for (absl::string_view line :
       absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
    const json event = json::parse(line, nullptr, false);
    EXPECT_TRUE(event.is_object() && event.contains("event")) << line;
    events.push_back(event.is_object() ? event.value("event", "?") : "?");
  }
  return events;
}

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

class MakeGgufTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    CopyModel("testdata/models/tiny-llama");
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // A copy that a test may damage.
  void CopyModel(const std::string& from) {
    std::filesystem::remove_all(model_);
    std::filesystem::copy(from, model_,
                          std::filesystem::copy_options::recursive);
    for (const auto& entry : std::filesystem::directory_iterator(model_)) {
      std::filesystem::permissions(entry, std::filesystem::perms::owner_write,
                                   std::filesystem::perm_options::add);
    }
  }

  std::vector<std::string> Command(std::vector<std::string> flags) const {
    flags.insert(flags.begin(), {kProgram, absl::StrCat("--model=", model_),
                                 absl::StrCat("--outdir=", out_)});
    return flags;
  }
  base::ProcessResult Run(const std::vector<std::string>& flags,
                          const base::ProcessOptions& options = {}) const {
    return base::RunProcess(Command(flags), options);
  }

  // The files in the output directory, by name.
  std::map<std::string, std::string> Outputs() const {
    std::map<std::string, std::string> files;
    if (!std::filesystem::exists(out_)) return files;
    for (const auto& entry : std::filesystem::directory_iterator(out_)) {
      files[entry.path().filename().string()] = ReadFile(entry.path().string());
    }
    return files;
  }
  std::vector<std::string> OutputNames() const {
    std::vector<std::string> names;
    for (const auto& [name, content] : Outputs()) names.push_back(name);
    return names;
  }

  // One line that says all of `parts`, a non-zero exit, and nothing left.
  void ExpectRefused(const base::ProcessResult& result,
                     const std::vector<std::string>& parts) const {
    EXPECT_EQ(result.exit_code, 1);
    std::vector<std::string> errors;
    for (absl::string_view line :
         absl::StrSplit(result.err, '\n', absl::SkipEmpty())) {
      if (absl::StartsWith(line, "error: ")) errors.emplace_back(line);
    }
    ASSERT_EQ(errors.size(), 1) << result.err;
    EXPECT_TRUE(absl::EndsWith(result.err, errors[0] + "\n")) << result.err;
    for (const std::string& part : parts) {
      EXPECT_THAT(errors[0], HasSubstr(part));
    }
    EXPECT_THAT(OutputNames(), IsEmpty());
  }

  // A model card that can't be read: a warning.
  void DamageModelCard() const {
    WriteFile(model_ + "/README.md", "---\na: [b\n---\n");
  }

  // config.json with these changes.
  void ChangeConfig(const json& changes) const {
    const std::string path = model_ + "/config.json";
    json config = json::parse(ReadFile(path));
    config.merge_patch(changes);
    WriteFile(path, config.dump());
  }

  const std::string directory_ = absl::StrCat(
      testing::TempDir(), "/",
      testing::UnitTest::GetInstance()->current_test_info()->name());
  const std::string model_ = directory_ + "/tiny";
  const std::string out_ = directory_ + "/out";
};

TEST_F(MakeGgufTest, MakesTheTypesInOrderAndReports) {
  const std::string report_path = directory_ + "/job.json";
  const base::ProcessResult result =
      Run({"--quants=q5_k_s,Q4_K,Q5_K_S,Q4_K_M", "--keep_fp16",
           absl::StrCat("--report=", report_path)});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(OutputNames(), ElementsAre("tiny-F16.gguf", "tiny-Q4_K_M.gguf",
                                         "tiny-Q5_K_S.gguf"));
  EXPECT_THAT(result.out, AllOf(StartsWith("file "), HasSubstr("peak memory")));
  EXPECT_THAT(result.err, HasSubstr("planned peak memory"));

  const json report = json::parse(ReadFile(report_path));
  std::vector<std::string> types;
  uint64_t sizes = 0;
  for (const json& output : report["outputs"]) {
    types.push_back(output["file_type"]);
    const std::string content = ReadFile(output["path"]);
    EXPECT_EQ(output["size"], std::to_string(content.size()));
    sizes += content.size();
    base::Sha256 hash;
    hash.Update(content);
    EXPECT_EQ(output["sha256"], hash.Finish());
    EXPECT_GT(output["bits_per_weight"], 4);
  }
  EXPECT_THAT(types, ElementsAre("Q5_K_S", "Q4_K_M", "F16"));
  EXPECT_NEAR(report["outputs"][1]["fallbacks"][0]["share"], 0.14, 0.001);
  EXPECT_EQ(report["bytes_resumed"], "0");
  // All tensors of tiny-llama end at a multiple of the alignment.
  EXPECT_EQ(report["bytes_written"], std::to_string(sizes));
  EXPECT_GT(report["wall_seconds"], 0);
  EXPECT_GE(std::stoull(report["planned_peak_memory"].get<std::string>()),
            std::stoull(report["peak_memory"].get<std::string>()));
}

TEST_F(MakeGgufTest, DryRunTellsExactSizesAndWritesNothing) {
  const base::ProcessResult dry = Run({"--dry-run"});
  ASSERT_EQ(dry.exit_code, 0) << dry.err;
  EXPECT_FALSE(std::filesystem::exists(out_));
  EXPECT_THAT(dry.out, HasSubstr("blk.0.attn_q.weight"));
  ASSERT_EQ(Run({}).exit_code, 0);
  for (const auto& [name, content] : Outputs()) {
    EXPECT_THAT(dry.out, HasSubstr(name));
    EXPECT_THAT(dry.out, HasSubstr(absl::StrCat(content.size(), " bytes")));
  }
}

TEST_F(MakeGgufTest, PlanIsWrittenAndCarriedOutLater) {
  const std::string plan = directory_ + "/plan";
  const std::string types = "--quants=Q4_K_M,F16";
  ASSERT_EQ(Run({types}).exit_code, 0);
  const auto direct = Outputs();
  std::filesystem::remove_all(out_);
  const base::ProcessResult planned = Run({types, "--plan_only=" + plan});
  ASSERT_EQ(planned.exit_code, 0) << planned.err;
  EXPECT_THAT(OutputNames(), IsEmpty());
  ExpectRefused(Run({types, "--plan_only=" + plan}), {plan, "--overwrite"});
  ExpectRefused(Run({"--from_plan=" + plan}), {"--from_plan", "execution"});
  const base::ProcessResult carried_out =
      base::RunProcess({kProgram, "--from_plan=" + plan, "--threads=2"});
  ASSERT_EQ(carried_out.exit_code, 0) << carried_out.err;
  EXPECT_EQ(Outputs(), direct);
}

TEST_F(MakeGgufTest, JobFilesSayWhatFlagsSay) {
  ASSERT_EQ(Run({"--quants=Q6_K", "--tensor_type=attn_v=Q8_0"}).exit_code, 0);
  const auto expected = Outputs();
  const std::string text = directory_ + "/job.textproto";
  WriteFile(text, absl::StrCat("model: '", model_, "' outdir: '", out_,
                               "' quants: 'Q6_K' mix { tensor_types { pattern: "
                               "'attn_v' type: 'Q8_0' } }"));
  const std::string in_json = directory_ + "/job.json";
  WriteFile(
      in_json,
      json({{"model", model_},
            {"outdir", out_},
            {"quants", {"Q4_0"}},
            {"mix",
             {{"tensor_types", {{{"pattern", "attn_v"}, {"type", "Q8_0"}}}}}}})
          .dump());
  std::filesystem::remove_all(out_);
  ASSERT_EQ(
      base::RunProcess({kProgram, absl::StrCat("--job=", text)}).exit_code, 0);
  EXPECT_EQ(Outputs(), expected);
  // A flag overrides the file.
  std::filesystem::remove_all(out_);
  ASSERT_EQ(base::RunProcess(
                {kProgram, absl::StrCat("--job=", in_json), "--quants=Q6_K"})
                .exit_code,
            0);
  EXPECT_EQ(Outputs(), expected);
}

TEST_F(MakeGgufTest, PathsAreRelativeToTheUsersDirectory) {
  base::ProcessOptions options;
  options.environment["BUILD_WORKING_DIRECTORY"] = directory_;
  options.directory = "/";
  const base::ProcessResult result = base::RunProcess(
      {kProgram, "--model=tiny", "--report=job.json"}, options);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(
      std::filesystem::exists(directory_ + "/models/tiny/tiny-Q4_K_M.gguf"));
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/job.json"));
}

TEST_F(MakeGgufTest, ListsTypesAndArchitectures) {
  EXPECT_THAT(base::RunProcess({kProgram, "--list_types"}).out,
              AllOf(HasSubstr("Q4_K_M"), HasSubstr("Q2_K_S*")));
  EXPECT_THAT(base::RunProcess({kProgram, "--list_architectures"}).out,
              AllOf(HasSubstr("LlamaForCausalLM"), HasSubstr("falcon")));
}

TEST_F(MakeGgufTest, ProgressForMachinesIsJsonLineByLine) {
  DamageModelCard();
  const base::ProcessResult result = Run({"--progress=json"});
  ASSERT_EQ(result.exit_code, 0);
  EXPECT_THAT(EventsOf(result.err), ElementsAre("plan", "warning", "progress",
                                                "finished", "finished"));
  const base::ProcessResult again = Run({"--progress=json"});
  const json error = json::parse(again.err);
  EXPECT_EQ(error["event"], "error");
  EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("--overwrite"));
}

TEST_F(MakeGgufTest, MistakesOfTheCommandLineAreEventsToo) {
  DamageModelCard();
  EXPECT_THAT(EventsOf(Run({"--progress=json", "--dry_run"}).err),
              ElementsAre("warning"));
  const std::string job = directory_ + "/job";
  WriteFile(job, "quant: 'Q8_0'");
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{"--threads=0", "--progress=json"},
        {"--nonsense", "--progress", "json"},
        {"-progress=json", "--quants=Q4_K_X"},
        {"--progress=json", absl::StrCat("--job=", job)},
        {"--progress=json", "--job=/nowhere"}}) {
    const base::ProcessResult result = Run(flags);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(EventsOf(result.err), ElementsAre("error")) << flags[0];
  }
}

TEST_F(MakeGgufTest, WarningsAreSaidAgainAfterTheSummaryAndReported) {
  DamageModelCard();
  const std::string report = directory_ + "/job.json";
  const base::ProcessResult result = Run({absl::StrCat("--report=", report)});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(Count(result.err, "warning: README.md: ignored"), 2);
  EXPECT_TRUE(absl::EndsWith(result.err, "[model-card-ignored]\n"));
  const json warnings = json::parse(ReadFile(report))["warnings"];
  ASSERT_EQ(warnings.size(), 1);
  EXPECT_EQ(warnings[0]["code"], "model-card-ignored");
  EXPECT_THAT(warnings[0]["text"].get<std::string>(),
              StartsWith("README.md: ignored"));
}

TEST_F(MakeGgufTest, StrictMakesWarningsErrorsBeforeWorkStarts) {
  ASSERT_EQ(Run({"--strict"}).exit_code, 0);
  std::filesystem::remove_all(out_);
  DamageModelCard();
  const base::ProcessResult result = Run({"--strict"});
  ExpectRefused(result, {"1 warning", "--strict"});
  EXPECT_EQ(Count(result.err, "[model-card-ignored]"), 1);
  EXPECT_EQ(Run({"--strict", "--dry_run"}).exit_code, 1);
}

// What is said is lost when the disk is full, and that is no success.
TEST_F(MakeGgufTest, LostOutputIsAnError) {
  for (const std::string command :
       {"tools/make_gguf --list_types", "tools/make_gguf --help",
        "tools/make_gguf --list_architectures",
        "tools/make_gguf testdata/models/tiny-llama --dry_run",
        "tools/inspect --help"}) {
    const base::ProcessResult result = base::RunProcess(
        {"/bin/sh", "-c", absl::StrCat("exec ", command, " >/dev/full")});
    EXPECT_EQ(result.exit_code, 1) << command;
    EXPECT_THAT(result.err, HasSubstr("No space left on device")) << command;
  }
}

TEST_F(MakeGgufTest, ReportReplacesNothingButReports) {
  const std::string notes = directory_ + "/notes.json";
  WriteFile(notes, R"({"model": "tiny"})");
  std::filesystem::create_directories(out_ + "2");
  const std::vector<std::string> paths = {notes,
                                          directory_,
                                          "/dev/full",
                                          "/nowhere/report.json",
                                          model_ + "/config.json",
                                          model_ + "/model.safetensors",
                                          out_ + "2/tiny-Q4_K_M.gguf",
                                          out_ + "2/../out2/tiny-Q5_K_S.gguf",
                                          out_ + "2/tiny-Q4_K_M.gguf.partial",
                                          out_ + "2/tiny.journal"};
  for (const std::string& path : paths) {
    const bool is_file = std::filesystem::is_regular_file(path);
    const std::string before = is_file ? ReadFile(path) : "";
    const base::ProcessResult result =
        base::RunProcess({kProgram, model_, "--outdir", out_ + "2",
                          absl::StrCat("--report=", path)});
    EXPECT_EQ(result.exit_code, 1) << path;
    EXPECT_THAT(result.err, StartsWith("error: "));
    EXPECT_EQ(std::filesystem::is_regular_file(path), is_file) << path;
    EXPECT_EQ(is_file ? ReadFile(path) : "", before) << path;
    EXPECT_TRUE(std::filesystem::is_empty(out_ + "2")) << path;
  }
  const std::string report = absl::StrCat("--report=", directory_, "/r.json");
  EXPECT_EQ(Run({report}).exit_code, 0);
  const base::ProcessResult again = Run({report, "--overwrite"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
}

TEST_F(MakeGgufTest, TextOfAModelDoesNotReachTheTerminalRaw) {
  ChangeConfig({{"architectures", {"Foo\x1b[31m\nerror: x\xc2\x9b"}},
                {"model_type", "foo"}});
  const base::ProcessResult result = Run({});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(Count("\n" + result.err, "\nerror:"), 1) << result.err;
  EXPECT_EQ(result.err.find_first_of("\x1b\x9b"), std::string::npos);
}

// As the script that this program replaces is called.
TEST_F(MakeGgufTest, TakesTheReplacedScriptsCommandLine) {
  const base::ProcessResult result = base::RunProcess(
      {kProgram, model_, "--model_type", "llama", "--outname", "name",
       "--outdir", out_, "--quants", "q4_k_m", "Q8_0", "--keep_fp16"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(OutputNames(), ElementsAre("name-F16.gguf", "name-Q4_K_M.gguf",
                                         "name-Q8_0.gguf"));
}

TEST_F(MakeGgufTest, AnEmptyJobFileSaysNothing) {
  const std::string job = directory_ + "/job";
  WriteFile(job, "");
  EXPECT_EQ(Run({absl::StrCat("--job=", job), "--dry_run"}).exit_code, 0);
}

TEST_F(MakeGgufTest, WrongFlagsSayWhatIsRight) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"--quants=Q4_K_X", "Q4_K_M"},
      {"--quants=,", "--list_types"},
      {"--threads=0", "1 to 1024"},
      {"--memory_limit=lots", "300M"},
      {"--memory_limit=1M", "raise --memory_limit"},
      {"--intermediate=f8", "f16 or f32"},
      {"--tensor_type=Q4_0", "REGEX=TYPE"},
      {"--tensor_type=attn(=Q4_0", "attn("},
      {"--tensor_type=attn=Q4_X", "Q4_X"},
      {"--output_tensor_type=Q4_K_M", "Q4_K_M"},
      {"--split_max_size=2X", "K, M or G"},
      {"--no_tensor_first_split", "--split_max_size"},
      {"--model_type=falcon", "llama"},
      {"--model_type=lama", "llama"},
      {"--progress=fancy", "plain"},
      {"--progress=fancy --dry_run", "plain"},
      {"--outname=a/b", "--outdir"},
      {"--job=/nowhere/job.json", "/nowhere/job.json"},
      {"--imatrix=/nowhere/imatrix.dat", "/nowhere/imatrix.dat"},
      {"--report=/nowhere/report.json", "report into /nowhere"},
      {"--quants=Q2_K_S", "--imatrix"},
      {"Q4_K_M", "unexpected argument 'Q4_K_M'"},
      {"--outname=", "leave the flag out"},
  };
  for (const auto& [flag, way_out] : cases) {
    SCOPED_TRACE(flag);
    ExpectRefused(Run(absl::StrSplit(flag, ' ')), {way_out});
  }
  const base::ProcessResult unknown = Run({"--quant=Q4_K_M"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("quant"), HasSubstr("quants")));
  ExpectRefused(base::RunProcess({kProgram}), {"--model=DIRECTORY"});
}

TEST_F(MakeGgufTest, ModelTypeThatDoesNotFitNamesBoth) {
  ExpectRefused(Run({"--model_type=falcon"}), {"falcon", "llama"});
}

TEST_F(MakeGgufTest, TruncatedWeightsAreRefused) {
  const std::string weights = model_ + "/model.safetensors";
  std::filesystem::resize_file(weights, 400'000);
  ExpectRefused(Run({}), {weights, "truncated"});
}

TEST_F(MakeGgufTest, MissingShardIsRefused) {
  CopyModel("testdata/generated/tiny-llama3");
  const std::string shard = "model-00002-of-00002.safetensors";
  ASSERT_TRUE(std::filesystem::remove(model_ + "/" + shard));
  ExpectRefused(Run({}), {model_, shard});
}

TEST_F(MakeGgufTest, TensorOfAWrongShapeIsRefused) {
  ChangeConfig({{"intermediate_size", 640}});
  ExpectRefused(Run({}), {"model.safetensors", "mlp.gate_proj.weight",
                          "[96, 256]", "[640, 256]"});
}

TEST_F(MakeGgufTest, MissingTensorIsRefused) {
  ChangeConfig({{"num_hidden_layers", 3}});
  ExpectRefused(Run({}), {"lacks model.layers.2.input_layernorm.weight"});
}

TEST_F(MakeGgufTest, UnknownArchitectureIsRefused) {
  ChangeConfig({{"architectures", {"FooForCausalLM"}}, {"model_type", "foo"}});
  ExpectRefused(Run({}), {model_ + ": config.json", "FooForCausalLM"});
}

TEST_F(MakeGgufTest, VocabularyThatDoesNotFitIsRefused) {
  ChangeConfig({{"vocab_size", 300}});
  ExpectRefused(Run({}),
                {"model.safetensors", "embed_tokens.weight", "300", "320"});
  ChangeConfig({{"vocab_size", 400}});
  ExpectRefused(Run({}),
                {"model.safetensors", "embed_tokens.weight", "400", "320"});
}

TEST_F(MakeGgufTest, DamagedTokenizerFileIsNamedOnce) {
  const std::string path = model_ + "/tokenizer_config.json";
  WriteFile(path, "{");
  const base::ProcessResult result = Run({});
  ExpectRefused(result, {path, "not valid JSON"});
  EXPECT_EQ(result.err.find(model_), result.err.rfind(model_)) << result.err;
}

TEST_F(MakeGgufTest, TokensBeyondTheEmbeddingAreLeftOutAndSaid) {
  WriteFile(model_ + "/added_tokens.json", R"({"<extra>": 320})");
  const base::ProcessResult result = Run({});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("added_tokens.json: 1 token left out"));
  EXPECT_THAT(result.err, HasSubstr("\"<extra>\" (320)"));
}

TEST_F(MakeGgufTest, WeightThatIsNoNumberIsRefused) {
  const std::string path = model_ + "/model.safetensors";
  const std::string name = "model.layers.1.mlp.down_proj.weight";
  std::string content = ReadFile(path);
  uint64_t header_size;
  std::memcpy(&header_size, content.data(), sizeof(header_size));
  const json header = json::parse(content.substr(8, header_size));
  const uint64_t begin = header[name]["data_offsets"][0];
  const uint64_t columns = header[name]["shape"][1];
  // Row 7, column 9 becomes a BF16 NaN.
  content.replace(8 + header_size + begin + 2 * (7 * columns + 9), 2,
                  "\xc0\x7f");
  WriteFile(path, content);
  ExpectRefused(Run({}), {"model.safetensors", name, "row 7, column 9", "NaN"});
}

TEST_F(MakeGgufTest, FileThatCannotGrowIsRefused) {
  base::ProcessOptions options;
  options.file_limit = 100'000;
  ExpectRefused(Run({}, options), {"tiny-Q4_K_M.gguf", "too large"});
}

// A shell starts what runs in its background with Ctrl-C ignored.
TEST_F(MakeGgufTest, SignalsThatItWasStartedToIgnoreStayIgnored) {
  std::vector<std::string> command = Command({"--progress=plain"});
  command.insert(command.begin(),
                 {"/bin/sh", "-c",
                  "trap '' INT; \"$@\" & program=$!; while kill -INT "
                  "$program 2>/dev/null; do :; done; wait $program",
                  "sh"});
  const base::ProcessResult result = base::RunProcess(command);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(OutputNames().size(), 2);
}

// The same job, in small pieces so that it takes a while.
class StoppedProgramTest : public MakeGgufTest {
 protected:
  void SetUp() override {
    MakeGgufTest::SetUp();
    WriteFile(job_, "execution { chunk_weights: 1 }");
    ASSERT_EQ(Run(flags_).exit_code, 0);
    expected_ = Outputs();
    ASSERT_EQ(expected_.size(), 4);
    std::filesystem::remove_all(out_);
  }

  // Waits until the program has written something of its journal.
  void AwaitWork(base::ChildProcess& program) const {
    std::error_code error;
    while (program.IsRunning() &&
           !(std::filesystem::file_size(out_ + "/tiny.journal", error) > 4000 &&
             !error)) {
      absl::SleepFor(absl::Microseconds(100));
    }
  }

  void ExpectRerunEndsWell() const {
    const base::ProcessResult again = Run(flags_);
    ASSERT_EQ(again.exit_code, 0) << again.err;
    EXPECT_EQ(Outputs(), expected_);
  }

  const std::string job_ = directory_ + ".job";
  const std::vector<std::string> flags_ = {
      absl::StrCat("--job=", job_), "--quants=Q2_K,Q3_K_M,Q4_K_M,Q5_K_M"};
  std::map<std::string, std::string> expected_;
};

TEST_F(StoppedProgramTest, SignalsStopItAndSayHowToGoOn) {
  for (const int signal : {SIGINT, SIGTERM}) {
    // The program may be done before the signal reaches it.
    for (int attempt = 0; attempt < 50; ++attempt) {
      std::filesystem::remove_all(out_);
      base::ChildProcess program(Command(flags_));
      AwaitWork(program);
      program.Signal(signal);
      const base::ProcessResult result = program.Wait();
      if (result.exit_code == 0) continue;
      EXPECT_EQ(result.exit_code, 128 + signal);
      EXPECT_THAT(result.err, HasSubstr("stopped; what is done is kept: the "
                                        "same command goes on there\n"));
      for (const std::string& name : OutputNames()) {
        EXPECT_FALSE(absl::EndsWith(name, ".gguf")) << name;
      }
      const base::ProcessResult again = Run(flags_);
      EXPECT_THAT(again.err, HasSubstr("going on with a stopped job"));
      EXPECT_EQ(Outputs(), expected_);
      break;
    }
  }
}

TEST_F(StoppedProgramTest, AStopIsAnEvent) {
  std::vector<std::string> flags = flags_;
  flags.push_back("--progress=json");
  for (int attempt = 0; attempt < 50; ++attempt) {
    std::filesystem::remove_all(out_);
    base::ChildProcess program(Command(flags));
    AwaitWork(program);
    program.Signal(SIGINT);
    const base::ProcessResult result = program.Wait();
    const std::vector<std::string> events = EventsOf(result.err);
    if (result.exit_code == 0) continue;  // it was done before
    EXPECT_EQ(events.front(), "plan");
    EXPECT_EQ(events.back(), "stopped");
    return;
  }
  FAIL() << "the job never was caught at work";
}

TEST_F(StoppedProgramTest, KilledAtTwentyRandomMomentsItEndsTheSame) {
  std::mt19937 random(5);
  int killed = 0;
  for (int attempt = 0; killed < 20 && attempt < 500; ++attempt) {
    std::filesystem::remove_all(out_);
    base::ChildProcess program(Command(flags_));
    if (random() % 4 != 0) AwaitWork(program);
    absl::SleepFor(absl::Microseconds(random() % 20'000));
    program.Signal(SIGKILL);
    if (program.Wait().exit_code != 128 + SIGKILL) continue;
    ++killed;
    if (Outputs() == expected_) continue;  // it had just done its work
    for (const auto& [name, content] : Outputs()) {
      if (absl::EndsWith(name, ".gguf")) {
        EXPECT_EQ(content, expected_.at(name));
      }
    }
    ExpectRerunEndsWell();
  }
  EXPECT_EQ(killed, 20);
}

TEST_F(StoppedProgramTest, SecondJobIsToldOfTheFirst) {
  for (int attempt = 0; attempt < 50; ++attempt) {
    std::filesystem::remove_all(out_);
    base::ChildProcess first(Command(flags_));
    AwaitWork(first);
    first.Signal(SIGSTOP);
    const base::ProcessResult second = Run(flags_);
    first.Signal(SIGCONT);
    EXPECT_EQ(first.Wait().exit_code, 0);
    EXPECT_EQ(Outputs(), expected_);
    EXPECT_EQ(second.exit_code, 1);
    if (absl::StrContains(second.err, "--overwrite")) continue;  // too late
    EXPECT_THAT(second.err, HasSubstr("another job is writing"));
    return;
  }
  FAIL() << "the first job never was caught at work";
}

TEST_F(MakeGgufTest, InspectAcceptsWholeFilesAndRefusesDamagedOnes) {
  ASSERT_EQ(Run({"--quants=Q8_0", "--split_max_tensors=9"}).exit_code, 0);
  EXPECT_THAT(OutputNames(), ElementsAre("tiny-Q8_0-00001-of-00003.gguf",
                                         "tiny-Q8_0-00002-of-00003.gguf",
                                         "tiny-Q8_0-00003-of-00003.gguf"));
  base::ProcessOptions options;
  options.environment["BUILD_WORKING_DIRECTORY"] = out_;
  const std::string second = "tiny-Q8_0-00002-of-00003.gguf";
  const base::ProcessResult whole =
      base::RunProcess({"tools/inspect", "--json", second}, options);
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  const json report = json::parse(whole.out);
  EXPECT_EQ(report["files"].size(), 3);
  EXPECT_EQ(report["tensors"].size(), 21);

  const std::string path = out_ + "/" + second;
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1000);
  const base::ProcessResult damaged =
      base::RunProcess({"tools/inspect", second}, options);
  EXPECT_EQ(damaged.exit_code, 1);
  EXPECT_THAT(damaged.err, AllOf(HasSubstr(second), HasSubstr("tensor '")));
  EXPECT_EQ(damaged.out, "");
  std::filesystem::remove(path);
  EXPECT_THAT(base::RunProcess(
                  {"tools/inspect", out_ + "/tiny-Q8_0-00001-of-00003.gguf"})
                  .err,
              HasSubstr("is missing"));
  EXPECT_EQ(base::RunProcess({"tools/inspect"}).exit_code, 2);
  EXPECT_EQ(base::RunProcess({"tools/inspect", "--jsn", path}).exit_code, 2);
}

}  // namespace
}  // namespace make_gguf
