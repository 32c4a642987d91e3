#include "gguf/layout.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gguf {
namespace {

using ::testing::HasSubstr;

std::string Bytes(const std::vector<uint8_t>& bytes) {
  return std::string(bytes.begin(), bytes.end());
}

// A literal with zeros in it.
template <size_t N>
std::string Literal(const char (&text)[N]) {
  return std::string(text, N - 1);
}

TensorInfo Tensor(std::string name, TensorType type,
                  std::vector<uint64_t> shape) {
  return TensorInfo{std::move(name), type, std::move(shape)};
}

absl::Status LayoutError(const TensorInfo& tensor) {
  return PlanLayout(Metadata(), {tensor}).status();
}

TEST(LayoutTest, EmptyFileIsItsPreambleAndPadding) {
  const auto layout = PlanLayout(Metadata(), {});
  ASSERT_TRUE(layout.ok());
  EXPECT_EQ(Bytes(layout->header),
            Literal("GGUF\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") +
                std::string(8, '\0'));
  EXPECT_EQ(layout->file_size, 32u);
}

// Every byte of a small header, written by hand from the format's text.
TEST(LayoutTest, HeaderBytes) {
  Metadata metadata;
  metadata.Set("general.alignment", uint32_t{8});
  metadata.Set("s", std::string("hi"));
  metadata.Set("b", true);
  metadata.SetArray<uint16_t>("a", {1, 0x203});
  metadata.Set("n",
               Array{std::vector<Array>{Array{std::vector<std::string>{"x"}}}});
  const auto layout =
      PlanLayout(metadata, {Tensor("t", TensorType::kQ8_0, {32, 3})});
  ASSERT_TRUE(layout.ok());
  const std::string expected =
      Literal(
          "GGUF\3\0\0\0"
          "\1\0\0\0\0\0\0\0"     // one tensor
          "\5\0\0\0\0\0\0\0") +  // five keys
      Literal("\x11\0\0\0\0\0\0\0general.alignment\4\0\0\0\10\0\0\0") +
      Literal("\1\0\0\0\0\0\0\0s\10\0\0\0\2\0\0\0\0\0\0\0hi") +
      Literal("\1\0\0\0\0\0\0\0b\7\0\0\0\1") +
      Literal(
          "\1\0\0\0\0\0\0\0a\x9\0\0\0"
          "\2\0\0\0\2\0\0\0\0\0\0\0\1\0\3\2") +
      Literal(
          "\1\0\0\0\0\0\0\0n\x9\0\0\0"
          "\x9\0\0\0\1\0\0\0\0\0\0\0"  // one array
          "\10\0\0\0\1\0\0\0\0\0\0\0"  // of one string
          "\1\0\0\0\0\0\0\0x") +
      Literal(
          "\1\0\0\0\0\0\0\0t\2\0\0\0"
          "\x20\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0"
          "\10\0\0\0"           // Q8_0
          "\0\0\0\0\0\0\0\0");  // offset 0
  const size_t padded = (expected.size() + 7) / 8 * 8;
  EXPECT_EQ(Bytes(layout->header),
            expected + std::string(padded - expected.size(), '\0'));
  EXPECT_EQ(layout->tensors[0].bytes, 3u * 34);
  EXPECT_EQ(layout->file_size, padded + 104);  // 102, padded to 8
}

TEST(LayoutTest, TensorsFollowEachOtherPadded) {
  const auto layout =
      PlanLayout(Metadata(), {Tensor("a", TensorType::kF32, {3}),
                              Tensor("b", TensorType::kQ4_K, {256, 2}),
                              Tensor("c", TensorType::kF16, {1, 1, 1, 5})});
  ASSERT_TRUE(layout.ok());
  EXPECT_EQ(layout->alignment, 32u);
  EXPECT_EQ(layout->data_offset() % 32, 0u);
  EXPECT_EQ(layout->tensors[0].offset, 0u);
  EXPECT_EQ(layout->tensors[0].bytes, 12u);
  EXPECT_EQ(layout->tensors[1].offset, 32u);
  EXPECT_EQ(layout->tensors[1].bytes, 288u);
  EXPECT_EQ(layout->tensors[2].offset, 320u);
  EXPECT_EQ(layout->tensors[2].bytes, 10u);
  EXPECT_EQ(layout->FileOffset(2), layout->data_offset() + 320);
  EXPECT_EQ(layout->file_size, layout->data_offset() + 352);
}

TEST(LayoutTest, PlacesOutliveTheHeader) {
  auto layout = PlanLayout(Metadata(), {Tensor("a", TensorType::kF32, {3}),
                                        Tensor("b", TensorType::kF32, {3})});
  ASSERT_TRUE(layout.ok());
  const uint64_t header_size = layout->header.size();
  layout->ReleaseHeader();
  EXPECT_TRUE(layout->header.empty());
  EXPECT_EQ(layout->data_offset(), header_size);
  EXPECT_EQ(layout->FileOffset(1), header_size + 32);
}

TEST(LayoutTest, BadTensorsAreNamed) {
  EXPECT_THAT(LayoutError(Tensor("t", TensorType::kQ4_K, {255, 2})).message(),
              HasSubstr("tensor 't' with shape [255, 2]: rows of 255 elements "
                        "are no multiple of the 256 in a block of Q4_K"));
  EXPECT_THAT(LayoutError(Tensor("t", TensorType::kF32, {})).message(),
              HasSubstr("0 dimensions, expected 1 to 4"));
  EXPECT_THAT(
      LayoutError(Tensor("t", TensorType::kF32, {1, 1, 1, 1, 1})).message(),
      HasSubstr("5 dimensions"));
  EXPECT_THAT(LayoutError(Tensor("t", TensorType::kF32, {4, 0})).message(),
              HasSubstr("a dimension is 0"));
  EXPECT_THAT(LayoutError(Tensor("", TensorType::kF32, {4})).message(),
              HasSubstr("the name is empty"));
  EXPECT_THAT(LayoutError(Tensor(std::string(64, 'x'), TensorType::kF32, {4}))
                  .message(),
              HasSubstr("the name has 64 bytes; readers take at most 63"));
  EXPECT_TRUE(
      LayoutError(Tensor(std::string(63, 'x'), TensorType::kF32, {4})).ok());
  const TensorInfo tensor = Tensor("twin", TensorType::kF32, {4});
  EXPECT_THAT(PlanLayout(Metadata(), {tensor, tensor}).status().message(),
              HasSubstr("tensor 'twin' with shape [4]: the name is used "
                        "twice"));
}

TEST(LayoutTest, SizesThatDoNotFitAreErrors) {
  const uint64_t huge = uint64_t{1} << 62;
  EXPECT_THAT(LayoutError(Tensor("t", TensorType::kI8, {huge, 4})).message(),
              HasSubstr("more than 2^63 - 1 elements"));
  EXPECT_THAT(LayoutError(Tensor("t", TensorType::kF32, {huge})).message(),
              HasSubstr("more than 2^63 - 1 bytes"));
  const uint64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_THAT(LayoutError(Tensor("t", TensorType::kI8, {most})).message(),
              HasSubstr("the file would exceed"));
  EXPECT_THAT(LayoutError(Tensor("t", TensorType::kI8, {most - 31})).message(),
              HasSubstr("the file would exceed"));  // by the header
  EXPECT_THAT(PlanLayout(Metadata(), {Tensor("a", TensorType::kI8, {huge}),
                                      Tensor("b", TensorType::kI8, {huge})})
                  .status()
                  .message(),
              HasSubstr("tensor 'b'"));
}

TEST(LayoutTest, BadMetadataIsNamed) {
  Metadata metadata;
  metadata.Set("general.alignment", uint32_t{24});
  EXPECT_THAT(PlanLayout(metadata, {}).status().message(),
              HasSubstr("is 24, expected a power of two"));
  metadata.Set("general.alignment", uint32_t{0});
  EXPECT_FALSE(PlanLayout(metadata, {}).ok());
  metadata.Set("general.alignment", uint32_t{1} << 30);
  EXPECT_THAT(PlanLayout(metadata, {}).status().message(),
              HasSubstr("expected a power of two up to 65536"));
  metadata.Set("general.alignment", uint64_t{32});
  EXPECT_THAT(PlanLayout(metadata, {}).status().message(),
              HasSubstr("has type UINT64, expected UINT32"));

  Metadata empty_key;
  empty_key.Set("", true);
  EXPECT_THAT(PlanLayout(empty_key, {}).status().message(),
              HasSubstr("empty key"));
  const Metadata twice =
      Metadata::FromEntries({{"k", Value(true)}, {"k", Value(false)}});
  EXPECT_THAT(PlanLayout(twice, {}).status().message(),
              HasSubstr("key 'k' twice"));

  Array nested{std::vector<uint8_t>{1}};
  for (int depth = 1; depth < kMaxArrayDepth; ++depth) {
    nested = Array{std::vector<Array>{nested}};
  }
  Metadata deep;
  deep.Set("k", nested);
  EXPECT_TRUE(PlanLayout(deep, {}).ok());
  deep.Set("k", Array{std::vector<Array>{nested}});
  EXPECT_THAT(PlanLayout(deep, {}).status().message(),
              HasSubstr("key 'k' nests arrays deeper than 4 levels"));
}

}  // namespace
}  // namespace gguf
