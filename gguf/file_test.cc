#include "gguf/file.h"

#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gguf/layout.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"
#include "gguf/testing/write_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gguf {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

// A GGUF file put together by hand, apart from the library's own writer, which
// remembers where each field is.
class Image {
 public:
  template <typename T>
  Image& Number(absl::string_view label, T value) {
    at_.emplace(label, bytes_.size());
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
    return *this;
  }
  Image& U32(absl::string_view label, uint32_t value) {
    return Number(label, value);
  }
  Image& U64(absl::string_view label, uint64_t value) {
    return Number(label, value);
  }
  Image& String(absl::string_view label, absl::string_view text) {
    U64(absl::StrCat(label, " length"), text.size());
    at_.emplace(label, bytes_.size());
    bytes_.append(text);
    return *this;
  }
  Image& Raw(absl::string_view text) {
    bytes_.append(text);
    return *this;
  }
  Image& Pad(size_t alignment) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment);
    return *this;
  }

  // The file with another value in this field.
  template <typename T>
  std::string With(absl::string_view label, T value) const {
    std::string changed = bytes_;
    changed.replace(at_.find(label)->second, sizeof(value),
                    reinterpret_cast<const char*>(&value), sizeof(value));
    return changed;
  }

  const std::string& bytes() const { return bytes_; }
  size_t at(absl::string_view label) const { return at_.find(label)->second; }

 private:
  std::string bytes_;
  std::map<std::string, size_t, std::less<>> at_;
};

// Three keys, three tensors; version 3, alignment 16.
Image SmallImage() {
  Image image;
  image.Raw("GGUF").U32("version", 3).U64("tensors", 3).U64("keys", 4);
  image.String("key0", "general.alignment").U32("type0", 4);
  image.U32("alignment", 16);
  image.String("key1", "b").U32("type1", 7).Number("bool", uint8_t{1});
  image.String("key2", "arr").U32("type2", 9).U32("element type", 8);
  image.U64("count", 2).String("s0", "x").String("s1", "yz");
  image.String("key3", "nest").U32("type3", 9).U32("outer type", 9);
  image.U64("outer count", 1).U32("inner type", 4).U64("inner count", 1);
  image.U32("inner value", 5);
  image.String("name0", "a").U32("dims0", 2).U64("a0", 32).U64("a1", 2);
  image.U32("tensor type0", 8).U64("offset0", 0);  // Q8_0: 68 bytes
  image.String("name1", "b").U32("dims1", 1).U64("b0", 3);
  image.U32("tensor type1", 0).U64("offset1", 80);  // F32: 12 bytes
  image.String("name2", "c").U32("dims2", 1).U64("c0", 4);
  image.U32("tensor type2", 0).U64("offset2", 96);  // F32: 16 bytes
  image.Pad(16).Number("data", uint8_t{1}).Raw(std::string(67, '\1'));
  image.Number("padding", uint8_t{0}).Pad(16);
  image.Raw(std::string(12, '\2')).Pad(16).Raw(std::string(16, '\3'));
  return image;
}

class FileTest : public ::testing::Test {
 protected:
  FileTest() {
    std::string name = absl::StrCat(::testing::TempDir(), "/file.XXXXXX");
    fd_ = mkstemp(name.data());
    path_ = name;
  }
  ~FileTest() override {
    close(fd_);
    unlink(path_.c_str());
  }

  absl::StatusOr<std::unique_ptr<File>> Open(absl::string_view bytes) {
    // In place: some file systems write a file out when it is replaced.
    EXPECT_EQ(pwrite(fd_, bytes.data(), bytes.size(), 0), bytes.size());
    EXPECT_EQ(ftruncate(fd_, bytes.size()), 0);
    return File::Open(path_);
  }

  // The message of the error that these bytes give.
  std::string Message(absl::string_view bytes) {
    const auto file = Open(bytes);
    if (file.ok()) return "opened";
    EXPECT_THAT(file.status().message(), HasSubstr(path_));
    return std::string(file.status().message());
  }

  int fd_;
  std::string path_;
};

TEST_F(FileTest, ReadsWhatAnotherHandWrote) {
  for (uint32_t version : {2, 3}) {
    const auto file = Open(SmallImage().With("version", version));
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ((*file)->version(), version);
    EXPECT_EQ((*file)->alignment(), 16u);
    EXPECT_EQ((*file)->data_offset(), SmallImage().at("data"));
    EXPECT_EQ(*(*file)->metadata().FindAs<bool>("b"), true);
    EXPECT_EQ(*(*file)->metadata().FindAs<Array>("arr"),
              (Array{std::vector<std::string>{"x", "yz"}}));
    EXPECT_EQ(*(*file)->metadata().FindAs<Array>("nest"),
              (Array{std::vector<Array>{Array{std::vector<uint32_t>{5}}}}));
    EXPECT_THAT(
        (*file)->tensors(),
        testing::ElementsAre(TensorInfo{"a", TensorType::kQ8_0, {32, 2}},
                             TensorInfo{"b", TensorType::kF32, {3}},
                             TensorInfo{"c", TensorType::kF32, {4}}));
    EXPECT_EQ((*file)->FindTensor("c"), 2u);
    EXPECT_EQ((*file)->FindTensor("d"), std::nullopt);
    std::vector<uint8_t> bytes(12);
    ASSERT_TRUE((*file)->ReadTensorBytes(1, 0, absl::MakeSpan(bytes)).ok());
    EXPECT_EQ(bytes, std::vector<uint8_t>(12, 2));
  }
}

Metadata EveryValueType() {
  Metadata metadata;
  metadata.Set("general.architecture", std::string("llama"));
  metadata.Set("u8", uint8_t{255});
  metadata.Set("i8", int8_t{-128});
  metadata.Set("u16", uint16_t{65535});
  metadata.Set("i16", int16_t{-2});
  metadata.Set("u32", uint32_t{4000000000});
  metadata.Set("i32", int32_t{-3});
  metadata.Set("f32", 1.5f);
  metadata.Set("bool", false);
  metadata.Set("text", std::string("a\0b\xff", 4));
  metadata.Set("u64", uint64_t{1} << 63);
  metadata.Set("i64", int64_t{-4});
  metadata.Set("f64", -0.1);
  metadata.SetArray<uint8_t>("[u8]", {1, 2});
  metadata.SetArray<int16_t>("[i16]", {-1});
  metadata.SetArray<float>("[f32]", std::vector<float>(50000, 0.25f));
  metadata.SetArray<bool>("[bool]", {true, false, true});
  metadata.SetArray<std::string>("[text]", {"", "x", std::string(70000, 'y')});
  metadata.SetArray<double>("[f64]", {});
  metadata.SetArray<uint64_t>("[u64]", {uint64_t{1} << 40});
  metadata.SetArray<Array>("[[ ]]", {Array{std::vector<int8_t>{-1}},
                                     Array{std::vector<std::string>{"z"}}});
  return metadata;
}

TEST_F(FileTest, RoundTripThroughTheLayout) {
  const std::vector<TensorInfo> tensors = {
      {"token_embd.weight", TensorType::kQ4_K, {512, 3}},
      {"blk.0.attn_norm.weight", TensorType::kF32, {7}},
      {"blk.0.ffn_up_exps.weight", TensorType::kMXFP4, {32, 3, 2, 1}}};
  std::vector<std::vector<uint8_t>> data;
  for (const TensorInfo& tensor : tensors) {
    data.emplace_back(*TensorBytes(tensor));
    std::iota(data.back().begin(), data.back().end(), uint8_t(data.size()));
  }
  WriteFile(path_, EveryValueType(), tensors, data);

  const auto file = File::Open(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->metadata(), EveryValueType());
  EXPECT_EQ((*file)->tensors(), absl::MakeConstSpan(tensors));
  const auto layout = PlanLayout(EveryValueType(), tensors);
  EXPECT_EQ((*file)->size(), layout->file_size);
  for (size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ((*file)->placement(i).offset, layout->tensors[i].offset);
    std::vector<uint8_t> back(data[i].size());
    ASSERT_TRUE((*file)->ReadTensorBytes(i, 0, absl::MakeSpan(back)).ok());
    EXPECT_EQ(back, data[i]);
  }
}

TEST_F(FileTest, ReadsOnlyWithinATensor) {
  const auto file = Open(SmallImage().bytes());
  ASSERT_TRUE(file.ok());
  std::vector<uint8_t> out(10);
  const auto read = [&](size_t tensor, uint64_t offset) {
    return (*file)->ReadTensorBytes(tensor, offset, absl::MakeSpan(out));
  };
  EXPECT_TRUE(read(1, 2).ok());
  EXPECT_EQ(read(1, 3).code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(read(1, ~uint64_t{0}).code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(read(3, 0).code(), absl::StatusCode::kOutOfRange);
  ASSERT_EQ(truncate(path_.c_str(), (*file)->data_offset() + 85), 0);
  const absl::Status cut = read(1, 0);
  EXPECT_EQ(cut.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(cut.message(), AllOf(HasSubstr(path_), HasSubstr("tensor 'b'")));
}

TEST_F(FileTest, EveryPrefixIsAnError) {
  const std::string whole = SmallImage().bytes();
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto file = Open(absl::string_view(whole).substr(0, size));
    EXPECT_FALSE(file.ok()) << size;
    EXPECT_THAT(file.status().message(), HasSubstr(path_));
  }
}

TEST_F(FileTest, ThePaddingAtTheEndMayBeMissing) {
  Image image;
  image.Raw("GGUF").U32("version", 3).U64("tensors", 1).U64("keys", 0);
  image.String("name", "t").U32("dims", 1).U64("d0", 3).U32("type", 0);
  image.U64("offset", 0).Pad(32).Raw(std::string(12, '\1'));
  EXPECT_TRUE(Open(image.bytes()).ok());
  EXPECT_TRUE(Open(image.bytes() + std::string(20, '\0')).ok());
  EXPECT_THAT(Message(image.bytes() + std::string(21, '\0')),
              HasSubstr("1 bytes after the end of its last tensor"));
  EXPECT_THAT(Message(image.bytes() + "\1"),
              HasSubstr("the padding after tensor 't' has 1"));
}

TEST_F(FileTest, NotThisKindOfFile) {
  EXPECT_THAT(Message(""), HasSubstr("not a GGUF file: it has 0 bytes"));
  EXPECT_THAT(Message("ggjt\3\0\0\0"), HasSubstr("begins with 'ggjt'"));
  const Image image = SmallImage();
  EXPECT_THAT(Message(image.With("version", uint32_t{0x03000000})),
              HasSubstr("a big-endian GGUF file (version 3)"));
  EXPECT_THAT(Message(image.With("version", uint32_t{1})),
              HasSubstr("GGUF version 1, expected 2 or 3"));
  EXPECT_THAT(Message(image.With("version", uint32_t{4})),
              HasSubstr("GGUF version 4, expected 2 or 3"));
  EXPECT_THAT(Message(image.With("version", uint32_t{0})),
              HasSubstr("GGUF version 0"));
  EXPECT_EQ(File::Open("/nonexistent.gguf").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_THAT(File::Open("/").status().message(),
              HasSubstr("/ is not a regular file"));
}

constexpr uint64_t kHuge[] = {uint64_t{1} << 20, uint64_t{1} << 40,
                              uint64_t{1} << 61, uint64_t{1} << 63,
                              ~uint64_t{0}};

TEST_F(FileTest, CountsBeyondTheFile) {
  const Image image = SmallImage();
  for (uint64_t count : kHuge) {
    EXPECT_THAT(Message(image.With("tensors", count)),
                HasSubstr(absl::StrCat("tensor count is ", count)));
    EXPECT_THAT(Message(image.With("keys", count)),
                HasSubstr(absl::StrCat("key count is ", count)));
    for (const char* array : {"count", "inner count", "outer count"}) {
      EXPECT_THAT(Message(image.With(array, count)),
                  HasSubstr(absl::StrCat("array element count is ", count)));
    }
  }
  for (const char* field :
       {"tensors", "keys", "count", "inner count", "outer count"}) {
    for (uint64_t count : {0, 1, 2, 3, 4, 5, 6}) {
      const std::string changed = image.With(field, count);
      if (changed != image.bytes()) {
        EXPECT_NE(Message(changed), "opened") << field << " " << count;
      }
    }
  }
}

TEST_F(FileTest, LengthsBeyondTheFile) {
  const Image image = SmallImage();
  for (const char* field :
       {"key0 length", "key1 length", "key2 length", "s0 length", "s1 length",
        "name0 length", "name1 length", "name2 length"}) {
    for (uint64_t length : kHuge) {
      EXPECT_THAT(Message(image.With(field, length)),
                  AnyOf(HasSubstr(absl::StrCat(length, " bytes")),
                        HasSubstr(absl::StrCat(length, " more bytes"))));
    }
    for (uint64_t length = 0; length < 64; ++length) {
      const std::string changed = image.With(field, length);
      if (changed != image.bytes()) {
        EXPECT_NE(Message(changed), "opened") << field << " " << length;
      }
    }
  }
  EXPECT_THAT(Message(image.With("s0 length", uint64_t{1} << 20)),
              HasSubstr("key 'arr'"));
}

// A header of holes: eight bytes of the file for a string, twelve for an array,
// none of them on the disk.
TEST_F(FileTest, SparseHeadersDoNotFillTheMemory) {
  for (const uint32_t element : {uint32_t{8}, uint32_t{9}}) {
    Image image;
    image.Raw("GGUF").U32("version", 3).U64("tensors", 0).U64("keys", 1);
    image.String("key", "k").U32("type", 9).U32("element type", element);
    image.U64("count", (kMaxHeaderBytes - 100) / (element == 8 ? 8 : 12));
    ASSERT_TRUE(Open(image.bytes()).status().code() ==
                absl::StatusCode::kDataLoss);
    ASSERT_EQ(ftruncate(fd_, kMaxHeaderBytes), 0);
    EXPECT_THAT(File::Open(path_).status().message(),
                AllOf(HasSubstr("key 'k'"), HasSubstr("128 MiB of memory")));
  }
}

TEST_F(FileTest, WrongTypes) {
  const Image image = SmallImage();
  for (const char* field : {"type0", "type1", "type2", "element type",
                            "outer type", "inner type"}) {
    for (uint32_t type : {13u, 255u, 0x80000000u, ~0u}) {
      EXPECT_THAT(
          Message(image.With(field, type)),
          HasSubstr(absl::StrCat("value type ", type, ", expected 0 to 12")));
    }
    for (uint32_t type = 0; type <= 12; ++type) {
      const std::string changed = image.With(field, type);
      // A 4-byte value may be called any type of 4 bytes.
      const bool same_size =
          absl::string_view(field) == "inner type" && (type == 5 || type == 6);
      const bool byte = absl::string_view(field) == "type1" && type <= 1;
      if (changed != image.bytes() && !same_size && !byte) {
        EXPECT_NE(Message(changed), "opened") << field << " " << type;
      }
    }
  }
  for (uint32_t type : {4u, 5u, 31u, 38u, 43u, ~0u}) {
    EXPECT_THAT(Message(image.With("tensor type1", type)),
                AllOf(HasSubstr("tensor 'b'"),
                      HasSubstr(absl::StrCat("tensor type ", type,
                                             " is not a known type"))));
  }
  EXPECT_THAT(Message(image.With("tensor type1", uint32_t{12})),
              HasSubstr("tensor 'b' with shape [3]: rows of 3 elements are no "
                        "multiple of the 256 in a block of Q4_K"));
  EXPECT_THAT(Message(image.With("tensor type0", uint32_t{0})),
              HasSubstr("tensor 'a' has 256 bytes of data"));
  EXPECT_THAT(Message(image.With("bool", uint8_t{2})),
              HasSubstr("key 'b': a BOOL of 2, expected 0 or 1"));
}

TEST_F(FileTest, WrongOffsets) {
  const Image image = SmallImage();
  for (uint64_t offset :
       {uint64_t{16}, uint64_t{1}, uint64_t{1} << 63, ~uint64_t{0}}) {
    EXPECT_THAT(Message(image.With("offset0", offset)),
                HasSubstr(absl::StrCat("tensor 'a' has offset ", offset,
                                       ", expected 0")));
    EXPECT_THAT(Message(image.With("offset2", offset)),
                HasSubstr(absl::StrCat("tensor 'c' has offset ", offset,
                                       ", expected 96")));
  }
}

TEST_F(FileTest, WrongDimensions) {
  const Image image = SmallImage();
  for (const char* field : {"dims0", "dims1", "dims2"}) {
    for (uint32_t count : {0u, 5u, ~0u}) {
      EXPECT_THAT(Message(image.With(field, count)),
                  HasSubstr(absl::StrCat(count,
                                         " dimensions, expected 1 to "
                                         "4")));
    }
    for (uint32_t count : {1, 2, 3, 4}) {
      const std::string changed = image.With(field, count);
      if (changed == image.bytes()) continue;
      EXPECT_NE(Message(changed), "opened") << field << " " << count;
    }
  }
  EXPECT_THAT(Message(image.With("a1", uint64_t{0})),
              HasSubstr("tensor 'a' with shape [32, 0]: a dimension is 0"));
  EXPECT_THAT(Message(image.With("a1", uint64_t{1} << 60)),
              HasSubstr("more than 2^63 - 1 elements"));
}

TEST_F(FileTest, DimensionsThatChangeTheSize) {
  const Image image = SmallImage();
  EXPECT_THAT(Message(image.With("a0", uint64_t{1} << 57)),
              HasSubstr("tensor 'a' has"));
  EXPECT_THAT(Message(image.With("a1", uint64_t{3})),
              HasSubstr("the padding after tensor 'a' has 3"));
  EXPECT_THAT(Message(image.With("a1", uint64_t{1})),
              HasSubstr("the padding after tensor 'a' has 1"));
  EXPECT_THAT(Message(image.With("b0", uint64_t{2})),
              HasSubstr("the padding after tensor 'b' has 2"));
  EXPECT_THAT(Message(image.With("b0", uint64_t{5})),
              HasSubstr("the padding after tensor 'b' has 3"));
  EXPECT_THAT(Message(image.With("c0", uint64_t{5})),
              HasSubstr("4 bytes too early"));
  EXPECT_THAT(Message(image.With("c0", uint64_t{3})),
              HasSubstr("the padding after tensor 'c' has 3"));
}

TEST_F(FileTest, WrongAlignment) {
  const Image image = SmallImage();
  EXPECT_THAT(Message(image.With("alignment", uint32_t{0})),
              HasSubstr("general.alignment' is 0, expected a power of two"));
  EXPECT_THAT(Message(image.With("alignment", uint32_t{24})),
              HasSubstr("is 24, expected a power of two"));
  EXPECT_THAT(Message(image.With("type0", uint32_t{5})),
              HasSubstr("has type INT32, expected UINT32"));
  EXPECT_THAT(Message(image.With("alignment", uint32_t{1} << 17)),
              HasSubstr("is 131072, expected a power of two up to 65536"));
  for (uint32_t shift = 0; shift < 32; ++shift) {
    if (shift != 4) {
      EXPECT_NE(Message(image.With("alignment", uint32_t{1} << shift)),
                "opened")
          << shift;
    }
  }
}

TEST_F(FileTest, RepeatedAndUnprintableNames) {
  const Image image = SmallImage();
  EXPECT_THAT(Message(image.With("name1", 'a')),
              HasSubstr("tensor 'a': the tensor is there twice"));
  EXPECT_THAT(Message(image.With("name1", '\n')),
              HasSubstr("the name '\\n' has a control character"));
  EXPECT_THAT(Message(image.With("key1", '\0')),
              HasSubstr("has a control character"));
  EXPECT_THAT(Message(image.With("name1 length", uint64_t{0})),
              HasSubstr("tensor number 1: the name is empty"));
  Image twice;
  twice.Raw("GGUF").U32("version", 3).U64("tensors", 0).U64("keys", 2);
  for (int i = 0; i < 2; ++i) {
    twice.String("key", "k").U32("type", 0).Number("value", uint8_t{1});
  }
  EXPECT_THAT(Message(twice.bytes()),
              HasSubstr("key 'k': the key is there twice"));
}

TEST_F(FileTest, ArraysNestedTooDeep) {
  Image image;
  image.Raw("GGUF").U32("version", 3).U64("tensors", 0).U64("keys", 1);
  image.String("key", "k").U32("type", 9);
  for (int i = 0; i < 100000; ++i) image.U32("array", 9).U64("count", 1);
  image.U32("element", 0).U64("count", 0);
  EXPECT_THAT(Message(image.bytes()),
              HasSubstr("key 'k': arrays nested deeper than 4 levels"));
}

TEST_F(FileTest, PaddingMustBeZero) {
  EXPECT_THAT(Message(SmallImage().With("padding", uint8_t{9})),
              HasSubstr("the padding after tensor 'a' has 9"));
  std::string before_data = SmallImage().bytes();
  before_data[SmallImage().at("data") - 1] = 7;
  EXPECT_THAT(Message(before_data),
              HasSubstr("the padding between header and data has 7"));
}

// No byte, whatever its value, makes the reader crash or read outside.
TEST_F(FileTest, FlippedBytes) {
  const std::string whole = SmallImage().bytes();
  std::vector<uint8_t> out(68);
  for (size_t i = 0; i < whole.size(); ++i) {
    for (int mask : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ mask);
      const auto file = Open(changed);
      if (!file.ok()) continue;
      for (size_t t = 0; t < (*file)->tensors().size(); ++t) {
        out.resize((*file)->placement(t).bytes);
        EXPECT_TRUE((*file)->ReadTensorBytes(t, 0, absl::MakeSpan(out)).ok());
      }
    }
  }
}

TEST_F(FileTest, SeveralWildBytes) {
  std::mt19937 random(20240229);
  const std::string whole = SmallImage().bytes();
  const size_t header = SmallImage().at("data");
  for (int round = 0; round < 5000; ++round) {
    std::string changed = whole;
    for (int n = 1 + random() % 8; n > 0; --n) {
      changed[8 + random() % (header - 8)] = static_cast<char>(random());
    }
    const auto file = Open(changed);
    if (!file.ok()) continue;
    EXPECT_LE((*file)->tensors().size(), 3u);
  }
}

}  // namespace
}  // namespace gguf
