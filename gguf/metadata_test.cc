#include "gguf/metadata.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "gtest/gtest.h"

namespace gguf {
namespace {

std::vector<std::string> Keys(const Metadata& metadata) {
  std::vector<std::string> keys;
  for (const Metadata::Entry& entry : metadata.entries()) {
    keys.push_back(entry.key);
  }
  return keys;
}

TEST(MetadataTest, AlternativesStandInTheOrderOfTheFormatsNumbers) {
  EXPECT_EQ(TypeOf(Value(uint8_t{1})), ValueType::kUint8);
  EXPECT_EQ(TypeOf(Value(int32_t{1})), ValueType::kInt32);
  EXPECT_EQ(TypeOf(Value(1.0f)), ValueType::kFloat32);
  EXPECT_EQ(TypeOf(Value(true)), ValueType::kBool);
  EXPECT_EQ(TypeOf(Value(std::string("x"))), ValueType::kString);
  EXPECT_EQ(TypeOf(Value(Array())), ValueType::kArray);
  EXPECT_EQ(TypeOf(Value(uint64_t{1})), ValueType::kUint64);
  EXPECT_EQ(TypeOf(Value(1.0)), ValueType::kFloat64);
  EXPECT_EQ(Array{std::vector<double>{}}.element_type(), ValueType::kFloat64);
  EXPECT_EQ(Array{std::vector<Array>{}}.element_type(), ValueType::kArray);
}

TEST(MetadataTest, NamesOfTypes) {
  EXPECT_EQ(ValueTypeName(ValueType::kUint8), "UINT8");
  EXPECT_EQ(ValueTypeName(ValueType::kFloat64), "FLOAT64");
  EXPECT_EQ(ValueTypeName(ValueType::kArray), "ARRAY");
  EXPECT_EQ(ValueTypeName(static_cast<ValueType>(13)), "UNKNOWN");
}

TEST(MetadataTest, SetKeepsThePlaceOfAKnownKey) {
  Metadata metadata;
  metadata.Set("a", uint32_t{1});
  metadata.Set("b", uint32_t{2});
  metadata.Set("a", std::string("one"));
  EXPECT_EQ(Keys(metadata), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*metadata.FindAs<std::string>("a"), "one");
  EXPECT_EQ(metadata.FindAs<uint32_t>("a"), nullptr);
}

TEST(MetadataTest, EraseAndSetMovesAKeyToTheEnd) {
  Metadata metadata;
  metadata.Set("a", uint32_t{1});
  metadata.Set("b", uint32_t{2});
  EXPECT_TRUE(metadata.Erase("a"));
  EXPECT_FALSE(metadata.Erase("a"));
  metadata.Set("a", uint32_t{3});
  EXPECT_EQ(Keys(metadata), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(metadata.Find("c"), nullptr);
}

TEST(MetadataTest, AppendSetsInOrder) {
  Metadata first;
  first.Set("a", true);
  first.Set("b", true);
  Metadata second;
  second.Set("c", false);
  second.Set("a", false);
  first.Append(second);
  EXPECT_EQ(Keys(first), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(*first.FindAs<bool>("a"), false);
  const Metadata copy = first;
  first.Append(first);
  EXPECT_EQ(first, copy);
}

TEST(MetadataTest, Arrays) {
  Metadata metadata;
  metadata.SetArray<std::string>("tokens", {"a", "b", "c"});
  metadata.SetArray<bool>("flags", {true, false});
  const Array* tokens = metadata.FindAs<Array>("tokens");
  ASSERT_NE(tokens, nullptr);
  EXPECT_EQ(tokens->element_type(), ValueType::kString);
  EXPECT_EQ(tokens->size(), 3u);
  EXPECT_EQ(metadata.FindAs<Array>("flags")->element_type(), ValueType::kBool);
}

TEST(MetadataTest, FromEntriesKeepsOrder) {
  const Metadata metadata = Metadata::FromEntries(
      {{"z", Value(uint8_t{1})}, {"a", Value(uint8_t{2})}});
  EXPECT_EQ(Keys(metadata), (std::vector<std::string>{"z", "a"}));
}

TEST(MetadataTest, RenameKeepsPlaceAndValue) {
  Metadata metadata;
  metadata.Set("a", uint32_t{1});
  metadata.Set("b", uint32_t{2});
  EXPECT_TRUE(metadata.Rename("a", "c"));
  EXPECT_FALSE(metadata.Rename("a", "d"));
  ASSERT_EQ(metadata.entries().size(), 2u);
  EXPECT_EQ(metadata.entries()[0], (Metadata::Entry{"c", uint32_t{1}}));
  EXPECT_EQ(metadata.entries()[1].key, "b");
}

}  // namespace
}  // namespace gguf
