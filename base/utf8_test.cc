#include "base/utf8.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"

namespace base {
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

TEST(Utf8Test, ValidLengthEndsAtTheFirstWrongByte) {
  EXPECT_EQ(ValidUtf8Length("0123456789é\xFF"), 12u);
  EXPECT_EQ(ValidUtf8Length("01234567\xE2\x96"), 8u);
  EXPECT_EQ(ValidUtf8Length("é"), 2u);
  EXPECT_EQ(ValidUtf8Length(""), 0u);
}

TEST(Utf8Test, AppendsEachLength) {
  std::string text;
  for (const uint32_t c : {0x41u, 0xE9u, 0x20ACu, 0x1F600u})
    AppendUtf8(c, text);
  EXPECT_EQ(text, "Aé€😀");
}

}  // namespace
}  // namespace base
