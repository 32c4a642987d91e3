#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/digest.h"
#include "base/json.h"
#include "converters/architecture.h"
#include "converters/checkpoint/checkpoint.h"
#include "converters/fake_source.h"
#include "converters/model_plan.h"
#include "converters/plan_model.h"
#include "converters/registry.h"
#include "converters/tensor_source.h"
#include "converters/warning.h"
#include "gguf/metadata.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testdata/expected.h"

namespace converters {
namespace {

using nlohmann::ordered_json;
using ::testdata::ExpectedFile;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Digests give arrays above this length by hash.
constexpr size_t kLongestArray = 64;

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
  base::Sha256 hash;
  hash.Update(text);
  return {{"length", list.size()},
          {"sha256", hash.Finish()},
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
  base::Sha256 hash;
  std::vector<float> values(plan.elements());
  const absl::Status status =
      ReadTensor(source, plan, 0, absl::MakeSpan(values));
  EXPECT_TRUE(status.ok()) << status;
  hash.Update(absl::string_view(reinterpret_cast<const char*>(values.data()),
                                values.size() * sizeof(float)));
  return hash.Finish();
}

void ExpectTensors(const ModelPlan& plan, const TensorSource& source,
                   const ExpectedFile& f32, const ExpectedFile& f16) {
  ASSERT_GT(f32.tensors.size(), 0u);
  ASSERT_EQ(plan.tensors.size(), f32.tensors.size());
  for (size_t i = 0; i < f32.tensors.size(); ++i) {
    const TensorPlan& tensor = plan.tensors[i];
    EXPECT_EQ(tensor.name, f32.tensors[i].name);
    EXPECT_EQ(tensor.shape, f32.tensors[i].shape) << tensor.name;
    EXPECT_THAT(HashTensor(tensor, source), StartsWith(f32.tensors[i].sha256))
        << tensor.name;
    EXPECT_EQ(tensor.precision == Precision::kF32, f16.tensors[i].type == "F32")
        << tensor.name;
  }
}

class ReferencePlanTest : public testing::TestWithParam<std::string> {};

TEST_P(ReferencePlanTest, EqualsTheReference) {
  const std::string name = GetParam();
  const std::string directory = testdata::CheckpointDirectory(name);
  const absl::StatusOr<nlohmann::json> config =
      base::ReadJsonFile(directory + "/config.json");
  ASSERT_TRUE(config.ok()) << config.status();
  const absl::StatusOr<const Architecture*> architecture =
      FindArchitecture(*config, "");
  ASSERT_TRUE(architecture.ok()) << architecture.status();
  const auto source = checkpoint::Open(directory);
  ASSERT_TRUE(source.ok()) << source.status();
  const absl::StatusOr<ModelPlan> plan =
      PlanModel(**architecture, {.directory = directory,
                                 .config = &*config,
                                 .source = source->get(),
                                 .options = {}});
  ASSERT_TRUE(plan.ok()) << plan.status();
  // Parts that see or hear are left out, and rows that no token has.
  for (const Warning& warning : plan->warnings) {
    EXPECT_THAT(warning.code, AnyOf("tensors-left-out", "rows-left-out"))
        << warning.text;
  }

  const std::map<std::string, ExpectedFile> files =
      testdata::ExpectedFiles(name);
  const ordered_json& metadata = files.at("F32").metadata;
  EXPECT_EQ(plan->architecture, metadata["general.architecture"]["value"]);
  ExpectMetadata(plan->metadata, metadata);
  ExpectTensors(*plan, **source, files.at("F32"), files.at("F16"));
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, ReferencePlanTest,
                         testing::ValuesIn(testdata::Checkpoints()),
                         [](const auto& info) {
                           return testdata::TestName(info.param);
                         });

// One block of 2 heads of a GPT-NeoX without attention biases.
FakeSource WithoutAttentionBiases() {
  FakeSource source;
  source.Add("gpt_neox.embed_in.weight", {2000, 8});
  const auto add = [&source](const std::string& name,
                             std::vector<uint64_t> shape, bool bias) {
    if (bias) source.Add(name + ".bias", {shape[0]});
    source.Add(name + ".weight", std::move(shape));
  };
  const std::string layer = "gpt_neox.layers.0.";
  add(layer + "input_layernorm", {8}, true);
  add(layer + "post_attention_layernorm", {8}, true);
  add(layer + "attention.query_key_value", {24, 8}, false);
  add(layer + "attention.dense", {8, 8}, false);
  add(layer + "mlp.dense_h_to_4h", {32, 8}, true);
  add(layer + "mlp.dense_4h_to_h", {8, 32}, true);
  add("gpt_neox.final_layer_norm", {8}, true);
  return source;
}

TEST(GptNeoxTest, AttentionBiasesAreRequiredUnlessConfigSaysThereAreNone) {
  const FakeSource source = WithoutAttentionBiases();
  nlohmann::json config = {{"architectures", {"GPTNeoXForCausalLM"}},
                           {"model_type", "gpt_neox"},
                           {"num_hidden_layers", 1},
                           {"hidden_size", 8},
                           {"num_attention_heads", 2},
                           {"intermediate_size", 32},
                           {"vocab_size", 2000},
                           {"max_position_embeddings", 64},
                           {"layer_norm_eps", 1e-5}};
  const auto plan = [&] {
    return PlanModel(
        **FindArchitecture(config, ""),
        {"testdata/generated/tiny-gpt-neox", &config, &source, {}});
  };
  EXPECT_THAT(std::string(plan().status().message()),
              HasSubstr("query_key_value.bias"));
  config["attention_bias"] = false;
  ASSERT_TRUE(plan().ok()) << plan().status();
  EXPECT_EQ(plan()->tensors.size(), source.tensors().size());
}

}  // namespace
}  // namespace converters
