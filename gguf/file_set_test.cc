#include "gguf/file_set.h"

#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "gguf/metadata.h"
#include "gguf/split.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"
#include "gguf/testing/write_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gguf {
namespace {

using ::testing::HasSubstr;

class FileSetTest : public ::testing::Test {
 protected:
  FileSetTest() {
    std::string name = absl::StrCat(::testing::TempDir(), "/set.XXXXXX");
    directory_ = mkdtemp(name.data());
    prefix_ = absl::StrCat(directory_, "/model");
    metadata_.Set("general.architecture", std::string("llama"));
    for (int i = 0; i < 5; ++i) {
      tensors_.push_back(
          TensorInfo{absl::StrCat("t", i), TensorType::kI8, {10}});
    }
  }
  ~FileSetTest() override {
    for (const std::string& path : written_) unlink(path.c_str());
    rmdir(directory_.c_str());
  }

  // Writes a file whose tensors' bytes are `first`, `first` + 1, …
  void Write(const std::string& path, const Metadata& metadata,
             std::vector<TensorInfo> tensors, uint8_t first) {
    std::vector<std::vector<uint8_t>> data;
    for (size_t i = 0; i < tensors.size(); ++i) data.emplace_back(10, first++);
    WriteFile(path, metadata, tensors, data);
    written_.push_back(path);
  }

  void WriteShard(size_t number, const Shard& shard, size_t count) {
    const auto tensors = absl::MakeConstSpan(tensors_).subspan(
        shard.first_tensor, shard.tensor_count);
    Write(Path(number, count), shard.metadata,
          std::vector<TensorInfo>(tensors.begin(), tensors.end()),
          static_cast<uint8_t>(shard.first_tensor));
  }

  // Three shards of 2, 2 and 1 tensors.
  std::vector<Shard> WriteShards() {
    auto shards = PlanSplit(metadata_, tensors_, {.max_tensors = 2});
    for (size_t i = 0; i < shards->size(); ++i) {
      WriteShard(i, (*shards)[i], shards->size());
    }
    return *shards;
  }

  std::string Path(size_t number, size_t count = 3) const {
    return ShardPath(prefix_, number, count);
  }

  std::string directory_;
  std::string prefix_;
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
  std::vector<std::string> written_;
};

TEST_F(FileSetTest, OneFile) {
  Write(prefix_, metadata_, tensors_, 0);
  const auto set = FileSet::Open(prefix_);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ((*set)->file_count(), 1u);
  EXPECT_EQ((*set)->metadata(), metadata_);
  EXPECT_EQ((*set)->tensors(), absl::MakeConstSpan(tensors_));
}

TEST_F(FileSetTest, ShardsAreOneModelWhicheverIsNamed) {
  WriteShards();
  for (size_t named = 0; named < 3; ++named) {
    const auto set = FileSet::Open(Path(named));
    ASSERT_TRUE(set.ok()) << set.status();
    EXPECT_EQ((*set)->file_count(), 3u);
    EXPECT_EQ((*set)->file(2).path(), Path(2));
    EXPECT_EQ((*set)->metadata(), metadata_);
    EXPECT_EQ((*set)->tensors(), absl::MakeConstSpan(tensors_));
    EXPECT_EQ((*set)->FindTensor("t3"), 3u);
    EXPECT_EQ((*set)->FindTensor("t5"), std::nullopt);
    EXPECT_EQ((*set)->location(3).file, 1u);
    EXPECT_EQ((*set)->location(3).tensor, 1u);
    std::vector<uint8_t> bytes(4);
    for (size_t t = 0; t < 5; ++t) {
      ASSERT_TRUE((*set)->ReadTensorBytes(t, 6, absl::MakeSpan(bytes)).ok());
      EXPECT_EQ(bytes, std::vector<uint8_t>(4, t));
    }
    EXPECT_EQ((*set)->ReadTensorBytes(5, 0, absl::MakeSpan(bytes)).code(),
              absl::StatusCode::kOutOfRange);
  }
}

TEST_F(FileSetTest, MissingShard) {
  WriteShards();
  unlink(Path(1).c_str());
  const absl::Status status = FileSet::Open(Path(0)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(),
              HasSubstr(absl::StrCat(Path(1), " is missing, shard 2 of 3")));
}

TEST_F(FileSetTest, AShardAlone) {
  const std::vector<Shard> shards = WriteShards();
  const auto set = FileSet::OpenAlone(Path(1));
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ((*set)->file_count(), 1u);
  EXPECT_EQ((*set)->metadata(), shards[1].metadata);
  EXPECT_EQ((*set)->tensors().size(), 2u);
}

TEST_F(FileSetTest, RenamedShard) {
  WriteShards();
  const std::string other = absl::StrCat(directory_, "/other.gguf");
  ASSERT_EQ(rename(Path(0).c_str(), other.c_str()), 0);
  written_.push_back(other);
  EXPECT_THAT(FileSet::Open(other).status().message(),
              HasSubstr("does not end like -00001-of-00003.gguf"));
}

TEST_F(FileSetTest, ShardsThatContradictEachOther) {
  std::vector<Shard> shards = WriteShards();
  Shard changed = shards[1];
  changed.metadata.Set(kSplitNumberKey, uint16_t{2});
  WriteShard(1, changed, 3);
  EXPECT_THAT(FileSet::Open(Path(0)).status().message(),
              HasSubstr("key 'split.no' is 2, expected 1"));
  changed.metadata.Set(kSplitNumberKey, true);
  WriteShard(1, changed, 3);
  EXPECT_THAT(FileSet::Open(Path(0)).status().message(),
              HasSubstr("key 'split.no' is missing or no UINT16, expected 1"));
  changed = shards[1];
  changed.metadata.Set(kSplitCountKey, uint16_t{4});
  WriteShard(1, changed, 3);
  EXPECT_THAT(FileSet::Open(Path(0)).status().message(),
              HasSubstr("says 4 shards, expected 3"));
  changed = shards[1];
  changed.first_tensor = 0;
  WriteShard(1, changed, 3);
  EXPECT_THAT(FileSet::Open(Path(0)).status().message(),
              HasSubstr("tensor 't0' is in an earlier shard too"));
  changed = shards[1];
  changed.tensor_count = 1;
  WriteShard(1, changed, 3);
  EXPECT_THAT(FileSet::Open(Path(0)).status().message(),
              HasSubstr("'split.tensors.count' is 5, but the 3 shards have 4 "
                        "tensors"));
}

}  // namespace
}  // namespace gguf
