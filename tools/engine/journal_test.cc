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

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Fingerprint Print(const std::string& size) {
  Fingerprint fingerprint;
  auto* fact = fingerprint.add_facts();
  fact->set_name("weights file a.safetensors");
  fact->set_value(size);
  return fingerprint;
}

class JournalTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove(path_); }

  std::unique_ptr<Journal> Open(const std::string& size, bool resume = true) {
    auto journal = Journal::Open(path_, Print(size), resume);
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
  EXPECT_FALSE(journal->was_committing());
  ASSERT_THAT(journal->finished(), SizeIs(2));
  EXPECT_THAT(journal->finished().at(3), ElementsAre(7, 8));
  EXPECT_THAT(journal->finished().at(0), ElementsAre(9));
}

TEST_F(JournalTest, RemembersCommitting) {
  EXPECT_TRUE(Open("1")->AddCommitting().ok());
  EXPECT_TRUE(Open("1")->was_committing());
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
  EXPECT_EQ(journal->replaced().facts_size(), 1);
}

TEST_F(JournalTest, ForgetsWithoutResume) {
  EXPECT_TRUE(Open("1")->Add(1, {1u}).ok());
  auto journal = Open("1", false);
  EXPECT_THAT(journal->finished(), SizeIs(0));
  EXPECT_NE(journal->restart_reason(), "");
  EXPECT_EQ(journal->replaced().facts_size(), 1);
  journal.reset();
  EXPECT_THAT(Open("1")->finished(), SizeIs(0));
}

TEST_F(JournalTest, ChangesNothingBeforeItBegins) {
  EXPECT_TRUE(Open("1")->Add(1, {1u}).ok());
  const std::string content = Content();
  EXPECT_TRUE(Journal::Open(path_, Print("2"), true).ok());
  EXPECT_TRUE(Journal::Open(path_, Print("1"), false).ok());
  EXPECT_EQ(Content(), content);
  std::filesystem::remove(path_);
  EXPECT_TRUE(Journal::Open(path_, Print("1"), true).ok());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(JournalTest, RecordsTakeTheBytesThatAreReserved) {
  auto journal = Open("1");
  const size_t head = Content().size();
  EXPECT_TRUE(journal->Add(1, {1u, 2u, 3u}).ok());
  EXPECT_EQ(Content().size(), head + Journal::RecordBytes(3));
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
  for (size_t at = 0; at < whole.size(); ++at) {
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
  auto second = Journal::Open(path_, Print("1"), true);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(second.status().message(), HasSubstr("another job"));
  first.reset();
  EXPECT_TRUE(Journal::Open(path_, Print("1"), true).ok());
}

}  // namespace
}  // namespace make_gguf
