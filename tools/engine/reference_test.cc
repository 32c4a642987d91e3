// Converts the checkpoints of //testdata to every type that can be made, all
// at once, and compares each file with the reference's digest.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
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
using ::testing::UnorderedElementsAreArray;

// Of the types that are made here: those made with an importance matrix, or
// those without.
std::map<std::string, ExpectedFile> ExpectedFiles(const std::string& name,
                                                  bool weighted = false) {
  std::map<std::string, ExpectedFile> files;
  for (auto& [stem, file] : testdata::ExpectedFiles(name)) {
    absl::string_view type = stem;
    if (absl::ConsumePrefix(&type, "im-") != weighted) continue;
    const quant::FileType* file_type = quant::FindFileType(type);
    if (file_type == nullptr || !quant::CanQuantize(file_type->base)) continue;
    files[std::string(type)] = file;
  }
  return files;
}

ordered_json Elements(const gguf::Array& array) {
  return std::visit(
      [](const auto& elements) {
        using T = typename std::decay_t<decltype(elements)>::value_type;
        ordered_json list = ordered_json::array();
        if constexpr (!std::is_same_v<T, gguf::Array>) {
          for (const T& element : elements) list.push_back(element);
        }
        return list;
      },
      array.elements);
}

// What the expected digests say of a value: its type, and all of it; of long
// arrays the length and a digest.
void ExpectValue(const gguf::Value& value, const ordered_json& expected) {
  ordered_json types = {std::string(ValueTypeName(gguf::TypeOf(value)))};
  const auto* array = std::get_if<gguf::Array>(&value);
  if (array == nullptr) {
    EXPECT_EQ(types, expected["type"]);
    std::visit(
        [&](const auto& scalar) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(scalar)>,
                                        gguf::Array>) {
            EXPECT_EQ(ordered_json(scalar), expected["value"]);
          }
        },
        value);
    return;
  }
  types.push_back(std::string(ValueTypeName(array->element_type())));
  EXPECT_EQ(types, expected["type"]);
  const ordered_json list = Elements(*array);
  if (!expected["value"].is_object()) {
    EXPECT_EQ(list, expected["value"]);
    return;
  }
  EXPECT_EQ(list.size(), expected["value"]["length"]);
  base::Sha256 hash;
  hash.Update(list.dump(-1, ' ', /*ensure_ascii=*/true));
  EXPECT_EQ(hash.Finish(), expected["value"]["sha256"].get<std::string>());
}

// Where the file's hash is known, it tells the order of keys; where not, the
// digest does.
void ExpectMetadata(const gguf::File& file, const ExpectedFile& expected) {
  std::vector<std::string> keys, expected_keys;
  for (const auto& entry : file.metadata().entries()) keys.push_back(entry.key);
  for (const auto& item : expected.metadata.items()) {
    expected_keys.push_back(item.key());
  }
  if (expected.sha256.empty()) {
    EXPECT_EQ(keys, expected_keys);
  } else {
    EXPECT_THAT(keys, UnorderedElementsAreArray(expected_keys));
  }
  for (const auto& [key, value] : expected.metadata.items()) {
    SCOPED_TRACE(key);
    const gguf::Value* found = file.metadata().Find(key);
    // That key holds a path of the machine.
    if (found == nullptr || key == "quantize.imatrix.file") continue;
    ExpectValue(*found, value);
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
                                    const std::vector<std::string>& types,
                                    const std::string& imatrix = "") {
    JobSpec spec;
    spec.set_imatrix(imatrix);
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
      ExpectMetadata(**file, reference);
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
  // F16, F32 and a quantized type at least.
  ASSERT_GE(types.size(), 3);
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

// An importance matrix in the older form for a model: weights that are exact
// and different, by a rule that the expected files were made with.
std::string WriteImportance(const std::string& model, const std::string& path) {
  const auto file = gguf::File::Open(model);
  EXPECT_TRUE(file.ok()) << file.status();
  std::string entries;
  int32_t count = 0;
  const auto append = [&](auto value) {
    entries.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  for (const gguf::TensorInfo& tensor : (*file)->tensors()) {
    if (tensor.shape.size() < 2 || !absl::EndsWith(tensor.name, "weight") ||
        absl::StrContains(tensor.name, "ffn_gate_inp")) {
      continue;
    }
    const uint64_t columns =
        tensor.shape[0] * (tensor.shape.size() > 2 ? tensor.shape[2] : 1);
    append(static_cast<int32_t>(tensor.name.size()));
    entries += tensor.name;
    append(int32_t{1});
    append(static_cast<int32_t>(columns));
    for (uint64_t i = 0; i < columns; ++i) {
      append(static_cast<float>((i * 37 + tensor.name.size() * 11) % 101 + 1) /
             64);
    }
    ++count;
  }
  append(int32_t{3});
  append(int32_t{10});
  entries += "corpus.txt";
  std::ofstream(path, std::ios::binary)
          .write(reinterpret_cast<const char*>(&count), sizeof(count))
      << entries;
  return path;
}

// From the checkpoint, and from its F16 and F32 files: these values fit F16.
TEST_P(ReferenceTest, ImportanceCountsWhateverTheSource) {
  const auto expected = ExpectedFiles(GetParam(), /*weighted=*/true);
  if (expected.empty()) GTEST_SKIP() << "no digests with importance";
  const auto made =
      Convert(testdata::CheckpointDirectory(GetParam()), {"F16", "F32"});
  ASSERT_TRUE(made.ok()) << made.status();
  const std::string directory = absl::StrCat(testing::TempDir(), "/");
  std::vector<std::string> sources = {
      testdata::CheckpointDirectory(GetParam())};
  for (const OutputReport& output : made->outputs()) {
    sources.push_back(absl::StrCat(directory, output.file_type(), ".gguf"));
    std::filesystem::copy_file(
        output.path(), sources.back(),
        std::filesystem::copy_options::overwrite_existing);
  }
  const std::string imatrix = WriteImportance(sources[1], directory + "im.dat");
  std::vector<std::string> types;
  for (const auto& [type, digest] : expected) types.push_back(type);
  for (const std::string& source : sources) {
    SCOPED_TRACE(source);
    const auto report = Convert(source, types, imatrix);
    ASSERT_TRUE(report.ok()) << report.status();
    Compare(*report, expected);
  }
}

// Types of which the reference has no file here: their blocks are wider than
// the rows of these checkpoints, or the reference's quantizer does not make
// them.
constexpr absl::string_view kWithoutDigest[] = {"NVFP4", "Q1_0", "Q2_0"};

TEST(ReferenceTypesTest, EveryTypeHasADigestSomewhere) {
  std::set<std::string> there;
  for (const auto& checkpoint :
       std::filesystem::directory_iterator("testdata/expected")) {
    for (const bool weighted : {false, true}) {
      const auto files =
          ExpectedFiles(checkpoint.path().filename().string(), weighted);
      for (const auto& [type, digest] : files) there.insert(type);
    }
  }
  for (const quant::FileType& type : quant::AllFileTypes()) {
    if (!quant::CanQuantize(type.base)) continue;
    const bool excepted =
        std::find(std::begin(kWithoutDigest), std::end(kWithoutDigest),
                  type.name) != std::end(kWithoutDigest);
    EXPECT_NE(there.contains(std::string(type.name)), excepted) << type.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, ReferenceTest,
                         testing::ValuesIn(testdata::Checkpoints()),
                         [](const auto& info) {
                           return testdata::TestName(info.param);
                         });

}  // namespace
}  // namespace make_gguf
