#include "quant/model_facts.h"

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gguf/metadata.h"
#include "quant/mix.h"

namespace quant {
namespace {

// An integer value, or the first of an array of integers.
struct FirstInteger {
  template <std::integral T>
  std::optional<uint64_t> operator()(T value) const {
    if constexpr (std::is_signed_v<T>) {
      if (value < 0) return std::nullopt;
    }
    return static_cast<uint64_t>(value);
  }
  std::optional<uint64_t> operator()(bool) const { return std::nullopt; }
  std::optional<uint64_t> operator()(double) const { return std::nullopt; }
  std::optional<uint64_t> operator()(const std::string&) const {
    return std::nullopt;
  }
  std::optional<uint64_t> operator()(const gguf::Array& array) const {
    return std::visit(
        [this](const auto& values) -> std::optional<uint64_t> {
          if (values.empty()) return std::nullopt;
          const typename std::decay_t<decltype(values)>::value_type first =
              values.front();
          return (*this)(first);
        },
        array.elements);
  }
};

std::optional<uint64_t> Integer(const gguf::Metadata& metadata,
                                absl::string_view key) {
  const gguf::Value* value = metadata.Find(key);
  if (value == nullptr) return std::nullopt;
  return std::visit(FirstInteger(), *value);
}

}  // namespace

ModelFacts FactsFromMetadata(const gguf::Metadata& metadata) {
  ModelFacts facts;
  const auto* name = metadata.FindAs<std::string>("general.architecture");
  if (name != nullptr) facts.architecture = *name;
  const auto number = [&](absl::string_view key) {
    return Integer(metadata, absl::StrCat(facts.architecture, ".", key));
  };
  facts.block_count = number("block_count").value_or(0);
  facts.head_count = number("attention.head_count").value_or(0);
  facts.head_count_kv =
      number("attention.head_count_kv").value_or(facts.head_count);
  facts.expert_count = number("expert_count").value_or(0);
  return facts;
}

}  // namespace quant
