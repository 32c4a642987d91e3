#include "converters/checkpoint/pytorch.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/checkpoint/element_type.h"
#include "converters/checkpoint/file.h"
#include "converters/checkpoint/memory_file.h"
#include "converters/checkpoint/pickle_writer.h"
#include "converters/checkpoint/stored_tensor.h"
#include "converters/checkpoint/zip_writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Tensors = absl::StatusOr<std::vector<StoredTensor>>;

Tensors Parse(std::string bytes) {
  return ReadPyTorch(std::make_shared<MemoryFile>(std::move(bytes), "d/m.bin"),
                     "m.bin");
}

std::string Floats(std::initializer_list<float> values) {
  return std::string(reinterpret_cast<const char*>(values.begin()),
                     4 * values.size());
}

// As torch.save lays it out: storages "0", "1", … and a file about byte order.
std::string Zip(absl::string_view pickle, const std::vector<std::string>& data,
                absl::string_view byteorder = "little") {
  ZipWriter writer;
  writer.Add("m/data.pkl", pickle).Add("m/byteorder", byteorder);
  for (size_t i = 0; i < data.size(); ++i) {
    writer.Add(absl::StrCat("m/data/", i), data[i]);
  }
  writer.Add("m/version", "3\n");
  return writer.Finish();
}

// A state dictionary of what `write` writes for the key "w".
std::string StateOf(const std::function<void(PickleWriter&)>& write) {
  PickleWriter writer;
  writer.OrderedDict().Mark().String("w");
  write(writer);
  return writer.SetItems().Stop();
}

std::vector<float> ReadAll(const Tensors& tensors, size_t index) {
  if (!tensors.ok()) return {};
  StoredTensorSource source(*tensors);
  std::vector<float> values(source.tensors()[index].elements());
  const absl::Status status = source.Read(index, 0, absl::MakeSpan(values));
  EXPECT_TRUE(status.ok()) << status;
  return values;
}

TEST(PyTorchTest, ViewsOfASharedStorageInTheDictionarysOrder) {
  PickleWriter writer;
  writer.OrderedDict().Mark();
  writer.String("z").Tensor("FloatStorage", "0", 6, 0, {2, 3}, {3, 1});
  writer.String("a").Tensor("FloatStorage", "0", 6, 0, {3, 2}, {1, 3});
  writer.String("m").Tensor("FloatStorage", "0", 6, 4, {2}, {1});
  writer.String("s").Tensor("LongStorage", "1", 1, 0, {}, {});
  writer.String("e").Tensor("FloatStorage", "0", 6, 5, {4}, {0});
  const auto tensors =
      Parse(Zip(writer.SetItems().Stop(),
                {Floats({0, 1, 2, 3, 4, 5}), Bytes<int64_t>(-7)}));
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  ASSERT_EQ(tensors->size(), 5);
  EXPECT_EQ((*tensors)[0].name, "z");
  EXPECT_EQ((*tensors)[0].file, "m.bin");
  EXPECT_TRUE((*tensors)[0].strides.empty());
  EXPECT_THAT(ReadAll(tensors, 0), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(ReadAll(tensors, 1), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(ReadAll(tensors, 2), ElementsAre(4, 5));
  EXPECT_THAT(ReadAll(tensors, 3), ElementsAre(-7));
  EXPECT_THAT(ReadAll(tensors, 4), ElementsAre(5, 5, 5, 5));
}

TEST(PyTorchTest, ParametersSizesAndMetadata) {
  PickleWriter writer;
  writer.OrderedDict().Mark().String("p");
  writer.Global("torch._utils", "_rebuild_parameter")
      .Mark()
      .Tensor("HalfStorage", "0", 2, 0, {2}, {1})
      .False()
      .OrderedDict()
      .Tuple()
      .Reduce();
  writer.String("v1")
      .Global("torch._utils", "_rebuild_tensor")
      .Mark()
      .Storage("HalfStorage", "0", 2)
      .Int(1)
      .Global("torch", "Size")
      .Mark()
      .Ints({1, 1})
      .Tuple()
      .Reduce()
      .Ints({1, 1})
      .Tuple()
      .Reduce();
  writer.SetItems();
  writer.EmptyDict().Mark().String("_metadata").OrderedDict().SetItems();
  const auto tensors =
      Parse(Zip(writer.Build().Stop(), {std::string("\0\x3C\0\xC0", 4)}));
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  EXPECT_THAT(ReadAll(tensors, 0), ElementsAre(1, -2));
  EXPECT_THAT(ReadAll(tensors, 1), ElementsAre(-2));
}

TEST(PyTorchTest, UntypedStoragesOfNewerTypes) {
  const auto tensors =
      Parse(Zip(StateOf([](PickleWriter& writer) {
                  writer.Global("torch._utils", "_rebuild_tensor_v3")
                      .Mark()
                      .Mark()
                      .String("storage")
                      .Global("torch.storage", "UntypedStorage")
                      .String("0")
                      .String("cpu")
                      .Int(3)
                      .Tuple()
                      .PersistentId()
                      .Int(1)
                      .Ints({2})
                      .Ints({1})
                      .False()
                      .OrderedDict()
                      .Global("torch", "float8_e4m3fn")
                      .Tuple()
                      .Reduce();
                }),
                {"\x30\x38\xC0"}));
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  EXPECT_THAT(ReadAll(tensors, 0), ElementsAre(1, -2));
}

// The old format of one float tensor "w" of two elements.
std::string Legacy(bool little_endian = true, uint64_t elements = 2,
                   absl::string_view listed = "7") {
  PickleWriter system;
  system.EmptyDict().Mark().String("little_endian");
  system.Raw(little_endian ? "\x88" : "\x89").SetItems();
  const std::string state = StateOf([](PickleWriter& writer) {
    writer.Global("torch._utils", "_rebuild_tensor_v2")
        .Mark()
        .Mark()
        .String("storage")
        .Global("torch", "FloatStorage")
        .String("7")
        .String("cuda:0")
        .Int(2)
        .None()
        .Tuple()
        .PersistentId()
        .Int(0)
        .Ints({2})
        .Ints({1})
        .False()
        .OrderedDict()
        .Tuple()
        .Reduce();
  });
  return absl::StrCat(
      PickleWriter()
          .Raw("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")
          .Stop(),
      PickleWriter().Int(1001).Stop(), system.Stop(), state,
      PickleWriter().EmptyList().Mark().String(listed).Appends().Stop(),
      absl::StrCat(Bytes(elements), Floats({1.5, -2})));
}

TEST(PyTorchTest, OldFormat) {
  const auto tensors = Parse(Legacy());
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  ASSERT_EQ(tensors->size(), 1);
  EXPECT_THAT(ReadAll(tensors, 0), ElementsAre(1.5, -2));
}

TEST(PyTorchTest, OldFormatDamaged) {
  EXPECT_EQ(Parse(Legacy(/*little_endian=*/false)).status().code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_THAT(Parse(Legacy(true, 3)).status().message(),
              HasSubstr("has 3 elements, its pickle says 2"));
  EXPECT_THAT(Parse(Legacy(true, 2, "8")).status().message(),
              HasSubstr("d/m.bin: its list of storages"));
  EXPECT_THAT(Parse(Legacy() + "x").status().message(),
              HasSubstr("1 bytes follow its last storage"));
  const std::string whole = Legacy();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(Parse(whole.substr(0, size)).status().code(),
              absl::StatusCode::kDataLoss)
        << size;
  }
}

void ExpectRefused(const std::string& bytes, absl::StatusCode code,
                   absl::string_view message) {
  const absl::Status status = Parse(bytes).status();
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_THAT(status.message(), HasSubstr("m.bin"));
  EXPECT_THAT(status.message(), HasSubstr(message));
}

// A dictionary of one plain tensor, for the zip format.
std::string StateOfTensor(absl::string_view type, int64_t elements,
                          int64_t offset, std::initializer_list<int64_t> shape,
                          std::initializer_list<int64_t> strides) {
  return StateOf([&](PickleWriter& writer) {
    writer.Tensor(type, "0", elements, offset, shape, strides);
  });
}

TEST(PyTorchTest, ExtentsAreCheckedAgainstStoragesAndStoragesAgainstMembers) {
  constexpr auto kDataLoss = absl::StatusCode::kDataLoss;
  const std::string data = Floats({1, 2, 3, 4});
  const auto zip = [&](int64_t elements, int64_t offset,
                       std::initializer_list<int64_t> shape,
                       std::initializer_list<int64_t> strides) {
    return Zip(StateOfTensor("FloatStorage", elements, offset, shape, strides),
               {data});
  };
  EXPECT_TRUE(Parse(zip(4, 0, {2, 2}, {2, 1})).ok());
  ExpectRefused(zip(4, 1, {4}, {1}), kDataLoss, "reaches beyond");
  ExpectRefused(zip(4, 0, {2, 2}, {3, 1}), kDataLoss, "reaches beyond");
  ExpectRefused(zip(4, 5, {0}, {1}), kDataLoss, "reaches beyond");
  ExpectRefused(zip(5, 0, {4}, {1}), kDataLoss,
                "has 16 bytes, its pickle says 20");
  ExpectRefused(zip(3, 0, {3}, {1}), kDataLoss, "its pickle says 12");
  ExpectRefused(zip(int64_t{1} << 62, 0, {4}, {1}), kDataLoss, "more than");
  ExpectRefused(zip(4, -1, {4}, {1}), kDataLoss, "no offset");
  ExpectRefused(zip(4, int64_t{1} << 62, {4}, {1}), kDataLoss, "no offset");
  ExpectRefused(zip(4, 3, {4}, {-1}), kDataLoss, "strides that are no counts");
  ExpectRefused(zip(4, 0, {-4}, {1}), kDataLoss, "extents that are no counts");
  ExpectRefused(zip(4, 0, {4}, {1, 1}), kDataLoss, "strides");
  ExpectRefused(zip(4, 0, {int64_t{1} << 40, 2}, {0, 1}), kDataLoss,
                "repeats its elements");
  ExpectRefused(zip(4, 0, {int64_t{1} << 62, int64_t{1} << 62}, {0, 0}),
                kDataLoss, "is too large");
  ExpectRefused(zip(4, 0, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1}), kDataLoss,
                "has 9 extents");
}

TEST(PyTorchTest, StoragesThatContradictEachOther) {
  PickleWriter writer;
  writer.OrderedDict().Mark();
  writer.String("a").Tensor("FloatStorage", "0", 2, 0, {2}, {1});
  writer.String("b").Tensor("HalfStorage", "0", 4, 0, {4}, {1});
  ExpectRefused(Zip(writer.SetItems().Stop(), {Floats({1, 2})}),
                absl::StatusCode::kDataLoss, "entry \"b\" has a storage of 4");
}

TEST(PyTorchTest, WhatIsNoTensorIsRefusedByItsKey) {
  const auto expect = [](const std::function<void(PickleWriter&)>& write,
                         absl::string_view message) {
    ExpectRefused(Zip(StateOf(write), {}), absl::StatusCode::kDataLoss,
                  absl::StrCat("entry \"w\" ", message));
  };
  expect([](PickleWriter& w) { w.Int(1); }, "is no tensor");
  expect([](PickleWriter& w) { w.EmptyDict(); }, "is a dictionary");
  expect([](PickleWriter& w) { w.Global("torch", "Tensor"); }, "is no tensor");
  expect(
      [](PickleWriter& w) { w.Global("torch", "Size").EmptyTuple().Reduce(); },
      "is no tensor");
  expect(
      [](PickleWriter& w) {
        w.Global("torch._utils", "_rebuild_tensor_v2").EmptyTuple().Reduce();
      },
      "is no tensor");
  expect(
      [](PickleWriter& w) {
        w.Tensor("FloatStorage", "0", 1, 0, {1}, {1});
        w.String("w").Tensor("FloatStorage", "0", 1, 0, {1}, {1});
      },
      "occurs twice");
}

TEST(PyTorchTest, ParametersOfParametersEnd) {
  // Each wraps the one before.
  PickleWriter writer;
  writer.OrderedDict().Mark().String("w").None().Put(0);
  for (int i = 0; i < 10000; ++i) {
    writer.Raw("0")
        .Global("torch._utils", "_rebuild_parameter")
        .Mark()
        .Get(0)
        .Tuple()
        .Reduce()
        .Put(0);
  }
  ExpectRefused(Zip(writer.SetItems().Stop(), {}), absl::StatusCode::kDataLoss,
                "is no tensor");
}

TEST(PyTorchTest, ManyTensorsOfNothing) {
  PickleWriter writer;
  writer.OrderedDict();
  writer.String("x").Put(0).Raw("0").EmptyList().Put(1).Raw("0");
  for (int i = 0; i < 40000; ++i) {
    writer.Mark().String(absl::StrCat(i)).Get(1).SetItems();
  }
  ExpectRefused(Zip(writer.Stop(), {}), absl::StatusCode::kDataLoss,
                "40000 tensors, more than");
}

TEST(PyTorchTest, NothingButTensorsIsAskedFor) {
  ExpectRefused(Zip(StateOf([](PickleWriter& w) {
                      w.Global("os", "system").String("true").Raw("\x85R");
                    }),
                    {}),
                absl::StatusCode::kPermissionDenied, "os.system");
}

TEST(PyTorchTest, ArchivesThatAreNoStateDictionary) {
  constexpr auto kDataLoss = absl::StatusCode::kDataLoss;
  const std::string state = StateOf([](PickleWriter& w) { w.None(); });
  ExpectRefused(Zip(PickleWriter().EmptyList().Stop(), {}), kDataLoss,
                "something else than a dictionary");
  ExpectRefused(Zip(state, {}, "big"), absl::StatusCode::kUnimplemented,
                "byte order");
  ExpectRefused(
      ZipWriter().Add("m/data.pkl", state).Add("m/constants.pkl", "").Finish(),
      absl::StatusCode::kUnimplemented, "TorchScript");
  ExpectRefused(
      ZipWriter().Add("m/data.pkl", state).Add("n/data.pkl", state).Finish(),
      kDataLoss, "not all in one directory");
  ExpectRefused(ZipWriter().Add("data.pkl", state).Finish(), kDataLoss,
                "not all in one directory");
  ExpectRefused(ZipWriter().Add("m/version", "3").Finish(),
                absl::StatusCode::kNotFound, "data.pkl");
  ExpectRefused(Zip(StateOfTensor("FloatStorage", 1, 0, {1}, {1}), {}),
                absl::StatusCode::kNotFound, "m/data/0");
  ExpectRefused("", kDataLoss, "no file of torch.save");
  ExpectRefused("<html>", kDataLoss, "no file of torch.save");
  ExpectRefused("version https://git-lfs.github.com/spec/v1", kDataLoss,
                "git lfs pull");
  ExpectRefused(PickleWriter().EmptyDict().Stop(), kDataLoss,
                "none of torch.save");
}

TEST(PyTorchTest, DamagedDataIsFoundWhereverItIs) {
  const std::string state = StateOfTensor("FloatStorage", 4, 0, {4}, {1});
  const std::string data = Floats({1, 2, 3, 4});
  const std::string whole = Zip(state, {data});
  const std::string damaged =
      absl::StrReplaceAll(whole, {{data, Floats({1, 2, 3, 5})}});
  const auto tensors = Parse(damaged);
  ASSERT_TRUE(tensors.ok());
  StoredTensorSource source(*tensors);
  std::vector<float> values(2);
  EXPECT_TRUE(source.Read(0, 2, absl::MakeSpan(values)).ok());
  const absl::Status status = source.Read(0, 0, absl::MakeSpan(values));
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(status.message(), HasSubstr("tensor w: d/m.bin (\"m/data/0\")"));
  // And in the pickle, before it is interpreted.
  std::string pickle = whole;
  pickle[whole.find("torch")] = 'T';
  ExpectRefused(pickle, absl::StatusCode::kDataLoss, "CRC-32");
}

TEST(PyTorchTest, EveryPrefixIsRefused) {
  const std::string whole =
      Zip(StateOfTensor("FloatStorage", 2, 0, {2}, {1}), {Floats({1, 2})});
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(Parse(whole.substr(0, size)).status().code(),
              absl::StatusCode::kDataLoss)
        << size;
  }
}

TEST(PyTorchTest, AnyByteChangedIsReadOrRefusedButNeverMore) {
  for (const std::string& whole :
       {Zip(StateOfTensor("FloatStorage", 2, 0, {2}, {1}), {Floats({1, 2})}),
        Legacy()}) {
    for (size_t i = 0; i < whole.size(); ++i) {
      for (int byte : {0x00, 0x2E, 0x7F, 0x80, 0xFF}) {
        std::string changed = whole;
        changed[i] = static_cast<char>(byte);
        const auto tensors = Parse(changed);
        if (!tensors.ok()) continue;
        StoredTensorSource source(*tensors);
        for (size_t t = 0; t < tensors->size(); ++t) {
          std::vector<float> values(source.tensors()[t].elements());
          source.Read(t, 0, absl::MakeSpan(values)).IgnoreError();
        }
      }
    }
  }
}

// Files of torch.save itself; see testdata/README.md.
TEST(PyTorchTest, GenuineFiles) {
  for (absl::string_view name :
       {"zip", "zip_protocol4", "legacy", "legacy_protocol4"}) {
    SCOPED_TRACE(name);
    FilePool pool;
    auto file = pool.Open(
        absl::StrCat("converters/checkpoint/testdata/torch_", name, ".bin"));
    ASSERT_TRUE(file.ok()) << file.status();
    const auto tensors = ReadPyTorch(*file, "m.bin");
    ASSERT_TRUE(tensors.ok()) << tensors.status();
    ASSERT_EQ(tensors->size(), 9);
    EXPECT_EQ((*tensors)[0].name, "transposed");
    EXPECT_THAT(ReadAll(tensors, 0), ElementsAre(0, 3, 1, 4, 2, 5));
    EXPECT_EQ((*tensors)[1].name, "shared");
    EXPECT_THAT(ReadAll(tensors, 1), ElementsAre(1, 3, 5));
    EXPECT_EQ((*tensors)[2].name, "expanded");
    EXPECT_THAT(ReadAll(tensors, 2), ElementsAre(4, 4, 4, 5, 5, 5));
    EXPECT_EQ((*tensors)[3].name, "parameter");
    EXPECT_THAT(ReadAll(tensors, 3), ElementsAre(0.5, -2));
    EXPECT_EQ((*tensors)[4].name, "attributes");
    EXPECT_THAT(ReadAll(tensors, 4), ElementsAre(7));
    EXPECT_EQ((*tensors)[5].type, ElementType::kBF16);
    EXPECT_THAT(ReadAll(tensors, 5), ElementsAre(1, -0.5));
    EXPECT_THAT((*tensors)[6].shape, ElementsAre());
    EXPECT_THAT(ReadAll(tensors, 6), ElementsAre(-9));
    EXPECT_THAT((*tensors)[7].shape, ElementsAre(0, 3));
    EXPECT_THAT(ReadAll(tensors, 7), ElementsAre());
    EXPECT_THAT(ReadAll(tensors, 8), ElementsAre(1, 0, 1));
  }
}

}  // namespace
}  // namespace checkpoint
