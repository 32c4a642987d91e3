#include "converters/checkpoint/checkpoint.h"

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/tensor_source.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace checkpoint {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A safetensors file of one U8 scalar per name, whose value is given.
struct Scalar {
  std::string name;
  uint8_t value;
};

std::string Safetensors(const std::vector<Scalar>& scalars) {
  std::string header = "{";
  std::string data;
  for (const Scalar& scalar : scalars) {
    absl::StrAppend(&header, data.empty() ? "" : ",", "\"", scalar.name,
                    R"(":{"dtype":"U8","shape":[],"data_offsets":[)",
                    data.size(), ",", data.size() + 1, "]}");
    data.push_back(static_cast<char>(scalar.value));
  }
  header += "}";
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return absl::StrCat(bytes, header, data);
}

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest()
      : directory_(absl::StrCat(
            testing::TempDir(), "/",
            testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }

  void Write(absl::string_view name, absl::string_view bytes) {
    std::ofstream(absl::StrCat(directory_, "/", name), std::ios::binary)
        << bytes;
  }

  // "name=value" of each tensor, in order.
  std::vector<std::string> Contents() {
    auto source = Open(directory_);
    EXPECT_TRUE(source.ok()) << source.status();
    if (!source.ok()) return {};
    std::vector<std::string> contents;
    for (size_t i = 0; i < (*source)->tensors().size(); ++i) {
      float value = -1;
      const absl::Status status =
          (*source)->Read(i, 0, absl::MakeSpan(&value, 1));
      EXPECT_TRUE(status.ok()) << status;
      contents.push_back(
          absl::StrCat((*source)->tensors()[i].name, "=", value));
    }
    return contents;
  }

  absl::Status OpenStatus() { return Open(directory_).status(); }

  const std::string directory_;
};

TEST_F(CheckpointTest, SingleFile) {
  Write("model.safetensors", Safetensors({{"b", 2}, {"a", 1}}));
  Write("training_args.bin", "not weights");
  Write("optimizer.safetensors", "not weights");
  EXPECT_THAT(Contents(), ElementsAre("a=1", "b=2"));
}

TEST_F(CheckpointTest, ShardsAreReadInTheOrderOfTheirNames) {
  Write("model-00002-of-00002.safetensors", Safetensors({{"a", 3}}));
  Write("model-00001-of-00002.safetensors", Safetensors({{"z", 1}, {"c", 2}}));
  EXPECT_THAT(Contents(), ElementsAre("c=2", "z=1", "a=3"));
  Write("model.safetensors.index.json",
        R"({"weight_map":{"a":"model-00002-of-00002.safetensors",)"
        R"("z":"model-00001-of-00002.safetensors",)"
        R"("c":"model-00001-of-00002.safetensors"}})");
  EXPECT_THAT(Contents(), ElementsAre("c=2", "z=1", "a=3"));
}

TEST_F(CheckpointTest, WithAnIndexOnlyItsFilesCount) {
  Write("model-a.safetensors", Safetensors({{"a", 1}}));
  Write("model-other.safetensors", "damaged");
  Write("model.safetensors.index.json",
        R"({"weight_map":{"a":"model-a.safetensors"}})");
  EXPECT_THAT(Contents(), ElementsAre("a=1"));
}

TEST_F(CheckpointTest, MissingShardsAreNamed) {
  Write("model-00001-of-00003.safetensors", Safetensors({{"a", 1}}));
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(OpenStatus().message(),
              AllOf(HasSubstr("model-00002-of-00003.safetensors"),
                    HasSubstr("model-00003-of-00003.safetensors")));
  Write("model.safetensors.index.json",
        R"({"weight_map":{"a":"model-00001-of-00003.safetensors",)"
        R"("b":"gone.safetensors"}})");
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(OpenStatus().message(), HasSubstr("missing: gone.safetensors;"));
}

TEST_F(CheckpointTest, TensorInAnotherShardThanTheIndexSays) {
  Write("model-1.safetensors", Safetensors({{"a", 1}, {"b", 2}}));
  Write("model-2.safetensors", Safetensors({{"c", 3}}));
  Write("model.safetensors.index.json",
        R"({"weight_map":{"a":"model-1.safetensors",)"
        R"("b":"model-2.safetensors","c":"model-2.safetensors"}})");
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(OpenStatus().message(),
              HasSubstr("tensor b is in model-2.safetensors, but it is in "
                        "model-1.safetensors"));
}

TEST_F(CheckpointTest, TensorInTwoFilesIsRefused) {
  Write("model.safetensors", Safetensors({{"a", 1}}));
  Write("model.fp16.safetensors", Safetensors({{"a", 1}}));
  EXPECT_THAT(OpenStatus().message(),
              HasSubstr("tensor a is both in model.fp16.safetensors and in "
                        "model.safetensors"));
}

TEST_F(CheckpointTest, DamageNamesTheFile) {
  const std::string bytes = Safetensors({{"a", 1}, {"b", 2}});
  Write("model.safetensors", bytes.substr(0, bytes.size() - 1));
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(OpenStatus().message(),
              HasSubstr(absl::StrCat(directory_, "/model.safetensors: ")));
}

TEST_F(CheckpointTest, NoWeights) {
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kNotFound);
  Write("adapter_config.json", "{}");
  Write("adapter_model.safetensors", "");
  EXPECT_THAT(OpenStatus().message(),
              AllOf(HasSubstr("found only adapter_model.safetensors"),
                    HasSubstr("LoRA")));
  EXPECT_EQ(Open(directory_ + "/none").status().code(),
            absl::StatusCode::kNotFound);
}

// The name alone says how many files there should be.
TEST_F(CheckpointTest, ManyMissingShardsAreCounted) {
  Write("model-00001-of-99999.safetensors", Safetensors({{"a", 1}}));
  const absl::Status status = OpenStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("99998 of the checkpoint's files"));
  EXPECT_THAT(status.message(), HasSubstr("and 99993 more"));
  EXPECT_LT(status.message().size(), 1000u);
}

}  // namespace
}  // namespace checkpoint
