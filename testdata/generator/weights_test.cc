#include "testdata/generator/weights.h"

#include <cstdint>
#include <cstring>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace testdata {
namespace {

std::vector<uint8_t> Make(Dtype dtype, uint64_t first, uint64_t count,
                          Spread spread = Spread::kMatrix) {
  std::vector<uint8_t> bytes(count * DtypeBytes(dtype));
  FillWeights(1, "blk.weight", spread, dtype, first, absl::MakeSpan(bytes));
  return bytes;
}

std::vector<float> Floats(const std::vector<uint8_t>& bytes) {
  std::vector<float> values(bytes.size() / 4);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

TEST(FillWeightsTest, PartsAreThoseOfTheWhole) {
  for (Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBF16}) {
    const std::vector<uint8_t> whole = Make(dtype, 0, 101);
    const std::vector<uint8_t> part = Make(dtype, 40, 61);
    EXPECT_TRUE(std::equal(part.begin(), part.end(),
                           whole.begin() + 40 * DtypeBytes(dtype)));
  }
}

TEST(FillWeightsTest, NamesAndSeedsGiveOtherWeights) {
  std::vector<uint8_t> a(64), b(64), c(64);
  FillWeights(1, "a", Spread::kMatrix, Dtype::kF32, 0, absl::MakeSpan(a));
  FillWeights(1, "b", Spread::kMatrix, Dtype::kF32, 0, absl::MakeSpan(b));
  FillWeights(2, "a", Spread::kMatrix, Dtype::kF32, 0, absl::MakeSpan(c));
  EXPECT_NE(a, b);
  EXPECT_NE(a, c);
}

TEST(FillWeightsTest, ValuesAreSpreadAsPromised) {
  const std::vector<float> matrix = Floats(Make(Dtype::kF32, 0, 20000));
  double sum = 0, squares = 0;
  for (float value : matrix) {
    sum += value;
    squares += double{value} * value;
    ASSERT_LT(std::abs(value), 0.26f);
  }
  EXPECT_NEAR(sum / 20000, 0, 0.0005);
  EXPECT_NEAR(squares / 20000, 0.0135 * 0.0135, 0.00004);
  for (float value : Floats(Make(Dtype::kF32, 0, 1000, Spread::kNorm))) {
    ASSERT_GT(value, 0.74f);
    ASSERT_LT(value, 1.26f);
  }
}

// Half an ulp is as far as rounding to nearest may go.
TEST(FillWeightsTest, SmallerTypesAreTheRoundedFloats) {
  const std::vector<float> exact = Floats(Make(Dtype::kF32, 0, 20000));
  const std::vector<uint8_t> bf16 = Make(Dtype::kBF16, 0, 20000);
  const std::vector<uint8_t> f16 = Make(Dtype::kF16, 0, 20000);
  for (size_t i = 0; i < exact.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, bf16.data() + 2 * i, 2);
    const uint32_t wide = uint32_t{bits} << 16;
    float value;
    std::memcpy(&value, &wide, 4);
    ASSERT_LE(std::abs(value - exact[i]), std::abs(exact[i]) / 256);

    std::memcpy(&bits, f16.data() + 2 * i, 2);
    const int exponent = bits >> 10 & 31;
    const int mantissa = bits & 1023;
    value = exponent == 0 ? std::ldexp(mantissa, -24)
                          : std::ldexp(1024 + mantissa, exponent - 25);
    if (bits & 0x8000) value = -value;
    ASSERT_LE(std::abs(value - exact[i]),
              std::max(std::abs(exact[i]) / 2048, 0x1p-25f));
  }
}

}  // namespace
}  // namespace testdata
