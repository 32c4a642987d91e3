#include "converters/gguf_source.h"

#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "converters/model_plan.h"
#include "converters/tensor_source.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"
#include "gguf/testing/write_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace converters {
namespace {

using ::gguf::TensorType;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
std::vector<uint8_t> BytesOf(const std::vector<T>& values) {
  std::vector<uint8_t> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

struct StoredTensor {
  gguf::TensorInfo info;
  std::vector<uint8_t> bytes;
};

// One block of Q8_0: scale 0.5, then the numbers from `first` on.
std::vector<uint8_t> Q80Block(int8_t first) {
  std::vector<uint8_t> block = {0x00, 0x38};
  for (int i = 0; i < 32; ++i) {
    block.push_back(static_cast<uint8_t>(first + i));
  }
  return block;
}

class GgufSourceTest : public ::testing::Test {
 protected:
  GgufSourceTest() {
    std::string name = absl::StrCat(::testing::TempDir(), "/source.XXXXXX");
    close(mkstemp(name.data()));
    path_ = name;
    metadata_.Set("general.architecture", std::string("llama"));
    metadata_.Set("general.file_type", uint32_t{1});
    metadata_.Set("llama.block_count", uint32_t{2});
  }
  ~GgufSourceTest() override { unlink(path_.c_str()); }

  std::unique_ptr<GgufSource> Source(const std::vector<StoredTensor>& tensors) {
    std::vector<gguf::TensorInfo> infos;
    std::vector<std::vector<uint8_t>> data;
    for (const StoredTensor& tensor : tensors) {
      infos.push_back(tensor.info);
      data.push_back(tensor.bytes);
    }
    gguf::WriteFile(path_, metadata_, infos, data);
    auto source = GgufSource::Open(path_);
    EXPECT_TRUE(source.ok()) << source.status();
    return *std::move(source);
  }

  static std::vector<float> Read(const GgufSource& source, size_t tensor,
                                 uint64_t first, size_t count) {
    std::vector<float> values(count, -99);
    const absl::Status status =
        source.Read(tensor, first, absl::MakeSpan(values));
    EXPECT_TRUE(status.ok()) << status;
    return values;
  }

  std::string path_;
  gguf::Metadata metadata_;
};

TEST_F(GgufSourceTest, ListsTensorsInPyTorchsOrder) {
  const auto source =
      Source({{{"a", TensorType::kQ8_0, {32, 2, 1}}, std::vector<uint8_t>(68)},
              {{"b", TensorType::kF32, {3}}, std::vector<uint8_t>(12)}});
  ASSERT_EQ(source->tensors().size(), 2u);
  const SourceTensor& tensor = source->tensors()[0];
  EXPECT_EQ(tensor.name, "a");
  EXPECT_EQ(tensor.dtype, "Q8_0");
  EXPECT_THAT(tensor.shape, ElementsAre(1, 2, 32));
  EXPECT_EQ(tensor.bytes, 68u);
  EXPECT_EQ(absl::StrCat(::testing::TempDir(), "/", tensor.file), path_);
}

TEST_F(GgufSourceTest, ReadsNumbers) {
  const auto source = Source(
      {{{"f32", TensorType::kF32, {3}}, BytesOf<float>({1.5f, -2, 1e-40f})},
       {{"f64", TensorType::kF64, {2}}, BytesOf<double>({0.1, -1e300})},
       {{"i8", TensorType::kI8, {2}}, BytesOf<int8_t>({-128, 127})},
       {{"i64", TensorType::kI64, {2}},
        BytesOf<int64_t>({-1, (int64_t{1} << 24) + 1})},
       // 1, -2, the smallest F16
       {{"f16", TensorType::kF16, {3}},
        BytesOf<uint16_t>({0x3c00, 0xc000, 0x0001})},
       {{"bf16", TensorType::kBF16, {2}},
        BytesOf<uint16_t>({0x3f80, 0xc049})}});
  EXPECT_THAT(Read(*source, 0, 0, 3), ElementsAre(1.5f, -2, 1e-40f));
  EXPECT_THAT(Read(*source, 0, 2, 1), ElementsAre(1e-40f));
  EXPECT_THAT(Read(*source, 1, 0, 2),
              ElementsAre(0.1f, -std::numeric_limits<float>::infinity()));
  EXPECT_THAT(Read(*source, 2, 0, 2), ElementsAre(-128, 127));
  EXPECT_THAT(Read(*source, 3, 0, 2), ElementsAre(-1, 16777216));
  EXPECT_THAT(Read(*source, 4, 0, 3), ElementsAre(1, -2, 0x1p-24f));
  EXPECT_THAT(Read(*source, 5, 0, 2), ElementsAre(1, -3.140625f));
}

TEST_F(GgufSourceTest, DequantizesWholeBlocks) {
  std::vector<uint8_t> bytes = Q80Block(-16);
  const std::vector<uint8_t> second = Q80Block(64);
  bytes.insert(bytes.end(), second.begin(), second.end());
  const auto source = Source({{{"q", TensorType::kQ8_0, {64}}, bytes}});
  EXPECT_EQ(Read(*source, 0, 0, 64)[0], -8);
  const std::vector<float> values = Read(*source, 0, 32, 32);
  for (int i = 0; i < 32; ++i) EXPECT_EQ(values[i], 0.5f * (64 + i));

  std::vector<float> out(32);
  EXPECT_EQ(source->Read(0, 16, absl::MakeSpan(out)).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(source->Read(0, 0, absl::MakeSpan(out).subspan(0, 31)).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(source->Read(0, 64, absl::MakeSpan(out)).code(),
            absl::StatusCode::kOutOfRange);
}

TEST_F(GgufSourceTest, ReadsMoreThanFitsItsBuffer) {
  const size_t blocks = 5000;
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < blocks; ++i) {
    const std::vector<uint8_t> block = Q80Block(static_cast<int8_t>(i % 90));
    bytes.insert(bytes.end(), block.begin(), block.end());
  }
  const auto source = Source({{{"q", TensorType::kQ8_0, {32, blocks}}, bytes}});
  const std::vector<float> values = Read(*source, 0, 32, 32 * (blocks - 1));
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(values[i], 0.5f * ((1 + i / 32) % 90 + i % 32)) << i;
  }
}

TEST_F(GgufSourceTest, TypesThatCanNotBeDequantized) {
  const auto source =
      Source({{{"odd", TensorType::kQ8_1, {32}}, std::vector<uint8_t>(36)}});
  std::vector<float> out(32);
  const absl::Status status = source->Read(0, 0, absl::MakeSpan(out));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(status.message(), HasSubstr("tensor 'odd' is stored as Q8_1"));
}

TEST_F(GgufSourceTest, PlanLeavesTheModelAsItIs) {
  const auto source =
      Source({{{"token_embd.weight", TensorType::kQ8_0, {32, 2, 3}},
               std::vector<uint8_t>(34 * 6)},
              {{"output_norm.weight", TensorType::kF32, {32}},
               std::vector<uint8_t>(128)}});
  const auto plan = PlanGguf(*source);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->architecture, "llama");
  gguf::Metadata expected = metadata_;
  expected.Set("general.file_type", uint32_t{0});
  EXPECT_EQ(plan->metadata, expected);
  ASSERT_EQ(plan->tensors.size(), 2u);
  const TensorPlan& tensor = plan->tensors[0];
  EXPECT_EQ(tensor.name, "token_embd.weight");
  EXPECT_THAT(tensor.shape, ElementsAre(32, 2, 3));
  EXPECT_EQ(tensor.stored_type, TensorType::kQ8_0);
  EXPECT_EQ(tensor.precision, Precision::kFileType);
  ASSERT_EQ(tensor.parts.size(), 1u);
  EXPECT_EQ(tensor.parts[0].view.source, 0u);
  EXPECT_EQ(tensor.parts[0].view.elements, 192u);
  EXPECT_EQ(tensor.parts[0].view.RunLength(0), 192u);
  EXPECT_EQ(plan->tensors[1].precision, Precision::kF32);
  EXPECT_EQ(plan->tensors[1].parts[0].view.source, 1u);
}

TEST_F(GgufSourceTest, FilesThatAreNoModels) {
  metadata_ = gguf::Metadata();
  const auto plan = PlanGguf(*Source({}));
  EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(plan.status().message(), HasSubstr(path_));
}

}  // namespace
}  // namespace converters
