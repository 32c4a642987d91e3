#include "converters/vocab/token_decoder.h"

#include <string>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;

// The expected texts are what tokenizers 0.23.1 decodes a lone added token to.

TEST(TokenDecoderTest, ByteLevelTakesTextOfItsAlphabetAsBytes) {
  const Json decoder = {{"type", "ByteLevel"}};
  EXPECT_EQ(DecodeToken(decoder, "Ġfoo"), " foo");
  EXPECT_EQ(DecodeToken(decoder, "ÃĢ"), "À");
  EXPECT_EQ(DecodeToken(decoder, "é"), "\uFFFD");
  // One character outside the alphabet, and all stays as it is.
  EXPECT_EQ(DecodeToken(decoder, "Ċ\n"), "Ċ\n");
  EXPECT_EQ(DecodeToken(decoder, "<｜fim▁hole｜>"), "<｜fim▁hole｜>");
  EXPECT_EQ(DecodeToken(decoder, "ab cd"), "ab cd");
}

TEST(TokenDecoderTest, SequenceAppliesItsStepsInOrder) {
  const Json decoder = {
      {"type", "Sequence"},
      {"decoders",
       {{{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}},
        {{"type", "ByteFallback"}},
        {{"type", "Fuse"}},
        {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}};
  EXPECT_EQ(DecodeToken(decoder, "<｜fim▁hole｜>"), "<｜fim hole｜>");
  EXPECT_EQ(DecodeToken(decoder, "Ġ▁"), "Ġ ");
  EXPECT_EQ(DecodeToken(decoder, " a"), "a");
  EXPECT_EQ(DecodeToken(decoder, "▁▁a"), " a");
  EXPECT_EQ(DecodeToken(decoder, "<0x41>"), "A");
  EXPECT_EQ(DecodeToken(decoder, "<0xC3>"), "\uFFFD");
}

TEST(TokenDecoderTest, MetaspaceDropsMarksUnlessNothingIsPrepended) {
  Json decoder = {{"type", "Metaspace"}, {"replacement", "▁"}};
  EXPECT_EQ(DecodeToken(decoder, "<｜fim▁hole｜>"), "<｜fimhole｜>");
  decoder["prepend_scheme"] = "never";
  EXPECT_EQ(DecodeToken(decoder, "a▁b"), "a b");
}

TEST(TokenDecoderTest, NoDecoderChangesNothing) {
  EXPECT_EQ(DecodeToken(Json(), "Ġ▁a"), "Ġ▁a");
  EXPECT_EQ(DecodeToken({{"type", "WordPiece"}}, "Ġ▁a"), "Ġ▁a");
}

// An end that never comes must not be waited for.
TEST(TokenDecoderTest, StripsNoMoreThanThereIs) {
  const Json decoder = {{"type", "Strip"},
                        {"content", " "},
                        {"start", INT64_MAX},
                        {"stop", INT64_MAX}};
  EXPECT_EQ(DecodeToken(decoder, "  a "), "a");
  EXPECT_EQ(DecodeToken(decoder, "   "), "");
}

TEST(FromByteLevelTest, ByteLevelAlphabetSpellsEveryByteOnce) {
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
