#include "converters/checkpoint/shard_index.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "converters/checkpoint/stored_tensor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::Status ParseStatus(absl::string_view text) {
  return ParseShardIndex(text, "dir/index.json", ".bin").status();
}

TEST(ShardIndexTest, ReadsTheWeightMapAndSkipsTheRest) {
  const auto index = ParseShardIndex(
      R"({"metadata":{"total_size":7,"weight_map":{"no":"x.bin"}},)"
      R"("weight_map":{"b":"2.bin","a":"1.bin","c":"1.bin"},"x":[{"a":1}]})",
      "index.json", ".bin");
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_EQ(index->weight_map.size(), 3);
  EXPECT_EQ(index->weight_map.at("b"), "2.bin");
  EXPECT_THAT(index->files(), ElementsAre("1.bin", "2.bin"));
}

TEST(ShardIndexTest, RefusesWhatIsNoIndex) {
  for (absl::string_view text :
       {"", "{", "[]", "{}", R"({"weight_map":1})", R"({"weight_map":["a"]})",
        R"({"weight_map":{"a":1}})", R"({"weight_map":{"a":{}}})",
        R"({"weight_map":{"a":["1.bin"]}})",
        R"({"weight_map":{"a":"1.bin","a":"2.bin"}})"}) {
    const absl::Status status = ParseStatus(text);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << text;
    EXPECT_THAT(status.message(), HasSubstr("dir/index.json: "));
  }
}

TEST(ShardIndexTest, RefusesFilesElsewhere) {
  for (absl::string_view file :
       {"../1.bin", "/etc/1.bin", "a/1.bin", "..\\\\1.bin", "",
        "1.bin\\u0000.bin", "..", "1.safetensors"}) {
    const absl::Status status =
        ParseStatus(absl::StrCat(R"({"weight_map":{"a":")", file, R"("}})"));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << file;
  }
}

std::vector<StoredTensor> Tensors(
    const std::vector<std::pair<std::string, std::string>>& places) {
  std::vector<StoredTensor> tensors;
  for (const auto& [name, file] : places) {
    tensors.emplace_back();
    tensors.back().name = name;
    tensors.back().file = file;
  }
  return tensors;
}

TEST(ShardIndexTest, IndexAndFilesMustAgree) {
  ShardIndex index;
  index.weight_map = {{"a", "1.bin"}, {"b", "2.bin"}};
  EXPECT_TRUE(
      CheckAgainstIndex(index, "i", Tensors({{"a", "1.bin"}, {"b", "2.bin"}}))
          .ok());
  EXPECT_EQ(
      CheckAgainstIndex(index, "i", Tensors({{"a", "1.bin"}, {"b", "1.bin"}}))
          .message(),
      "i: it says that tensor b is in 2.bin, but it is in 1.bin");
  EXPECT_EQ(
      CheckAgainstIndex(index, "i", Tensors({{"a", "1.bin"}, {"c", "2.bin"}}))
          .message(),
      "i: the files lack tensors that it lists: b (should be in 2.bin); the "
      "files hold tensors that it does not list: c (in 2.bin)");
}

TEST(ShardIndexTest, LongListsOfNamesAreCut) {
  ShardIndex index;
  for (int i = 0; i < 9; ++i) index.weight_map[absl::StrCat(i)] = "1.bin";
  EXPECT_THAT(CheckAgainstIndex(index, "i", {}).message(),
              HasSubstr("4 (should be in 1.bin) and 4 more"));
}

TEST(ShardIndexTest, GapsInNumberedSets) {
  EXPECT_THAT(
      MissingFromNumberedSet({"m-00001-of-00004.bin", "m-00003-of-00004.bin"}),
      ElementsAre("m-00002-of-00004.bin", "m-00004-of-00004.bin"));
  EXPECT_THAT(
      MissingFromNumberedSet({"m-00001-of-00002.bin", "m-00002-of-00002.bin"}),
      IsEmpty());
  EXPECT_THAT(MissingFromNumberedSet({"m.bin", "m-of-00002.bin", "-of-",
                                      "m-0000x-of-00002.bin", "m-00001-of-2"}),
              IsEmpty());
}

}  // namespace
}  // namespace checkpoint
