#include "gguf/writer.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "gguf/file_ops.h"
#include "gguf/layout.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"
#include "gguf/tensor_type.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gguf {
namespace {

using ::testing::HasSubstr;

bool Exists(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

std::vector<uint8_t> Contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::vector<uint8_t>(std::istreambuf_iterator<char>(in), {});
}

void Put(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// Makes chosen calls fail.
class FaultyOps : public FileOps {
 public:
  int64_t Write(int fd, absl::Span<const uint8_t> bytes,
                uint64_t offset) override {
    if (write_error != 0 && offset >= fail_from) return -write_error;
    return FileOps::Write(fd, bytes.subspan(0, most_per_write), offset);
  }
  int Reserve(int fd, uint64_t size) override {
    return reserve_error != 0 ? -reserve_error : FileOps::Reserve(fd, size);
  }
  int Sync(int fd) override {
    return sync_error != 0 ? -sync_error : FileOps::Sync(fd);
  }
  int Rename(const std::string& from, const std::string& to,
             bool replace) override {
    if (!appears.empty()) Put(appears, "someone else's");
    if (rename_error != 0) return -rename_error;
    return FileOps::Rename(from, to, replace);
  }

  int write_error = 0;
  uint64_t fail_from = 0;
  size_t most_per_write = absl::Span<const uint8_t>::npos;
  int reserve_error = 0;
  int sync_error = 0;
  int rename_error = 0;
  std::string appears;  // made just before the rename
};

class WriterTest : public ::testing::Test {
 protected:
  WriterTest() {
    std::string name = absl::StrCat(::testing::TempDir(), "/writer.XXXXXX");
    directory_ = mkdtemp(name.data());
    path_ = absl::StrCat(directory_, "/model.gguf");
    metadata_.Set("general.architecture", std::string("llama"));
    tensors_ = {TensorInfo{"a.weight", TensorType::kQ8_0, {32, 3}},
                TensorInfo{"b.weight", TensorType::kF32, {5}}};
    options_.ops = &ops_;
  }
  ~WriterTest() override {
    for (const std::string& path : {path_, PartialPath(path_)}) {
      unlink(path.c_str());
    }
    rmdir(directory_.c_str());
  }

  absl::StatusOr<std::unique_ptr<Writer>> Create() {
    return Writer::Create(path_, metadata_, tensors_, options_);
  }

  // The tensor's data: bytes that differ.
  static std::vector<uint8_t> Data(const Writer& writer, size_t tensor) {
    std::vector<uint8_t> data(writer.layout().tensors[tensor].bytes);
    std::iota(data.begin(), data.end(), uint8_t(1 + 100 * tensor));
    return data;
  }

  static void WriteAll(Writer& writer) {
    for (size_t i = 0; i < writer.tensors().size(); ++i) {
      const absl::Status status = writer.Write(i, 0, Data(writer, i));
      ASSERT_TRUE(status.ok()) << status;
    }
  }

  // Header, then data and zeros, as the layout says.
  static std::vector<uint8_t> ExpectedFile(const Writer& writer) {
    std::vector<uint8_t> file = writer.layout().header;
    for (size_t i = 0; i < writer.tensors().size(); ++i) {
      file.resize(writer.layout().FileOffset(i));
      const std::vector<uint8_t> data = Data(writer, i);
      file.insert(file.end(), data.begin(), data.end());
    }
    file.resize(writer.layout().file_size);
    return file;
  }

  std::string directory_;
  std::string path_;
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
  FaultyOps ops_;
  WriterOptions options_;
};

TEST_F(WriterTest, FileAppearsWholeAtCommit) {
  auto writer = Create();
  ASSERT_TRUE(writer.ok()) << writer.status();
  EXPECT_FALSE(Exists(path_));
  EXPECT_EQ(Contents((*writer)->partial_path()).size(),
            (*writer)->layout().file_size);
  WriteAll(**writer);
  ASSERT_TRUE((*writer)->Commit().ok());
  EXPECT_EQ(Contents(path_), ExpectedFile(**writer));
  EXPECT_FALSE(Exists(PartialPath(path_)));
  EXPECT_FALSE((*writer)->Commit().ok());
  writer->reset();
  EXPECT_TRUE(Exists(path_));
}

TEST_F(WriterTest, ThreadsWriteRowsInAnyOrder) {
  tensors_[0].shape = {64, 7, 9};  // 63 rows of 68 bytes
  auto writer = Create();
  ASSERT_TRUE(writer.ok());
  const std::vector<uint8_t> data = Data(**writer, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int row = 62 - t; row >= 0; row -= 3) {
        const auto bytes = absl::MakeConstSpan(data).subspan(row * 68, 68);
        EXPECT_TRUE((*writer)->WriteRows(0, row, bytes).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE((*writer)->Write(1, 0, Data(**writer, 1)).ok());
  ASSERT_TRUE((*writer)->Commit().ok());
  EXPECT_EQ(Contents(path_), ExpectedFile(**writer));
}

TEST_F(WriterTest, ShortWritesAreContinued) {
  ops_.most_per_write = 7;
  auto writer = Create();
  ASSERT_TRUE(writer.ok());
  WriteAll(**writer);
  ASSERT_TRUE((*writer)->Commit().ok());
  EXPECT_EQ(Contents(path_), ExpectedFile(**writer));
}

TEST_F(WriterTest, DroppedWriterLeavesNothing) {
  {
    auto writer = Create();
    ASSERT_TRUE(writer.ok());
    WriteAll(**writer);
  }
  EXPECT_FALSE(Exists(path_));
  EXPECT_FALSE(Exists(PartialPath(path_)));
}

TEST_F(WriterTest, CommitNamesWhatIsMissing) {
  auto writer = Create();
  ASSERT_TRUE(writer.ok());
  const std::vector<uint8_t> data = Data(**writer, 0);
  const auto bytes = absl::MakeConstSpan(data);
  ASSERT_TRUE((*writer)->Write(0, 0, bytes.subspan(0, 40)).ok());
  ASSERT_TRUE((*writer)->Write(0, 50, bytes.subspan(50)).ok());
  ASSERT_TRUE((*writer)->Write(1, 0, Data(**writer, 1)).ok());
  const absl::Status status = (*writer)->Commit();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(),
              HasSubstr("tensor 'a.weight' is incomplete: byte 40 of 102"));
  EXPECT_FALSE(Exists(path_));
  ASSERT_TRUE((*writer)->Write(0, 40, bytes.subspan(40, 10)).ok());
  EXPECT_TRUE((*writer)->Commit().ok());
}

TEST_F(WriterTest, RefusesBytesOutsideOfTheTensor) {
  auto writer = Create();
  ASSERT_TRUE(writer.ok());
  const std::vector<uint8_t> bytes(34);
  EXPECT_EQ((*writer)->Write(0, 69, bytes).code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ((*writer)->Write(0, ~uint64_t{0}, bytes).code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ((*writer)->Write(2, 0, bytes).code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_TRUE((*writer)->WriteRows(0, 2, bytes).ok());
  EXPECT_EQ((*writer)->WriteRows(0, 3, bytes).code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ((*writer)->WriteRows(0, uint64_t{1} << 63, bytes).code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(
      (*writer)->WriteRows(0, 0, absl::MakeConstSpan(bytes).subspan(1)).code(),
      absl::StatusCode::kOutOfRange);
}

TEST_F(WriterTest, DoesNotOverwriteUnlessAsked) {
  Put(path_, "old");
  const auto refused = Create();
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(refused.status().message(), HasSubstr(path_));
  EXPECT_FALSE(Exists(PartialPath(path_)));

  options_.overwrite = true;
  auto writer = Create();
  ASSERT_TRUE(writer.ok());
  WriteAll(**writer);
  EXPECT_EQ(Contents(path_).size(), 3u);
  ASSERT_TRUE((*writer)->Commit().ok());
  EXPECT_EQ(Contents(path_), ExpectedFile(**writer));
}

TEST_F(WriterTest, AFileThatAppearsMeanwhileIsKept) {
  ops_.appears = path_;
  {
    auto writer = Create();
    ASSERT_TRUE(writer.ok());
    WriteAll(**writer);
    EXPECT_EQ((*writer)->Commit().code(), absl::StatusCode::kAlreadyExists);
  }
  EXPECT_EQ(Contents(path_).size(), std::string("someone else's").size());
  EXPECT_FALSE(Exists(PartialPath(path_)));
}

TEST_F(WriterTest, FullDiskShowsAtOnce) {
  ops_.reserve_error = ENOSPC;
  options_.keep_partial = true;
  const auto writer = Create();
  EXPECT_EQ(writer.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(writer.status().message(), HasSubstr("no space left"));
  const auto layout = PlanLayout(metadata_, tensors_);
  EXPECT_THAT(writer.status().message(),
              HasSubstr(absl::StrCat("needs ", layout->file_size, " bytes")));
  EXPECT_FALSE(Exists(PartialPath(path_)));
}

TEST_F(WriterTest, WriteErrorsNameFileAndTensor) {
  auto writer = Create();
  ASSERT_TRUE(writer.ok());
  ops_.fail_from = (*writer)->layout().FileOffset(1);
  ops_.write_error = EIO;
  EXPECT_TRUE((*writer)->Write(0, 0, Data(**writer, 0)).ok());
  const absl::Status status = (*writer)->Write(1, 0, Data(**writer, 1));
  EXPECT_THAT(status.message(), HasSubstr(PartialPath(path_)));
  EXPECT_THAT(status.message(), HasSubstr("tensor 'b.weight'"));
  ops_.write_error = ENOSPC;
  EXPECT_EQ((*writer)->Write(1, 0, Data(**writer, 1)).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ((*writer)->Commit().code(), absl::StatusCode::kFailedPrecondition);
  writer->reset();
  EXPECT_FALSE(Exists(path_));
}

TEST_F(WriterTest, FailedSyncOrRenameLeavesNoFile) {
  for (int* fault : {&ops_.sync_error, &ops_.rename_error}) {
    auto writer = Create();
    ASSERT_TRUE(writer.ok());
    WriteAll(**writer);
    *fault = EIO;
    EXPECT_FALSE((*writer)->Commit().ok());
    EXPECT_FALSE(Exists(path_));
    *fault = 0;
    EXPECT_TRUE((*writer)->Commit().ok());
    writer->reset();
    unlink(path_.c_str());
  }
}

TEST_F(WriterTest, FileSizeLimitIsAnError) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small = {100, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto writer = Create();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(writer.ok());
  EXPECT_FALSE(Exists(PartialPath(path_)));
}

TEST_F(WriterTest, NoSuchDirectory) {
  const auto writer =
      Writer::Create(absl::StrCat(directory_, "/none/model.gguf"), metadata_,
                     tensors_, options_);
  EXPECT_EQ(writer.status().code(), absl::StatusCode::kNotFound);
}

TEST_F(WriterTest, TwoWritersOfOneFileDoNotMeet) {
  auto first = Create();
  ASSERT_TRUE(first.ok());
  const auto second = Create();
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(second.status().message(), HasSubstr("another process"));
  WriteAll(**first);
  EXPECT_TRUE((*first)->Commit().ok());
}

TEST_F(WriterTest, ResumesWhatAnEarlierWriterLeft) {
  options_.keep_partial = true;
  std::vector<uint8_t> data;
  {
    auto writer = Create();
    ASSERT_TRUE(writer.ok());
    EXPECT_FALSE((*writer)->resumed());
    EXPECT_EQ((*writer)->MarkWritten(0, 0, 34).code(),
              absl::StatusCode::kFailedPrecondition);
    data = Data(**writer, 0);
    ASSERT_TRUE((*writer)->Write(0, 0, data).ok());
    ASSERT_TRUE((*writer)->Sync().ok());
  }
  ASSERT_TRUE(Exists(PartialPath(path_)));

  options_.resume = true;
  auto writer = Create();
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE((*writer)->resumed());
  EXPECT_FALSE((*writer)->Commit().ok());  // nothing is taken for granted
  std::vector<uint8_t> back(data.size());
  ASSERT_TRUE((*writer)->ReadBack(0, 0, absl::MakeSpan(back)).ok());
  EXPECT_EQ(back, data);
  EXPECT_EQ((*writer)->MarkWritten(0, 100, 3).code(),
            absl::StatusCode::kOutOfRange);
  ASSERT_TRUE((*writer)->MarkWritten(0, 0, data.size()).ok());
  ASSERT_TRUE((*writer)->Write(1, 0, Data(**writer, 1)).ok());
  ASSERT_TRUE((*writer)->Commit().ok());
  EXPECT_EQ(Contents(path_), ExpectedFile(**writer));
}

TEST_F(WriterTest, OtherPartialFilesAreBegunAnew) {
  options_.resume = true;
  Put(PartialPath(path_), "not what we are going to write");
  {
    auto writer = Create();
    ASSERT_TRUE(writer.ok());
    EXPECT_FALSE((*writer)->resumed());
  }
  options_.keep_partial = true;
  {
    auto writer = Create();
    ASSERT_TRUE(writer.ok());
  }
  metadata_.Set("general.architecture", std::string("gguff"));  // same size
  auto writer = Create();
  ASSERT_TRUE(writer.ok());
  EXPECT_FALSE((*writer)->resumed());
  WriteAll(**writer);
  ASSERT_TRUE((*writer)->Commit().ok());
  EXPECT_EQ(Contents(path_), ExpectedFile(**writer));
}

}  // namespace
}  // namespace gguf
