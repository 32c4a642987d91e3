#include "converters/checkpoint/zip_archive.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "converters/checkpoint/file.h"
#include "converters/checkpoint/memory_file.h"
#include "converters/checkpoint/zip_writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace checkpoint {
namespace {

using ::testing::HasSubstr;
using Options = ZipWriter::Options;

absl::StatusOr<std::string> ReadMember(std::string bytes,
                                       absl::string_view name) {
  auto archive =
      ZipArchive::Open(std::make_shared<MemoryFile>(std::move(bytes), "z.bin"));
  if (!archive.ok()) return archive.status();
  auto member = archive->Member(name);
  if (!member.ok()) return member.status();
  return ReadString(**member, 0, (*member)->size());
}

void ExpectRefused(const ZipWriter& writer, absl::StatusCode code,
                   absl::string_view message) {
  const absl::Status status = ReadMember(writer.Finish(), "a/x").status();
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_THAT(status.message(), HasSubstr("z.bin"));
  EXPECT_THAT(status.message(), HasSubstr(message));
}

TEST(ZipArchiveTest, PlainZip64AndDescriptors) {
  ZipWriter writer;
  writer.Add("a/1", "one")
      .Add("a/x", "two", {.zip64 = true})
      .Add("a/3", "three", {.flags = 8})
      .Add("a/4", "");
  for (bool zip64 : {false, true}) {
    const std::string bytes = writer.Finish(zip64);
    EXPECT_EQ(*ReadMember(bytes, "a/1"), "one");
    EXPECT_EQ(*ReadMember(bytes, "a/x"), "two");
    EXPECT_EQ(*ReadMember(bytes, "a/3"), "three");
    EXPECT_EQ(*ReadMember(bytes, "a/4"), "");
    EXPECT_EQ(ReadMember(bytes, "a/5").status().code(),
              absl::StatusCode::kNotFound);
  }
}

TEST(ZipArchiveTest, MembersThatTorchNeverWrites) {
  ExpectRefused(ZipWriter().Add("a/x", "data", {.method = 8}),
                absl::StatusCode::kUnimplemented, "is compressed (method 8)");
  ExpectRefused(ZipWriter().Add("a/x", "data", {.flags = 1}),
                absl::StatusCode::kUnimplemented, "is encrypted");
}

TEST(ZipArchiveTest, WrongChecksum) {
  ExpectRefused(ZipWriter().Add("a/x", "data", {.crc = 7}),
                absl::StatusCode::kDataLoss, "(\"a/x\"): its bytes have");
}

TEST(ZipArchiveTest, MembersThatOverlapOrLieOutside) {
  constexpr auto kDataLoss = absl::StatusCode::kDataLoss;
  ExpectRefused(ZipWriter().Add("a/x", "data", {.size = 5}), kDataLoss,
                "overlaps");
  ExpectRefused(ZipWriter().Add("a/x", "data", {.size = 3}), kDataLoss,
                "contradicts the directory");
  ExpectRefused(
      ZipWriter().Add("a/x", "data", {.zip64 = true, .size = ~uint64_t{0}}),
      kDataLoss, "overlaps");
  ExpectRefused(
      ZipWriter().Add("a/x", "data", {.zip64 = true, .header_offset = 1 << 30}),
      kDataLoss, "overlaps");
  // Two names for the same bytes: a zip bomb.
  ExpectRefused(
      ZipWriter().Add("a/x", "data").Add("a/y", "data", {.header_offset = 0}),
      kDataLoss, "overlaps");
  ExpectRefused(ZipWriter().Add("a/x", "data", {.local_name = "a/y"}),
                kDataLoss, "contradicts the directory");
  ExpectRefused(ZipWriter().Add("a/x", "data", {.local_name = "longer/name"}),
                kDataLoss, "contradicts");
}

TEST(ZipArchiveTest, NamesThatLeadOut) {
  for (absl::string_view name :
       {"../x", "a/../../x", "/x", "a\\x", "", "a/.."}) {
    ExpectRefused(ZipWriter().Add("a/x", "").Add(name, ""),
                  absl::StatusCode::kDataLoss, "leads out of it");
  }
  ExpectRefused(ZipWriter().Add("a/x", "1").Add("a/x", "2"),
                absl::StatusCode::kDataLoss, "two members \"a/x\"");
}

TEST(ZipArchiveTest, DirectoriesThatClaimTooMuch) {
  const ZipWriter writer = ZipWriter().Add("a/x", "data");
  for (uint64_t count : {uint64_t{0}, uint64_t{2}, ~uint64_t{0}}) {
    EXPECT_EQ(
        ReadMember(writer.Finish(/*zip64=*/true, count), "a/x").status().code(),
        absl::StatusCode::kDataLoss);
  }
}

TEST(ZipArchiveTest, EveryPrefixIsRefused) {
  for (bool zip64 : {false, true}) {
    const std::string bytes =
        ZipWriter().Add("a/x", "data", {.zip64 = true}).Finish(zip64);
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_EQ(ReadMember(bytes.substr(0, size), "a/x").status().code(),
                absl::StatusCode::kDataLoss);
    }
  }
}

TEST(ZipArchiveTest, AnyByteChangedIsReadOrRefusedButNeverMore) {
  const std::string bytes =
      ZipWriter().Add("a/x", "data", {.zip64 = true}).Finish(/*zip64=*/true);
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (int byte : {0x00, 0x01, 0x7F, 0x80, 0xFF}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(byte);
      const auto data = ReadMember(changed, "a/x");
      if (!data.ok()) continue;
      EXPECT_EQ(*data, "data") << "byte " << i;
    }
  }
}

}  // namespace
}  // namespace checkpoint
