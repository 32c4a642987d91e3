#include "converters/general_metadata.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "converters/model_card.h"
#include "converters/model_name.h"
#include "converters/sampling_metadata.h"
#include "gguf/metadata.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using nlohmann::json;

// Cards with the results of many benchmarks have some hundred kilobytes.
constexpr uint64_t kMaxModelCard = 16 << 20;

// The text of a value that should be a string; empty where there is nothing to
// say. Cards give numbers as versions and lists as licenses.
std::string Text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value == true) return "true";
  if (value.is_array()) {
    std::vector<std::string> items;
    for (const json& item : value) items.push_back(Text(item));
    return absl::StrJoin(items, ",");
  }
  return "";
}

// The first of `keys` in the card that has a value other than null.
std::optional<std::string> CardText(
    const json& card, std::initializer_list<absl::string_view> keys) {
  for (absl::string_view key : keys) {
    const auto it = card.find(key);
    if (it != card.end() && !it->is_null()) return Text(*it);
  }
  return std::nullopt;
}

// The items of `keys`, each a string or a list; nullopt if none is there.
std::optional<std::vector<std::string>> CardList(
    const json& card, std::initializer_list<absl::string_view> keys) {
  std::optional<std::vector<std::string>> list;
  for (absl::string_view key : keys) {
    const auto it = card.find(key);
    if (it == card.end() || it->is_null()) continue;
    if (!list.has_value()) list.emplace();
    if (it->is_string()) list->push_back(it->get<std::string>());
    if (!it->is_array()) continue;
    for (const json& item : *it) list->push_back(Text(item));
  }
  return list;
}

// The keys of one entry of a list of base models or datasets, in the order in
// which they are written.
constexpr absl::string_view kSourceKeys[] = {
    "name", "author", "version", "organization", "description",
    "url",  "doi",    "uuid",    "repo_url"};

// "organization/name" of a hub URL; empty if `url` is none.
absl::string_view HubId(absl::string_view url) {
  if (!absl::ConsumePrefix(&url, "https://huggingface.co/") &&
      !absl::ConsumePrefix(&url, "http://huggingface.co/")) {
    return "";
  }
  const size_t slash = url.find('/');
  if (slash == 0 || slash == absl::string_view::npos ||
      slash + 1 == url.size() ||
      absl::StrContains(url.substr(slash + 1), '/')) {
    return "";
  }
  return url;
}

// A source that the card names by hub id or URL, as its keys.
json SourceFromId(const std::string& id, uint64_t parameters) {
  json source = json::object();
  absl::string_view name_id = id;
  const bool is_url = absl::StartsWith(id, "http://") ||
                      absl::StartsWith(id, "https://") ||
                      absl::StartsWith(id, "ssh://");
  if (is_url) {
    source["repo_url"] = id;
    name_id = HubId(id);
    if (name_id.empty()) return source;
  }
  const ModelName name = ParseModelName(name_id, parameters);
  source["name"] = TitleFromName(*name.full_name);
  if (name.organization) {
    source["organization"] = TitleFromName(*name.organization);
    if (!is_url) {
      source["repo_url"] = absl::StrCat(
          "https://huggingface.co/", *name.organization, "/", *name.full_name);
    }
  }
  if (name.version) source["version"] = *name.version;
  return source;
}

// Writes general.<kind>.count and its entries, if the card has any of `keys`.
void AddSources(const json& card, absl::string_view kind,
                std::initializer_list<absl::string_view> keys,
                uint64_t parameters, gguf::Metadata& metadata,
                std::vector<Warning>& warnings) {
  // Far more than any model was made from; each gets up to nine keys.
  constexpr size_t kMaxSources = 1000;
  const json* value = nullptr;
  for (absl::string_view key : keys) {
    const auto it = card.find(key);
    if (it == card.end()) continue;
    value = &*it;
    break;
  }
  if (value == nullptr) return;
  json list = json::array();
  if (value->is_string()) list.push_back(*value);
  if (value->is_array()) list = *value;
  if (list.size() > kMaxSources) {
    warnings.push_back(
        {"model-card-cut",
         absl::StrCat("README.md: of ", list.size(), " entries for general.",
                      kind, " the first ", kMaxSources, " are taken")});
    list.erase(list.begin() + kMaxSources, list.end());
  }
  const std::string prefix = absl::StrCat("general.", kind, ".");
  metadata.Set(absl::StrCat(prefix, "count"),
               static_cast<uint32_t>(list.size()));
  for (size_t i = 0; i < list.size(); ++i) {
    const json source =
        list[i].is_string()
            ? SourceFromId(list[i].get<std::string>(), parameters)
            : list[i];
    if (!source.is_object()) continue;
    for (absl::string_view key : kSourceKeys) {
      const auto it = source.find(key);
      if (it == source.end()) continue;
      std::string text = Text(*it);
      if (text.empty()) continue;
      metadata.Set(absl::StrCat(prefix, i, ".", key), std::move(text));
    }
  }
}

// What the card says of a model by itself, and what its names add.
struct Identity {
  std::optional<std::string> name, author, version, organization, finetune,
      basename, description, size_label;

  // Fills what is still unknown from the parts of a name.
  void AddName(absl::string_view id, uint64_t parameters) {
    const ModelName parts = ParseModelName(id, parameters);
    const auto fill = [](std::optional<std::string>& field,
                         std::optional<std::string> value) {
      if (!field.has_value()) field = std::move(value);
    };
    fill(name, TitleFromName(*parts.full_name));
    if (parts.organization) {
      fill(organization, TitleFromName(*parts.organization));
    }
    fill(basename, parts.basename);
    fill(finetune, parts.finetune);
    fill(version, parts.version);
    fill(size_label, parts.size_label);
  }
};

Identity FindIdentity(const GeneralMetadataInput& input, const json& card) {
  Identity identity;
  identity.name = CardText(card, {"name", "model_name"});
  identity.author = CardText(card, {"author", "model_author", "model_creator"});
  identity.version = CardText(card, {"version", "model_version"});
  identity.organization =
      CardText(card, {"organization", "model_organization"});
  identity.description = CardText(card, {"description", "model_description"});
  identity.finetune = CardText(card, {"finetune", "model_finetune"});
  identity.basename =
      CardText(card, {"basename", "model_basename", "model_type"});
  identity.size_label = CardText(card, {"size_label", "model_size_label"});

  const uint64_t parameters = input.parameters.total;
  const auto path = input.config->find("_name_or_path");
  if (path != input.config->end() && path->is_string()) {
    // With more than one slash it is a path on the author's computer.
    const std::string& id = path->get_ref<const std::string&>();
    if (std::count(id.begin(), id.end(), '/') <= 1) {
      identity.AddName(id, parameters);
    }
  }
  identity.AddName(input.model_name, parameters);
  if (!identity.size_label && parameters > 0) {
    identity.size_label = SizeLabel(input.parameters);
  }
  return identity;
}

absl::StatusOr<json> ReadModelCard(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/README.md");
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(path, kMaxModelCard));
  if (!base::IsValidUtf8(text)) return absl::DataLossError("not valid UTF-8");
  return ParseModelCard(text);
}

json LoadModelCard(const std::string& directory,
                   std::vector<Warning>& warnings) {
  absl::StatusOr<json> card = ReadModelCard(directory);
  if (card.ok()) return *std::move(card);
  if (!absl::IsNotFound(card.status())) {
    warnings.push_back(
        {"model-card-ignored",
         absl::StrCat("README.md: ignored: ", card.status().message())});
  }
  return json::object();
}

}  // namespace

gguf::Metadata GeneralMetadata(const GeneralMetadataInput& input,
                               std::vector<Warning>& warnings) {
  const json card = LoadModelCard(input.directory, warnings);
  const Identity identity = FindIdentity(input, card);
  gguf::Metadata metadata = SamplingMetadata(input.directory, warnings);
  const auto add = [&metadata](absl::string_view key,
                               const std::optional<std::string>& value) {
    if (value.has_value() && !value->empty()) {
      metadata.Set(absl::StrCat("general.", key), *value);
    }
  };
  add("name", identity.name);
  add("author", identity.author);
  add("version", identity.version);
  add("organization", identity.organization);
  add("finetune", identity.finetune);
  add("basename", identity.basename);
  add("description", identity.description);
  add("size_label", identity.size_label);
  add("license", CardText(card, {"license"}));
  add("license.name", CardText(card, {"license_name"}));
  add("license.link", CardText(card, {"license_link"}));
  add("source.url", CardText(card, {"url", "model_url"}));
  add("source.doi", CardText(card, {"doi", "model_doi"}));
  add("source.uuid", CardText(card, {"uuid", "model_uuid"}));
  add("source.repo_url", CardText(card, {"repo_url", "model_repo_url"}));
  const uint64_t parameters = input.parameters.total;
  AddSources(card, "base_model",
             {"base_model", "base_models", "base_model_sources"}, parameters,
             metadata, warnings);
  AddSources(card, "dataset", {"datasets", "dataset", "dataset_sources"},
             parameters, metadata, warnings);
  const auto add_list = [&metadata](
                            absl::string_view key,
                            std::optional<std::vector<std::string>> list) {
    if (list.has_value() && !list->empty()) {
      metadata.SetArray(key, *std::move(list));
    }
  };
  add_list("general.tags", CardList(card, {"tags", "pipeline_tag"}));
  add_list("general.languages", CardList(card, {"languages", "language"}));
  return metadata;
}

}  // namespace converters
