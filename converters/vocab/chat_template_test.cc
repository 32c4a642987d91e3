#include "converters/vocab/chat_template.h"

#include <string>
#include <vector>

#include "converters/vocab/test_directory.h"
#include "gguf/metadata.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;

// The metadata keys of a checkpoint with this tokenizer_config.json.
std::vector<std::string> Keys(const TestDirectory& directory,
                              const Json& tokenizer_config) {
  const auto templates = LoadChatTemplates(directory.path(), tokenizer_config);
  EXPECT_TRUE(templates.ok()) << templates.status();
  gguf::Metadata metadata;
  if (templates.ok()) templates->AppendTo(metadata);
  std::vector<std::string> keys;
  for (const auto& entry : metadata.entries()) keys.push_back(entry.key);
  return keys;
}

TEST(ChatTemplateTest, EmptyTemplatesGetNoKey) {
  const TestDirectory directory;
  directory.Write("chat_template.jinja", "not asked");
  EXPECT_EQ(Keys(directory, {{"chat_template", ""}}),
            std::vector<std::string>());
}

TEST(ChatTemplateTest, AnEmptyNamedTemplateIsListedAlone) {
  const TestDirectory directory;
  const Json choices = {{{"name", "tool"}, {"template", ""}},
                        {{"name", "default"}, {"template", "x"}}};
  EXPECT_EQ(Keys(directory, {{"chat_template", choices}}),
            (std::vector<std::string>{"tokenizer.chat_templates",
                                      "tokenizer.chat_template"}));
}

}  // namespace
}  // namespace vocab
