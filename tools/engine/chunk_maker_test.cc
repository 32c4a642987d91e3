#include "tools/engine/chunk_maker.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "quant/quantize.h"
#include "tools/engine/engine.h"
#include "tools/engine/testing/fake_source.h"

namespace make_gguf {
namespace {

constexpr uint64_t kColumns = 256;
constexpr uint64_t kRows = 3;
constexpr uint64_t kMatrices = 4;
constexpr uint64_t kWeights = kColumns * kRows * kMatrices;

// A stack of four matrices, each with importance weights of its own.
class ChunkMakerTest : public testing::Test {
 protected:
  ChunkMakerTest() {
    std::mt19937 random(3);
    for (float& value : values_) {
      value = (static_cast<int32_t>(random()) >> 8) * 1e-8f;
    }
    for (size_t i = 0; i < importance_.size(); ++i) {
      importance_[i] = static_cast<float>(random() % 1000) / 64;
    }
  }

  // The plan for files of these types.
  JobPlan PlanFor(const std::vector<std::string>& types, uint64_t chunk) {
    LoadedModel model;
    auto source = std::make_unique<FakeSource>();
    const size_t number =
        source->Add("experts", {kMatrices, kRows, kColumns}, values_);
    model.source = std::move(source);
    model.plan.architecture = "llama";
    model.plan.metadata.Set("general.architecture", std::string("llama"));
    converters::TensorPlan tensor;
    tensor.name = "blk.0.ffn_up_exps.weight";
    tensor.shape = {kColumns, kRows, kMatrices};
    tensor.parts = {
        {converters::TensorView::Of(number, {kMatrices, kRows, kColumns}), {}}};
    model.plan.tensors.push_back(std::move(tensor));
    JobSpec spec;
    spec.set_model("fake");
    for (const std::string& type : types) spec.add_quants(type);
    spec.mutable_execution()->set_chunk_weights(chunk);
    auto plan = Plan(spec, std::move(model));
    EXPECT_TRUE(plan.ok()) << plan.status();
    plan->options.importance[0] = importance_;
    EXPECT_TRUE(PlanWork(*plan).ok());
    return *std::move(plan);
  }

  std::vector<float> values_ = std::vector<float>(kWeights);
  std::vector<float> importance_ = std::vector<float>(kColumns * kMatrices);
  const std::atomic<bool> stop_{false};
};

TEST_F(ChunkMakerTest, EachMatrixHasItsOwnImportance) {
  // Matrix by matrix, as if each were a tensor.
  std::vector<float> rounded = values_;
  quant::RoundToF16(absl::MakeSpan(rounded));
  std::vector<uint8_t> expected(kWeights / 256 * 144);
  const uint64_t matrix_bytes = expected.size() / kMatrices;
  for (uint64_t m = 0; m < kMatrices; ++m) {
    quant::QuantizeRows(
        gguf::TensorType::kQ4_K,
        absl::MakeConstSpan(rounded).subspan(m * kRows * kColumns,
                                             kRows * kColumns),
        kColumns,
        absl::MakeConstSpan(importance_).subspan(m * kColumns, kColumns),
        absl::MakeSpan(expected).subspan(m * matrix_bytes, matrix_bytes));
  }
  for (const uint64_t chunk :
       {uint64_t{1}, kColumns * 2, kColumns * 5, kWeights}) {
    const JobPlan plan = PlanFor({"Q4_K_S"}, chunk);
    ChunkMaker maker(plan, stop_);
    std::vector<std::vector<uint8_t>> forms(1);
    std::vector<uint8_t> made;
    for (const Chunk& part : plan.work.chunks) {
      ASSERT_TRUE(maker.Make(part, forms).ok());
      made.insert(made.end(), forms[0].begin(), forms[0].end());
    }
    EXPECT_EQ(made, expected) << chunk;
  }
}

// Rounding for one form leaves the others' values as they are, and the hook
// sees what each was made of.
TEST_F(ChunkMakerTest, HookSeesEveryFormOfEveryTile) {
  const JobPlan plan = PlanFor({"F32", "Q8_0"}, kWeights);
  std::vector<float> rounded = values_;
  quant::RoundToF16(absl::MakeSpan(rounded));
  std::map<gguf::TensorType, uint64_t> seen;
  ChunkMaker maker(plan, stop_, [&](const Tile& tile) {
    seen[tile.variant.type] += tile.values.size();
    EXPECT_EQ(tile.bytes.size(), tile.variant.Bytes(tile.values.size()));
    const auto& expected =
        tile.variant.type == gguf::TensorType::kF32 ? values_ : rounded;
    EXPECT_TRUE(std::equal(tile.values.begin(), tile.values.end(),
                           expected.begin() + tile.first));
  });
  std::vector<std::vector<uint8_t>> forms(2);
  ASSERT_EQ(plan.work.chunks.size(), 1);
  ASSERT_TRUE(maker.Make(plan.work.chunks[0], forms).ok());
  EXPECT_EQ(seen[gguf::TensorType::kF32], kWeights);
  EXPECT_EQ(seen[gguf::TensorType::kQ8_0], kWeights);
  EXPECT_EQ(maker.bytes_read(), kWeights * sizeof(float));
}

}  // namespace
}  // namespace make_gguf
