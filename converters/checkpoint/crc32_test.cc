#include "converters/checkpoint/crc32.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/checkpoint/each_target.h"
#include "gtest/gtest.h"
#include "zlib.h"

namespace checkpoint {
namespace {

uint32_t Zlib(absl::Span<const char> bytes) {
  return crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
}

TEST(Crc32Test, CheckValueOfTheCatalogues) {
  EXPECT_EQ(Crc32(absl::string_view("123456789")), 0xCBF43926);
  EXPECT_EQ(Crc32({}), 0);
}

TEST(Crc32Test, EqualsZlibForEachLengthAndAlignmentOnEachTarget) {
  std::mt19937 random(1);
  std::string bytes(3000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  OnEachTarget([&] {
    for (size_t offset = 0; offset < 20; ++offset) {
      for (size_t size = 0; size + offset <= bytes.size();
           size += 1 + size / 50) {
        const auto part = absl::MakeConstSpan(bytes).subspan(offset, size);
        ASSERT_EQ(Crc32(part), Zlib(part)) << size << " at " << offset;
      }
    }
  });
}

TEST(Crc32Test, EveryBitCounts) {
  OnEachTarget([&] {
    std::string bytes(1024, '\0');
    for (size_t bit = 0; bit < 8 * bytes.size(); bit += 3) {
      bytes[bit / 8] = static_cast<char>(1 << (bit % 8));
      ASSERT_EQ(Crc32(bytes), Zlib(bytes)) << "bit " << bit;
      bytes[bit / 8] = '\0';
    }
  });
}

}  // namespace
}  // namespace checkpoint
