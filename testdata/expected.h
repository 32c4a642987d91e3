// File: testdata/expected.h
//
// For tests: which checkpoints there are, and what the reference makes of them.

#ifndef TESTDATA_EXPECTED_H_
#define TESTDATA_EXPECTED_H_

#include <map>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace testdata {

// One file of the reference's.
struct ExpectedFile {
  // {KEY: {"type": [TYPE], "value": VALUE}} in the file's order.
  nlohmann::ordered_json metadata;
  struct Tensor {
    std::string name;
    std::string type;
    std::vector<uint64_t> shape;  // ggml's order
    std::string sha256;           // of its data, or the first half of it
  };
  std::vector<Tensor> tensors;
  std::string sha256;  // of all of it, if that is known
};

// The names of all checkpoints, sorted; and the directory of one.
std::vector<std::string> Checkpoints();
std::string CheckpointDirectory(const std::string& name);

// By type ("F16", "Q4_K_M"): what is expected of this checkpoint.
std::map<std::string, ExpectedFile> ExpectedFiles(const std::string& name);

// "tiny-llama" as the name of a test.
std::string TestName(std::string checkpoint);

}  // namespace testdata

#endif  // TESTDATA_EXPECTED_H_
