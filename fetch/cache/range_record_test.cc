#include "fetch/cache/range_record.h"

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

const RecordKey kKey = {"etag", kRecordedFrom};
const std::string kHeader = "make-gguf ranges 1 etag 1048576 ";

base::RangeSet Set(base::Range range) {
  base::RangeSet set;
  set.Add(range);
  return set;
}

class RangeRecordTest : public ::testing::Test {
 protected:
  RangeRecordTest() {
    paths_.record_path = temp_ / "record";
    paths_.final_path = temp_ / "final";
  }

  std::vector<base::Range> There(const RecordKey& key) const {
    return ReadRangeRecord(paths_.record_path, key).there.Ranges();
  }

  void Write(const base::RangeSet& there, const std::string& boot) const {
    ASSERT_TRUE(WriteRangeRecord(paths_.record_path, kKey, there, boot).ok());
  }

  TempDir temp_;
  DownloadPaths paths_;
};

TEST_F(RangeRecordTest, SaysWhatIsThere) {
  Write(Set({0, 10}), "boot");
  const std::string before = Contents(paths_.record_path);
  EXPECT_EQ(before, kHeader + "boot\nwritten 0 10\n");
  WriteContents(paths_.record_path, before + RecordLines(Set({500, 600})));
  EXPECT_THAT(There(kKey),
              ElementsAre(base::Range{0, 10}, base::Range{500, 600}));
  // As earlier versions wrote it.
  WriteContents(paths_.record_path, kHeader + "boot\nsynced 5 6\n");
  EXPECT_THAT(There(kKey), ElementsAre(base::Range{5, 6}));
}

TEST_F(RangeRecordTest, KnowsBytesOfAnotherBoot) {
  Write(Set({0, 10}), BootId());
  EXPECT_TRUE(ReadRangeRecord(paths_.record_path, kKey).of_this_boot);
  // The last: the system does not tell which boot it is.
  for (const char* boot : {"another", ""}) {
    Write(Set({0, 10}), boot);
    const RecordedRanges old = ReadRangeRecord(paths_.record_path, kKey);
    EXPECT_FALSE(old.of_this_boot);
    EXPECT_EQ(old.there.size(), 10);
  }
}

TEST_F(RangeRecordTest, OnlyAWholeRecordOfThisBootIsBelieved) {
  EXPECT_FALSE(MustBeHashed(paths_, kKey));  // it is on the disk
  Write(Set({0, kRecordedFrom}), BootId());
  EXPECT_FALSE(MustBeHashed(paths_, kKey));
  Write(Set({1, kRecordedFrom}), BootId());
  EXPECT_TRUE(MustBeHashed(paths_, kKey));
  Write(Set({0, kRecordedFrom}), "another");
  EXPECT_TRUE(MustBeHashed(paths_, kKey));
  // The record's own contents did not reach the disk.
  WriteContents(paths_.record_path, "");
  EXPECT_TRUE(MustBeHashed(paths_, kKey));
  // Small files have none.
  paths_.record_path = temp_ / "none";
  EXPECT_TRUE(MustBeHashed(paths_, {"etag", kRecordedFrom - 1}));
}

TEST_F(RangeRecordTest, OtherContentsDoNotCount) {
  Write(Set({0, 10}), BootId());
  EXPECT_THAT(There({"other", kRecordedFrom}), IsEmpty());
  EXPECT_THAT(There({"etag", kRecordedFrom + 1}), IsEmpty());
  EXPECT_THAT(There(kKey), ElementsAre(base::Range{0, 10}));
}

TEST_F(RangeRecordTest, DamageEndsTheRecord) {
  const std::string header = kHeader + "boot\n";
  for (const char* bad :
       {"written 20 3", "written 20\n", "written 20 1048577\n", "written 9 3\n",
        "wrote 20 30 40\n", "\n", "written -1 5\n"}) {
    WriteContents(paths_.record_path,
                  header + "written 0 10\n" + bad + "\nwritten 50 60\n");
    EXPECT_THAT(There(kKey), ElementsAre(base::Range{0, 10})) << bad;
  }
  WriteContents(paths_.record_path, header + "written 0 10\nwritten 20 3");
  EXPECT_THAT(There(kKey), ElementsAre(base::Range{0, 10}));
  for (const std::string& bad : {std::string(), std::string("x"), kHeader}) {
    WriteContents(paths_.record_path, bad);
    EXPECT_THAT(There(kKey), IsEmpty()) << bad;
  }
}

}  // namespace
}  // namespace fetch
