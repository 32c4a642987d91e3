#include "converters/vocab/chat_template.h"

#include <filesystem>
#include <set>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/file.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "converters/vocab/tokenizer_files.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;
using base::Member;
using base::StringMember;

// One '_' for each character that is no ASCII letter or digit.
std::string SafeName(absl::string_view name) {
  std::string safe;
  for (const char c : name) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c))) {
      safe.push_back(c);
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      safe.push_back('_');  // once per UTF-8 sequence, not per byte
    }
  }
  return safe;
}

void AddNamed(absl::string_view name, const std::string& text,
              ChatTemplates& templates) {
  const std::string safe = SafeName(name);
  if (safe.empty()) return;
  if (safe == "default") {
    templates.default_template = text;
    return;
  }
  for (auto& [existing, existing_text] : templates.named) {
    if (existing != safe) continue;
    existing_text = text;
    return;
  }
  templates.named.emplace_back(safe, text);
}

ChatTemplates FromJson(const Json& value) {
  ChatTemplates templates;
  if (value.is_string()) {
    templates.default_template = value.get_ref<const std::string&>();
  } else if (value.is_array()) {
    for (const Json& choice : value) {
      const std::string* name = StringMember(choice, "name");
      const std::string* text = StringMember(choice, "template");
      if (name != nullptr && text != nullptr) AddNamed(*name, *text, templates);
    }
  }
  return templates;
}

// Python reads text files with "universal newlines".
std::string NormalizeNewlines(absl::string_view text) {
  std::string normal;
  normal.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      normal.push_back(text[i]);
    } else {
      normal.push_back('\n');
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    }
  }
  return normal;
}

absl::StatusOr<std::string> ReadTemplate(const std::string& directory,
                                         absl::string_view name) {
  const std::string path = absl::StrCat(directory, "/", name);
  ASSIGN_OR_RETURN(const std::string text,
                   base::ReadFile(path, kMaxTokenizerFile));
  if (!base::IsValidUtf8(text)) {
    return absl::DataLossError(absl::StrCat(path, ": not valid UTF-8"));
  }
  return NormalizeNewlines(text);
}

absl::StatusOr<ChatTemplates> FromJinjaFiles(const std::string& directory) {
  ChatTemplates templates;
  ASSIGN_OR_RETURN(templates.default_template,
                   ReadTemplate(directory, "chat_template.jinja"));

  const std::string more =
      (std::filesystem::path(directory) / "additional_chat_templates").string();
  std::set<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(more, error), end;
       !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".jinja") {
      names.insert(it->path().filename().string());
    }
  }
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const std::string text, ReadTemplate(more, name));
    AddNamed(std::filesystem::path(name).stem().string(), text, templates);
  }
  return templates;
}

}  // namespace

void ChatTemplates::AppendTo(gguf::Metadata& metadata) const {
  std::vector<std::string> names;
  for (const auto& [name, text] : named) {
    if (!text.empty()) {
      metadata.Set(absl::StrCat("tokenizer.chat_template.", name), text);
    }
    names.push_back(name);
  }
  if (!names.empty()) {
    metadata.SetArray("tokenizer.chat_templates", std::move(names));
  }
  if (default_template && !default_template->empty()) {
    metadata.Set("tokenizer.chat_template", *default_template);
  }
}

absl::StatusOr<ChatTemplates> LoadChatTemplates(const std::string& directory,
                                                const Json& tokenizer_config) {
  // A null there counts as an answer: no template.
  if (tokenizer_config.is_object() &&
      tokenizer_config.contains("chat_template")) {
    return FromJson(Member(tokenizer_config, "chat_template"));
  }
  if (IsThere(directory, "chat_template.jinja")) {
    return FromJinjaFiles(directory);
  }
  ASSIGN_OR_RETURN(const Json file,
                   ReadJsonObject(directory, "chat_template.json"));
  return FromJson(Member(file, "chat_template"));
}

}  // namespace vocab
