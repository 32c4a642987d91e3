#include "tools/engine/work_list.h"

#include <cstdint>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "quant/file_type.h"

namespace make_gguf {
namespace {

// Of a model of one tensor.
const ImportanceTable kUnweighted(1);
const ImportanceTable kWeighted(1, {1.0f});

using ::testing::SizeIs;

converters::ModelPlan Model(std::vector<uint64_t> shape) {
  converters::ModelPlan model;
  model.architecture = "llama";
  converters::TensorPlan tensor;
  tensor.name = "blk.0.attn_k.weight";
  tensor.shape = std::move(shape);
  model.tensors = {tensor};
  return model;
}

std::vector<OutputPlan> Outputs(const converters::ModelPlan& model,
                                const std::vector<const char*>& types) {
  PlanOptions options;
  options.importance.resize(model.tensors.size());
  std::vector<OutputPlan> outputs;
  for (const char* type : types) {
    auto planned =
        PlanOutput(model, *quant::FindFileType(type), options, "/out/m.gguf");
    EXPECT_TRUE(planned.ok()) << planned.status();
    outputs.push_back(planned->front());
  }
  return outputs;
}

TEST(WorkListTest, EqualFormsAreMadeOnce) {
  const converters::ModelPlan model = Model({256, 8});
  const WorkList list = MakeWorkList(
      model, Outputs(model, {"Q4_K_M", "Q4_K_S", "Q8_0"}), kUnweighted, 1024);
  ASSERT_THAT(list.tensors, SizeIs(1));
  ASSERT_THAT(list.tensors[0].variants, SizeIs(2));
  EXPECT_THAT(list.tensors[0].variants[0].destinations, SizeIs(2));
  EXPECT_THAT(list.tensors[0].variants[1].destinations, SizeIs(1));
}

TEST(WorkListTest, RoundedAndPlainF32AreTwoForms) {
  const converters::ModelPlan model = Model({256, 8});
  const WorkList list =
      MakeWorkList(model, Outputs(model, {"Q8_0", "F16"}), kUnweighted, 1024);
  EXPECT_TRUE(list.tensors[0].variants[0].rounded);
  EXPECT_FALSE(list.tensors[0].variants[1].rounded);
}

TEST(WorkListTest, ChunksAreWholeRowsAndCoverTheTensor) {
  const converters::ModelPlan model = Model({256, 10});
  const WorkList list =
      MakeWorkList(model, Outputs(model, {"Q8_0"}), kUnweighted, 1000);
  ASSERT_THAT(list.chunks, SizeIs(4));
  uint64_t next = 0;
  for (const Chunk& chunk : list.chunks) {
    EXPECT_EQ(chunk.first, next);
    EXPECT_EQ(chunk.weights % 256, 0);
    next += chunk.weights;
  }
  EXPECT_EQ(next, 2560);
  EXPECT_EQ(list.max_chunk_weights, 768);
  EXPECT_EQ(list.max_chunk_bytes, 768 / 32 * 34);
}

TEST(WorkListTest, LongRowsAreDividedUnlessATypeLooksAtThemWhole) {
  const uint64_t row = 4 * kMaxUndividedRow;
  const converters::ModelPlan model = Model({row, 2});
  const std::vector<OutputPlan> outputs = Outputs(model, {"Q8_0"});
  EXPECT_EQ(
      MakeWorkList(model, outputs, kUnweighted, 1 << 16).max_chunk_weights,
      1 << 16);
  EXPECT_EQ(MakeWorkList(model, outputs, kWeighted, 1 << 16).max_chunk_weights,
            row);
}

}  // namespace
}  // namespace make_gguf
