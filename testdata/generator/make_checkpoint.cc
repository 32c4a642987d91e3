// Writes a checkpoint with random weights: a small one for tests, or one of
// any size to measure with. The same flags give the same bytes on every
// machine.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <system_error>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "testdata/generator/models.h"
#include "testdata/generator/safetensors_writer.h"
#include "testdata/generator/tokenizers.h"
#include "testdata/generator/weights.h"

ABSL_FLAG(std::string, outdir, "", "directory to write, made if need be");
ABSL_FLAG(std::string, architecture, "llama",
          "llama, mistral, mixtral, gpt_bigcode, starcoder2, falcon, falcon40, "
          "baichuan or gpt_neox");
ABSL_FLAG(uint64_t, hidden, 256, "hidden size");
ABSL_FLAG(uint64_t, layers, 2, "number of blocks");
ABSL_FLAG(uint64_t, heads, 4, "attention heads");
ABSL_FLAG(uint64_t, kv_heads, 2, "key-value heads");
ABSL_FLAG(uint64_t, head_size, 0, "values per head; 0: hidden / heads");
ABSL_FLAG(uint64_t, ffn, 512, "feed-forward size");
ABSL_FLAG(uint64_t, experts, 4, "experts per block, of mixtral");
ABSL_FLAG(uint64_t, vocab, 320, "rows of the embedding");
ABSL_FLAG(int, tokens, 0, "tokens of the tokenizer; 0: as many as rows");
ABSL_FLAG(bool, tied, false, "leave out the head");
ABSL_FLAG(std::string, dtype, "BF16", "F32, F16 or BF16");
ABSL_FLAG(int, shards, 1, "files to split the weights over");
ABSL_FLAG(uint64_t, seed, 1, "other seeds give other weights");
ABSL_FLAG(std::string, tokenizer, "sentencepiece",
          "sentencepiece, llama3, starcoder, falcon or gpt_neox");
ABSL_FLAG(std::string, config, "{}",
          "JSON to merge into config.json; null removes a key");

namespace {

using nlohmann::ordered_json;

testdata::ModelSizes Sizes() {
  testdata::ModelSizes sizes;
  sizes.vocabulary = absl::GetFlag(FLAGS_vocab);
  sizes.hidden = absl::GetFlag(FLAGS_hidden);
  sizes.layers = absl::GetFlag(FLAGS_layers);
  sizes.heads = absl::GetFlag(FLAGS_heads);
  sizes.kv_heads = absl::GetFlag(FLAGS_kv_heads);
  sizes.head_size = absl::GetFlag(FLAGS_head_size);
  if (sizes.head_size == 0) sizes.head_size = sizes.hidden / sizes.heads;
  sizes.feed_forward = absl::GetFlag(FLAGS_ffn);
  sizes.experts = absl::GetFlag(FLAGS_experts);
  sizes.tied = absl::GetFlag(FLAGS_tied);
  return sizes;
}

absl::Status WriteConfig(const std::string& directory, ordered_json config) {
  const ordered_json changes =
      ordered_json::parse(absl::GetFlag(FLAGS_config), nullptr, false);
  if (!changes.is_object()) {
    return absl::InvalidArgumentError("--config is no JSON object");
  }
  config.merge_patch(changes);
  std::ofstream file(directory + "/config.json");
  file << config.dump(2) << "\n";
  file.close();
  if (file) return absl::OkStatus();
  return absl::UnavailableError(directory + "/config.json: not written");
}

absl::Status WriteTokenizer(const std::string& directory) {
  int tokens = absl::GetFlag(FLAGS_tokens);
  if (tokens == 0) tokens = static_cast<int>(absl::GetFlag(FLAGS_vocab));
  const std::string kind = absl::GetFlag(FLAGS_tokenizer);
  if (kind == "sentencepiece") {
    return testdata::WriteSentencePiece(directory, tokens);
  }
  return testdata::WriteByteLevelBpe(directory, tokens, kind);
}

absl::Status Run() {
  const std::string directory = absl::GetFlag(FLAGS_outdir);
  if (directory.empty())
    return absl::InvalidArgumentError("--outdir is needed");
  const auto dtype = testdata::ParseDtype(absl::GetFlag(FLAGS_dtype));
  if (!dtype) return absl::InvalidArgumentError("--dtype is unknown");
  if (absl::GetFlag(FLAGS_shards) < 1 || absl::GetFlag(FLAGS_heads) < 1) {
    return absl::InvalidArgumentError("--shards and --heads are at least 1");
  }
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return absl::UnavailableError(directory + ": " + error.message());
  absl::StatusOr<testdata::Model> model =
      testdata::MakeModel(absl::GetFlag(FLAGS_architecture), Sizes());
  if (!model.ok()) return model.status();
  absl::Status status = WriteConfig(directory, std::move(model->config));
  if (!status.ok()) return status;
  status = WriteTokenizer(directory);
  if (!status.ok()) return status;
  return testdata::WriteSafetensors(directory, std::move(model->tensors),
                                    *dtype, absl::GetFlag(FLAGS_seed),
                                    absl::GetFlag(FLAGS_shards));
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "writes a checkpoint with random weights to --outdir");
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = Run();
  if (status.ok()) return 0;
  std::cerr << "make_checkpoint: " << status.message() << "\n";
  return 1;
}
