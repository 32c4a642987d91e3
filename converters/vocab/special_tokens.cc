#include "converters/vocab/special_tokens.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;
using base::BoolMember;
using base::IsTruthy;
using base::Member;
using base::StringMember;
using base::UintOf;

// The id of a template's piece if it is a special token, else null.
const Json& SpecialTokenId(const Json& piece) {
  return Member(Member(piece, "SpecialToken"), "id");
}

// The text of a token that is spelled "<s>" or {"content": "<s>", …}.
const std::string* TokenContent(const Json& token) {
  if (token.is_string()) return token.get_ptr<const std::string*>();
  return StringMember(token, "content");
}

// Reads which special tokens tokenizer.json's post-processor adds, and lets it
// correct what tokenizer_config.json says of bos, eos, cls and sep. This
// follows the reference step by step, because its result depends on their
// order.
class PostProcessorReader {
 public:
  // `tokenizer_config` and `kinds` are changed; `add` collects what is added.
  PostProcessorReader(Json& tokenizer_config, std::vector<std::string>& kinds,
                      std::vector<std::pair<std::string, bool>>& add)
      : config_(tokenizer_config),
        has_config_(IsTruthy(tokenizer_config)),
        kinds_(kinds),
        add_(add),
        bos_(Member(tokenizer_config, "bos_token")),
        cls_(Member(tokenizer_config, "cls_token")),
        eos_(Member(tokenizer_config, "eos_token")),
        sep_(Member(tokenizer_config, "sep_token")) {
    if (!IsTruthy(bos_) && IsTruthy(cls_)) config_["bos_token"] = bos_ = cls_;
    if (!IsTruthy(eos_) && IsTruthy(sep_)) config_["eos_token"] = eos_ = sep_;
  }

  void Read(const Json& post_processor) {
    const Json& steps = Member(post_processor, "processors");
    if (!steps.is_array()) return ReadStep(post_processor);
    for (const Json& step : steps) ReadStep(step);
  }

 private:
  void Add(absl::string_view kind, bool value, bool keep_existing = false) {
    for (auto& [existing, existing_value] : add_) {
      if (existing != kind) continue;
      if (!keep_existing) existing_value = value;
      return;
    }
    add_.emplace_back(kind, value);
  }

  bool HasKind(absl::string_view kind) const {
    return std::find(kinds_.begin(), kinds_.end(), kind) != kinds_.end();
  }

  void ReadStep(const Json& step) {
    const std::string* type = StringMember(step, "type");
    if (type == nullptr) return;
    if (*type == "ByteLevel") {
      Add("bos", false, /*keep_existing=*/true);
      Add("eos", false, /*keep_existing=*/true);
    } else if (*type == "RobertaProcessing") {
      ReadRoberta(step);
    } else if (*type == "TemplateProcessing") {
      const Json& first = ReadTemplateStart(Member(step, "single"));
      const Json& last = ReadTemplateEnd(Member(step, "single"));
      ReadPair(Member(step, "pair"), first, last);
    }
  }

  void ReadRoberta(const Json& step) {
    for (const char* kind : {"bos", "eos", "sep"}) Add(kind, true);
    if (!has_config_) return;
    const auto first_of = [&](absl::string_view key, const Json& fallback) {
      const Json& value = Member(step, key);
      return value.is_array() && !value.empty() ? value[0] : fallback;
    };
    if (!IsTruthy(cls_)) config_["cls_token"] = cls_ = first_of("cls", bos_);
    if (!IsTruthy(sep_)) config_["sep_token"] = sep_ = first_of("sep", eos_);
  }

  static const Json& Null() { return Member(Json(), ""); }

  const Json& ReadTemplateStart(const Json& single) {
    if (!single.is_array() || single.size() < 2) return Null();
    const Json& first = SpecialTokenId(single.front());
    if (!IsTruthy(first)) return first;
    if (!has_config_) {
      bos_ = first;
    } else if (first != bos_ && first != cls_) {
      if (!IsTruthy(bos_)) config_["bos_token"] = bos_ = first;
      if (!IsTruthy(cls_)) config_["cls_token"] = cls_ = first;
    }
    Add("bos", first == bos_ || first == cls_);
    return first;
  }

  const Json& ReadTemplateEnd(const Json& single) {
    if (!single.is_array() || single.size() < 2) return Null();
    const Json& last = SpecialTokenId(single.back());
    if (!IsTruthy(last)) return last;
    if (has_config_ && last != eos_) {
      // The old end token is kept as end of turn, then end of message.
      for (const char* kind : {"eot", "eom"}) {
        if (HasKind(kind)) continue;
        kinds_.push_back(kind);
        config_[absl::StrCat(kind, "_token")] = eos_;
        break;
      }
      config_["eos_token"] = last;
    }
    eos_ = last;
    Add("eos", true);
    return last;
  }

  // [first] A [sep] [eos] B [last]
  void ReadPair(const Json& pair, const Json& first, const Json& last) {
    if (!pair.is_array() || pair.empty()) return;
    size_t begin = 0;
    size_t end = pair.size();
    if (IsTruthy(first) && SpecialTokenId(pair.front()) == first) ++begin;
    if (IsTruthy(last) && SpecialTokenId(pair.back()) == last) --end;
    // At least A, something, B.
    if (end < begin + 3) return;
    const auto is_sequence = [&](size_t i, absl::string_view name) {
      const std::string* id = StringMember(Member(pair[i], "Sequence"), "id");
      return id != nullptr && *id == name;
    };
    if (!is_sequence(begin, "A") || !is_sequence(end - 1, "B")) return;
    const auto separates = [&](size_t i) {
      const Json& id = SpecialTokenId(pair[i]);
      return IsTruthy(id) && (id == sep_ || id == eos_);
    };
    bool add_sep = separates(begin + 1) && !IsTruthy(last);
    if (end - begin == 4 && separates(begin + 2)) add_sep = true;
    Add("sep", add_sep);
    if (add_sep && !IsTruthy(sep_) && has_config_) config_["sep_token"] = eos_;
  }

  Json& config_;
  const bool has_config_;
  std::vector<std::string>& kinds_;
  std::vector<std::pair<std::string, bool>>& add_;
  Json bos_, cls_, eos_, sep_;
};

void ReadNormalizer(const Json& normalizer, SpecialTokens& special) {
  const std::string* type = StringMember(normalizer, "type");
  if (type == nullptr) return;
  if (*type == "Lowercase") {
    special.normalizer_lowercase = true;
  } else if (*type == "NFC") {
    special.normalizer_nfc = true;
  } else if (*type == "StripAccents") {
    special.normalizer_strip_accents = true;
  } else if (*type == "BertNormalizer") {
    if (normalizer.contains("lowercase")) {
      special.normalizer_lowercase = BoolMember(normalizer, "lowercase");
    }
    if (normalizer.contains("strip_accents")) {
      special.normalizer_strip_accents =
          BoolMember(normalizer, "strip_accents");
    }
  } else if (*type == "Sequence") {
    const Json& steps = Member(normalizer, "normalizers");
    if (!steps.is_array()) return;
    for (const Json& step : steps) ReadNormalizer(step, special);
  }
}

// Sets ids under the rules of one search: first come first served, in range.
class IdSetter {
 public:
  IdSetter(SpecialTokens& special, std::optional<uint64_t> vocabulary_size)
      : special_(special), vocabulary_size_(vocabulary_size) {}

  absl::Status Set(absl::string_view file, absl::string_view kind,
                   const Json& id) {
    if (!id.is_number_integer() || id == kNone) return absl::OkStatus();
    const std::optional<uint64_t> value = UintOf(id);
    if (value && vocabulary_size_ && *value >= *vocabulary_size_) {
      return absl::OkStatus();
    }
    if (!value || *value > UINT32_MAX) {
      return absl::InvalidArgumentError(
          absl::StrCat(file, ": the id of special token \"", kind, "\" is ",
                       base::ShowJson(id), ", expected 0 to ", UINT32_MAX));
    }
    special_.SetId(kind, static_cast<uint32_t>(*value));
    return absl::OkStatus();
  }

 private:
  // How old configurations spell "no such token".
  static constexpr int kNone = -1;

  SpecialTokens& special_;
  const std::optional<uint64_t> vocabulary_size_;
};

// The id that tokenizer.json gives the added token `content`, else null.
const Json& AddedTokenId(const Json& tokenizer, absl::string_view content) {
  const Json& added = Member(tokenizer, "added_tokens");
  if (added.is_array()) {
    for (const Json& token : added) {
      const std::string* text = StringMember(token, "content");
      if (text != nullptr && *text == content) return Member(token, "id");
    }
  }
  return Member(Json(), "");
}

absl::Status SetFromTokenizerConfig(const Json& tokenizer,
                                    const Json& tokenizer_config,
                                    const std::vector<std::string>& kinds,
                                    IdSetter& ids, SpecialTokens& special) {
  for (const std::string& kind : kinds) {
    const auto add =
        BoolMember(tokenizer_config, absl::StrCat("add_", kind, "_token"));
    const bool known =
        std::any_of(special.add.begin(), special.add.end(),
                    [&](const auto& entry) { return entry.first == kind; });
    if (add && !known) special.add.emplace_back(kind, *add);

    const std::string* content =
        TokenContent(Member(tokenizer_config, absl::StrCat(kind, "_token")));
    if (content == nullptr) continue;
    RETURN_IF_ERROR(
        ids.Set("tokenizer.json", kind, AddedTokenId(tokenizer, *content)));
  }
  return absl::OkStatus();
}

absl::Status SetFromConfig(const Json& config,
                           const std::vector<std::string>& kinds,
                           IdSetter& ids) {
  for (const std::string& kind : kinds) {
    const std::string key = absl::StrCat(kind, "_token_id");
    const Json* id = &Member(config, key);
    if (id->is_null()) id = &Member(Member(config, "text_config"), key);
    RETURN_IF_ERROR(ids.Set("config.json", kind, *id));
  }
  return absl::OkStatus();
}

// The key of a special token's id; empty for the kinds that have none.
absl::string_view IdKey(absl::string_view kind) {
  struct Row {
    absl::string_view kind, key;
  };
  static constexpr Row kRows[] = {
      {"bos", "tokenizer.ggml.bos_token_id"},
      {"eos", "tokenizer.ggml.eos_token_id"},
      {"unk", "tokenizer.ggml.unknown_token_id"},
      {"sep", "tokenizer.ggml.seperator_token_id"},  // spelled so in GGUF
      {"pad", "tokenizer.ggml.padding_token_id"},
      {"mask", "tokenizer.ggml.mask_token_id"},
      {"eot", "tokenizer.ggml.eot_token_id"},
      {"eom", "tokenizer.ggml.eom_token_id"},
  };
  for (const Row& row : kRows) {
    if (row.kind == kind) return row.key;
  }
  return "";
}

}  // namespace

void SpecialTokens::SetId(absl::string_view kind, uint32_t id) {
  for (const auto& entry : ids) {
    if (entry.first == kind) return;
  }
  ids.emplace_back(kind, id);
}

void SpecialTokens::SetIds(absl::Span<const NamedToken> tokens,
                           const TokenizerFiles& files) {
  for (const NamedToken& token : tokens) {
    const std::optional<uint64_t> id =
        UintOf(AddedTokenId(files.tokenizer, token.content));
    if (id.has_value() && *id <= UINT32_MAX) {
      SetId(token.kind, static_cast<uint32_t>(*id));
    }
  }
}

void SpecialTokens::AppendTo(gguf::Metadata& metadata) const {
  for (const auto& [kind, id] : ids) {
    const absl::string_view key = IdKey(kind);
    if (!key.empty()) metadata.Set(key, id);
  }
  for (const auto& [kind, value] : add) {
    if (kind == "bos" || kind == "eos" || kind == "sep") {
      metadata.Set(absl::StrCat("tokenizer.ggml.add_", kind, "_token"), value);
    }
  }
  chat_templates.AppendTo(metadata);
  const auto set_switch = [&](absl::string_view key,
                              const std::optional<bool>& value) {
    if (value) metadata.Set(key, *value);
  };
  set_switch("tokenizer.ggml.normalizer.nfc", normalizer_nfc);
  set_switch("tokenizer.ggml.normalizer.lowercase", normalizer_lowercase);
  set_switch("tokenizer.ggml.normalizer.strip_accents",
             normalizer_strip_accents);
}

std::vector<std::string> DefaultTokenKinds() {
  return {"bos", "eos", "unk", "sep", "pad", "cls", "mask"};
}

absl::StatusOr<SpecialTokens> LoadSpecialTokens(
    const TokenizerFiles& files, std::vector<std::string> kinds,
    std::optional<uint64_t> vocabulary_size) {
  SpecialTokens special;
  IdSetter ids(special, vocabulary_size);
  Json tokenizer_config = files.tokenizer_config;
  if (IsTruthy(files.tokenizer)) {
    ReadNormalizer(Member(files.tokenizer, "normalizer"), special);
    PostProcessorReader(tokenizer_config, kinds, special.add)
        .Read(Member(files.tokenizer, "post_processor"));
  }
  // Without this file the reference looks for no chat template either.
  if (IsTruthy(tokenizer_config)) {
    ASSIGN_OR_RETURN(special.chat_templates,
                     LoadChatTemplates(files.directory, tokenizer_config));
    RETURN_IF_ERROR(SetFromTokenizerConfig(files.tokenizer, tokenizer_config,
                                           kinds, ids, special));
  }
  RETURN_IF_ERROR(SetFromConfig(*files.config, kinds, ids));
  return special;
}

}  // namespace vocab
