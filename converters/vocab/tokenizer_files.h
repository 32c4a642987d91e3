// File: converters/vocab/tokenizer_files.h
//
// The JSON files of a tokenizer.

#ifndef CONVERTERS_VOCAB_TOKENIZER_FILES_H_
#define CONVERTERS_VOCAB_TOKENIZER_FILES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "nlohmann/json.hpp"

namespace vocab {

// Of a file that is not JSON, in bytes.
inline constexpr uint64_t kMaxTokenizerFile = 256 << 20;

// False if nothing in `directory` bears that name; true also for what can't be
// read, which is then an error of the one who reads it.
bool IsThere(const std::string& directory, absl::string_view name);

// The JSON object in `directory`/`name`, or null if nothing bears that name.
// `order`: as for base::ParseJson.
// Errors: those of base::ReadJsonFile; DataLoss if it is no object.
absl::StatusOr<nlohmann::json> ReadJsonObject(
    const std::string& directory, absl::string_view name,
    const base::JsonLimits& limits = base::kSmallJson,
    base::JsonOrder* order = nullptr);

// What is known of a tokenizer; the files are null (the JSON value) where there
// is none.
struct TokenizerFiles {
  std::string directory;
  const nlohmann::json* config = nullptr;  // config.json; outlives this
  nlohmann::json tokenizer;                // tokenizer.json
  nlohmann::json tokenizer_config;         // tokenizer_config.json
  nlohmann::json special_tokens_map;       // special_tokens_map.json
  nlohmann::json added_tokens;             // added_tokens.json
  // New tokens get their ids in the order in which these name them.
  base::JsonOrder tokenizer_config_order;
  base::JsonOrder special_tokens_map_order;
};

// Errors: DataLoss for a file that is no JSON object, or whatever keeps one
// from being read.
absl::StatusOr<TokenizerFiles> ReadTokenizerFiles(const std::string& directory,
                                                  const nlohmann::json& config);

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_TOKENIZER_FILES_H_
