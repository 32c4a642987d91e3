#include "converters/vocab/added_tokens.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"

namespace vocab {
namespace {

using Json = nlohmann::json;
using base::BoolMember;
using base::IntegerMember;
using base::Member;
using base::StringMember;
using base::UintOf;

constexpr const char* kNamedTokens[] = {"bos_token", "eos_token", "unk_token",
                                        "sep_token", "pad_token", "cls_token",
                                        "mask_token"};

bool IsNamedKey(absl::string_view key) {
  return std::find(std::begin(kNamedTokens), std::end(kNamedTokens), key) !=
         std::end(kNamedTokens);
}

absl::Status WrongEntry(absl::string_view file, absl::string_view key,
                        absl::string_view expected) {
  return absl::InvalidArgumentError(
      absl::StrCat(file, ": ", base::Printable(key), ": expected ", expected));
}

const std::vector<std::string>& NamesIn(const base::JsonOrder& order,
                                        absl::string_view object) {
  static const auto* const kNone = new std::vector<std::string>();
  const auto found = order.find(std::string(object));
  return found == order.end() ? *kNone : found->second;
}

// A token spelled as text or as {"content": …, flags}. As text it is special.
std::optional<AddedToken> ParseToken(const Json& value) {
  AddedToken token;
  if (value.is_string()) {
    token = {value.get<std::string>(), true, false};
    return token;
  }
  const std::string* content = StringMember(value, "content");
  if (content == nullptr) return std::nullopt;
  token.content = *content;
  token.special = BoolMember(value, "special").value_or(false);
  token.normalized = BoolMember(value, "normalized").value_or(!token.special);
  return token;
}

// A special token that is named by a key or listed among the extra ones.
struct NamedToken {
  AddedToken token;
  bool from_class = false;  // only the class's default
};

// The special tokens, by key and listed, after all files were merged.
class SpecialTokenSet {
 public:
  SpecialTokenSet(const TokenizerFiles& files, const TokenizerClass& kind)
      : config_(files.tokenizer_config),
        config_order_(files.tokenizer_config_order),
        map_(files.special_tokens_map),
        map_order_(files.special_tokens_map_order),
        has_map_(map_.is_object() &&
                 Member(config_, "added_tokens_decoder").is_null()),
        kind_(kind) {}

  absl::Status Read() {
    for (const char* key : kNamedTokens) {
      RETURN_IF_ERROR(ReadNamed(key));
    }
    ReadOtherNamed(config_, config_order_);
    if (has_map_) ReadOtherNamed(map_, map_order_);
    return ReadExtra();
  }

  const std::vector<NamedToken>& named() const { return named_; }
  const std::vector<NamedToken>& extra() const { return extra_; }
  bool IsNamed(absl::string_view content) const {
    return std::any_of(named_.begin(), named_.end(), [&](const NamedToken& t) {
      return t.token.content == content;
    });
  }

 private:
  bool MapHas(absl::string_view key) const {
    return has_map_ && map_.contains(std::string(key));
  }

  absl::Status ReadNamed(absl::string_view key) {
    const bool in_map = MapHas(key);
    if (in_map || (config_.is_object() && config_.contains(std::string(key)))) {
      const Json& value = Member(in_map ? map_ : config_, key);
      if (value.is_null()) return absl::OkStatus();
      std::optional<AddedToken> token = ParseToken(value);
      if (!token) {
        return WrongEntry(
            in_map ? "special_tokens_map.json" : "tokenizer_config.json", key,
            "a token");
      }
      token->special = true;
      named_.push_back({*std::move(token), false});
      return absl::OkStatus();
    }
    for (const TokenizerClass::Default& standard : kind_.defaults) {
      if (standard.key != key) continue;
      named_.push_back({{std::string(standard.content), true, false}, true});
    }
    return absl::OkStatus();
  }

  // Keys such as "image_token", which models add as they need them; not
  // "add_bos_token" and its kin, whose values are no tokens.
  void ReadOtherNamed(const Json& file, const base::JsonOrder& order) {
    for (const std::string& key : NamesIn(order, "")) {
      if (!absl::EndsWith(key, "_token") || IsNamedKey(key)) continue;
      std::optional<AddedToken> token = ParseToken(Member(file, key));
      if (!token || IsNamed(token->content)) continue;
      token->special = true;
      named_.push_back({*std::move(token), false});
    }
  }

  absl::Status ReadExtra() {
    for (const char* key :
         {"extra_special_tokens", "additional_special_tokens"}) {
      const Json& list = Member(MapHas(key) ? map_ : config_, key);
      if (list.is_null()) continue;
      // An object names its tokens: {"image_token": "<image>"}.
      if (list.is_object()) {
        const auto& order = MapHas(key) ? map_order_ : config_order_;
        for (const std::string& name : NamesIn(order, key)) {
          RETURN_IF_ERROR(AddExtra(key, list[name], named_));
          named_.back().token.special = true;
        }
      } else if (list.is_array()) {
        for (const Json& value : list) {
          RETURN_IF_ERROR(AddExtra(key, value, extra_));
        }
      } else {
        return WrongExtra(key);
      }
      break;  // the newer of the two keys answers alone
    }
    return absl::OkStatus();
  }

  static absl::Status WrongExtra(absl::string_view key) {
    return WrongEntry("tokenizer_config.json", key, "a list of tokens");
  }
  static absl::Status AddExtra(absl::string_view key, const Json& value,
                               std::vector<NamedToken>& tokens) {
    std::optional<AddedToken> token = ParseToken(value);
    if (!token) return WrongExtra(key);
    tokens.push_back({*std::move(token), false});
    return absl::OkStatus();
  }

  const Json& config_;
  const base::JsonOrder& config_order_;
  const Json& map_;
  const base::JsonOrder& map_order_;
  // special_tokens_map.json is only read where tokenizer_config.json has no
  // added_tokens_decoder, and then it wins.
  const bool has_map_;
  const TokenizerClass& kind_;
  std::vector<NamedToken> named_;
  std::vector<NamedToken> extra_;
};

// tokenizer.json's added tokens, in its order.
absl::StatusOr<std::vector<std::pair<int64_t, AddedToken>>> TokenizerJsonTokens(
    const Json& tokenizer) {
  std::vector<std::pair<int64_t, AddedToken>> tokens;
  const Json& added = Member(tokenizer, "added_tokens");
  if (added.is_null()) return tokens;
  if (!added.is_array()) {
    return WrongEntry("tokenizer.json", "added_tokens", "a list");
  }
  for (const Json& entry : added) {
    const std::optional<int64_t> id = IntegerMember(entry, "id");
    std::optional<AddedToken> token = ParseToken(entry);
    if (!entry.is_object() || !token || !id || *id < 0) {
      return WrongEntry("tokenizer.json",
                        absl::StrCat("added_tokens[", tokens.size(), "]"),
                        "an object with an id (0 or more) and a content");
    }
    tokens.emplace_back(*id, *std::move(token));
  }
  return tokens;
}

// The tokens that tokenizer_config.json's added_tokens_decoder lists, by id;
// without that key those of added_tokens.json and tokenizer.json.
absl::StatusOr<std::map<int64_t, AddedToken>> ListedTokens(
    const TokenizerFiles& files, const SpecialTokenSet& special) {
  std::map<int64_t, AddedToken> listed;
  const Json& decoder = Member(files.tokenizer_config, "added_tokens_decoder");
  if (!decoder.is_null() && !decoder.is_object()) {
    return WrongEntry("tokenizer_config.json", "added_tokens_decoder",
                      "an object");
  }
  if (decoder.is_object()) {
    for (const auto& [key, value] : decoder.items()) {
      int64_t id = 0;
      std::optional<AddedToken> token = ParseToken(value);
      if (!absl::SimpleAtoi(key, &id) || id < 0 || !value.is_object() ||
          !token) {
        return WrongEntry("tokenizer_config.json",
                          absl::StrCat("added_tokens_decoder[\"", key, "\"]"),
                          "an id (0 or more) with an object with a content");
      }
      listed[id] = *std::move(token);
    }
    return listed;
  }
  if (files.added_tokens.is_object()) {
    for (const auto& [content, id] : files.added_tokens.items()) {
      const std::optional<uint64_t> number = UintOf(id);
      if (!number || *number > INT64_MAX) {
        return WrongEntry("added_tokens.json",
                          absl::StrCat("\"", content, "\""),
                          "an id (0 or more)");
      }
      const bool is_special = special.IsNamed(content);
      listed[static_cast<int64_t>(*number)] = {content, is_special,
                                               !is_special};
    }
  }
  ASSIGN_OR_RETURN(auto from_tokenizer, TokenizerJsonTokens(files.tokenizer));
  for (auto& [id, token] : from_tokenizer) listed[id] = std::move(token);
  return listed;
}

}  // namespace

uint32_t AddedVocabulary::NextId() const {
  const uint32_t trained = static_cast<uint32_t>(trained_.size());
  if (tokens_.empty()) return trained;
  const uint32_t last = tokens_.rbegin()->first;
  return last >= trained ? last + 1 : trained;
}

void AddedVocabulary::Add(const AddedToken& token) {
  if (token.content.empty()) return;
  auto known = ids_.find(token.content);
  if (known == ids_.end()) {
    const auto trained = trained_.find(token.content);
    const uint32_t id = trained != trained_.end() ? trained->second : NextId();
    known = ids_.emplace(token.content, id).first;
  }
  tokens_[known->second] = token;
}

absl::StatusOr<std::vector<std::string>> CollectAddedTokens(
    const TokenizerFiles& files, const TokenizerClass& tokenizer_class,
    std::optional<uint64_t> vocab_size, const TokenIds& trained,
    AddedVocabulary& added) {
  SpecialTokenSet special(files, tokenizer_class);
  RETURN_IF_ERROR(special.Read());
  ASSIGN_OR_RETURN(auto listed, ListedTokens(files, special));
  if (!tokenizer_class.rebuilds) {
    ASSIGN_OR_RETURN(const auto from_tokenizer,
                     TokenizerJsonTokens(files.tokenizer));
    for (const auto& [id, token] : from_tokenizer) added.Add(token);
  }
  for (auto& [id, token] : listed) {
    if (special.IsNamed(token.content)) token.special = true;
    added.Add(token);
  }
  std::vector<std::string> names;
  for (const auto* group : {&special.named(), &special.extra()}) {
    for (const NamedToken& named : *group) {
      const std::string& content = named.token.content;
      const bool fits = trained.contains(content) || !vocab_size ||
                        added.NextId() < *vocab_size;
      if (!added.Contains(content)) {
        if (named.from_class && !fits) continue;
        added.Add(named.token);
      } else if (tokenizer_class.marks_special_tokens) {
        added.Add({content, true, false});
      }
      names.push_back(content);
    }
  }
  return names;
}

}  // namespace vocab
