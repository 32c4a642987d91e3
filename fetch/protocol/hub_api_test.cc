#include "fetch/protocol/hub_api.h"

#include "gtest/gtest.h"

namespace fetch {
namespace {

// The calls themselves are tested through FetchSnapshot.
TEST(HubApiTest, NextPages) {
  EXPECT_EQ(NextPage("<https://h/x?cursor=a%3D>; rel=\"next\""),
            "https://h/x?cursor=a%3D");
  EXPECT_EQ(NextPage("</first>; rel=\"first\", </next>; rel=\"next\""),
            "/next");
  EXPECT_EQ(NextPage("</a?x=1,2>; rel=\"next\", </b,c>; rel=\"last\""),
            "/a?x=1,2");
  EXPECT_EQ(NextPage("</first>; rel=\"first\""), "");
  EXPECT_EQ(NextPage("</unfinished; rel=\"next\""), "");
  EXPECT_EQ(NextPage(">broken<; rel=\"next\""), "");
  EXPECT_EQ(NextPage(""), "");
}

}  // namespace
}  // namespace fetch
