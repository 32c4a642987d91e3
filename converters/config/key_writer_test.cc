#include "converters/config/key_writer.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gguf/metadata.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace converters {
namespace {

using ::testing::HasSubstr;

TEST(KeyWriterTest, AKeyThatIsWrittenAgainKeepsItsPlace) {
  gguf::Metadata metadata;
  KeyWriter keys("a", metadata);
  keys.Uint("x", 1);
  keys.Uint("y", 2);
  keys.Uint("z", 3);
  keys.Uint("x", 4);
  keys.Remove("y");
  ASSERT_TRUE(keys.status().ok());
  ASSERT_EQ(metadata.entries().size(), 2u);
  EXPECT_EQ(metadata.entries()[0].key, "a.x");
  EXPECT_EQ(*metadata.FindAs<uint32_t>("a.x"), 4u);
}

TEST(KeyWriterTest, ValuesThatDoNotFitAreErrors) {
  gguf::Metadata metadata;
  for (const auto& write : std::vector<void (*)(KeyWriter&)>{
           [](KeyWriter& keys) { keys.Uint("x", uint64_t{1} << 32); },
           [](KeyWriter& keys) { keys.Number("x", 1e39); },
           [](KeyWriter& keys) {
             keys.Ints("x", std::vector<uint32_t>{1, 1u << 31});
           },
           [](KeyWriter& keys) {
             keys.Numbers("x", std::vector<double>{1e39});
           }}) {
    KeyWriter keys("a", metadata);
    write(keys);
    keys.Uint("y", 1);
    EXPECT_TRUE(absl::IsInvalidArgument(keys.status()));
    EXPECT_THAT(std::string(keys.status().message()), HasSubstr("for a.x"));
  }
  EXPECT_TRUE(metadata.entries().empty());
}

}  // namespace
}  // namespace converters
