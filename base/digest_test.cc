#include "base/digest.h"

#include <string>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace base {
namespace {

TEST(DigestTest, KnownValues) {
  // FIPS 180-4's examples, and what `git hash-object` prints.
  EXPECT_EQ(*HexDigest(DigestKind::kSha256, "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(*HexDigest(DigestKind::kSha1, "abc"),
            "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(*HexDigest(DigestKind::kGitBlobSha1, ""),
            "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(*HexDigest(DigestKind::kGitBlobSha1, "hello\n"),
            "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST(DigestTest, PiecesAreAsGoodAsTheWhole) {
  absl::StatusOr<Digest> digest = Digest::Create(DigestKind::kGitBlobSha1, 6);
  ASSERT_TRUE(digest.ok());
  digest->Update("hel");
  digest->Update("lo\n");
  EXPECT_EQ(digest->Finish(), "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST(DigestTest, BytesAreAsGoodAsText) {
  Sha256 digest;
  digest.Update({0x61, 0x62, 0x63});
  EXPECT_EQ(digest.Finish(), *HexDigest(DigestKind::kSha256, "abc"));
}

}  // namespace
}  // namespace base
