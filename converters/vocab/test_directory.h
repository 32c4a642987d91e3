// File: converters/vocab/test_directory.h
//
// A directory of small files for one test.

#ifndef CONVERTERS_VOCAB_TEST_DIRECTORY_H_
#define CONVERTERS_VOCAB_TEST_DIRECTORY_H_

#include <string>

#include "absl/strings/string_view.h"

namespace vocab {

// Made empty, removed with all its files at the end of its life.
class TestDirectory {
 public:
  TestDirectory();
  ~TestDirectory();
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  const std::string& path() const { return path_; }
  // Writes the file `name`, which may lie in a subdirectory.
  void Write(absl::string_view name, absl::string_view content) const;

 private:
  std::string path_;
};

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_TEST_DIRECTORY_H_
