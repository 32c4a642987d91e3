// DequantizeRows against a decoder that was written from the formats'
// descriptions: one weight at a time, by its index, in doubles where that is
// exact. Blocks are random bytes, so every bit of every level is met.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "gguf/tensor_type.h"
#include "gtest/gtest.h"
#include "hwy/highway.h"
#include "quant/quantize.h"
#include "quant/testing/test_data.h"

namespace quant {
namespace {

using gguf::TensorType;

double Power(int exponent) { return std::ldexp(1.0, exponent); }

float Half(const uint8_t* p) {
  const int bits = p[0] | p[1] << 8;
  const int exponent = bits >> 10 & 31;
  const double mantissa = bits & 1023;
  if (exponent == 31) return mantissa == 0 ? INFINITY : NAN;  // see below
  const double magnitude = exponent == 0
                               ? mantissa * Power(-24)
                               : (1024 + mantissa) * Power(exponent - 25);
  return static_cast<float>(bits & 0x8000 ? -magnitude : magnitude);
}

int Bits(uint8_t byte, int shift, int count) {
  return byte >> shift & ((1 << count) - 1);
}

// Nibble of weight i where i and i + half share a byte.
int Nibble(const uint8_t* p, int i, int half) {
  return i < half ? p[i] & 15 : p[i - half] >> 4;
}

int SimpleLevel(const uint8_t* qh, const uint8_t* qs, int i) {
  const int high = qh == nullptr ? 0 : Bits(qh[i / 8], i % 8, 1);
  return Nibble(qs, i, 16) | high << 4;
}

// Two bits of weight i of a super-block.
int TwoBits(const uint8_t* qs, int i) {
  return Bits(qs[i / 128 * 32 + i % 32], i % 128 / 32 * 2, 2);
}

float Q2K(const uint8_t* b, int i) {
  const uint8_t scales = b[i / 16];
  const float scale = Half(b + 80) * static_cast<float>(scales & 15);
  const float minimum = Half(b + 82) * static_cast<float>(scales >> 4);
  return scale * static_cast<float>(TwoBits(b + 16, i)) - minimum;
}

float Q3K(const uint8_t* b, int i) {
  const int sub = i / 16;
  const int low = Bits(b[96 + sub % 8], sub / 8 * 4, 4);
  const int high = Bits(b[104 + sub % 4], sub / 4 * 2, 2);
  const float scale =
      Half(b + 108) * static_cast<float>((low | high << 4) - 32);
  const int level = TwoBits(b + 32, i) | Bits(b[i % 32], i / 32, 1) << 2;
  return scale * static_cast<float>(level - 4);
}

float Q45K(const uint8_t* b, int i, bool five_bits) {
  const int sub = i / 32;
  const uint8_t* s = b + 4;
  int scale = s[sub % 4] & 63;
  int minimum = s[sub % 4 + 4] & 63;
  if (sub >= 4) {
    scale = (s[sub + 4] & 15) | s[sub - 4] >> 6 << 4;
    minimum = s[sub + 4] >> 4 | s[sub] >> 6 << 4;
  }
  const uint8_t* qs = b + (five_bits ? 48 : 16);
  int level = Bits(qs[i / 64 * 32 + i % 32], i % 64 / 32 * 4, 4);
  if (five_bits) level |= Bits(b[16 + i % 32], sub, 1) << 4;
  return Half(b) * static_cast<float>(scale) * static_cast<float>(level) -
         Half(b + 2) * static_cast<float>(minimum);
}

float Q6K(const uint8_t* b, int i) {
  const int half = i / 128;
  const int in_half = i % 128;
  const int low = Bits(b[half * 64 + in_half % 64], in_half / 64 * 4, 4);
  const int high = Bits(b[128 + half * 32 + i % 32], in_half / 32 * 2, 2);
  const auto scale = static_cast<int8_t>(b[192 + i / 16]);
  return Half(b + 208) * static_cast<float>(scale) *
         static_cast<float>((low | high << 4) - 32);
}

float UnevenValue(int level) {
  constexpr int kValues[] = {-127, -104, -83, -65, -49, -35, -22, -10,
                             1,    13,   25,  38,  53,  69,  89,  113};
  return static_cast<float>(kValues[level]);
}

float IQ4XS(const uint8_t* b, int i) {
  const int sub = i / 32;
  const int low = Bits(b[4 + sub / 2], sub % 2 * 4, 4);
  const int high = Bits(b[2 + sub / 4], sub % 4 * 2, 2);
  const float scale = Half(b) * static_cast<float>((low | high << 4) - 32);
  return scale * UnevenValue(Nibble(b + 8 + sub * 16, i % 32, 16));
}

float TQ10(const uint8_t* b, int i) {
  // Digits of 32 bytes, of 16 bytes, and of the last four.
  int start = 0, first = 0, stride = 32;
  if (i >= 160) start = 160, first = 32, stride = 16;
  if (i >= 240) start = 240, first = 48, stride = 4;
  int value = b[first + (i - start) % stride];
  for (int digit = (i - start) / stride; digit > 0; --digit) {
    value = value * 3 % 256;
  }
  return static_cast<float>(value * 3 / 256 - 1) * Half(b + 52);
}

double E2M1(int code) {
  constexpr double kMagnitudes[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  return code < 8 ? kMagnitudes[code] : -kMagnitudes[code - 8];
}

double UE4M3(uint8_t code) {
  if (code == 0x7F) return 0.0;
  const int exponent = code >> 3 & 15;
  if (exponent == 0) return (code & 7) * Power(-9);
  return (8 + (code & 7)) * Power(exponent - 10);
}

// Weight i of block b.
float Decode(TensorType type, const uint8_t* b, int i) {
  switch (type) {
    case TensorType::kQ4_0:
      return static_cast<float>(SimpleLevel(nullptr, b + 2, i) - 8) * Half(b);
    case TensorType::kQ4_1:
      return static_cast<float>(SimpleLevel(nullptr, b + 4, i)) * Half(b) +
             Half(b + 2);
    case TensorType::kQ5_0:
      return static_cast<float>(SimpleLevel(b + 2, b + 6, i) - 16) * Half(b);
    case TensorType::kQ5_1:
      return static_cast<float>(SimpleLevel(b + 4, b + 8, i)) * Half(b) +
             Half(b + 2);
    case TensorType::kQ8_0:
      return static_cast<float>(static_cast<int8_t>(b[2 + i])) * Half(b);
    case TensorType::kQ2_K:
      return Q2K(b, i);
    case TensorType::kQ3_K:
      return Q3K(b, i);
    case TensorType::kQ4_K:
      return Q45K(b, i, false);
    case TensorType::kQ5_K:
      return Q45K(b, i, true);
    case TensorType::kQ6_K:
      return Q6K(b, i);
    case TensorType::kIQ4_NL:
      return Half(b) * UnevenValue(Nibble(b + 2, i, 16));
    case TensorType::kIQ4_XS:
      return IQ4XS(b, i);
    case TensorType::kTQ1_0:
      return TQ10(b, i);
    case TensorType::kTQ2_0:
      return static_cast<float>(TwoBits(b, i) - 1) * Half(b + 64);
    case TensorType::kMXFP4:
      return static_cast<float>(E2M1(Nibble(b + 1, i, 16)) * Power(b[0] - 127));
    case TensorType::kNVFP4:
      return static_cast<float>(E2M1(Nibble(b + 4 + i / 16 * 8, i % 16, 8)) *
                                UE4M3(b[i / 16]));
    case TensorType::kQ1_0:
      return Bits(b[2 + i / 8], i % 8, 1) ? Half(b) : -Half(b);
    case TensorType::kQ2_0:
      return static_cast<float>(Bits(b[2 + i / 4], i % 4 * 2, 2) - 1) * Half(b);
    default:
      ADD_FAILURE() << "no decoder here";
      return 0.0f;
  }
}

std::vector<TensorType> BlockTypes() {
  std::vector<TensorType> types;
  for (TensorType type : QuantizableTypes()) {
    if (gguf::Traits(type).block_size > 1) types.push_back(type);
  }
  return types;
}

class DequantizeTest : public testing::TestWithParam<TensorType> {
 protected:
  ~DequantizeTest() override { hwy::SetSupportedTargetsForTest(0); }
};

TEST_P(DequantizeTest, DecodesRandomBlocks) {
  constexpr size_t kBlocks = 129;
  const gguf::TensorTypeTraits& traits = gguf::Traits(GetParam());
  std::vector<uint8_t> blocks(kBlocks * traits.block_bytes);
  uint32_t state = 1;
  for (uint8_t& byte : blocks) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<uint8_t>(state >> 24);
  }
  for (int64_t target : RunnableTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    std::vector<float> out(kBlocks * traits.block_size);
    DequantizeRows(GetParam(), blocks, out.size(), absl::MakeSpan(out));
    for (size_t i = 0; i < out.size(); ++i) {
      const size_t block = i / traits.block_size;
      const float expected =
          Decode(GetParam(), &blocks[block * traits.block_bytes],
                 static_cast<int>(i % traits.block_size));
      // Random scales may be infinite or NaN, of which other tests speak.
      if (!(std::fabs(expected) < 60000.0f)) continue;
      ASSERT_EQ(out[i], expected) << hwy::TargetName(target) << " weight " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllTypes, DequantizeTest,
                         testing::ValuesIn(BlockTypes()),
                         [](const testing::TestParamInfo<TensorType>& info) {
                           return std::string(gguf::Traits(info.param).name);
                         });

}  // namespace
}  // namespace quant
