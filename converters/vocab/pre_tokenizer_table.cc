#include "converters/vocab/pre_tokenizer_table.h"

namespace vocab {
namespace {

// The words of GPT-4's tokenizer, with runs of up to three digits.
constexpr absl::string_view kWords3Digits =
    R"(Split Isolated (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// The same with single digits.
constexpr absl::string_view kWords1Digit =
    R"(Split Isolated (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

}  // namespace

absl::Span<const PreTokenizerRow> PreTokenizerTable() {
  static const auto* const kTable = new std::vector<PreTokenizerRow>{
      {"llama-bpe",
       kNoneOrNfc,
       IgnoreMerges::kYes,
       {kWords3Digits, "ByteLevel"}},
      {"smaug-bpe",
       kNoneOrNfc,
       IgnoreMerges::kNo,
       {kWords3Digits, "ByteLevel"}},
      {"qwen2", kNoneOrNfc, IgnoreMerges::kEither, {kWords1Digit, "ByteLevel"}},
      {"olmo", "NFC", IgnoreMerges::kEither, {"ByteLevel by words"}},
      {"gpt-2", "", IgnoreMerges::kEither, {"ByteLevel by words"}},
      {"starcoder",
       "",
       IgnoreMerges::kEither,
       {"Digits individually", "ByteLevel by words"}},
      {"command-r",
       "NFC",
       IgnoreMerges::kEither,
       {"Digits individually", "ByteLevel by words"}},
      {"falcon",
       kNoneOrNfc,
       IgnoreMerges::kEither,
       {"Punctuation Contiguous", "ByteLevel by words", "Digits",
        "Split Isolated [0-9][0-9][0-9]"}},
  };
  return *kTable;
}

}  // namespace vocab
