// File: converters/vocab/chat_template.h
//
// Chat templates, from the three places where a checkpoint can keep them:
// tokenizer_config.json's chat_template (a string, or a list of named ones),
// chat_template.jinja with additional_chat_templates/*.jinja, and
// chat_template.json.

#ifndef CONVERTERS_VOCAB_CHAT_TEMPLATE_H_
#define CONVERTERS_VOCAB_CHAT_TEMPLATE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gguf/metadata.h"
#include "nlohmann/json_fwd.hpp"

namespace vocab {

struct ChatTemplates {
  std::optional<std::string> default_template;
  // Name (letters, digits and '_' only) and template, in the files' order.
  std::vector<std::pair<std::string, std::string>> named;

  // Writes tokenizer.chat_template.NAME of each named one, then
  // tokenizer.chat_templates (their names), then tokenizer.chat_template.
  // Empty texts get no key, as no string does in the reference's files.
  void AppendTo(gguf::Metadata& metadata) const;
};

// The templates of the checkpoint in `directory`, whose tokenizer_config.json
// is `tokenizer_config`. That file wins over chat_template.jinja, and that
// over chat_template.json.
// Errors: DataLoss for a file that can't be read or is no JSON.
absl::StatusOr<ChatTemplates> LoadChatTemplates(
    const std::string& directory, const nlohmann::json& tokenizer_config);

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_CHAT_TEMPLATE_H_
