// File: testdata/generator/models.h
//
// The tensors and config.json of small models of each architecture.

#ifndef TESTDATA_GENERATOR_MODELS_H_
#define TESTDATA_GENERATOR_MODELS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "testdata/generator/safetensors_writer.h"

namespace testdata {

struct ModelSizes {
  uint64_t vocabulary = 320;
  uint64_t hidden = 256;
  uint64_t layers = 2;
  uint64_t heads = 4;
  uint64_t kv_heads = 2;
  uint64_t head_size = 64;
  uint64_t feed_forward = 512;
  uint64_t experts = 4;  // of a mixture
  bool tied = false;     // no head of its own
};

struct Model {
  nlohmann::ordered_json config;
  std::vector<TensorSpec> tensors;
};

// A model of this architecture: llama, mistral, mixtral, gpt_bigcode,
// starcoder2, falcon (7B layout), falcon40 (40B layout), baichuan, gpt_neox.
absl::StatusOr<Model> MakeModel(absl::string_view architecture,
                                const ModelSizes& sizes);

}  // namespace testdata

#endif  // TESTDATA_GENERATOR_MODELS_H_
