#include "converters/checkpoint/dequantize.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/tensor_source.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace checkpoint {
namespace {

using ::converters::SourceTensor;
using ::converters::TensorSource;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Tensors in memory, which counts the elements that are read of each.
class FakeSource : public TensorSource {
 public:
  void Add(absl::string_view name, std::vector<uint64_t> shape,
           std::vector<float> values) {
    SourceTensor& tensor = tensors_.emplace_back();
    tensor.name = std::string(name);
    tensor.file = "f.safetensors";
    tensor.dtype = "F8_E4M3";
    tensor.shape = std::move(shape);
    tensor.bytes = values.size();
    values_.push_back(std::move(values));
    read_.push_back(0);
  }
  size_t read(size_t tensor) const { return read_[tensor]; }

  absl::Span<const SourceTensor> tensors() const override { return tensors_; }
  absl::Status Read(size_t tensor, uint64_t first,
                    absl::Span<float> out) const override {
    if (first + out.size() > values_[tensor].size()) {
      return absl::OutOfRangeError(tensors_[tensor].name);
    }
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = values_[tensor][first + i];
    }
    read_[tensor] += out.size();
    return absl::OkStatus();
  }

 private:
  std::vector<SourceTensor> tensors_;
  std::vector<std::vector<float>> values_;
  mutable std::vector<size_t> read_;
};

std::vector<float> Counting(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i + 1);
  return values;
}

absl::StatusOr<std::unique_ptr<TensorSource>> Make(
    FakeSource source, absl::string_view quantization) {
  nlohmann::json config;
  config["quantization_config"] = nlohmann::json::parse(quantization);
  return Dequantize(std::make_unique<FakeSource>(std::move(source)), config);
}

std::vector<float> Read(const TensorSource& source, size_t tensor,
                        uint64_t first, size_t count) {
  std::vector<float> out(count, -1);
  const absl::Status status = source.Read(tensor, first, absl::MakeSpan(out));
  EXPECT_TRUE(status.ok()) << status;
  return out;
}

constexpr absl::string_view kBlocks =
    R"({"quant_method":"fp8","weight_block_size":[2,3]})";
constexpr absl::string_view kFp8 = R"({"quant_method":"fp8"})";

TEST(DequantizeTest, WithoutAConfigNothingChanges) {
  for (absl::string_view config : {"{}", R"({"quantization_config":null})",
                                   R"({"quantization_config":{"bits":8}})"}) {
    auto source = std::make_unique<FakeSource>();
    source->Add("w.weight_scale_inv", {1}, {2});
    const TensorSource* before = source.get();
    auto same = Dequantize(std::move(source), nlohmann::json::parse(config));
    ASSERT_TRUE(same.ok()) << same.status();
    EXPECT_EQ(same->get(), before);
  }
}

// A weight of 3 x 7 in blocks of 2 x 3, the last ones cut off: element (i, j)
// has scale (i / 2, j / 3).
TEST(DequantizeTest, BlocksOfTwoDimensions) {
  FakeSource fake;
  fake.Add("a.weight_scale_inv", {2, 3}, {1, 10, 100, 2, 20, 200});
  fake.Add("a.weight", {3, 7}, Counting(21));
  fake.Add("norm.weight", {2}, {5, 6});
  auto source = Make(std::move(fake), kBlocks);
  ASSERT_TRUE(source.ok()) << source.status();
  ASSERT_EQ((*source)->tensors().size(), 2);
  EXPECT_EQ((*source)->tensors()[0].name, "a.weight");
  EXPECT_EQ((*source)->tensors()[1].name, "norm.weight");
  EXPECT_THAT(Read(**source, 1, 0, 2), ElementsAre(5, 6));
  const std::vector<float> want = {
      1,  2,  3,  40,  50,  60,  700,   //
      8,  9,  10, 110, 120, 130, 1400,  //
      30, 32, 34, 360, 380, 400, 4200,
  };
  EXPECT_EQ(Read(**source, 0, 0, 21), want);
  for (size_t first = 0; first < 21; ++first) {
    for (size_t count = 0; first + count <= 21; ++count) {
      EXPECT_EQ(Read(**source, 0, first, count),
                std::vector<float>(want.begin() + first,
                                   want.begin() + first + count));
    }
  }
}

TEST(DequantizeTest, ReadsOnlyTheScalesOfItsRows) {
  auto fake = std::make_unique<FakeSource>();
  const FakeSource* stored = fake.get();
  fake->Add("a.weight", {8, 6}, Counting(48));
  fake->Add("a.weight_scale_inv", {4, 2}, Counting(8));
  nlohmann::json config;
  config["quantization_config"] = nlohmann::json::parse(kBlocks);
  auto source = Dequantize(std::move(fake), config);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_THAT(Read(**source, 0, 24, 6),
              ElementsAre(25 * 5, 26 * 5, 27 * 5, 28 * 6, 29 * 6, 30 * 6));
  EXPECT_EQ(stored->read(0), 6);
  EXPECT_EQ(stored->read(1), 2);
}

TEST(DequantizeTest, ExpertsStackedInThreeDimensions) {
  FakeSource fake;
  fake.Add("e.weight", {2, 2, 3}, Counting(12));
  fake.Add("e.weight_scale_inv", {2, 1, 1}, {1, 10});
  auto source = Make(std::move(fake), kBlocks);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_THAT(Read(**source, 0, 4, 4), ElementsAre(5, 6, 70, 80));
}

TEST(DequantizeTest, ScalesOfTensorsAndRows) {
  const struct {
    std::vector<uint64_t> shape;
    std::vector<float> scales;
    std::vector<float> want;
  } cases[] = {
      {{}, {3}, {3, 6, 9, 12}},          {{1}, {3}, {3, 6, 9, 12}},
      {{1, 1}, {3}, {3, 6, 9, 12}},      {{2}, {1, 10}, {1, 2, 30, 40}},
      {{2, 1}, {1, 10}, {1, 2, 30, 40}}, {{1, 2}, {1, 10}, {1, 20, 3, 40}},
  };
  for (const auto& test : cases) {
    FakeSource fake;
    fake.Add("a.weight", {2, 2}, Counting(4));
    fake.Add("a.weight_scale_inv", test.shape, test.scales);
    auto source = Make(std::move(fake), kFp8);
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_EQ(Read(**source, 0, 0, 4), test.want);
    EXPECT_EQ(Read(**source, 0, 3, 1)[0], test.want[3]);
  }
}

TEST(DequantizeTest, TheProductIsRoundedToF32Once) {
  FakeSource fake;
  fake.Add("a.weight", {1}, {448});
  fake.Add("a.weight_scale_inv", {1}, {0x1.234568p-7f});
  auto source = Make(std::move(fake), kFp8);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(Read(**source, 0, 0, 1)[0],
            static_cast<float>(448 * double{0x1.234568p-7f}));
}

TEST(DequantizeTest, ScalesOfActivationsAreHidden) {
  FakeSource fake;
  fake.Add("a.weight", {1}, {2});
  fake.Add("a.weight_scale", {1}, {3});
  fake.Add("a.input_scale", {1}, {4});
  fake.Add("attn.k_scale", {1}, {5});
  fake.Add("lone.weight_scale", {1}, {6});
  auto source = Make(std::move(fake),
                     R"({"quant_method":"modelopt","quant_algo":"FP8"})");
  ASSERT_TRUE(source.ok()) << source.status();
  ASSERT_EQ((*source)->tensors().size(), 1);
  EXPECT_THAT(Read(**source, 0, 0, 1), ElementsAre(6));
}

TEST(DequantizeTest, CompressedTensors) {
  for (absl::string_view weights :
       {R"({"strategy":"channel"})", R"({"strategy":"tensor"})",
        R"({"strategy":"block","block_structure":[1,1]})",
        R"({"strategy":"block","block_structure":"1x1","group_size":null})"}) {
    nlohmann::json config = nlohmann::json::parse(
        R"({"quantization_config":{"quant_method":"compressed-tensors",)"
        R"("format":"float-quantized","config_groups":{"group_0":{}}}})");
    config["quantization_config"]["config_groups"]["group_0"]["weights"] =
        nlohmann::json::parse(weights);
    auto fake = std::make_unique<FakeSource>();
    fake->Add("a.weight", {1, 1}, {2});
    fake->Add("a.weight_scale", {1, 1}, {3});
    auto source = Dequantize(std::move(fake), config);
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_THAT(Read(**source, 0, 0, 1), ElementsAre(6));
  }
}

TEST(DequantizeTest, OtherMethodsAreRefusedByName) {
  const std::pair<absl::string_view, absl::string_view> methods[] = {
      {R"({"quant_method":"gptq","bits":4})", "gptq"},
      {R"({"quant_method":"mxfp4"})", "mxfp4"},
      {R"({"quant_method":7})", "7"},
      {R"({"quant_method":"modelopt","quant_algo":"NVFP4"})", "NVFP4"},
      {R"({"quant_method":"compressed-tensors","format":"pack-quantized"})",
       "pack-quantized"},
      {R"({"quant_method":"compressed-tensors","format":"int-quantized",)"
       R"("config_groups":{"a":{},"b":{}}})",
       "several config_groups"},
      {R"({"quant_method":"compressed-tensors","format":"int-quantized",)"
       R"("config_groups":{"a":{"weights":{"strategy":"group"}}}})",
       "strategy group"},
  };
  for (const auto& [config, name] : methods) {
    const absl::Status status = Make(FakeSource(), config).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status;
    EXPECT_THAT(status.message(), HasSubstr(name));
  }
}

TEST(DequantizeTest, MalformedConfigs) {
  for (absl::string_view config :
       {"[]", "7", R"({"quant_method":"fp8","weight_block_size":[128]})",
        R"({"quant_method":"fp8","weight_block_size":[0,128]})",
        R"({"quant_method":"fp8","weight_block_size":[-1,128]})",
        R"({"quant_method":"fp8","weight_block_size":"axb"})",
        R"({"quant_method":"compressed-tensors","format":"int-quantized"})",
        R"({"quant_method":"compressed-tensors","format":"int-quantized",)"
        R"("config_groups":{"a":7}})"}) {
    EXPECT_EQ(Make(FakeSource(), config).status().code(),
              absl::StatusCode::kInvalidArgument)
        << config;
  }
}

TEST(DequantizeTest, ScalesThatDoNotFit) {
  const std::vector<uint64_t> shapes[] = {{1, 3}, {2, 2},    {3, 3}, {1, 1},
                                          {0, 3}, {2, 3, 1}, {2},    {7}};
  for (const std::vector<uint64_t>& shape : shapes) {
    FakeSource fake;
    fake.Add("a.weight", {3, 7}, Counting(21));
    fake.Add("a.weight_scale_inv", shape, Counting(21));
    const absl::Status status = Make(std::move(fake), kBlocks).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(status.message(),
                HasSubstr("f.safetensors: tensor a.weight (F8_E4M3, shape [3, "
                          "7]) cannot be scaled by a.weight_scale_inv"));
  }
}

TEST(DequantizeTest, ScalesWithoutOneWeight) {
  FakeSource lone;
  lone.Add("a.weight_scale_inv", {1}, {1});
  EXPECT_THAT(Make(std::move(lone), kFp8).status().message(),
              HasSubstr("scales a.weight, which the checkpoint does not have"));
  FakeSource two;
  two.Add("a.weight", {1}, {1});
  two.Add("a.weight_scale_inv", {1}, {1});
  two.Add("a.qscale_weight", {1}, {1});
  EXPECT_THAT(Make(std::move(two), kFp8).status().message(),
              HasSubstr("tensor a.weight has two scales"));
}

}  // namespace
}  // namespace checkpoint
