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

json ConfigOf(const char* architecture) {
  return {{"architectures", json::array({architecture})}};
}

TEST(RegistryTest, NoNameIsTakenTwice) {
  std::set<std::string> names;
  for (const Converter* converter : AllConverters()) {
    EXPECT_TRUE(names.insert(std::string(converter->name())).second);
    for (const auto name : converter->huggingface_names()) {
      EXPECT_TRUE(names.insert(std::string(name)).second) << name;
      const auto found = FindConverter(ConfigOf(std::string(name).c_str()), "");
      ASSERT_TRUE(found.ok()) << found.status();
      EXPECT_EQ(*found, converter);
    }
  }
}

TEST(RegistryTest, ModelTypeAgreesOrIsAnErrorThatSaysBoth) {
  const json config = ConfigOf("MistralForCausalLM");
  for (const char* type : {"", "llama", "LLAMA", "LlamaForCausalLM"}) {
    EXPECT_TRUE(FindConverter(config, type).ok()) << type;
  }
  const auto mismatch = FindConverter(config, "falcon");
  EXPECT_TRUE(absl::IsInvalidArgument(mismatch.status()));
  EXPECT_THAT(
      std::string(mismatch.status().message()),
      testing::AllOf(HasSubstr("falcon"), HasSubstr("MistralForCausalLM")));
}

TEST(RegistryTest, UnknownNamesListTheKnownOnes) {
  const auto architecture = FindConverter(ConfigOf("FooForCausalLM"), "");
  EXPECT_TRUE(absl::IsNotFound(architecture.status()));
  EXPECT_THAT(std::string(architecture.status().message()),
              testing::AllOf(HasSubstr("FooForCausalLM"),
                             HasSubstr("llama (LlamaForCausalLM")));
  const auto type = FindConverter(ConfigOf("LlamaForCausalLM"), "foo");
  EXPECT_TRUE(absl::IsNotFound(type.status()));
}

TEST(RegistryTest, WithoutAnArchitectureModelTypeDecides) {
  for (const json& config :
       {json::object(), json({{"architectures", nullptr}}),
        json({{"architectures", json::array()}}), json::array()}) {
    EXPECT_TRUE(absl::IsInvalidArgument(FindConverter(config, "").status()));
    EXPECT_TRUE(FindConverter(config, "gptneox").ok());
  }
}

}  // namespace
}  // namespace converters
