#include "converters/checkpoint/stored_tensor.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "converters/checkpoint/element_type.h"
#include "converters/checkpoint/memory_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Range = MemoryFile::Range;

// Element i of the file is i, as an I32 (exact as a float).
std::shared_ptr<MemoryFile> Counting(int elements) {
  std::vector<int32_t> values(elements);
  for (int i = 0; i < elements; ++i) values[i] = i;
  return std::make_shared<MemoryFile>(
      std::string(reinterpret_cast<const char*>(values.data()), 4 * elements));
}

StoredTensor Tensor(std::shared_ptr<const File> data,
                    std::vector<uint64_t> shape,
                    std::vector<uint64_t> strides = {}, uint64_t offset = 0) {
  StoredTensor tensor;
  tensor.name = "w";
  tensor.file = "shard.bin";
  tensor.type = ElementType::kI32;
  tensor.shape = std::move(shape);
  tensor.strides = std::move(strides);
  tensor.data = std::move(data);
  tensor.offset = offset;
  return tensor;
}

std::vector<float> Read(const StoredTensorSource& source, uint64_t first,
                        size_t count) {
  std::vector<float> out(count, -1);
  const absl::Status status = source.Read(0, first, absl::MakeSpan(out));
  EXPECT_TRUE(status.ok()) << status;
  return out;
}

std::vector<float> ReadAll(StoredTensor tensor) {
  const absl::Status status = Normalize(tensor);
  EXPECT_TRUE(status.ok()) << status;
  if (!status.ok()) return {};
  StoredTensorSource source({tensor});
  return Read(source, 0, source.tensors()[0].elements());
}

TEST(StoredTensorTest, DescribesItself) {
  StoredTensor tensor = Tensor(Counting(6), {2, 3});
  ASSERT_TRUE(Normalize(tensor).ok());
  StoredTensorSource source({tensor});
  ASSERT_EQ(source.tensors().size(), 1);
  const converters::SourceTensor& described = source.tensors()[0];
  EXPECT_EQ(described.name, "w");
  EXPECT_EQ(described.file, "shard.bin");
  EXPECT_EQ(described.dtype, "I32");
  EXPECT_THAT(described.shape, ElementsAre(2, 3));
  EXPECT_EQ(described.bytes, 24);
}

TEST(StoredTensorTest, AnnouncesTheBytesOfARange) {
  auto file = Counting(100);
  StoredTensor tensor = Tensor(file, {9, 10}, {}, 40);
  ASSERT_TRUE(Normalize(tensor).ok());
  StoredTensorSource({tensor}).Prefetch(0, 30, 20);
  EXPECT_THAT(file->prefetches(), ElementsAre(Range{40 + 4 * 30, 80}));
  EXPECT_EQ(file->bytes_read(), 0);
}

TEST(StoredTensorTest, ReadsExactlyTheBytesOfARange) {
  auto file = Counting(100);
  StoredTensor tensor = Tensor(file, {9, 10}, {}, 40);
  ASSERT_TRUE(Normalize(tensor).ok());
  StoredTensorSource source({tensor});
  EXPECT_THAT(Read(source, 13, 3), ElementsAre(23, 24, 25));
  EXPECT_THAT(file->reads(), ElementsAre(Range{92, 12}));
}

TEST(StoredTensorTest, LongRangesAreReadInPiecesWithoutGaps) {
  auto file = Counting(100000);
  StoredTensor tensor = Tensor(file, {100000});
  ASSERT_TRUE(Normalize(tensor).ok());
  StoredTensorSource source({tensor});
  const std::vector<float> got = Read(source, 1, 99998);
  for (size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], i + 1);
  EXPECT_EQ(file->bytes_read(), 4 * 99998);
}

TEST(StoredTensorTest, ErrorsNameTheTensorAndTheFile) {
  auto file = Counting(100);
  file->FailAt(200);
  StoredTensor plain = Tensor(file, {100});
  StoredTensor strided = Tensor(file, {10, 10}, {1, 10});
  ASSERT_TRUE(Normalize(plain).ok());
  ASSERT_TRUE(Normalize(strided).ok());
  StoredTensorSource source({plain, strided});
  std::vector<float> out(100);
  for (size_t tensor : {0, 1}) {
    const absl::Status status = source.Read(tensor, 0, absl::MakeSpan(out));
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(status.message(), "tensor w: memory: injected at offset 200");
  }
  EXPECT_TRUE(source.Read(0, 0, absl::MakeSpan(out).first(50)).ok());
  EXPECT_EQ(source.Read(0, 99, absl::MakeSpan(out).first(2)).code(),
            absl::StatusCode::kOutOfRange);
}

TEST(StoredTensorTest, TransposedSlicedAndExpandedViews) {
  EXPECT_THAT(ReadAll(Tensor(Counting(6), {3, 2}, {1, 3})),
              ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(ReadAll(Tensor(Counting(12), {3, 2}, {4, 2}, 4)),
              ElementsAre(1, 3, 5, 7, 9, 11));
  EXPECT_THAT(ReadAll(Tensor(Counting(3), {2, 3}, {0, 1})),
              ElementsAre(0, 1, 2, 0, 1, 2));
  EXPECT_THAT(ReadAll(Tensor(Counting(3), {3, 2}, {1, 0})),
              ElementsAre(0, 0, 1, 1, 2, 2));
  EXPECT_THAT(ReadAll(Tensor(Counting(5), {2, 2}, {0, 0}, 16)),
              ElementsAre(4, 4, 4, 4));
  EXPECT_THAT(ReadAll(Tensor(Counting(5), {3, 3}, {1, 1})),
              ElementsAre(0, 1, 2, 1, 2, 3, 2, 3, 4));
}

TEST(StoredTensorTest, StridesThatChangeNothingCostNothing) {
  auto file = Counting(6);
  // PyTorch gives an extent of 1 any stride.
  StoredTensor tensor = Tensor(file, {2, 1, 3}, {3, 77, 1});
  ASSERT_TRUE(Normalize(tensor).ok());
  EXPECT_TRUE(tensor.strides.empty());
  EXPECT_THAT(ReadAll(Tensor(file, {}, {}, 8)), ElementsAre(2));
  EXPECT_THAT(ReadAll(Tensor(file, {5, 0}, {9, 9}, 24)), ElementsAre());
}

TEST(StoredTensorTest, TransposedMatrixIsReadByColumnsAndNotByElements) {
  auto file = Counting(64 * 4096);
  StoredTensor tensor = Tensor(file, {4096, 64}, {1, 4096});
  ASSERT_TRUE(Normalize(tensor).ok());
  StoredTensorSource source({tensor});
  const std::vector<float> got = Read(source, 64 * 16, 64 * 256);
  for (int row = 0; row < 256; ++row) {
    for (int column = 0; column < 64; ++column) {
      ASSERT_EQ(got[row * 64 + column], column * 4096 + 16 + row);
    }
  }
  EXPECT_EQ(file->reads().size(), 64);
  EXPECT_EQ(file->bytes_read(), 64 * 256 * 4);
}

TEST(StoredTensorTest, RandomViewsEqualElementwiseReading) {
  std::mt19937 random(7);
  auto file = Counting(200000);
  auto pick = [&](uint64_t limit) { return random() % limit; };
  for (int round = 0; round < 300; ++round) {
    StoredTensor tensor = Tensor(file, {}, {}, 4 * pick(100));
    const size_t rank = 1 + pick(4);
    uint64_t room = 199000;
    uint64_t elements = 1;
    for (size_t d = 0; d < rank; ++d) {
      const uint64_t extent = 1 + pick(d == 0 ? 60 : 12);
      const uint64_t stride =
          pick(3) == 0 ? pick(4) : pick(room / (rank * extent) + 1);
      room -= (extent - 1) * stride;
      tensor.shape.push_back(extent);
      tensor.strides.push_back(stride);
      elements *= extent;
    }
    const StoredTensor view = tensor;
    ASSERT_TRUE(Normalize(tensor).ok());
    StoredTensorSource source({tensor});
    const uint64_t first = pick(elements);
    const uint64_t count = 1 + pick(elements - first);
    const std::vector<float> got = Read(source, first, count);
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t index = first + i;
      uint64_t want = view.offset / 4;
      for (size_t d = rank; d-- > 0;) {
        want += index % view.shape[d] * view.strides[d];
        index /= view.shape[d];
      }
      ASSERT_EQ(got[i], want) << "round " << round << " element " << i;
    }
  }
}

TEST(StoredTensorTest, ExtentsAreCheckedAgainstTheFile) {
  auto file = Counting(12);
  StoredTensor fits[] = {
      Tensor(file, {12}),        Tensor(file, {3, 4}, {1, 3}),
      Tensor(file, {2}, {11}),   Tensor(file, {1}, {1000}, 44),
      Tensor(file, {0}, {}, 48),
  };
  for (StoredTensor& tensor : fits) EXPECT_TRUE(Normalize(tensor).ok());
  constexpr uint64_t kHuge = uint64_t{1} << 62;
  StoredTensor misfits[] = {
      Tensor(file, {13}),
      Tensor(file, {12}, {}, 1),
      Tensor(file, {0}, {}, 49),
      Tensor(file, {2}, {12}),
      Tensor(file, {2, 2}, {11, 1}),
      Tensor(file, {1}, {}, ~uint64_t{0}),
      Tensor(file, {kHuge, kHuge, kHuge, kHuge}),
      Tensor(file, {~uint64_t{0}, ~uint64_t{0}}, {~uint64_t{0}, ~uint64_t{0}}),
      Tensor(file, {2, 2}, {kHuge, kHuge}),
      Tensor(file, {uint64_t{1} << 40}, {0}),
      Tensor(file, {2, 2}, {1}),
  };
  for (StoredTensor& tensor : misfits) {
    const absl::Status status = Normalize(tensor);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(status.message(), HasSubstr("shard.bin: tensor w (I32"));
  }
}

}  // namespace
}  // namespace checkpoint
