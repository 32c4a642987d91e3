#include "tools/engine/imatrix.h"

#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"
#include "gguf/writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace make_gguf {
namespace {

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

// A GGUF matrix of two experts with two columns.
std::string WriteGguf(const std::string& name, std::vector<float> sums,
                      std::vector<float> counts) {
  gguf::Metadata metadata;
  metadata.Set("general.type", std::string("imatrix"));
  metadata.SetArray<std::string>("imatrix.datasets", {"a.txt", "b.txt"});
  metadata.Set("imatrix.chunk_count", uint32_t{8});
  const uint64_t experts = counts.size();
  std::vector<gguf::TensorInfo> tensors = {
      {"w.in_sum2", gguf::TensorType::kF32, {sums.size() / experts, experts}},
      {"w.counts", gguf::TensorType::kF32, {1, experts}}};
  gguf::WriterOptions options;
  options.overwrite = true;
  auto writer = gguf::Writer::Create(Path(name), metadata, tensors, options);
  EXPECT_TRUE(writer.ok()) << writer.status();
  const std::vector<float>* data[] = {&sums, &counts};
  for (size_t i = 0; i < 2; ++i) {
    const auto bytes =
        absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(data[i]->data()),
                            data[i]->size() * sizeof(float));
    EXPECT_TRUE((*writer)->Write(i, 0, bytes).ok());
  }
  EXPECT_TRUE((*writer)->Commit().ok());
  return Path(name);
}

TEST(ImatrixTest, ReadsTheOldForm) {
  const auto matrix =
      ReadImportanceMatrix(WriteFile("old.dat", Legacy(4, {8, 2, 0})));
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  EXPECT_THAT(matrix->entries.at("blk.0.attn_q.weight"),
              ElementsAre(2, 0.5f, 0));
  EXPECT_EQ(matrix->chunks, 7);
  EXPECT_EQ(matrix->dataset, "corpus.txt");
}

TEST(ImatrixTest, EveryPrefixOfTheOldFormIsRefused) {
  const std::string whole = Legacy(4, {8, 2, 0});
  const size_t without_dataset = whole.size() - 4 - 4 - 10;
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto matrix =
        ReadImportanceMatrix(WriteFile("cut.dat", whole.substr(0, size)));
    // The oldest files end after the entries.
    EXPECT_EQ(matrix.ok(), size == without_dataset) << size;
  }
}

TEST(ImatrixTest, AveragesTheGgufFormByExpert) {
  const auto matrix =
      ReadImportanceMatrix(WriteGguf("two.gguf", {6, 3, 0, 0}, {3, 0}));
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  // No data went through the second expert.
  EXPECT_THAT(matrix->entries.at("w"), ElementsAre(2, 1, 1, 1));
  EXPECT_EQ(matrix->chunks, 8);
  EXPECT_EQ(matrix->dataset, "a.txt");
}

TEST(ImatrixTest, RefusesWeightsThatAreNone) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float bad : {-1.0f, nan}) {
    const auto old =
        ReadImportanceMatrix(WriteFile("bad.dat", Legacy(1, {1, bad})));
    EXPECT_THAT(old.status().message(), HasSubstr("column 1"));
    const auto gguf =
        ReadImportanceMatrix(WriteGguf("bad.gguf", {1, bad}, {1}));
    EXPECT_THAT(gguf.status().message(), HasSubstr("column 1"));
  }
}

TEST(ImatrixTest, WritesTheKeysOfTheReference) {
  ImportanceMatrix matrix;
  matrix.entries["w"] = {1};
  matrix.chunks = 8;
  const std::string path(200, 'x');
  const gguf::Metadata metadata = ImportanceMetadata(matrix, path);
  ASSERT_EQ(metadata.entries().size(), 3);
  EXPECT_EQ(*metadata.FindAs<std::string>("quantize.imatrix.file"),
            std::string(127, 'x'));
  EXPECT_EQ(*metadata.FindAs<uint32_t>("quantize.imatrix.entries_count"), 1);
  EXPECT_EQ(*metadata.FindAs<uint32_t>("quantize.imatrix.chunks_count"), 8);
}

converters::ModelPlan Model() {
  converters::ModelPlan model;
  for (const char* name : {"token_embd.weight", "w", "other"}) {
    converters::TensorPlan tensor;
    tensor.name = name;
    tensor.shape = {2, 3};
    model.tensors.push_back(tensor);
  }
  converters::TensorPlan norm;
  norm.name = "norm";
  norm.shape = {2};
  norm.precision = converters::Precision::kF32;
  model.tensors.push_back(norm);
  return model;
}

TEST(ImatrixTest, MatchesTensorsAndListsWhatIsMissing) {
  ImportanceMatrix matrix;
  matrix.entries["w"] = {1, 2};
  matrix.entries["token_embd.weight"] = {1};  // is left out, as it doesn't fit
  const auto matched = MatchImportance(matrix, Model());
  ASSERT_TRUE(matched.ok()) << matched.status();
  EXPECT_THAT(matched->table,
              ElementsAre(IsEmpty(), ElementsAre(1, 2), IsEmpty(), IsEmpty()));
  EXPECT_THAT(matched->missing, ElementsAre("other"));
}

TEST(ImatrixTest, RefusesAnotherModelsMatrix) {
  ImportanceMatrix matrix;
  matrix.entries["w"] = {1, 2, 3};
  EXPECT_THAT(MatchImportance(matrix, Model()).status().message(),
              HasSubstr("'w' has 3 importance weights"));
}

}  // namespace
}  // namespace make_gguf
