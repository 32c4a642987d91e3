#include "tools/engine/imatrix.h"

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/process_stats.h"
#include "converters/model_plan.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"
#include "gguf/testing/write_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace make_gguf {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename T>
void Append(std::string& to, const T& value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void AppendText(std::string& to, const std::string& text) {
  Append(to, static_cast<int32_t>(text.size()));
  to += text;
}

// One entry of the old form.
std::string Legacy(int32_t calls, const std::vector<float>& values) {
  std::string bytes;
  Append(bytes, int32_t{1});
  AppendText(bytes, "blk.0.attn_q.weight");
  Append(bytes, calls);
  Append(bytes, static_cast<int32_t>(values.size()));
  for (float value : values) Append(bytes, value);
  Append(bytes, int32_t{7});
  AppendText(bytes, "corpus.txt");
  return bytes;
}

std::string Path(const std::string& name) {
  return testing::TempDir() + "/" + name;
}

std::string WriteFile(const std::string& name, const std::string& content) {
  std::ofstream(Path(name), std::ios::binary) << content;
  return Path(name);
}

// A model with one matrix, one stack of two, and what is not quantized.
converters::ModelPlan Model() {
  converters::ModelPlan model;
  const auto add = [&](const std::string& name, std::vector<uint64_t> shape) {
    converters::TensorPlan tensor;
    tensor.name = name;
    tensor.shape = std::move(shape);
    // As a GGUF source in F32 has all its tensors.
    tensor.precision = converters::Precision::kF32;
    model.tensors.push_back(tensor);
  };
  add("token_embd.weight", {2, 4});
  add("blk.0.attn_q.weight", {3, 4});
  add("blk.0.ffn_up_exps.weight", {2, 1, 2});
  add("output_norm.weight", {3});
  return model;
}

constexpr uint64_t kRoom = 1 << 20;

absl::StatusOr<ImportanceMatrix> Read(const std::string& path,
                                      uint64_t room = kRoom) {
  return ReadImportanceMatrix(path, Model(), room);
}

// A GGUF matrix of two experts with two columns.
std::string WriteGguf(const std::string& name, std::vector<float> sums,
                      std::vector<float> counts) {
  gguf::Metadata metadata;
  metadata.Set("general.type", std::string("imatrix"));
  metadata.SetArray<std::string>("imatrix.datasets", {"a.txt", "b.txt"});
  metadata.Set("imatrix.chunk_count", uint32_t{8});
  const uint64_t experts = counts.size();
  std::vector<gguf::TensorInfo> tensors = {{"blk.0.ffn_up_exps.weight.in_sum2",
                                            gguf::TensorType::kF32,
                                            {sums.size() / experts, experts}},
                                           {"blk.0.ffn_up_exps.weight.counts",
                                            gguf::TensorType::kF32,
                                            {1, experts}}};
  const auto bytes = [](const std::vector<float>& values) {
    const auto* first = reinterpret_cast<const uint8_t*>(values.data());
    return std::vector<uint8_t>(first, first + values.size() * sizeof(float));
  };
  gguf::WriteFile(Path(name), metadata, tensors, {bytes(sums), bytes(counts)});
  return Path(name);
}

TEST(ImatrixTest, ReadsTheOldForm) {
  const auto matrix = Read(WriteFile("old.dat", Legacy(4, {8, 2, 0})));
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  EXPECT_THAT(matrix->table[1], ElementsAre(2, 0.5f, 0));
  EXPECT_EQ(matrix->chunks, 7);
  EXPECT_EQ(matrix->dataset, "corpus.txt");
}

TEST(ImatrixTest, EveryPrefixOfTheOldFormIsRefused) {
  const std::string whole = Legacy(4, {8, 2, 0});
  const size_t without_dataset = whole.size() - 4 - 4 - 10;
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto matrix = Read(WriteFile("cut.dat", whole.substr(0, size)));
    // The oldest files end after the entries.
    EXPECT_EQ(matrix.ok(), size == without_dataset) << size;
  }
}

TEST(ImatrixTest, AveragesTheGgufFormByExpert) {
  const auto matrix = Read(WriteGguf("two.gguf", {6, 3, 0, 0}, {3, 0}));
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  // No data went through the second expert.
  EXPECT_THAT(matrix->table[2], ElementsAre(2, 1, 1, 1));
  EXPECT_EQ(matrix->chunks, 8);
  EXPECT_EQ(matrix->dataset, "a.txt");
}

TEST(ImatrixTest, RefusesWeightsThatAreNone) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float bad : {-1.0f, nan}) {
    const auto old = Read(WriteFile("bad.dat", Legacy(1, {1, bad, 0})));
    EXPECT_THAT(old.status().message(), HasSubstr("column 1"));
    const auto gguf = Read(WriteGguf("bad.gguf", {1, bad, 1, 1}, {1, 1}));
    EXPECT_THAT(gguf.status().message(), HasSubstr("column 1"));
  }
}

TEST(ImatrixTest, WritesTheKeysOfTheReference) {
  ImportanceMatrix matrix;
  matrix.entries = 1;
  matrix.chunks = 8;
  const std::string path(200, 'x');
  const gguf::Metadata metadata = ImportanceMetadata(matrix, path);
  ASSERT_EQ(metadata.entries().size(), 3);
  EXPECT_EQ(*metadata.FindAs<std::string>("quantize.imatrix.file"),
            std::string(127, 'x'));
  EXPECT_EQ(*metadata.FindAs<uint32_t>("quantize.imatrix.entries_count"), 1);
  EXPECT_EQ(*metadata.FindAs<uint32_t>("quantize.imatrix.chunks_count"), 8);
}

// By its name and shape: of a source in F32 all tensors have that precision.
TEST(ImatrixTest, MatchesWhateverIsQuantizedAndListsWhatIsMissing) {
  const auto matrix = Read(WriteGguf("stack.gguf", {6, 3, 4, 8}, {3, 2}));
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  EXPECT_THAT(matrix->table, ElementsAre(IsEmpty(), IsEmpty(),
                                         ElementsAre(2, 1, 2, 4), IsEmpty()));
  EXPECT_THAT(matrix->missing,
              ElementsAre("blk.0.attn_q.weight", "token_embd.weight"));
  EXPECT_EQ(matrix->entries, 1);
}

TEST(ImatrixTest, RefusesAnotherModelsMatrix) {
  EXPECT_THAT(
      Read(WriteFile("other.dat", Legacy(1, {1, 2}))).status().message(),
      AllOf(HasSubstr("other.dat"), HasSubstr("'blk.0.attn_q.weight' has 2")));
}

// Only what the model wants is read, whatever the file says of itself.
TEST(ImatrixTest, TakesNoMoreMemoryThanTheModelNeeds) {
  std::string huge;
  Append(huge, int32_t{1});
  AppendText(huge, "a tensor of another model");
  Append(huge, int32_t{1});
  Append(huge, int32_t{1} << 30);
  const std::string path = WriteFile("huge.dat", huge);
  std::filesystem::resize_file(path, huge.size() + (uint64_t{4} << 30));
  const uint64_t before = base::PeakMemory();
  const auto matrix = Read(path);
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  EXPECT_EQ(matrix->missing.size(), 3);
  EXPECT_LT(base::PeakMemory(), before + (uint64_t{100} << 20));
  std::filesystem::remove(path);
}

TEST(ImatrixTest, KeepsToTheMemoryLimit) {
  const std::string path = WriteFile("three.dat", Legacy(1, {1, 2, 3}));
  EXPECT_TRUE(Read(path, 12).ok());
  const absl::Status status = Read(path, 11).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("--memory_limit"));
}

}  // namespace
}  // namespace make_gguf
