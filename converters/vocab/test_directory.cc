#include "converters/vocab/test_directory.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <ios>

#include "gtest/gtest.h"

namespace vocab {

TestDirectory::TestDirectory() : path_(testing::TempDir() + "vocabXXXXXX") {
  EXPECT_NE(mkdtemp(path_.data()), nullptr) << path_;
}

TestDirectory::~TestDirectory() { std::filesystem::remove_all(path_); }

void TestDirectory::Write(absl::string_view name,
                          absl::string_view content) const {
  const std::filesystem::path file =
      std::filesystem::path(path_) / std::string(name);
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << content;
}

}  // namespace vocab
