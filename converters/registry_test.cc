#include "converters/registry.h"

#include <set>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

json ConfigOf(const char* architecture) {
  return {{"architectures", json::array({architecture})}};
}

TEST(RegistryTest, NoNameIsTakenTwice) {
  std::set<std::string> names;
  for (const Architecture* architecture : AllArchitectures()) {
    EXPECT_TRUE(names.insert(std::string(architecture->name)).second);
    for (const absl::string_view name : architecture->classes) {
      EXPECT_TRUE(names.insert(std::string(name)).second) << name;
      const auto found =
          FindArchitecture(ConfigOf(std::string(name).c_str()), "");
      ASSERT_TRUE(found.ok()) << found.status();
      EXPECT_EQ(*found, architecture);
    }
  }
}

TEST(RegistryTest, ModelTypeAgreesOrIsAnErrorThatSaysBoth) {
  const json config = ConfigOf("MistralForCausalLM");
  for (const char* type : {"", "llama", "LLAMA", "LlamaForCausalLM"}) {
    EXPECT_TRUE(FindArchitecture(config, type).ok()) << type;
  }
  const auto mismatch = FindArchitecture(config, "falcon");
  EXPECT_TRUE(absl::IsInvalidArgument(mismatch.status()));
  EXPECT_THAT(
      std::string(mismatch.status().message()),
      testing::AllOf(HasSubstr("falcon"), HasSubstr("MistralForCausalLM")));
}

TEST(RegistryTest, UnknownNamesListTheKnownOnes) {
  const auto architecture = FindArchitecture(ConfigOf("FooForCausalLM"), "");
  EXPECT_TRUE(absl::IsNotFound(architecture.status()));
  EXPECT_THAT(
      std::string(architecture.status().message()),
      testing::AllOf(HasSubstr("FooForCausalLM"), HasSubstr("falcon, ")));
  const auto type = FindArchitecture(ConfigOf("LlamaForCausalLM"), "foo");
  EXPECT_TRUE(absl::IsNotFound(type.status()));
  // Whatever they are, they are short and plain in the message.
  const std::string wild = "\033[31m" + std::string(100000, 'x');
  for (const absl::Status& status :
       {FindArchitecture(ConfigOf(wild.c_str()), "").status(),
        FindArchitecture(ConfigOf("LlamaForCausalLM"), wild).status()}) {
    EXPECT_TRUE(absl::IsNotFound(status));
    EXPECT_LT(status.message().size(), 4000u);
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\033")));
  }
}

TEST(RegistryTest, WithoutAnArchitectureModelTypeDecides) {
  for (const json& config :
       {json::object(), json({{"architectures", nullptr}}),
        json({{"architectures", json::array()}}), json::array()}) {
    EXPECT_TRUE(absl::IsInvalidArgument(FindArchitecture(config, "").status()));
    EXPECT_TRUE(FindArchitecture(config, "gptneox").ok());
  }
}

}  // namespace
}  // namespace converters
