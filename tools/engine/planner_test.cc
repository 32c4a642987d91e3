#include "tools/engine/planner.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gguf/metadata.h"
#include "gguf/tensor_type.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "quant/file_type.h"

namespace make_gguf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

converters::TensorPlan Tensor(const std::string& name,
                              std::vector<uint64_t> shape) {
  converters::TensorPlan tensor;
  tensor.name = name;
  tensor.shape = std::move(shape);
  tensor.parts = {{converters::TensorView::Of(0, {1}), {}}};
  if (tensor.shape.size() == 1) {
    tensor.precision = converters::Precision::kF32;
  }
  return tensor;
}

converters::ModelPlan Model() {
  converters::ModelPlan model;
  model.architecture = "llama";
  model.metadata.Set("general.architecture", std::string("llama"));
  model.metadata.Set("general.file_type", uint32_t{0});
  model.metadata.Set("general.quantization_version", uint32_t{2});
  model.metadata.Set("llama.block_count", uint32_t{1});
  model.tensors = {Tensor("token_embd.weight", {256, 10}),
                   Tensor("blk.0.attn_norm.weight", {256}),
                   Tensor("blk.0.attn_k.weight", {256, 4}),
                   Tensor("output.weight", {256, 10})};
  return model;
}

OutputPlan PlanOne(const converters::ModelPlan& model, const char* type,
                   PlanOptions options = {}) {
  options.importance.resize(model.tensors.size());
  auto outputs =
      PlanOutput(model, *quant::FindFileType(type), options, "/out/m.gguf");
  EXPECT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_EQ(outputs->size(), 1);
  return outputs->front();
}

std::vector<std::string> Keys(const gguf::Metadata& metadata) {
  std::vector<std::string> keys;
  for (const auto& entry : metadata.entries()) keys.push_back(entry.key);
  return keys;
}

std::vector<size_t> Order(const OutputPlan& output) {
  std::vector<size_t> order;
  for (const OutputTensor& tensor : output.tensors) {
    order.push_back(tensor.tensor);
  }
  return order;
}

TEST(PlannerTest, ConvertedFileKeepsTheConvertersOrder) {
  const converters::ModelPlan model = Model();
  const OutputPlan output = PlanOne(model, "BF16");
  EXPECT_THAT(Order(output), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(output.tensors[0].type, gguf::TensorType::kBF16);
  EXPECT_EQ(output.tensors[1].type, gguf::TensorType::kF32);
  EXPECT_FALSE(output.tensors[0].rounded);
  const gguf::Metadata metadata = OutputMetadata(model, output, {});
  EXPECT_THAT(Keys(metadata),
              ElementsAre("general.architecture", "general.file_type",
                          "general.quantization_version", "llama.block_count"));
  EXPECT_EQ(*metadata.FindAs<uint32_t>("general.file_type"), 32);
}

TEST(PlannerTest, QuantizedFileHasTheQuantizersOrder) {
  const converters::ModelPlan model = Model();
  const OutputPlan output = PlanOne(model, "Q8_0");
  EXPECT_THAT(Order(output), ElementsAre(3, 0, 2, 1));
  EXPECT_TRUE(output.tensors[0].rounded);
  EXPECT_FALSE(output.tensors[3].rounded);
  const gguf::Metadata metadata = OutputMetadata(model, output, {});
  EXPECT_THAT(Keys(metadata),
              ElementsAre("general.architecture", "llama.block_count",
                          "general.quantization_version", "general.file_type"));
}

TEST(PlannerTest, SizesAreExact) {
  const OutputPlan output = PlanOne(Model(), "Q8_0");
  EXPECT_EQ(output.weights, 256 * 25);
  EXPECT_EQ(output.data_bytes, 24 * (256 / 32 * 34) + 256 * 4);
  EXPECT_DOUBLE_EQ(output.bits_per_weight(),
                   8.0 * output.data_bytes / output.weights);
}

TEST(PlannerTest, F32IntermediateDoesNotRound) {
  PlanOptions options;
  options.intermediate = Intermediate::F32;
  for (const OutputTensor& tensor : PlanOne(Model(), "Q8_0", options).tensors) {
    EXPECT_FALSE(tensor.rounded);
  }
}

TEST(PlannerTest, MissingImportanceIsListed) {
  const converters::ModelPlan model = Model();
  PlanOptions options;
  options.importance.resize(model.tensors.size());
  const auto outputs =
      PlanOutput(model, *quant::FindFileType("Q2_K_S"), options, "/out/m.gguf");
  EXPECT_THAT(outputs.status().message(), HasSubstr("blk.0.attn_k.weight"));
}

TEST(PlannerTest, QuantizedSourceIsNotQuantizedAgainUnasked) {
  converters::ModelPlan model = Model();
  for (converters::TensorPlan& tensor : model.tensors) {
    tensor.stored_type = tensor.shape.size() == 1 ? gguf::TensorType::kF32
                                                  : gguf::TensorType::kQ8_0;
  }
  PlanOptions options;
  options.importance.resize(model.tensors.size());
  const quant::FileType& type = *quant::FindFileType("Q4_0");
  const auto refused = PlanOutput(model, type, options, "/out/m.gguf");
  EXPECT_THAT(refused.status().message(), HasSubstr("--allow_requantize"));
  EXPECT_THAT(refused.status().message(),
              HasSubstr("token_embd.weight (Q8_0)"));
  options.allow_requantize = true;
  EXPECT_TRUE(PlanOutput(model, type, options, "/out/m.gguf").ok());
  // Nothing is quantized again if the types are the same.
  for (const OutputTensor& tensor : PlanOne(model, "Q8_0").tensors) {
    EXPECT_TRUE(tensor.copied);
  }
}

TEST(PlannerTest, ImportanceIsToldInQuantizedFilesAlone) {
  const converters::ModelPlan model = Model();
  PlanOptions options;
  options.importance.resize(model.tensors.size());
  options.quantized_metadata.Set("quantize.imatrix.file", std::string("i"));
  const auto keys = [&](const char* type) {
    return Keys(OutputMetadata(model, PlanOne(model, type, options), options));
  };
  EXPECT_EQ(keys("Q8_0").back(), "quantize.imatrix.file");
  EXPECT_THAT(keys("BF16"),
              ElementsAre("general.architecture", "general.file_type",
                          "general.quantization_version", "llama.block_count"));
}

TEST(PlannerTest, OverridesDecideOverTheMix) {
  const converters::ModelPlan model = Model();
  PlanOptions options;
  options.importance.resize(model.tensors.size());
  options.mix.tensor_types.emplace_back("attn_k", gguf::TensorType::kQ5_0);
  options.mix.token_embedding_type = gguf::TensorType::kF16;
  std::map<std::string, gguf::TensorType> types;
  const OutputPlan output = PlanOne(model, "Q8_0", options);
  for (const OutputTensor& tensor : output.tensors) {
    types[model.tensors[tensor.tensor].name] = tensor.type;
  }
  EXPECT_EQ(types["blk.0.attn_k.weight"], gguf::TensorType::kQ5_0);
  EXPECT_EQ(types["token_embd.weight"], gguf::TensorType::kF16);
}

TEST(PlannerTest, ConvertersFilesAreSplitInTheirOwnOrder) {
  const converters::ModelPlan model = Model();
  PlanOptions options;
  options.importance.resize(model.tensors.size());
  options.split.max_tensors = 3;
  const auto outputs = PlanOutput(model, *quant::FindFileType("BF16"), options,
                                  "/out/m-BF16.gguf");
  ASSERT_TRUE(outputs.ok());
  ASSERT_EQ(outputs->size(), 2);
  EXPECT_FALSE((*outputs)[0].quantizer_order);
  EXPECT_THAT(Order((*outputs)[0]), ElementsAre(0, 1, 2));
  EXPECT_THAT(Order((*outputs)[1]), ElementsAre(3));
}

TEST(PlannerTest, ShardsHoldAllTensorsOnce) {
  const converters::ModelPlan model = Model();
  PlanOptions options;
  options.importance.resize(model.tensors.size());
  options.split.max_tensors = 3;
  const auto outputs = PlanOutput(model, *quant::FindFileType("Q8_0"), options,
                                  "/out/m-Q8_0.gguf");
  ASSERT_TRUE(outputs.ok());
  ASSERT_EQ(outputs->size(), 2);
  EXPECT_EQ((*outputs)[1].path, "/out/m-Q8_0-00002-of-00002.gguf");
  EXPECT_THAT(Order((*outputs)[0]), ElementsAre(3, 0, 2));
  EXPECT_THAT(Order((*outputs)[1]), ElementsAre(1));
  EXPECT_THAT(Keys(OutputMetadata(model, (*outputs)[1], options)),
              ElementsAre("split.no", "split.tensors.count", "split.count"));
  EXPECT_THAT(Keys(OutputMetadata(model, (*outputs)[0], options)),
              ElementsAre("general.architecture", "llama.block_count",
                          "general.quantization_version", "general.file_type",
                          "split.no", "split.tensors.count", "split.count"));
}

}  // namespace
}  // namespace make_gguf
