#include "tools/engine/ordered_sha256.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "gtest/gtest.h"

namespace make_gguf {
namespace {

std::vector<uint8_t> File(size_t size) {
  std::vector<uint8_t> bytes(size);
  std::mt19937 random(7);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

std::string DigestOf(absl::Span<const uint8_t> bytes) {
  base::Sha256 hash;
  hash.Update(bytes);
  return hash.Finish();
}

OrderedSha256::ReadBack ReaderOf(const std::vector<uint8_t>& file) {
  return [&file](uint64_t offset, absl::Span<uint8_t> out) {
    std::copy_n(file.begin() + offset, out.size(), out.begin());
    return absl::OkStatus();
  };
}

// The example of FIPS 180-2.
TEST(Sha256Test, GivesTheStandardsDigest) {
  base::Sha256 hash;
  hash.Update("a");
  hash.Update("bc");
  EXPECT_EQ(hash.Finish(),
            "ba7816bf8f01cfea414140de5dae2223"
            "b00361a396177a9cb410ff61f20015ad");
}

class OrderedSha256Test : public testing::TestWithParam<uint64_t> {};

TEST_P(OrderedSha256Test, AnyOrderGivesTheFilesDigest) {
  const std::vector<uint8_t> file = File(100'003);
  constexpr size_t kPart = 997;
  std::vector<size_t> offsets;
  for (size_t at = 0; at < file.size(); at += kPart) offsets.push_back(at);
  std::mt19937 random(GetParam());
  for (int round = 0; round < 10; ++round) {
    std::shuffle(offsets.begin(), offsets.end(), random);
    OrderedSha256 hash(GetParam(), ReaderOf(file));
    for (size_t at : offsets) {
      ASSERT_TRUE(
          hash.Add(at, absl::MakeConstSpan(file).subspan(at, kPart)).ok());
    }
    EXPECT_EQ(*hash.Finish(file.size()), DigestOf(file));
  }
}

TEST_P(OrderedSha256Test, ManyThreadsGiveTheFilesDigest) {
  const std::vector<uint8_t> file = File(300'000);
  constexpr size_t kPart = 1000;
  OrderedSha256 hash(GetParam(), ReaderOf(file));
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (size_t at = t * kPart; at < file.size(); at += 4 * kPart) {
        EXPECT_TRUE(
            hash.Add(at, absl::MakeConstSpan(file).subspan(at, kPart)).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(*hash.Finish(file.size()), DigestOf(file));
}

INSTANTIATE_TEST_SUITE_P(PendingLimits, OrderedSha256Test,
                         testing::Values(0, 5000, 1 << 20));

TEST(OrderedSha256Test, GapIsAnError) {
  const std::vector<uint8_t> file = File(3000);
  OrderedSha256 hash(1 << 20, ReaderOf(file));
  ASSERT_TRUE(hash.Add(0, absl::MakeConstSpan(file).first(1000)).ok());
  ASSERT_TRUE(hash.Add(2000, absl::MakeConstSpan(file).last(1000)).ok());
  EXPECT_FALSE(hash.Finish(3000).ok());
}

}  // namespace
}  // namespace make_gguf
