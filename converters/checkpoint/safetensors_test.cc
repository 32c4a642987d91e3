#include "converters/checkpoint/safetensors.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/checkpoint/element_type.h"
#include "converters/checkpoint/memory_file.h"
#include "converters/checkpoint/stored_tensor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Bytes(absl::string_view header, size_t data_size) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  absl::StrAppend(&bytes, header, std::string(data_size, 'd'));
  return bytes;
}

absl::StatusOr<std::vector<StoredTensor>> Parse(std::string bytes) {
  return ReadSafetensors(
      std::make_shared<MemoryFile>(std::move(bytes), "dir/m.safetensors"),
      "m.safetensors");
}

void ExpectRefused(absl::string_view header, size_t data_size,
                   absl::string_view message) {
  SCOPED_TRACE(header);
  const absl::Status status = Parse(Bytes(header, data_size)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(status.message(), HasSubstr("dir/m.safetensors: "));
  EXPECT_THAT(status.message(), HasSubstr(message));
}

constexpr absl::string_view kGood =
    R"({"b":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]},)"
    R"("a.1":{"dtype":"BF16","shape":[],"data_offsets":[0,2]},)"
    R"("a.0":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[2,4]},)"
    R"("none":{"dtype":"I64","shape":[0,5],"data_offsets":[28,28]},)"
    R"("__metadata__":{"format":"pt"}}   )";

TEST(SafetensorsTest, ListsTensorsByName) {
  const auto tensors = Parse(Bytes(kGood, 28));
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  ASSERT_EQ(tensors->size(), 4);
  EXPECT_EQ((*tensors)[0].name, "a.0");
  EXPECT_EQ((*tensors)[1].name, "a.1");
  EXPECT_EQ((*tensors)[3].name, "none");
  const StoredTensor& b = (*tensors)[2];
  EXPECT_EQ(b.name, "b");
  EXPECT_EQ(b.type, ElementType::kF32);
  EXPECT_THAT(b.shape, ElementsAre(2, 3));
  EXPECT_EQ(b.offset, 8 + kGood.size() + 4);
  EXPECT_EQ(b.file, "m.safetensors");
}

TEST(SafetensorsTest, ReadsNothingButTheHeader) {
  auto file = std::make_shared<MemoryFile>(Bytes(kGood, 28));
  ASSERT_TRUE(ReadSafetensors(file, "m").ok());
  EXPECT_EQ(file->bytes_read(), 8 + kGood.size());
}

TEST(SafetensorsTest, TakesEveryTypeOfAWeight) {
  for (absl::string_view name :
       {"BOOL", "U8", "I8", "I16", "I32", "I64", "F8_E4M3", "F8_E5M2", "F16",
        "BF16", "F32", "F64"}) {
    const size_t size = ElementSize(*ElementTypeFromName(name));
    const auto tensors = Parse(Bytes(
        absl::StrCat(R"({"w":{"dtype":")", name,
                     R"(","shape":[3],"data_offsets":[0,)", 3 * size, "]}}"),
        3 * size));
    ASSERT_TRUE(tensors.ok()) << tensors.status();
    EXPECT_EQ(ElementTypeName((*tensors)[0].type), name);
  }
}

TEST(SafetensorsTest, EveryPrefixIsRefused) {
  const std::string whole = Bytes(kGood, 28);
  for (size_t size = 0; size < whole.size(); ++size) {
    const absl::Status status = Parse(whole.substr(0, size)).status();
    ASSERT_EQ(status.code(), absl::StatusCode::kDataLoss) << size;
  }
  EXPECT_THAT(
      Parse(whole.substr(0, whole.size() - 1)).status().message(),
      HasSubstr("28 bytes of data but 27 follow it; the file is trunc"));
}

TEST(SafetensorsTest, AnyByteChangedIsReadOrRefusedButNeverMore) {
  const std::string whole = Bytes(kGood, 28);
  for (size_t i = 0; i < 8 + kGood.size(); ++i) {
    for (char byte : {'\0', '"', '9', '{', ']', '\xFF', ' '}) {
      std::string changed = whole;
      changed[i] = byte;
      Parse(changed).status().IgnoreError();
    }
  }
}

TEST(SafetensorsTest, HeaderLengthIsJudgedFirst) {
  std::string bytes = Bytes("{}", 0);
  EXPECT_TRUE(Parse(bytes).ok());
  const uint64_t huge = kMaxSafetensorsHeader + 1;
  std::memcpy(bytes.data(), &huge, 8);
  EXPECT_THAT(Parse(bytes).status().message(), HasSubstr("100000001 bytes"));
  std::memset(bytes.data(), 0xFF, 8);
  EXPECT_THAT(Parse(bytes).status().message(), HasSubstr("more than"));
  EXPECT_THAT(Parse("version https://git-lfs.github.com/spec/v1\noid sha2")
                  .status()
                  .message(),
              HasSubstr("git lfs pull"));
}

TEST(SafetensorsTest, RefusesWhatIsNoHeader) {
  ExpectRefused("", 0, "does not begin with '{'");
  ExpectRefused(" {}", 0, "does not begin with '{'");
  ExpectRefused("[]", 0, "does not begin with '{'");
  ExpectRefused("{", 0, "no valid UTF-8 JSON");
  ExpectRefused("{}x", 0, "no valid UTF-8 JSON");
  ExpectRefused(absl::string_view("{}\0", 3), 0, "no valid UTF-8 JSON");
  ExpectRefused("{\"\xC3(\":1}", 0, "no valid UTF-8 JSON");
  ExpectRefused(R"({"w":1})", 0, R"("w" holds a number, not an object)");
  ExpectRefused(R"({"w":[1]})", 0, R"("w" holds an array, not an object)");
  ExpectRefused(R"({"w":null})", 0, R"("w" holds null, not an object)");
}

TEST(SafetensorsTest, RefusesWrongEntries) {
  ExpectRefused(R"({"w":{"shape":[1],"data_offsets":[0,4]}})", 4,
                R"("w" has no "dtype")");
  ExpectRefused(R"({"w":{"dtype":"F32","data_offsets":[0,4]}})", 4,
                R"("w" has no "shape")");
  ExpectRefused(R"({"w":{"dtype":"F32","shape":[1]}})", 4,
                R"("w" has no "data_offsets")");
  ExpectRefused(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})",
                4, "holds 3 numbers, not 2");
  ExpectRefused(R"({"w":{"dtype":7,"shape":[1],"data_offsets":[0,4]}})", 4,
                R"("w"."dtype" holds a number, not a string)");
  ExpectRefused(R"({"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4,
                R"("w"."shape" holds a negative number)");
  ExpectRefused(R"({"w":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})",
                4, "no 64-bit integer");
  ExpectRefused(R"({"w":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})",
                4, R"("w"."shape" holds an array, not non-negative integers)");
  ExpectRefused(R"({"w":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})", 4,
                "is of an unknown type");
  std::string shape = "1";
  for (int i = 0; i < 100000; ++i) shape += ",1";
  ExpectRefused(absl::StrCat(R"({"w":{"dtype":"F32","shape":[)", shape,
                             R"(],"data_offsets":[0,4]}})"),
                4, "has 100001 dimensions, expected at most 8");
}

TEST(SafetensorsTest, RefusesWhatOccursTwice) {
  const std::string w = R"("w":{"dtype":"U8","shape":[],"data_offsets":[0,1]})";
  ExpectRefused(absl::StrCat("{", w, ",", w, "}"), 1, R"("w" occurs twice)");
  ExpectRefused(
      R"({"w":{"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]}})", 1,
      R"("w"."dtype" occurs twice)");
  ExpectRefused(R"({"__metadata__":{},"__metadata__":{}})", 0, "occurs twice");
  ExpectRefused(R"({"__metadata__":{"a":"1","a":"1"}})", 0, "occurs twice");
}

TEST(SafetensorsTest, MetadataIsStrings) {
  EXPECT_TRUE(Parse(Bytes(R"({"__metadata__":{"a":"b"}})", 0)).ok());
  EXPECT_TRUE(Parse(Bytes(R"({"__metadata__":null})", 0)).ok());
  ExpectRefused(R"({"__metadata__":{"a":1}})", 0, "not a string");
  ExpectRefused(R"({"__metadata__":{"a":{}}})", 0, "not a string");
  ExpectRefused(R"({"__metadata__":"x"})", 0, "not an object");
}

TEST(SafetensorsTest, UnknownKeysOfAnEntryAreSkipped) {
  EXPECT_TRUE(Parse(Bytes(R"({"w":{"x":{"y":[1,{}]},"dtype":"U8","z":[[]],)"
                          R"("shape":[],"data_offsets":[0,1]}})",
                          1))
                  .ok());
  ExpectRefused(absl::StrCat(R"({"w":{"x":)", std::string(500, '['),
                             std::string(500, ']'), "}}"),
                0, "nested too deeply");
}

TEST(SafetensorsTest, DataIsCoveredOnceAndWhole) {
  const auto header = [](absl::string_view a, absl::string_view b) {
    return absl::StrCat(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)", a,
                        R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)", b,
                        "}}");
  };
  EXPECT_TRUE(Parse(Bytes(header("[2,4]", "[0,2]"), 4)).ok());
  ExpectRefused(header("[1,3]", "[3,5]"), 5, "follows a hole");
  ExpectRefused(header("[0,2]", "[3,5]"), 5, "follows a hole");
  ExpectRefused(header("[0,2]", "[1,3]"), 3, "overlaps another");
  ExpectRefused(header("[0,2]", "[0,2]"), 2, "overlaps another");
  ExpectRefused(header("[0,2]", "[2,1]"), 4, "ends before it begins");
  ExpectRefused(header("[0,2]", "[2,4]"), 3, "truncated");
  ExpectRefused(header("[0,2]", "[2,4]"), 5, "but 5 follow it");
  ExpectRefused(header("[0,3]", "[3,5]"), 5, "should have 2 bytes, has 3");
}

TEST(SafetensorsTest, SizesThatOverflowAreRefused) {
  for (absl::string_view shape :
       {"[4294967296,4294967296]", "[18446744073709551615,2,0]",
        "[2305843009213693952]"}) {
    ExpectRefused(absl::StrCat(R"({"w":{"dtype":"I64","shape":)", shape,
                               R"(,"data_offsets":[0,0]}})"),
                  0, "in 64 bits");
  }
}

// Only who wants one of them learns that it can't be read.
TEST(SafetensorsTest, PackedTypesAreListedAndUnreadable) {
  const auto tensors =
      Parse(Bytes(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[4,5]},)"
                  R"("l.weight":{"dtype":"U32","shape":[1],)"
                  R"("data_offsets":[0,4]},"__metadata__":{"format":"mlx"}})",
                  5));
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  ASSERT_EQ(tensors->size(), 2u);
  EXPECT_EQ((*tensors)[0].unreadable, "");
  EXPECT_THAT((*tensors)[1].unreadable, HasSubstr("l.weight"));
  EXPECT_THAT((*tensors)[1].unreadable, HasSubstr("quantized by MLX"));
  const StoredTensorSource source(*tensors);
  EXPECT_EQ(source.tensors()[1].dtype, "U32");
  EXPECT_EQ(source.tensors()[1].bytes, 4u);
  EXPECT_EQ(source.tensors()[1].unreadable, (*tensors)[1].unreadable);
  float value = 0;
  EXPECT_TRUE(source.Read(0, 0, absl::MakeSpan(&value, 1)).ok());
  EXPECT_EQ(source.Read(1, 0, absl::MakeSpan(&value, 1)).code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_TRUE(Parse(Bytes(R"({"w":{"dtype":"F4","shape":[2],)"
                          R"("data_offsets":[0,1]}})",
                          1))
                  .ok());
  // A scale of the microscaling formats is a number like others.
  const auto scale = Parse(Bytes(
      R"({"s":{"dtype":"F8_E8M0","shape":[1],"data_offsets":[0,1]}})", 1));
  ASSERT_TRUE(scale.ok()) << scale.status();
  EXPECT_EQ((*scale)[0].unreadable, "");
  ExpectRefused(R"({"w":{"dtype":"F4","shape":[1],"data_offsets":[0,1]}})", 1,
                "whole bytes");
}

}  // namespace
}  // namespace checkpoint
