#include "converters/vocab/added_tokens.h"

#include <string>

#include "gtest/gtest.h"

namespace vocab {
namespace {

// Ids as tokenizers 0.23.1 gives them.

TEST(AddedVocabularyTest, NewTokensFollowTheTrainedOnes) {
  const TokenIds trained = {{"a", 0}, {"b", 1}};
  AddedVocabulary added(trained);
  added.Add({"<x>", true, false});
  added.Add({"b", true, false});
  added.Add({"", true, false});
  added.Add({"<y>", false, true});
  ASSERT_EQ(added.tokens().size(), 3);
  EXPECT_EQ(added.tokens().at(1).content, "b");
  EXPECT_EQ(added.tokens().at(2).content, "<x>");
  EXPECT_EQ(added.tokens().at(3).content, "<y>");
  EXPECT_EQ(added.NextId(), 4);
}

TEST(AddedVocabularyTest, TheCountOfTrainedTokensDecidesNotTheirLargestId) {
  const TokenIds trained = {{"a", 0}, {"b", 700}};
  AddedVocabulary added(trained);
  added.Add({"<x>", true, false});
  EXPECT_EQ(added.tokens().begin()->first, 2);
  // Once a trained token of a large id is added, counting goes on after it.
  added.Add({"b", true, false});
  added.Add({"<y>", true, false});
  EXPECT_EQ(added.tokens().rbegin()->first, 701);
}

TEST(AddedVocabularyTest, AddingAgainChangesTheFlagsOnly) {
  const TokenIds trained = {{"a", 0}};
  AddedVocabulary added(trained);
  added.Add({"<x>", false, true});
  added.Add({"<x>", true, false});
  ASSERT_EQ(added.tokens().size(), 1);
  EXPECT_TRUE(added.tokens().at(1).special);
  EXPECT_FALSE(added.tokens().at(1).normalized);
}

}  // namespace
}  // namespace vocab
