// That hostile PyTorch files are refused before they take much memory: each of
// the largest ones that are read at all, from a file, in both formats.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "converters/checkpoint/file.h"
#include "converters/checkpoint/pickle.h"
#include "converters/checkpoint/pickle_writer.h"
#include "converters/checkpoint/pytorch.h"
#include "converters/checkpoint/zip_writer.h"
#include "gtest/gtest.h"

namespace checkpoint {
namespace {

constexpr uint64_t kMaxMemory = 64 << 20;

// A number of /proc/self/status, in bytes.
std::optional<uint64_t> ProcessMemory(absl::string_view key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    absl::string_view rest = line;
    uint64_t kilobytes;
    if (absl::ConsumePrefix(&rest, key) && absl::ConsumePrefix(&rest, ":") &&
        absl::ConsumeSuffix(&rest, " kB") &&
        absl::SimpleAtoi(rest, &kilobytes)) {
      return kilobytes << 10;
    }
  }
  return std::nullopt;
}

// Lets the peak count from here on. False where the system cannot.
bool ResetPeak() {
  std::ofstream("/proc/self/clear_refs") << "5";
  const auto peak = ProcessMemory("VmHWM");
  const auto now = ProcessMemory("VmRSS");
  return peak.has_value() && now.has_value() && *peak < *now + (1 << 20);
}

std::string Repeated(absl::string_view unit, size_t size) {
  std::string text(unit);
  while (text.size() < size) text += text;
  text.resize(size);
  return text;
}

std::string ZipOf(const std::string& pickle) {
  return ZipWriter().Add("m/data.pkl", pickle).Finish();
}

std::string LegacyOf(const std::string& pickle) {
  return absl::StrCat(
      PickleWriter()
          .Raw("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")
          .Stop(),
      PickleWriter().Int(1001).Stop(), PickleWriter().EmptyDict().Stop(),
      pickle);
}

// Writes the bytes to a file, forgets them, and has the file refused.
void ExpectRefused(std::string bytes, absl::string_view what) {
  SCOPED_TRACE(what);
  const std::string path = absl::StrCat(testing::TempDir(), "/hostile.bin");
  std::ofstream(path, std::ios::binary) << bytes;
  std::string().swap(bytes);
  const bool can_measure = ResetPeak();
  const uint64_t before = ProcessMemory("VmRSS").value_or(0);
  FilePool pool;
  auto file = pool.Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  const absl::Status status = ReadPyTorch(*file, "m.bin").status();
  EXPECT_TRUE(absl::IsDataLoss(status) || absl::IsNotFound(status)) << status;
  if (can_measure) {
    EXPECT_LE(*ProcessMemory("VmHWM") - before, kMaxMemory);
  }
  std::remove(path.c_str());
}

TEST(HostileFilesTest, OneOpcodeManyTimes) {
  const std::pair<absl::string_view, absl::string_view> bombs[] = {
      {"", "N"},
      {"", "N0"},
      {"", "("},
      {"", "(1"},
      {"", "]0"},
      {"", "}0"},
      {"]", "]2a"},
      {"]", "Na"},
      {"}", "NNs"},
      {"N", "\x85"},
      {"N", "2\x86"},
      {"N", "\x94"},
      {"N", "2Q0"},
      {"", "ctorch\nSize\n0"},
      {"", "ctorch\nSize\n)R0"},
  };
  // Enough opcodes to meet each limit.
  constexpr size_t kSize = 2 * Pickle::kMaxOpcodes;
  for (const auto& [begin, unit] : bombs) {
    const std::string pickle =
        absl::StrCat(begin, Repeated(unit, kSize - begin.size()));
    ExpectRefused(ZipOf(pickle), unit);
    ExpectRefused(LegacyOf(pickle), unit);
  }
}

TEST(HostileFilesTest, TheLongestPickle) {
  const std::string pickle = Repeated("]0", Pickle::kMaxBytes);
  ExpectRefused(ZipOf(pickle), "zip");
  ExpectRefused(LegacyOf(pickle), "legacy");
  ExpectRefused(ZipOf(absl::StrCat(pickle, "0")), "longer than is read");
}

TEST(HostileFilesTest, OneLongKeyManyTimes) {
  PickleWriter keys;
  keys.EmptyList().String(std::string(1 << 20, 'x')).Put(0).Raw("0");
  keys.Mark();
  std::string gets = keys.Stop();
  gets.pop_back();
  for (int i = 0; i < 60000; ++i) gets.append("h\0", 2);
  ExpectRefused(
      absl::StrCat(LegacyOf(PickleWriter().EmptyDict().Stop()), gets, "e."),
      "keys");
}

// A directory of very many members, with long names.
TEST(HostileFilesTest, ManyMembers) {
  ZipWriter writer;
  for (int i = 0; i < 40000; ++i) {
    writer.Add(absl::StrCat("m/", i, std::string(90, 'x')), "");
  }
  ExpectRefused(writer.Finish(/*zip64=*/true), "members");
}

}  // namespace
}  // namespace checkpoint
