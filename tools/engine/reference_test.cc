// Converts the checkpoints of //testdata to every type that can be made, all
// at once, and compares each file with the reference's digest.

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "base/status_macros.h"
#include "gguf/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "quant/file_type.h"
#include "quant/quantize.h"
#include "testdata/expected.h"
#include "tools/engine/engine.h"

namespace make_gguf {
namespace {

using nlohmann::ordered_json;

using ::testdata::ExpectedFile;
using ::testing::StartsWith;

// Of the types that are made here.
std::map<std::string, ExpectedFile> ExpectedFiles(const std::string& name) {
  std::map<std::string, ExpectedFile> files = testdata::ExpectedFiles(name);
  std::erase_if(files, [](const auto& file) {
    const quant::FileType* type = quant::FindFileType(file.first);
    return type == nullptr || !quant::CanQuantize(type->base);
  });
  return files;
}

// Numbers, strings and booleans; of arrays only the length is compared (the
// converters' tests compare their elements).
ordered_json Comparable(const ordered_json& value) {
  if (value.is_object()) return value["length"];
  if (value.is_array()) return value.size();
  return value;
}

ordered_json ToJson(const gguf::Value& value) {
  return std::visit(
      [](const auto& v) -> ordered_json {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, gguf::Array>) {
          return v.size();
        } else {
          return v;
        }
      },
      value);
}

void ExpectMetadata(const gguf::File& file, const ordered_json& expected) {
  const auto entries = file.metadata().entries();
  ASSERT_EQ(entries.size(), expected.size());
  size_t i = 0;
  for (const auto& [key, value] : expected.items()) {
    EXPECT_EQ(entries[i].key, key);
    EXPECT_EQ(ToJson(entries[i].value), Comparable(value["value"])) << key;
    ++i;
  }
}

std::string DigestOfTensor(const gguf::File& file, size_t tensor) {
  std::vector<uint8_t> bytes(file.placement(tensor).bytes);
  EXPECT_TRUE(file.ReadTensorBytes(tensor, 0, absl::MakeSpan(bytes)).ok());
  base::Sha256 hash;
  hash.Update(absl::MakeConstSpan(bytes));
  return hash.Finish();
}

void ExpectTensors(const gguf::File& file, const ExpectedFile& expected) {
  ASSERT_EQ(file.tensors().size(), expected.tensors.size());
  for (size_t i = 0; i < expected.tensors.size(); ++i) {
    const gguf::TensorInfo& info = file.tensors()[i];
    const ExpectedFile::Tensor& tensor = expected.tensors[i];
    EXPECT_EQ(info.name, tensor.name);
    EXPECT_EQ(gguf::Traits(info.type).name, tensor.type) << info.name;
    EXPECT_EQ(info.shape, tensor.shape) << info.name;
    EXPECT_THAT(DigestOfTensor(file, i), StartsWith(tensor.sha256))
        << info.name;
  }
}

class ReferenceTest : public testing::TestWithParam<std::string> {
 protected:
  absl::StatusOr<JobReport> Convert(const std::string& model,
                                    const std::vector<std::string>& types) {
    JobSpec spec;
    spec.set_model(std::filesystem::absolute(model).string());
    spec.set_outname("out");
    spec.set_outdir(absl::StrCat(testing::TempDir(), "/", GetParam()));
    spec.set_overwrite(true);
    for (const std::string& type : types) spec.add_quants(type);
    ASSIGN_OR_RETURN(const JobPlan plan, Plan(spec));
    return make_gguf::Run(plan);
  }

  static void Compare(const JobReport& report,
                      const std::map<std::string, ExpectedFile>& expected) {
    for (const OutputReport& output : report.outputs()) {
      SCOPED_TRACE(output.path());
      auto file = gguf::File::Open(output.path());
      ASSERT_TRUE(file.ok()) << file.status();
      const ExpectedFile& reference = expected.at(output.file_type());
      ExpectMetadata(**file, reference.metadata);
      ExpectTensors(**file, reference);
      if (reference.sha256.empty()) continue;
      EXPECT_EQ(output.sha256(), reference.sha256);
    }
  }
};

TEST_P(ReferenceTest, EveryTypeEqualsTheReference) {
  const auto expected = ExpectedFiles(GetParam());
  std::vector<std::string> types;
  for (const auto& [type, digest] : expected) types.push_back(type);
  ASSERT_GE(types.size(), 5);
  const auto report = Convert(testdata::CheckpointDirectory(GetParam()), types);
  ASSERT_TRUE(report.ok()) << report.status();
  Compare(*report, expected);
}

// llama-quantize's way: from the F16 file.
TEST_P(ReferenceTest, F16FileAsInputGivesTheSame) {
  auto expected = ExpectedFiles(GetParam());
  const auto f16 = Convert(testdata::CheckpointDirectory(GetParam()), {"F16"});
  ASSERT_TRUE(f16.ok()) << f16.status();
  std::vector<std::string> types;
  for (const auto& [type, digest] : expected) {
    if (type != "F32" && type != "F16" && type != "BF16") types.push_back(type);
  }
  const auto report = Convert(f16->outputs(0).path(), types);
  ASSERT_TRUE(report.ok()) << report.status();
  Compare(*report, expected);
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, ReferenceTest,
                         testing::ValuesIn(testdata::Checkpoints()),
                         [](const auto& info) {
                           return testdata::TestName(info.param);
                         });

}  // namespace
}  // namespace make_gguf
