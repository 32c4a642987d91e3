#include "base/printable.h"

#include <string>

#include "gtest/gtest.h"

namespace base {
namespace {

TEST(PrintableTest, LeavesText) {
  EXPECT_EQ(Printable("blk.0.attn_q.weight"), "blk.0.attn_q.weight");
  EXPECT_EQ(Printable("é 模型 🦙"), "é 模型 🦙");
  EXPECT_EQ(Printable(""), "");
}

TEST(PrintableTest, EscapesWhatActsOnATerminal) {
  EXPECT_EQ(Printable("a\x1b[2Jb\nerror: c\r\t\x7f"),
            "a\\x1b[2Jb\\nerror: c\\r\\t\\x7f");
  EXPECT_EQ(Printable(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(Printable("\xC2\x9B"
                      "2J"),
            "\\u009b2J");                           // CSI as one character
  EXPECT_EQ(Printable("\xE2\x80\xAE"), "\\u202e");  // right to left
  EXPECT_EQ(Printable("\xE2\x80\xA8"), "\\u2028");  // line separator
}

TEST(PrintableTest, EscapesWhatIsNoUtf8) {
  EXPECT_EQ(Printable("\x9B"
                      "2J"),
            "\\x9b2J");                                     // CSI as one byte
  EXPECT_EQ(Printable("\xC0\x8A"), "\\xc0\\x8a");           // overlong
  EXPECT_EQ(Printable("\xE2\x80"), "\\xe2\\x80");           // cut off
  EXPECT_EQ(Printable("\xED\xA0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(Printable("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(PrintableTest, CutsBetweenCharacters) {
  EXPECT_EQ(Printable("abcdef", 6), "abcdef");
  EXPECT_EQ(Printable("abcdefg", 6), "abcdef...");
  EXPECT_EQ(Printable("abc\n\n", 6), "abc\\n...");
  EXPECT_EQ(Printable("abcd模型", 6), "abcd...");
  EXPECT_EQ(Printable(std::string(1 << 20, '\n')).size(), 203);
}

}  // namespace
}  // namespace base
