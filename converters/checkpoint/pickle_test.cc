#include "converters/checkpoint/pickle.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "converters/checkpoint/pickle_writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace checkpoint {
namespace {

using ::testing::HasSubstr;
using Kind = PickleValue::Kind;

constexpr absl::string_view kGlobals[] = {"torch Size"};

absl::Status ParseStatus(absl::string_view bytes) {
  return Pickle::Parse(bytes, kGlobals).status();
}

TEST(PickleTest, Numbers) {
  const std::string bytes =
      PickleWriter()
          .Mark()
          .Raw("K\xFF")
          .Raw("M\x01\x02")
          .Int(-5)
          .Int(int64_t{1} << 40)
          .Raw(absl::string_view("\x8a\x00", 2))
          .Raw("\x8a\x01\xFF")
          .Raw(absl::string_view("\x8b\x02\x00\x00\x00\x00\x80", 7))
          .False()
          .Raw("\x88")
          .Tuple()
          .Stop();
  auto pickle = Pickle::Parse(bytes, kGlobals);
  ASSERT_TRUE(pickle.ok()) << pickle.status();
  EXPECT_EQ(pickle->size(), bytes.size());
  ASSERT_TRUE(pickle->root().Is(Kind::kTuple));
  const int64_t want[] = {255, 513, -5, int64_t{1} << 40, 0, -1, -32768, 0, 1};
  const auto tuple = pickle->tuple(pickle->root());
  ASSERT_EQ(tuple.size(), 9);
  for (size_t i = 0; i < tuple.size(); ++i) EXPECT_EQ(tuple[i].number, want[i]);
}

TEST(PickleTest, ContainersAndMemos) {
  const std::string bytes = PickleWriter()
                                .EmptyDict()
                                .Mark()
                                .String("list")
                                .Put(0)
                                .EmptyList()
                                .Put(1)
                                .Mark()
                                .Get(0)
                                .Get(1)  // a list that holds itself
                                .Appends()
                                .Raw("U\x01p")
                                .None()
                                .SetItems()
                                .Stop();
  auto pickle = Pickle::Parse(bytes, kGlobals);
  ASSERT_TRUE(pickle.ok()) << pickle.status();
  const auto dict = pickle->dict(pickle->root());
  ASSERT_EQ(dict.size(), 2);
  EXPECT_EQ(pickle->string(dict[0].first), "list");
  EXPECT_EQ(pickle->string(dict[1].first), "p");
  const auto list = pickle->list(dict[0].second);
  ASSERT_EQ(list.size(), 2);
  EXPECT_EQ(pickle->string(list[0]), "list");
  EXPECT_EQ(list[1].number, dict[0].second.number);
}

TEST(PickleTest, ProtocolFour) {
  // pickle.dumps(("a", b"b", [1]), 4), as pickletools shows it.
  const absl::string_view bytes(
      "\x80\x04\x95\x0f\0\0\0\0\0\0\0\x8c\x01"
      "a\x94"
      "C\x01"
      "b\x94]\x94K\x01"
      "a\x87\x94.",
      27);
  auto pickle = Pickle::Parse(bytes, kGlobals);
  ASSERT_TRUE(pickle.ok()) << pickle.status();
  EXPECT_EQ(pickle->tuple(pickle->root()).size(), 3);
}

TEST(PickleTest, CallsAreKeptAndNotMade) {
  const std::string bytes = PickleWriter()
                                .Global("torch", "Size")
                                .Ints({2, 3})
                                .Reduce()
                                .EmptyDict()
                                .Build()
                                .Stop();
  auto pickle = Pickle::Parse(bytes, kGlobals);
  ASSERT_TRUE(pickle.ok()) << pickle.status();
  ASSERT_TRUE(pickle->root().Is(Kind::kCall));
  const Pickle::Call& call = pickle->call(pickle->root());
  EXPECT_EQ(pickle->global(call.function), "torch Size");
  EXPECT_EQ(pickle->tuple(call.arguments)[1].number, 3);
}

TEST(PickleTest, OrderedDictOfPairs) {
  const std::string bytes = PickleWriter()
                                .Global("collections", "OrderedDict")
                                .Mark()
                                .EmptyList()
                                .Mark()
                                .EmptyList()
                                .Mark()
                                .String("k")
                                .Int(7)
                                .Appends()
                                .Appends()
                                .Tuple()
                                .Reduce()
                                .Stop();
  auto pickle = Pickle::Parse(bytes, kGlobals);
  ASSERT_TRUE(pickle.ok()) << pickle.status();
  const auto dict = pickle->dict(pickle->root());
  ASSERT_EQ(dict.size(), 1);
  EXPECT_EQ(dict[0].second.number, 7);
}

TEST(PickleTest, OtherGlobalsAreRefusedByName) {
  for (const auto& [module, name] :
       {std::pair("os", "system"), std::pair("posix", "system"),
        std::pair("builtins", "eval"), std::pair("__builtin__", "exec"),
        std::pair("torch.storage", "_load_from_bytes"),
        std::pair("torch", "Size2"), std::pair("", "")}) {
    const absl::Status status = ParseStatus(PickleWriter()
                                                .Global(module, name)
                                                .Mark()
                                                .String("id")
                                                .Tuple()
                                                .Reduce()
                                                .Stop());
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
    EXPECT_THAT(status.message(), HasSubstr(absl::StrCat(module, ".", name)));
    EXPECT_EQ(
        ParseStatus(
            PickleWriter(4).String(module).String(name).Raw("\x93").Stop())
            .code(),
        absl::StatusCode::kPermissionDenied);
  }
}

TEST(PickleTest, OpcodesThatReachOutAreRefused) {
  // INST, OBJ, PERSID, NEWOBJ, NEWOBJ_EX, EXT1, EXT2, EXT4, NEXT_BUFFER,
  // BYTEARRAY8.
  for (char opcode : {'i', 'o', 'P', '\x81', '\x92', '\x82', '\x83', '\x84',
                      '\x97', '\x96', '\0', '\xFF'}) {
    EXPECT_EQ(
        ParseStatus(
            PickleWriter().Raw(std::string(1, opcode)).Raw("x\nx\n").Stop())
            .code(),
        absl::StatusCode::kUnimplemented);
  }
}

TEST(PickleTest, EveryPrefixAsksForMore) {
  const std::string bytes =
      PickleWriter()
          .Tensor("FloatStorage", "0", 6, 0, {2, 3}, {3, 1})
          .Raw("0")
          .None()
          .Stop();
  constexpr absl::string_view kTorch[] = {"torch._utils _rebuild_tensor_v2",
                                          "torch FloatStorage"};
  ASSERT_TRUE(Pickle::Parse(bytes, kTorch).ok());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(Pickle::Parse(bytes.substr(0, size), kTorch).status().code(),
              absl::StatusCode::kOutOfRange);
  }
}

TEST(PickleTest, DamageIsRefused) {
  const std::string damaged[] = {
      PickleWriter().Stop(),                  // no value
      PickleWriter().None().None().Stop(),    // two values
      PickleWriter().Mark().None().Stop(),    // a mark left over
      PickleWriter().Tuple().Stop(),          // no mark
      PickleWriter().Mark().Reduce().Stop(),  // nothing above the mark
      PickleWriter().None().Mark().Raw("\x85").Stop(),
      PickleWriter().None().None().Reduce().Stop(),
      PickleWriter().None().EmptyTuple().Reduce().Stop(),
      PickleWriter().Get(3).Stop(),                  // no such memo
      PickleWriter().Put(3).Stop(),                  // nothing to keep
      PickleWriter().None().Put(~0u).Stop(),         // a memo of 64 GB
      PickleWriter().None().None().Raw("a").Stop(),  // append to no list
      PickleWriter().EmptyDict().Mark().None().SetItems().Stop(),
      PickleWriter().None().EmptyDict().Build().Stop(),
      PickleWriter().None().None().Raw("\x93").Stop(),
      PickleWriter(6).None().Stop(),
      PickleWriter().Raw("X\xFF\xFF\xFF\xFF").Stop(),
      PickleWriter().Raw("\x8d\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF").Stop(),
      PickleWriter().Raw("\x8b\xFF\xFF\xFF\xFF").Stop(),
      PickleWriter().Raw("c").Raw(std::string(1000, 'x')).Stop(),
  };
  for (const std::string& bytes : damaged) {
    EXPECT_EQ(ParseStatus(bytes).code(), absl::StatusCode::kDataLoss)
        << ParseStatus(bytes) << " " << testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace checkpoint
