#include "quant/file_type.h"

#include <string>

#include "gguf/tensor_type.h"
#include "gtest/gtest.h"

namespace quant {
namespace {

TEST(FileTypeTest, NamesInAnyCase) {
  const FileType* type = FindFileType("q4_k_m");
  ASSERT_NE(type, nullptr);
  EXPECT_EQ(type->name, "Q4_K_M");
  EXPECT_EQ(type->number, 15u);
  EXPECT_EQ(type->base, gguf::TensorType::kQ4_K);
  EXPECT_EQ(FindFileType("Q4_K_XL"), nullptr);
  EXPECT_EQ(FindFileType(""), nullptr);
}

TEST(FileTypeTest, Aliases) {
  EXPECT_EQ(FindFileType("Q3_K"), FindFileType("Q3_K_M"));
  EXPECT_EQ(FindFileType("q4_k"), FindFileType("Q4_K_M"));
  EXPECT_EQ(FindFileType("Q5_K"), FindFileType("Q5_K_M"));
  for (const FileTypeAlias& alias : FileTypeAliases()) {
    EXPECT_NE(FindFileType(alias.means), nullptr) << alias.name;
  }
}

TEST(FileTypeTest, NamesAndNumbersAreDistinct) {
  EXPECT_EQ(AllFileTypes().size(), 26u);
  for (const FileType& type : AllFileTypes()) {
    EXPECT_EQ(FindFileType(type.name), &type);
    EXPECT_EQ(FindFileType(type.number), &type);
    EXPECT_FALSE(type.description.empty());
  }
  EXPECT_EQ(FindFileType(4u), nullptr);
  EXPECT_EQ(FindFileType(1024u), nullptr);
}

}  // namespace
}  // namespace quant
