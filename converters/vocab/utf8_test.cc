#include "converters/vocab/utf8.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace vocab {
namespace {

TEST(Utf8Test, AcceptsTheFirstAndLastCharacterOfEachLength) {
  EXPECT_TRUE(IsValidUtf8(std::string("\0\x7F", 2)));
  EXPECT_TRUE(IsValidUtf8("\xC2\x80\xDF\xBF"));
  EXPECT_TRUE(IsValidUtf8("\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"));
  EXPECT_TRUE(IsValidUtf8("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"));
}

TEST(Utf8Test, RefusesWhatIsNext) {
  for (const char* text :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF",          // overlong
        "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF",              // overlong
        "\xED\xA0\x80", "\xED\xBF\xBF",                  // surrogates
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF",  // beyond U+10FFFF
        "\xC2", "\xE2\x96", "\xF0\x9F\xA6",
        "\xC2"
        "a"}) {  // cut off
    EXPECT_FALSE(IsValidUtf8(text)) << testing::PrintToString(text);
  }
}

// The example of the Unicode Standard, table 3-11: seven replacements.
TEST(Utf8Test, RepairsEachMaximalPart) {
  EXPECT_EQ(RepairUtf8("a\xF1\x80\x80\xE1\x80\xC2"
                       "b\x80"
                       "c\x80\xBF"
                       "d"),
            "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd");
  EXPECT_EQ(RepairUtf8("é🦙"), "é🦙");
}

TEST(Utf8Test, ByteLevelAlphabetSpellsEveryByteOnce) {
  EXPECT_EQ(FromByteLevel("Ġa"), " a");
  EXPECT_EQ(FromByteLevel("Ċ"), "\n");
  EXPECT_EQ(FromByteLevel("ÃĢ"), "\xC3\x80");
  EXPECT_EQ(FromByteLevel("~¡¬®ÿ"), "~\xA1\xAC\xAE\xFF");
  // U+0100 is byte 0, U+0143, the last, is the soft hyphen that Latin-1 does
  // not print.
  EXPECT_EQ(FromByteLevel("\u0100"), std::string(1, '\0'));
  EXPECT_EQ(FromByteLevel("\u0143"), "\xAD");
  EXPECT_EQ(FromByteLevel("\u0144"), std::nullopt);
  EXPECT_EQ(FromByteLevel("a b"), std::nullopt);
  EXPECT_EQ(FromByteLevel("\u00AD"), std::nullopt);
}

}  // namespace
}  // namespace vocab
