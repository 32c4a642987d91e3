#include "gguf/tensor_type.h"

#include <cstdint>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace gguf {
namespace {

TEST(TensorTypeTest, TableIsOrderedByNumberAndComplete) {
  const auto types = AllTensorTypes();
  EXPECT_EQ(types.size(), 35u);
  for (size_t i = 1; i < types.size(); ++i) {
    EXPECT_LT(types[i - 1].type, types[i].type);
  }
  for (const TensorTypeTraits& traits : types) {
    EXPECT_EQ(FindTensorType(static_cast<uint32_t>(traits.type)), &traits);
    EXPECT_EQ(ParseTensorType(traits.name), traits.type);
  }
}

// The formats' sizes worked out from their fields: F16 scales of 2 bytes,
// packed scales, then the quants.
TEST(TensorTypeTest, BlockBytesAreTheSumOfTheFields) {
  EXPECT_EQ(Traits(TensorType::kQ4_0).block_bytes, 2u + 32 / 2);
  EXPECT_EQ(Traits(TensorType::kQ5_1).block_bytes, 2u + 2 + 4 + 32 / 2);
  EXPECT_EQ(Traits(TensorType::kQ8_0).block_bytes, 2u + 32);
  EXPECT_EQ(Traits(TensorType::kQ2_K).block_bytes, 16u + 256 / 4 + 2 + 2);
  EXPECT_EQ(Traits(TensorType::kQ3_K).block_bytes, 32u + 64 + 12 + 2);
  EXPECT_EQ(Traits(TensorType::kQ4_K).block_bytes, 2u + 2 + 12 + 128);
  EXPECT_EQ(Traits(TensorType::kQ5_K).block_bytes, 2u + 2 + 12 + 32 + 128);
  EXPECT_EQ(Traits(TensorType::kQ6_K).block_bytes, 128u + 64 + 16 + 2);
  EXPECT_EQ(Traits(TensorType::kIQ4_XS).block_bytes, 2u + 2 + 4 + 128);
  EXPECT_EQ(Traits(TensorType::kTQ1_0).block_bytes, 48u + 4 + 2);
  EXPECT_EQ(Traits(TensorType::kMXFP4).block_bytes, 1u + 16);
  EXPECT_EQ(Traits(TensorType::kNVFP4).block_bytes, 4u + 32);
  EXPECT_EQ(Traits(TensorType::kQ1_0).block_bytes, 2u + 16);
}

TEST(TensorTypeTest, UnusedNumbersNameNoType) {
  // 4, 5, 31-33 and 36-38 belonged to formats that ggml has removed.
  for (uint32_t number : {4, 5, 31, 32, 33, 36, 37, 38, 43, 255}) {
    EXPECT_EQ(FindTensorType(number), nullptr) << number;
  }
  EXPECT_EQ(FindTensorType(std::numeric_limits<uint32_t>::max()), nullptr);
}

TEST(TensorTypeTest, NamesInAnyCase) {
  EXPECT_EQ(ParseTensorType("q4_k"), TensorType::kQ4_K);
  EXPECT_EQ(ParseTensorType("iq4_nl"), TensorType::kIQ4_NL);
  EXPECT_EQ(ParseTensorType("Bf16"), TensorType::kBF16);
  EXPECT_EQ(ParseTensorType("Q4_K_M"), std::nullopt);
  EXPECT_EQ(ParseTensorType(""), std::nullopt);
  EXPECT_EQ(absl::StrCat(TensorType::kQ6_K), "Q6_K");
}

TEST(TensorTypeTest, RowBytes) {
  EXPECT_EQ(RowBytes(TensorType::kF32, 3), 12u);
  EXPECT_EQ(RowBytes(TensorType::kQ8_0, 64), 68u);
  EXPECT_EQ(RowBytes(TensorType::kQ4_K, 4096), 4096u / 256 * 144);
  EXPECT_EQ(RowBytes(TensorType::kQ4_K, 0), 0u);
  EXPECT_EQ(RowBytes(TensorType::kQ4_K, 255), std::nullopt);
  EXPECT_EQ(RowBytes(TensorType::kQ8_0, 33), std::nullopt);
  EXPECT_EQ(RowBytes(TensorType::kF32, uint64_t{1} << 62), std::nullopt);
  EXPECT_EQ(RowBytes(TensorType::kQ8_0, uint64_t{1} << 63),
            (uint64_t{1} << 58) * 34);
}

}  // namespace
}  // namespace gguf
