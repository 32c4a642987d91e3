#include "tools/engine/ordered_sha256.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "gguf/layout.h"
#include "gguf/metadata.h"
#include "gguf/tensor_type.h"
#include "gtest/gtest.h"
#include "tools/engine/output_file.h"
#include "tools/engine/partial_file.h"

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

std::vector<uint8_t> Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::vector<uint8_t>(std::istreambuf_iterator<char>(file), {});
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

// As an output's tensors come, with what lies between them, whatever fits the
// memory for the digest.
TEST(OutputFileTest, DigestIsTheFilesWhateverTheAlignment) {
  const std::string path = testing::TempDir() + "/output.gguf";
  for (const uint32_t alignment : {32, 512, 4096, 65536}) {
    gguf::Metadata metadata;
    metadata.Set("general.architecture", std::string("llama"));
    metadata.Set("general.alignment", alignment);
    const auto layout = gguf::PlanLayout(
        metadata, {{"a.weight", gguf::TensorType::kF32, {1000}},
                   {"b.weight", gguf::TensorType::kF32, {7}},
                   {"c.weight", gguf::TensorType::kF32, {9000}}});
    ASSERT_TRUE(layout.ok());
    for (const uint64_t pending_limit : {0, 1 << 20}) {
      SCOPED_TRACE(alignment);
      auto partial = PartialFile::Open(path, layout->header, layout->file_size);
      ASSERT_TRUE(partial.ok()) << partial.status();
      const std::atomic<bool> stop{false};
      OutputFile file(*std::move(partial), *layout, pending_limit, stop);
      ASSERT_TRUE(file.Begin(layout->header).ok());
      for (const size_t tensor : {2, 1, 0}) {  // the last comes first
        const std::vector<uint8_t> data = File(layout->tensors[tensor].bytes);
        ASSERT_TRUE(file.Write(tensor, 0, data).ok());
      }
      ASSERT_TRUE(file.Finish().ok());
      EXPECT_EQ(file.sha256(), DigestOf(Contents(PartialPath(path))));
      file.Remove();
    }
  }
}

}  // namespace
}  // namespace make_gguf
