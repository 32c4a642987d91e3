#include "fetch/range_record.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/range_set.h"
#include "base/testing/temp_dir.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fetch {
namespace {

using ::base::Contents;
using ::base::TempDir;
using ::base::WriteContents;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const RecordKey kKey = {"etag", 1000, "boot-1"};
const RecordKey kAfterCrash = {"etag", 1000, "boot-2"};

base::RangeSet Set(base::Range range) {
  base::RangeSet set;
  set.Add(range);
  return set;
}

class RangeRecordTest : public ::testing::Test {
 protected:
  std::unique_ptr<RangeRecord> Create(const RecordedRanges& ranges) {
    absl::StatusOr<std::unique_ptr<RangeRecord>> record =
        RangeRecord::Create(path_, kKey, ranges);
    EXPECT_TRUE(record.ok()) << record.status();
    return *std::move(record);
  }

  std::vector<base::Range> There(const RecordKey& key) const {
    return ReadRangeRecord(path_, key).there.Ranges();
  }

  TempDir temp_;
  const std::string path_ = temp_ / "record";
};

TEST_F(RangeRecordTest, KilledProcessLosesNothing) {
  const auto record = Create({});
  ASSERT_TRUE(record->AddWritten(Set({0, 10})).ok());
  ASSERT_TRUE(record->AddWritten(Set({500, 600})).ok());
  EXPECT_THAT(There(kKey),
              ElementsAre(base::Range{0, 10}, base::Range{500, 600}));
}

TEST_F(RangeRecordTest, AfterACrashOnlySyncedBytesCount) {
  const auto record = Create({});
  ASSERT_TRUE(record->AddWritten(Set({0, 10})).ok());
  const base::RangeSet flushed = record->Written();
  ASSERT_TRUE(record->AddWritten(Set({10, 20})).ok());
  ASSERT_TRUE(record->SetSynced(flushed).ok());
  ASSERT_TRUE(record->AddWritten(Set({30, 40})).ok());
  EXPECT_THAT(There(kKey),
              ElementsAre(base::Range{0, 20}, base::Range{30, 40}));
  EXPECT_THAT(There(kAfterCrash), ElementsAre(base::Range{0, 10}));
  EXPECT_THAT(Contents(path_),
              "make-gguf ranges 1 etag 1000 boot-1\n"
              "synced 0 10\nwritten 10 20\nwritten 30 40\n");
}

TEST_F(RangeRecordTest, UnknownBootTrustsOnlySyncedBytes) {
  const RecordKey unknown = {"etag", 1000, ""};
  ASSERT_TRUE(
      RangeRecord::Create(path_, unknown, {Set({0, 100}), Set({0, 50})}).ok());
  EXPECT_THAT(There(unknown), ElementsAre(base::Range{0, 50}));
}

TEST_F(RangeRecordTest, OtherContentsDoNotCount) {
  Create({Set({0, 10}), Set({0, 10})});
  EXPECT_THAT(There({"other", 1000, "boot-1"}), IsEmpty());
  EXPECT_THAT(There({"etag", 1001, "boot-1"}), IsEmpty());
  EXPECT_THAT(There(kKey), ElementsAre(base::Range{0, 10}));
}

TEST_F(RangeRecordTest, DamageEndsTheRecord) {
  const std::string header = "make-gguf ranges 1 etag 1000 boot-1\n";
  for (const char* bad :
       {"written 20 3", "written 20\n", "written 20 1001\n", "written 9 3\n",
        "wrote 20 30 40\n", "\n", "written -1 5\n"}) {
    WriteContents(path_, header + "written 0 10\n" + bad + "\nsynced 50 60\n");
    EXPECT_THAT(There(kKey), ElementsAre(base::Range{0, 10})) << bad;
  }
  WriteContents(path_, header + "written 0 10\nwritten 20 3");
  EXPECT_THAT(There(kKey), ElementsAre(base::Range{0, 10}));
  for (const char* bad : {"", "x", "make-gguf ranges 1 etag 1000 boot-1"}) {
    WriteContents(path_, bad);
    EXPECT_THAT(There(kKey), IsEmpty()) << bad;
  }
}

}  // namespace
}  // namespace fetch
