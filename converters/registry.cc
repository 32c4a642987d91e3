#include "converters/registry.h"

#include <iterator>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/printable.h"
#include "converters/architecture.h"
#include "converters/config/config_class.h"
#include "nlohmann/json.hpp"

namespace converters {

#define ARCHITECTURE(Name) extern const Architecture k##Name;
#include "converters/architectures/list.h"
#undef ARCHITECTURE

namespace {

using nlohmann::json;

constexpr const Architecture* kArchitectures[] = {
#define ARCHITECTURE(Name) &k##Name,
#include "converters/architectures/list.h"
#undef ARCHITECTURE
};

// The first entry of config.json's `architectures`; empty if there is none.
std::string ClassOf(const json& config) {
  if (!config.is_object()) return "";
  const auto list = config.find("architectures");
  if (list == config.end() || !list->is_array() || list->empty() ||
      !list->front().is_string()) {
    return "";
  }
  return list->front().get<std::string>();
}

const Architecture* ByClass(absl::string_view name) {
  for (const Architecture* architecture : kArchitectures) {
    if (absl::c_linear_search(architecture->classes, name)) return architecture;
  }
  return nullptr;
}

const Architecture* ByName(absl::string_view name) {
  for (const Architecture* architecture : kArchitectures) {
    if (absl::EqualsIgnoreCase(architecture->name, name)) return architecture;
  }
  return ByClass(name);
}

std::string Known() {
  return absl::StrJoin(kArchitectures, ", ",
                       [](std::string* out, const Architecture* architecture) {
                         absl::StrAppend(out, architecture->name);
                       });
}

std::string Shown(absl::string_view name) { return base::Printable(name, 80); }

}  // namespace

absl::Span<const Architecture* const> AllArchitectures() {
  return kArchitectures;
}

std::vector<ConfigClass> AllConfigClasses() {
  std::vector<ConfigClass> classes;
  for (const Architecture* architecture : kArchitectures) {
    absl::c_copy(architecture->configs, std::back_inserter(classes));
  }
  return classes;
}

absl::StatusOr<const Architecture*> FindArchitecture(
    const json& config, absl::string_view model_type) {
  const std::string name = ClassOf(config);
  const Architecture* wanted = nullptr;
  if (!model_type.empty()) {
    wanted = ByName(model_type);
    if (wanted == nullptr) {
      return absl::NotFoundError(absl::StrCat("model_type ", Shown(model_type),
                                              " is unknown; known are ",
                                              Known()));
    }
  }
  if (name.empty()) {
    if (wanted != nullptr) return wanted;
    return absl::InvalidArgumentError(
        absl::StrCat("config.json names no architecture (`architectures`); say "
                     "which it is with --model_type; known are ",
                     Known()));
  }
  const Architecture* found = ByClass(name);
  if (found == nullptr) {
    return absl::NotFoundError(absl::StrCat(
        "config.json: architecture ", Shown(name),
        " is not supported; --list_architectures names those that are, of ",
        Known()));
  }
  if (wanted != nullptr && wanted != found) {
    return absl::InvalidArgumentError(absl::StrCat(
        "model_type is ", Shown(model_type), ", but config.json says ",
        Shown(name), ", which is ", found->name));
  }
  return found;
}

}  // namespace converters
