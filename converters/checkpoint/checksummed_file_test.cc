#include "converters/checkpoint/checksummed_file.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "converters/checkpoint/file.h"
#include "converters/checkpoint/memory_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "zlib.h"

namespace checkpoint {
namespace {

using ::testing::HasSubstr;

// The check value of the CRC catalogues: CRC-32 of "123456789".
constexpr uint32_t kCheck = 0xCBF43926;

std::shared_ptr<MemoryFile> Digits() {
  return std::make_shared<MemoryFile>("<123456789>");
}

TEST(ChecksummedFileTest, RightSum) {
  ChecksummedFile file(Digits(), 1, 9, kCheck, "m");
  EXPECT_EQ(*ReadString(file, 0, 9), "123456789");
  EXPECT_EQ(*ReadString(file, 3, 2), "45");
}

TEST(ChecksummedFileTest, TheReadThatCompletesAWrongSumFails) {
  ChecksummedFile file(Digits(), 1, 9, kCheck + 1, "a (\"m\")");
  EXPECT_TRUE(ReadString(file, 4, 5).ok());
  EXPECT_TRUE(ReadString(file, 6, 3).ok());
  EXPECT_TRUE(ReadString(file, 0, 3).ok());
  const absl::Status status = ReadString(file, 3, 1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(status.message(),
              HasSubstr("a (\"m\"): its bytes have the CRC-32 cbf43926, the "
                        "archive says cbf43927"));
  EXPECT_FALSE(ReadString(file, 0, 1).ok());
}

TEST(ChecksummedFileTest, AFailedReadDoesNotCount) {
  auto digits = Digits();
  digits->FailAt(3);
  ChecksummedFile file(digits, 1, 9, kCheck, "m");
  EXPECT_FALSE(ReadString(file, 0, 9).ok());
  digits->FailAt(1000);
  EXPECT_TRUE(ReadString(file, 0, 9).ok());
  EXPECT_EQ(ReadString(file, 0, 10).status().code(),
            absl::StatusCode::kOutOfRange);
}

TEST(ChecksummedFileTest, AnyOrderFromManyThreads) {
  std::mt19937 random(3);
  std::string bytes(100000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  const uint32_t crc =
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  auto memory = std::make_shared<MemoryFile>(bytes);
  for (uint32_t wrong : {0, 1}) {
    const ChecksummedFile file(memory, 0, bytes.size(), crc ^ wrong, "m");
    // Pieces of 100 bytes, each read twice, half of them overlapping others.
    std::vector<size_t> begins;
    for (size_t i = 0; i < bytes.size(); i += 50) begins.push_back(i);
    std::shuffle(begins.begin(), begins.end(), random);
    std::vector<absl::Status> last(4);
    std::vector<std::thread> threads;
    for (size_t t = 0; t < last.size(); ++t) {
      threads.emplace_back([&, t] {
        for (size_t i = t; i < begins.size(); i += last.size()) {
          const size_t size = std::min<size_t>(100, bytes.size() - begins[i]);
          last[t].Update(ReadString(file, begins[i], size).status());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(ReadString(file, 0, 1).ok(), wrong == 0);
    const bool any_failed = std::any_of(last.begin(), last.end(),
                                        [](const auto& s) { return !s.ok(); });
    EXPECT_EQ(any_failed, wrong != 0);
  }
}

// What one source read, another does not know: damage in what was read in two
// runs of a program, half in each, is not seen.
TEST(ChecksummedFileTest, WhatIsReadInPartIsNotChecked) {
  ChecksummedFile first(Digits(), 1, 9, kCheck + 1, "m");
  EXPECT_TRUE(ReadString(first, 0, 5).ok());
  ChecksummedFile second(Digits(), 1, 9, kCheck + 1, "m");
  EXPECT_TRUE(ReadString(second, 5, 4).ok());
}

}  // namespace
}  // namespace checkpoint
