#include "converters/reference_plan.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/checkpoint/checkpoint.h"
#include "converters/converter.h"
#include "converters/json_file.h"
#include "converters/model_plan.h"
#include "converters/registry.h"
#include "converters/tensor_source.h"
#include "gguf/metadata.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace converters {
namespace {

using nlohmann::ordered_json;

// Digests give arrays above this length by hash.
constexpr size_t kLongestArray = 64;

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  void Update(const void* data, size_t size) {
    EVP_DigestUpdate(context_.get(), data, size);
  }
  std::string Hex() {
    unsigned char digest[32];
    EVP_DigestFinal_ex(context_.get(), digest, nullptr);
    return absl::BytesToHexString(
        absl::string_view(reinterpret_cast<char*>(digest), sizeof(digest)));
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

ordered_json ReadDigest(absl::string_view checkpoint, absl::string_view type) {
  const std::string path =
      absl::StrCat("testdata/expected/", checkpoint, "/", type, ".json");
  std::ifstream file(path);
  ordered_json digest = ordered_json::parse(file, nullptr, false);
  EXPECT_TRUE(digest.is_object()) << path;
  return digest;
}

ordered_json Elements(const gguf::Array& array) {
  return std::visit(
      [](const auto& elements) -> ordered_json {
        using T = typename std::decay_t<decltype(elements)>::value_type;
        ordered_json list = ordered_json::array();
        if constexpr (!std::is_same_v<T, gguf::Array>) {
          for (const T& element : elements) list.push_back(element);
        }
        return list;
      },
      array.elements);
}

ordered_json ArrayDigest(const gguf::Array& array) {
  ordered_json list = Elements(array);
  if (list.size() <= kLongestArray) return list;
  const std::string text = list.dump(-1, ' ', /*ensure_ascii=*/true);
  Sha256 hash;
  hash.Update(text.data(), text.size());
  return {{"length", list.size()},
          {"sha256", hash.Hex()},
          {"first", ordered_json::array_t(list.begin(), list.begin() + 8)},
          {"last", ordered_json::array_t(list.end() - 4, list.end())}};
}

// A value as digests have it.
ordered_json ValueDigest(const gguf::Value& value) {
  ordered_json type = {std::string(ValueTypeName(gguf::TypeOf(value)))};
  if (const auto* array = std::get_if<gguf::Array>(&value)) {
    type.push_back(std::string(ValueTypeName(array->element_type())));
    return {{"type", type}, {"value", ArrayDigest(*array)}};
  }
  ordered_json plain = std::visit(
      [](const auto& scalar) -> ordered_json {
        using T = std::decay_t<decltype(scalar)>;
        if constexpr (std::is_same_v<T, gguf::Array>) {
          return nullptr;
        } else {
          return scalar;
        }
      },
      value);
  return {{"type", type}, {"value", std::move(plain)}};
}

void ExpectMetadata(const gguf::Metadata& metadata,
                    const ordered_json& expected) {
  std::vector<std::string> keys, expected_keys;
  for (const auto& entry : metadata.entries()) keys.push_back(entry.key);
  for (const auto& item : expected.items()) {
    expected_keys.push_back(item.key());
  }
  EXPECT_EQ(keys, expected_keys);
  for (const auto& entry : metadata.entries()) {
    if (!expected.contains(entry.key)) continue;
    EXPECT_EQ(ValueDigest(entry.value), expected[entry.key]) << entry.key;
  }
}

// The hash of all values of a planned tensor as F32.
std::string HashTensor(const TensorPlan& plan, const TensorSource& source) {
  Sha256 hash;
  std::vector<float> values(plan.elements());
  const absl::Status status =
      ReadTensor(source, plan, 0, absl::MakeSpan(values));
  EXPECT_TRUE(status.ok()) << status;
  hash.Update(values.data(), values.size() * sizeof(float));
  return hash.Hex();
}

void ExpectTensors(const ModelPlan& plan, const TensorSource& source,
                   const ordered_json& f32, const ordered_json& f16) {
  ASSERT_EQ(plan.tensors.size(), f32.size());
  for (size_t i = 0; i < f32.size(); ++i) {
    const TensorPlan& tensor = plan.tensors[i];
    EXPECT_EQ(tensor.name, f32[i]["name"]);
    EXPECT_EQ(ordered_json(tensor.shape), f32[i]["shape"]) << tensor.name;
    EXPECT_EQ(HashTensor(tensor, source), f32[i]["sha256"]) << tensor.name;
    EXPECT_EQ(tensor.precision == Precision::kF32, f16[i]["type"] == "F32")
        << tensor.name;
  }
}

}  // namespace

void ExpectReferencePlan(const std::string& directory,
                         absl::string_view architecture) {
  const absl::StatusOr<nlohmann::json> config =
      ReadJsonFile(directory + "/config.json");
  ASSERT_TRUE(config.ok()) << config.status();
  const absl::StatusOr<const Converter*> converter = FindConverter(*config, "");
  ASSERT_TRUE(converter.ok()) << converter.status();
  EXPECT_EQ((*converter)->name(), architecture);
  const auto source = checkpoint::Open(directory);
  ASSERT_TRUE(source.ok()) << source.status();
  const absl::StatusOr<ModelPlan> plan = (*converter)
                                             ->Plan({.directory = directory,
                                                     .config = &*config,
                                                     .source = source->get(),
                                                     .options = {}});
  ASSERT_TRUE(plan.ok()) << plan.status();

  const std::string name = directory.substr(directory.rfind('/') + 1);
  const ordered_json f32 = ReadDigest(name, "F32");
  const ordered_json f16 = ReadDigest(name, "F16");
  ExpectMetadata(plan->metadata, f32["metadata"]);
  ExpectTensors(*plan, **source, f32["tensors"], f16["tensors"]);
}

}  // namespace converters
