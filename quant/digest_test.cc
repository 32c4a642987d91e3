// The bytes of every type, over all families of weights and row lengths, on
// every SIMD target of this machine, against committed digests. They were
// made when conformance_test.cc found all bytes equal to the reference's.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gguf/tensor_type.h"
#include "gtest/gtest.h"
#include "hwy/highway.h"
#include "quant/quantize.h"
#include "quant/testing/test_data.h"

namespace quant {
namespace {

struct ExpectedDigest {
  absl::string_view type;
  absl::string_view family;
  bool weighted;
  uint64_t digest;
};

constexpr ExpectedDigest kExpected[] = {
#include "quant/expected_digests.inc"
};

// From one block to 16384 weights: fewer blocks than a vector has lanes, odd
// numbers of them, and some more.
std::vector<size_t> RowSizes(size_t block_size) {
  if (block_size == 1) return {1, 3, 16, 37, 256, 4096};
  std::vector<size_t> sizes;
  for (size_t blocks : {1, 2, 3, 5, 17}) sizes.push_back(blocks * block_size);
  sizes.push_back(16384);
  return sizes;
}

uint64_t DigestOf(gguf::TensorType type, Family family, bool weighted) {
  uint64_t digest = Digest({});
  uint64_t seed = 1;
  for (size_t row_size : RowSizes(gguf::Traits(type).block_size)) {
    // More short rows than the lanes of any target, which hold a row each where
    // importance is the same for all.
    const size_t blocks = row_size / gguf::Traits(type).block_size;
    const size_t num_rows = blocks <= 3 ? 19 : row_size <= 8192 ? 3 : 1;
    const std::vector<float> rows =
        MakeWeights(family, seed, num_rows * row_size);
    std::vector<float> importance;
    if (weighted) importance = MakeImportance(seed, row_size);
    std::vector<uint8_t> out(num_rows * *gguf::RowBytes(type, row_size));
    QuantizeRows(type, rows, row_size, importance, absl::MakeSpan(out));
    digest = Digest(out, digest);
    ++seed;
  }
  return digest;
}

bool IsExpected(const ExpectedDigest& actual) {
  for (const ExpectedDigest& expected : kExpected) {
    if (expected.type == actual.type && expected.family == actual.family &&
        expected.weighted == actual.weighted) {
      return expected.digest == actual.digest;
    }
  }
  return false;
}

class DigestTest : public testing::TestWithParam<gguf::TensorType> {
 protected:
  ~DigestTest() override { hwy::SetSupportedTargetsForTest(0); }
};

TEST_P(DigestTest, EveryTargetGivesTheReferencesBytes) {
  for (int64_t target : RunnableTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    for (Family family : AllFamilies()) {
      for (bool weighted : {false, true}) {
        const ExpectedDigest actual{gguf::Traits(GetParam()).name,
                                    FamilyName(family), weighted,
                                    DigestOf(GetParam(), family, weighted)};
        EXPECT_TRUE(IsExpected(actual))
            << hwy::TargetName(target) << " gives "
            << absl::StrFormat("{\"%s\", \"%s\", %s, 0x%016X},", actual.type,
                               actual.family, weighted ? "true" : "false",
                               actual.digest);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    AllTypes, DigestTest, testing::ValuesIn(QuantizableTypes()),
    [](const testing::TestParamInfo<gguf::TensorType>& info) {
      return std::string(gguf::Traits(info.param).name);
    });

}  // namespace
}  // namespace quant
