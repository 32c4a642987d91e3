// Every byte against the official ggml library's, see reference_library.h:
// all types, families of weights, row lengths and SIMD targets, with and
// without importance. Skipped where GGML_REFERENCE_LIBRARY is not set;
// MAKE_GGUF_REQUIRE_REFERENCE=1 makes that a failure.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gguf/tensor_type.h"
#include "gtest/gtest.h"
#include "hwy/highway.h"
#include "quant/quantize.h"
#include "quant/testing/reference_library.h"
#include "quant/testing/test_data.h"

namespace quant {
namespace {

struct Case {
  Family family;
  size_t row_size;
  size_t num_rows;
  bool weighted;
};

std::vector<Case> Cases(size_t block_size) {
  std::vector<Case> cases;
  for (Family family : AllFamilies()) {
    for (bool weighted : {false, true}) {
      for (size_t blocks : {1, 2, 3, 7, 16, 21}) {
        cases.push_back({family, blocks * block_size, 1, weighted});
        cases.push_back({family, blocks * block_size, 19, weighted});
      }
      cases.push_back({family, 16384, 1, weighted});
    }
  }
  return cases;
}

// NaN equal NaN of other bits: which one an operation gives is unspecified.
bool SameFloats(absl::Span<const float> a, absl::Span<const float> b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(&a[i], &b[i], sizeof(float)) == 0) continue;
    if (!std::isnan(a[i]) || !std::isnan(b[i])) return false;
  }
  return true;
}

class ConformanceTest : public testing::TestWithParam<gguf::TensorType> {
 protected:
  ~ConformanceTest() override { hwy::SetSupportedTargetsForTest(0); }

  void Compare(const ReferenceLibrary& reference, const Case& c,
               absl::Span<const int64_t> targets) {
    const gguf::TensorType type = GetParam();
    const size_t count = c.row_size * c.num_rows;
    const uint64_t seed = 1000 + c.row_size + c.num_rows;
    const std::vector<float> rows = MakeWeights(c.family, seed, count);
    std::vector<float> importance;
    if (c.weighted) importance = MakeImportance(seed, c.row_size);
    const size_t bytes = c.num_rows * *gguf::RowBytes(type, c.row_size);
    std::vector<uint8_t> expected(bytes, 0xAA);
    reference.QuantizeRows(type, rows, c.row_size, importance,
                           absl::MakeSpan(expected));
    std::vector<float> expected_floats(count);
    const bool decodes = reference.DequantizeRows(
        type, expected, absl::MakeSpan(expected_floats));
    for (int64_t target : targets) {
      hwy::SetSupportedTargetsForTest(target);
      SCOPED_TRACE(testing::Message()
                   << hwy::TargetName(target) << ' ' << FamilyName(c.family)
                   << (c.weighted ? " with importance, " : ", ") << c.num_rows
                   << " x " << c.row_size);
      std::vector<uint8_t> actual(bytes, 0x55);
      QuantizeRows(type, rows, c.row_size, importance, absl::MakeSpan(actual));
      const auto difference =
          std::mismatch(actual.begin(), actual.end(), expected.begin());
      ASSERT_EQ(difference.first - actual.begin(), bytes)
          << "the first byte that differs";
      if (!decodes) continue;  // F32 only, see below
      std::vector<float> floats(count);
      DequantizeRows(type, expected, c.row_size, absl::MakeSpan(floats));
      ASSERT_TRUE(SameFloats(floats, expected_floats));
    }
  }
};

TEST_P(ConformanceTest, BytesEqualTheReferences) {
  const std::optional<ReferenceLibrary> reference =
      ReferenceLibrary::FromEnvironment();
  if (!reference.has_value()) {
    const char* required = std::getenv("MAKE_GGUF_REQUIRE_REFERENCE");
    ASSERT_FALSE(required != nullptr && absl::string_view(required) == "1")
        << "GGML_REFERENCE_LIBRARY is not set";
    GTEST_SKIP() << "NOT COMPARED with the official library: set "
                    "GGML_REFERENCE_LIBRARY to a libggml-base.so";
  }
  std::vector<uint8_t> block(gguf::Traits(GetParam()).block_bytes);
  std::vector<float> floats(gguf::Traits(GetParam()).block_size);
  EXPECT_EQ(
      reference->DequantizeRows(GetParam(), block, absl::MakeSpan(floats)),
      GetParam() != gguf::TensorType::kF32)
      << "the library should have a decoder to compare with";
  const std::vector<int64_t> targets = RunnableTargets();
  for (const Case& c : Cases(gguf::Traits(GetParam()).block_size)) {
    ASSERT_NO_FATAL_FAILURE(Compare(*reference, c, targets));
  }
}

INSTANTIATE_TEST_SUITE_P(
    AllTypes, ConformanceTest, testing::ValuesIn(QuantizableTypes()),
    [](const testing::TestParamInfo<gguf::TensorType>& info) {
      return std::string(gguf::Traits(info.param).name);
    });

}  // namespace
}  // namespace quant
