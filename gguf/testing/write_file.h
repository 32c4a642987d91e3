// File: gguf/testing/write_file.h
//
// Small GGUF files for tests, written whole.

#ifndef GGUF_TESTING_WRITE_FILE_H_
#define GGUF_TESTING_WRITE_FILE_H_

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "gguf/layout.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"
#include "gtest/gtest.h"

namespace gguf {

// Writes the file `path`, with `data[i]` as the bytes of tensor number i.
inline void WriteFile(const std::string& path, const Metadata& metadata,
                      absl::Span<const TensorInfo> tensors,
                      const std::vector<std::vector<uint8_t>>& data) {
  const auto layout = PlanLayout(metadata, tensors);
  ASSERT_TRUE(layout.ok()) << layout.status();
  std::vector<uint8_t> file = layout->header;
  file.resize(layout->file_size);
  for (size_t i = 0; i < tensors.size(); ++i) {
    ASSERT_EQ(data[i].size(), layout->tensors[i].bytes) << tensors[i].name;
    std::copy(data[i].begin(), data[i].end(),
              file.begin() + layout->FileOffset(i));
  }
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(file.data()), file.size());
}

}  // namespace gguf

#endif  // GGUF_TESTING_WRITE_FILE_H_
