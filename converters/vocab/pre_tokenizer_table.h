// File: converters/vocab/pre_tokenizer_table.h
//
// The pre-tokenizers that the runtime has names for. To add one, add a row.

#ifndef CONVERTERS_VOCAB_PRE_TOKENIZER_TABLE_H_
#define CONVERTERS_VOCAB_PRE_TOKENIZER_TABLE_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "converters/vocab/pre_tokenizer.h"

namespace vocab {

// For a row that fits whether text is brought to Unicode form C or left alone:
// the file says that in a key of its own.
inline constexpr absl::string_view kNoneOrNfc = "NFC?";

struct PreTokenizerRow {
  absl::string_view name;  // tokenizer.ggml.pre
  // SplitStructure::normalizers joined by ", ", or kNoneOrNfc.
  absl::string_view normalizers;
  Condition condition;
  // SplitStructure::pre_tokenizers. A step that ends in "…" stands for all that
  // begin like it.
  std::vector<absl::string_view> steps;
};

// The first row that matches gives the name. Some structures have several
// names, which the runtime treats alike; the first row of each is the name
// that is used.
absl::Span<const PreTokenizerRow> PreTokenizerTable();

}  // namespace vocab

#endif  // CONVERTERS_VOCAB_PRE_TOKENIZER_TABLE_H_
