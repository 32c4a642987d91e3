#include "tools/inspect_report.h"

#include <stdlib.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gguf/file_set.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"
#include "gguf/testing/write_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace make_gguf {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class InspectReportTest : public ::testing::Test {
 protected:
  InspectReportTest() {
    std::string name = absl::StrCat(::testing::TempDir(), "/inspect.XXXXXX");
    close(mkstemp(name.data()));
    path_ = name;
  }
  ~InspectReportTest() override { unlink(path_.c_str()); }

  // A file of zeros with these contents, opened.
  std::unique_ptr<gguf::FileSet> Model(const gguf::Metadata& metadata,
                                       std::vector<gguf::TensorInfo> tensors) {
    std::vector<std::vector<uint8_t>> zeros;
    for (const gguf::TensorInfo &tensor : tensors) {
      zeros.emplace_back(*gguf::TensorBytes(tensor));
    }
    gguf::WriteFile(path_, metadata, tensors, zeros);
    auto model = gguf::FileSet::Open(path_);
    EXPECT_TRUE(model.ok()) << model.status();
    return *std::move(model);
  }

  std::unique_ptr<gguf::FileSet> SmallModel() {
    gguf::Metadata metadata;
    metadata.Set("general.architecture", std::string("llama"));
    metadata.Set("general.file_type", uint32_t{15});
    metadata.SetArray<std::string>("tokens", {"a", "b", "c", "d", "e"});
    return Model(metadata,
                 {{"output.weight", gguf::TensorType::kQ6_K, {256, 2}},
                  {"output_norm.weight", gguf::TensorType::kF32, {256}},
                  {"blk.0.attn_q.weight", gguf::TensorType::kQ4_K, {256, 4}},
                  {"blk.1.attn_q.weight", gguf::TensorType::kQ4_K, {256, 4}}});
  }

  std::string path_;
};

TEST_F(InspectReportTest, Values) {
  const InspectOptions options{.array_elements = 3, .string_bytes = 4};
  const auto text = [&](gguf::Value value) {
    return ValueText(value, options);
  };
  EXPECT_EQ(text(uint8_t{200}), "200");
  EXPECT_EQ(text(int8_t{-5}), "-5");
  EXPECT_EQ(text(~uint64_t{0}), "18446744073709551615");
  EXPECT_EQ(text(true), "true");
  EXPECT_EQ(text(1e-5f), "1e-05");
  EXPECT_EQ(text(0.1), "0.1");
  EXPECT_EQ(text(std::string("a\n\"")), R"("a\n\"")");
  EXPECT_EQ(text(std::string("abcdef")), R"("abcd"… (6 bytes))");
  EXPECT_EQ(text(std::string("abcéf")), R"("abc"… (6 bytes))");
  EXPECT_EQ(text(gguf::Array{std::vector<int16_t>{1, 2, 3}}), "[1, 2, 3]");
  EXPECT_EQ(text(gguf::Array{std::vector<bool>{true, false, true, false}}),
            "[true, false, …, false] (4 elements)");
  EXPECT_EQ(text(gguf::Array{std::vector<gguf::Array>{
                gguf::Array{std::vector<std::string>{"x"}}}}),
            R"([["x"]])");
  EXPECT_EQ(text(gguf::Array{std::vector<float>{}}), "[]");
}

TEST_F(InspectReportTest, Totals) {
  const auto model = SmallModel();
  const std::vector<TypeTotal> totals = TotalsByType(*model);
  ASSERT_EQ(totals.size(), 3u);
  EXPECT_EQ(totals[0].type, gguf::TensorType::kQ6_K);
  EXPECT_EQ(totals[2].type, gguf::TensorType::kQ4_K);
  EXPECT_EQ(totals[2].tensors, 2u);
  EXPECT_EQ(totals[2].weights, 2048u);
  EXPECT_EQ(totals[2].bytes, 8u * 144);
  EXPECT_DOUBLE_EQ(BitsPerWeight(totals),
                   8.0 * (420 + 1024 + 1152) / (512 + 256 + 2048));
  EXPECT_EQ(BitsPerWeight({}), 0);
}

TEST_F(InspectReportTest, Text) {
  const std::string report =
      TextReport(*SmallModel(), InspectOptions{.array_elements = 4});
  EXPECT_THAT(report, StartsWith(absl::StrCat(path_, "\nGGUF version 3, ")));
  EXPECT_THAT(report, HasSubstr("3 keys, 4 tensors"));
  EXPECT_THAT(report, HasSubstr("general.file_type     UINT32        15 "
                                "(Q4_K_M)\n"));
  EXPECT_THAT(report, HasSubstr("tokens                ARRAY STRING  [\"a\", "
                                "\"b\", …, \"d\", \"e\"] (5 elements)\n"));
  EXPECT_THAT(report,
              HasSubstr("Q4_K  [256, 4]    576    1472  blk.0.attn_q.weight"));
  EXPECT_THAT(report,
              HasSubstr("Q4_K        2     2048   1152           4.5000"));
}

TEST_F(InspectReportTest, Json) {
  const auto model = SmallModel();
  const auto report = nlohmann::json::parse(
      JsonReport(*model, InspectOptions{.array_elements = 4}));
  EXPECT_EQ(report["files"][0]["path"], path_);
  EXPECT_EQ(report["files"][0]["version"], 3);
  EXPECT_EQ(report["files"][0]["bytes"], model->file(0).size());
  const auto& tokens = report["metadata"]["tokens"];
  EXPECT_EQ(tokens["type"], nlohmann::json({"ARRAY", "STRING"}));
  EXPECT_EQ(tokens["value"]["length"], 5);
  EXPECT_EQ(tokens["value"]["first"], nlohmann::json({"a", "b"}));
  EXPECT_EQ(tokens["value"]["last"], nlohmann::json({"d", "e"}));
  EXPECT_EQ(report["metadata"]["general.file_type"]["value"], 15);
  EXPECT_EQ(report["tensors"][2]["name"], "blk.0.attn_q.weight");
  EXPECT_EQ(report["tensors"][2]["type"], "Q4_K");
  EXPECT_EQ(report["tensors"][2]["shape"], nlohmann::json({256, 4}));
  EXPECT_EQ(report["tensors"][2]["offset"], 448 + 1024);
  EXPECT_EQ(report["totals"]["weights"], 2816);
  EXPECT_EQ(report["totals"]["types"][2]["tensors"], 2);
}

TEST_F(InspectReportTest, JsonOfWhatJsonCannotSay) {
  gguf::Metadata metadata;
  metadata.Set("text", std::string("a\xff"));
  metadata.Set("nan", std::nan(""));
  metadata.Set("inf", -std::numeric_limits<float>::infinity());
  const auto report =
      nlohmann::json::parse(JsonReport(*Model(metadata, {}), {}));
  EXPECT_EQ(report["metadata"]["text"]["value"], "a\uFFFD");
  EXPECT_EQ(report["metadata"]["nan"]["value"], "nan");
  EXPECT_EQ(report["metadata"]["inf"]["value"], "-inf");
  EXPECT_EQ(report["totals"]["bits_per_weight"], 0);
}

}  // namespace
}  // namespace make_gguf
