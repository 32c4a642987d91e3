#include "tools/engine/journal.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace make_gguf {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint32_t kChunks = 1000;

JournalHead Head(const std::string& size,
                 const std::string& output = "m-Q8_0.gguf") {
  JournalHead head;
  auto* fact = head.add_facts();
  fact->set_name("weights file a.safetensors");
  fact->set_value(size);
  head.add_outputs(output);
  return head;
}

class JournalTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove(path_); }

  std::unique_ptr<Journal> Open(const std::string& size, bool resume = true) {
    auto journal = Journal::Open(path_, Head(size), kChunks, resume);
    EXPECT_TRUE(journal.ok()) << journal.status();
    if (!journal.ok()) return nullptr;
    EXPECT_TRUE((*journal)->Begin(1000).ok());
    return *std::move(journal);
  }

  std::string Content() const {
    std::ifstream file(path_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  void SetContent(const std::string& content) const {
    std::ofstream(path_, std::ios::binary) << content;
  }

  const std::string path_ =
      testing::TempDir() + "/" +
      testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(JournalTest, RemembersWhatIsFinished) {
  {
    auto journal = Open("1");
    EXPECT_FALSE(journal->resumed());
    EXPECT_EQ(journal->restart_reason(), "");
    EXPECT_TRUE(journal->Add(3, {7u, 8u}).ok());
    EXPECT_TRUE(journal->Add(0, {9u}).ok());
  }
  auto journal = Open("1");
  EXPECT_TRUE(journal->resumed());
  EXPECT_THAT(journal->committing(), IsEmpty());
  ASSERT_THAT(journal->finished(), SizeIs(2));
  EXPECT_THAT(journal->finished().at(3), ElementsAre(7, 8));
  EXPECT_THAT(journal->finished().at(0), ElementsAre(9));
}

TEST_F(JournalTest, RemembersCommitting) {
  EXPECT_TRUE(Open("1")->AddCommit({"abc", "def"}).ok());
  EXPECT_THAT(Open("1")->committing(), ElementsAre("abc", "def"));
}

TEST_F(JournalTest, GoesOnAfterASecondStop) {
  EXPECT_TRUE(Open("1")->Add(1, {1u}).ok());
  EXPECT_TRUE(Open("1")->Add(2, {2u}).ok());
  EXPECT_THAT(Open("1")->finished(), SizeIs(2));
}

TEST_F(JournalTest, SaysWhatChanged) {
  EXPECT_TRUE(Open("1")->Add(1, {1u}).ok());
  auto journal = Open("2");
  EXPECT_FALSE(journal->resumed());
  EXPECT_THAT(journal->finished(), SizeIs(0));
  EXPECT_EQ(journal->restart_reason(),
            "weights file a.safetensors was 1, is now 2");
  EXPECT_THAT(journal->replaced(), ElementsAre("m-Q8_0.gguf"));
}

TEST_F(JournalTest, ForgetsWithoutResume) {
  EXPECT_TRUE(Open("1")->Add(1, {1u}).ok());
  auto journal = Open("1", false);
  EXPECT_THAT(journal->finished(), SizeIs(0));
  EXPECT_NE(journal->restart_reason(), "");
  EXPECT_THAT(journal->replaced(), ElementsAre("m-Q8_0.gguf"));
  journal.reset();
  EXPECT_THAT(Open("1")->finished(), SizeIs(0));
}

TEST_F(JournalTest, ChangesNothingBeforeItBegins) {
  EXPECT_TRUE(Open("1")->Add(1, {1u}).ok());
  const std::string content = Content();
  EXPECT_TRUE(Journal::Open(path_, Head("2"), kChunks, true).ok());
  EXPECT_TRUE(Journal::Open(path_, Head("1"), kChunks, false).ok());
  EXPECT_EQ(Content(), content);
  std::filesystem::remove(path_);
  EXPECT_TRUE(Journal::Open(path_, Head("1"), kChunks, true).ok());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(JournalTest, RecordsFitTheBytesThatAreReserved) {
  auto journal = Open("1");
  const size_t head = Content().size();
  EXPECT_TRUE(journal->Add(1, {1u, 2u, 3u}).ok());
  EXPECT_LE(Content().size(), head + Journal::RecordBytes(3));
}

TEST_F(JournalTest, EveryPrefixGivesWholeRecordsOnly) {
  {
    auto journal = Open("1");
    for (uint32_t i = 0; i < 5; ++i) EXPECT_TRUE(journal->Add(i, {i}).ok());
  }
  const std::string whole = Content();
  size_t last = 0;
  for (size_t size = 0; size <= whole.size(); ++size) {
    SetContent(whole.substr(0, size));
    auto journal = Open("1");
    const size_t finished = journal->finished().size();
    EXPECT_GE(finished, last);
    EXPECT_LE(finished, size / 16);
    last = finished;
    for (const auto& [chunk, digests] : journal->finished()) {
      EXPECT_THAT(digests, ElementsAre(chunk));
    }
    // What is added now must follow the last whole record.
    EXPECT_TRUE(journal->Add(100, {100u}).ok());
    journal.reset();
    EXPECT_THAT(Open("1")->finished(), SizeIs(finished + 1));
  }
  EXPECT_EQ(last, 5);
}

TEST_F(JournalTest, EveryDamagedByteEndsWhatIsBelieved) {
  {
    auto journal = Open("1");
    for (uint32_t i = 0; i < 3; ++i) EXPECT_TRUE(journal->Add(i, {i}).ok());
  }
  const std::string whole = Content();
  for (size_t at = 3; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] ^= 0x10;
    SetContent(damaged);
    auto journal = Open("1");
    EXPECT_LT(journal->finished().size(), 3);
    for (const auto& [chunk, digests] : journal->finished()) {
      EXPECT_THAT(digests, ElementsAre(chunk));
    }
  }
}

TEST_F(JournalTest, SecondJobIsRefused) {
  auto first = Open("1");
  auto second = Journal::Open(path_, Head("1"), kChunks, true);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(second.status().message(), HasSubstr("another job"));
  first.reset();
  EXPECT_TRUE(Journal::Open(path_, Head("1"), kChunks, true).ok());
}

// A file that only happens to have a journal's name is its owner's.
TEST_F(JournalTest, OtherFilesAreLeftAlone) {
  SetContent("my notes");
  for (const bool resume : {true, false}) {
    const auto journal = Journal::Open(path_, Head("1"), kChunks, resume);
    EXPECT_EQ(journal.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(journal.status().message(), HasSubstr("move it away"));
  }
  EXPECT_EQ(Content(), "my notes");
}

TEST_F(JournalTest, LinksAreNotFollowed) {
  const std::string victim = path_ + ".victim";
  std::ofstream(victim) << "MGJ2";
  std::filesystem::create_symlink(victim, path_);
  EXPECT_FALSE(Journal::Open(path_, Head("1"), kChunks, true).ok());
  std::filesystem::remove(path_);
  std::filesystem::create_hard_link(victim, path_);
  EXPECT_FALSE(Journal::Open(path_, Head("1"), kChunks, true).ok());
  EXPECT_EQ(std::filesystem::file_size(victim), 4);
  std::filesystem::remove(victim);
}

// Nothing of its size is taken for memory, and zeros are no records.
TEST_F(JournalTest, HugeFileIsReadAsFarAsItIsGood) {
  EXPECT_TRUE(Open("1")->Add(1, {1u}).ok());
  std::filesystem::resize_file(path_, uint64_t{100} << 30);
  EXPECT_THAT(Open("1")->finished(), SizeIs(1));
}

TEST_F(JournalTest, ChunksThatAreNotThereAreNotBelieved) {
  auto journal = Open("1");
  EXPECT_TRUE(journal->Add(kChunks - 1, {1u}).ok());
  EXPECT_TRUE(journal->Add(kChunks, {1u}).ok());
  journal.reset();
  EXPECT_THAT(Open("1")->finished(), SizeIs(1));
}

// Hours of work are not lost to a job for other files.
TEST_F(JournalTest, StoppedJobOfOtherOutputsIsNotReplaced) {
  EXPECT_TRUE(Open("1")->Add(1, {1u}).ok());
  const auto other =
      Journal::Open(path_, Head("1", "m-Q2_K.gguf"), kChunks, true);
  EXPECT_EQ(other.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(other.status().message(),
              AllOf(HasSubstr("m-Q8_0.gguf"), HasSubstr("1 chunks done"),
                    HasSubstr("--noresume")));
  EXPECT_TRUE(
      Journal::Open(path_, Head("1", "m-Q2_K.gguf"), kChunks, false).ok());
  EXPECT_THAT(Open("1")->finished(), SizeIs(1));
}

TEST_F(JournalTest, JournalOfAnotherVersionIsReplaced) {
  SetContent("MGJ1 and what came then");
  EXPECT_THAT(Open("1")->restart_reason(), HasSubstr("another version"));
  EXPECT_TRUE(Open("1")->resumed());
}

}  // namespace
}  // namespace make_gguf
