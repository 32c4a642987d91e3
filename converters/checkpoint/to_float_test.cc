#include "converters/checkpoint/to_float.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "converters/checkpoint/each_target.h"
#include "converters/checkpoint/element_type.h"
#include "gtest/gtest.h"

namespace checkpoint {
namespace {

template <typename T>
std::vector<float> Convert(ElementType type, const std::vector<T>& values) {
  std::vector<float> out(values.size(), -1);
  ToFloat(type,
          absl::MakeConstSpan(reinterpret_cast<const char*>(values.data()),
                              values.size() * sizeof(T)),
          absl::MakeSpan(out));
  return out;
}

uint32_t Bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

// The value of a float of `exponent_bits` and `mantissa_bits` as IEEE 754
// defines it, in arithmetic of its own: infinities and NaNs where the exponent
// is all ones.
double ValueOf(uint32_t code, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = (code >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const int mantissa = code & ((1 << mantissa_bits) - 1);
  const double sign = (code >> (exponent_bits + mantissa_bits)) ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) {
    return mantissa == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::nan("");
  }
  const double fraction = std::ldexp(mantissa, -mantissa_bits);
  return sign * (exponent == 0 ? std::ldexp(fraction, 1 - bias)
                               : std::ldexp(1 + fraction, exponent - bias));
}

double E4M3ValueOf(uint32_t code) {
  if ((code & 0x7F) == 0x7F) return std::nan("");
  // No exponent is reserved: one more bit of exponent, rebiased, reads it.
  const double sign = code & 0x80 ? -1 : 1;
  const int exponent = (code >> 3) & 15;
  const int mantissa = code & 7;
  return sign * (exponent == 0 ? std::ldexp(mantissa, -9)
                               : std::ldexp(8 + mantissa, exponent - 10));
}

template <typename T>
void ExpectAllCodes(ElementType type,
                    const std::function<double(uint32_t)>& expected) {
  std::vector<T> codes(size_t{std::numeric_limits<T>::max()} + 1);
  for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<T>(i);
  OnEachTarget([&] {
    const std::vector<float> got = Convert(type, codes);
    for (size_t i = 0; i < codes.size(); ++i) {
      const double want = expected(static_cast<uint32_t>(i));
      if (std::isnan(want)) {
        ASSERT_TRUE(std::isnan(got[i])) << "code " << i;
      } else {
        ASSERT_EQ(Bits(got[i]), Bits(static_cast<float>(want))) << "code " << i;
      }
      ASSERT_EQ(std::signbit(got[i]),
                static_cast<bool>(i >> (8 * sizeof(T) - 1)))
          << "code " << i;
    }
  });
}

TEST(ToFloatTest, EveryBF16) {
  ExpectAllCodes<uint16_t>(ElementType::kBF16,
                           [](uint32_t code) { return ValueOf(code, 8, 7); });
}

TEST(ToFloatTest, EveryF16) {
  ExpectAllCodes<uint16_t>(ElementType::kF16,
                           [](uint32_t code) { return ValueOf(code, 5, 10); });
}

TEST(ToFloatTest, EveryF8E5M2) {
  ExpectAllCodes<uint8_t>(ElementType::kF8E5M2,
                          [](uint32_t code) { return ValueOf(code, 5, 2); });
}

TEST(ToFloatTest, EveryF8E4M3) {
  ExpectAllCodes<uint8_t>(ElementType::kF8E4M3, E4M3ValueOf);
}

// Values that PyTorch's documentation and the OCP 8-bit format give.
TEST(ToFloatTest, LandmarksOfTheNarrowFormats) {
  EXPECT_EQ(Convert<uint8_t>(ElementType::kF8E4M3, {0x7E, 0x08, 0x01, 0x38}),
            (std::vector<float>{448, 1.f / 64, 1.f / 512, 1}));
  EXPECT_EQ(Convert<uint8_t>(ElementType::kF8E5M2, {0x7B, 0x04, 0x01, 0x3C}),
            (std::vector<float>{57344, 1.f / 16384, 1.f / 65536, 1}));
  EXPECT_EQ(Convert<uint16_t>(ElementType::kF16, {0x7BFF, 0x0400, 0x0001}),
            (std::vector<float>{65504, 0x1p-14f, 0x1p-24f}));
}

TEST(ToFloatTest, EveryF8E8M0) {
  std::string stored;
  for (int code = 0; code < 256; ++code)
    stored.push_back(static_cast<char>(code));
  std::vector<float> out(256);
  ToFloat(ElementType::kF8E8M0, stored, absl::MakeSpan(out));
  for (int code = 0; code < 255; ++code) {
    EXPECT_EQ(out[code], std::ldexp(1.0f, code - 127)) << code;
  }
  EXPECT_TRUE(std::isnan(out[255]));
}

TEST(ToFloatTest, F32KeepsEveryBit) {
  const std::vector<uint32_t> bits = {0x7F800001, 0xFFFFFFFF, 0x80000000, 1};
  const std::vector<float> got = Convert(ElementType::kF32, bits);
  EXPECT_EQ(std::memcmp(got.data(), bits.data(), 16), 0);
}

TEST(ToFloatTest, F64RoundsToNearestEven) {
  const double kUlp = 0x1p-23;  // of 1.0f
  const std::vector<double> from = {1 + kUlp / 2,
                                    1 + 3 * kUlp / 2,
                                    1 + kUlp * 0.75,
                                    1 + kUlp * 0.25,
                                    0x1p-150,
                                    0x1.8p-149,
                                    1e39,
                                    -1e39};
  const std::vector<float> to = {1,
                                 static_cast<float>(1 + 2 * kUlp),
                                 static_cast<float>(1 + kUlp),
                                 1,
                                 0,
                                 0x1p-148f,
                                 std::numeric_limits<float>::infinity(),
                                 -std::numeric_limits<float>::infinity()};
  OnEachTarget([&] {
    EXPECT_EQ(Convert<double>(ElementType::kF64, from), to);
    // In the rest behind the last vector as well.
    for (size_t i = 0; i < from.size(); ++i) {
      EXPECT_EQ(Convert<double>(ElementType::kF64, {from[i]}),
                (std::vector<float>{to[i]}));
    }
  });
}

TEST(MultiplyTest, AnyLength) {
  OnEachTarget([&] {
    for (size_t count = 0; count < 70; ++count) {
      std::vector<float> values(count + 1, 3);
      for (size_t i = 0; i < count; ++i)
        values[i] = 0.1f * static_cast<float>(i);
      Multiply(0.3f, absl::MakeSpan(values).first(count));
      for (size_t i = 0; i < count; ++i) {
        ASSERT_EQ(Bits(values[i]), Bits(0.1f * static_cast<float>(i) * 0.3f));
      }
      ASSERT_EQ(values[count], 3) << "wrote beyond its end";
    }
  });
}

TEST(ToFloatTest, IntegersAndBooleans) {
  EXPECT_EQ(Convert<uint8_t>(ElementType::kBool, {0, 1}),
            (std::vector<float>{0, 1}));
  EXPECT_EQ(Convert<uint8_t>(ElementType::kU8, {0, 200, 255}),
            (std::vector<float>{0, 200, 255}));
  EXPECT_EQ(Convert<int8_t>(ElementType::kI8, {-128, 127}),
            (std::vector<float>{-128, 127}));
  EXPECT_EQ(Convert<int16_t>(ElementType::kI16, {-32768, 32767}),
            (std::vector<float>{-32768, 32767}));
  // 2^24 + 1 and 2^24 + 3 lie between two floats.
  EXPECT_EQ(Convert<int32_t>(ElementType::kI32, {16777217, -16777219}),
            (std::vector<float>{16777216, -16777220}));
  EXPECT_EQ(Convert<int64_t>(ElementType::kI64,
                             {(int64_t{1} << 40) + (1 << 16), 16777219}),
            (std::vector<float>{0x1p40f, 16777220}));
}

TEST(ToFloatTest, AnyLengthAtAnyAlignment) {
  std::string bytes;
  for (int i = 0; i < 600; ++i) bytes.push_back(static_cast<char>(37 * i));
  OnEachTarget([&] {
    for (ElementType type : {ElementType::kBF16, ElementType::kF16,
                             ElementType::kF8E4M3, ElementType::kF64}) {
      const size_t size = ElementSize(type);
      for (size_t offset = 0; offset < 3; ++offset) {
        for (size_t count = 0; count < 70; ++count) {
          const absl::Span<const char> stored =
              absl::MakeConstSpan(bytes).subspan(offset, count * size);
          std::vector<float> out(count + 1, 1234);
          ToFloat(type, stored, absl::MakeSpan(out).first(count));
          ASSERT_EQ(out[count], 1234) << "wrote beyond its output";
          for (size_t i = 0; i < count; ++i) {
            float one;
            ToFloat(type, stored.subspan(i * size, size),
                    absl::MakeSpan(&one, 1));
            ASSERT_EQ(Bits(out[i]), Bits(one)) << ElementTypeName(type);
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace checkpoint
