#include "testdata/generator/tokenizers.h"

#include <bit>
#include <cstdint>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace testdata {
namespace {

using nlohmann::ordered_json;

// Frequent words, the most frequent first.
constexpr absl::string_view kWords =
    "the of and to in is that it was for on are as with his they at be this "
    "have from or one had by word but not what all were we when your can said "
    "there use an each which she do how their if will up other about out many "
    "then them these so some her would make like him into time has look two "
    "more write go see number no way could people my than first water been "
    "call who oil its now find long down day did get come made may part";

absl::Status WriteText(const std::string& directory, const char* name,
                       absl::string_view text) {
  std::ofstream file(absl::StrCat(directory, "/", name), std::ios::binary);
  file << text;
  file.close();
  if (file) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(directory, "/", name, ": not written"));
}

// One step of a BPE: two pieces become one.
struct Merge {
  std::string left;
  std::string right;
  std::string whole() const { return left + right; }
};

// The steps that build `kWords`, each behind `space` (the mark of a word's
// beginning), from left to right.
std::vector<Merge> Merges(const std::string& space) {
  std::vector<Merge> merges;
  std::set<std::string> seen;
  for (absl::string_view word : absl::StrSplit(kWords, ' ')) {
    std::string piece = space;
    for (const char letter : word) {
      Merge merge = {piece, std::string(1, letter)};
      piece = merge.whole();
      if (seen.insert(piece).second) merges.push_back(std::move(merge));
    }
  }
  return merges;
}

// What is needed of the protocol buffer wire format.
std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) {
    bytes.push_back(static_cast<char>(value | 0x80));
  }
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

std::string IntField(int field, uint64_t value) {
  return Varint(field << 3) + Varint(value);
}

std::string BytesField(int field, absl::string_view bytes) {
  return absl::StrCat(Varint(field << 3 | 2), Varint(bytes.size()), bytes);
}

std::string FloatField(int field, float value) {
  std::string bytes = Varint(field << 3 | 5);
  uint32_t bits = std::bit_cast<uint32_t>(value);
  for (int i = 0; i < 4; ++i, bits >>= 8) {
    bytes.push_back(static_cast<char>(bits & 0xff));
  }
  return bytes;
}

enum PieceType { kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6 };

std::string Piece(absl::string_view text, float score, PieceType type) {
  std::string piece = BytesField(1, text) + FloatField(2, score);
  if (type != kNormal) piece += IntField(3, type);
  return BytesField(1, piece);
}

// The trainer and normalizer settings that a Llama tokenizer carries.
std::string SentencePieceSettings(int tokens) {
  const std::string trainer = IntField(3, 2) +       // BPE
                              IntField(4, tokens) +  // vocabulary size
                              IntField(35, 1) +      // byte fallback
                              IntField(40, 0) +      // <unk>
                              IntField(41, 1) +      // <s>
                              IntField(42, 2);       // </s>
  const std::string normalizer = BytesField(1, "identity") +
                                 IntField(3, 1) +  // dummy prefix
                                 IntField(4, 0) +  // keep spaces
                                 IntField(5, 1);   // escape spaces
  return BytesField(2, trainer) + BytesField(3, normalizer);
}

// GPT-2's printable stand-ins for bytes.
std::vector<std::string> ByteAlphabet() {
  std::vector<std::string> alphabet;
  int next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= '!' && byte <= '~') ||
                           (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    const int code = printable ? byte : next++;
    if (code < 0x80) {
      alphabet.push_back(std::string(1, static_cast<char>(code)));
    } else {
      alphabet.push_back({static_cast<char>(0xc0 | code >> 6),
                          static_cast<char>(0x80 | (code & 0x3f))});
    }
  }
  return alphabet;
}

ordered_json ByteLevel(bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

ordered_json Split(const char* regex) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", regex}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}

ordered_json Sequence(std::vector<ordered_json> steps) {
  return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
}

ordered_json Digits(bool individual) {
  return {{"type", "Digits"}, {"individual_digits", individual}};
}

// How a kind splits text, and its special tokens.
struct Kind {
  ordered_json normalizer;
  ordered_json pre_tokenizer;
  std::vector<std::string> special;
  bool special_first;  // ids from 0 on, else behind all others
  bool ignore_merges = false;
};

Kind FindKind(absl::string_view name) {
  if (name == "llama3") {
    return {nullptr,
            Sequence({Split("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]"
                            "?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]"
                            "*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
                      ByteLevel(false)}),
            {"<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"},
            false,
            true};
  }
  if (name == "starcoder") {
    return {nullptr,
            Sequence({Digits(true), ByteLevel(true)}),
            {"<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>"},
            true};
  }
  if (name == "falcon") {
    return {nullptr,
            Sequence({{{"type", "Punctuation"}, {"behavior", "Contiguous"}},
                      ByteLevel(true),
                      Digits(false),
                      Split("[0-9][0-9][0-9]")}),
            {"<|endoftext|>", ">>TITLE<<"},
            true};
  }
  return {{{"type", "NFC"}},
          ByteLevel(true),
          {"<|endoftext|>", "<|padding|>"},
          true};
}

ordered_json AddedToken(const std::string& text) {
  return {{"content", text}, {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false},  {"special", true}};
}

}  // namespace

absl::Status WriteSentencePiece(const std::string& directory, int tokens) {
  std::string model = Piece("<unk>", 0, kUnknown) + Piece("<s>", 0, kControl) +
                      Piece("</s>", 0, kControl);
  int count = 3;
  for (int byte = 0; byte < 256; ++byte, ++count) {
    model += Piece(absl::StrFormat("<0x%02X>", byte), 0, kByte);
  }
  // Merged pieces in the order of their merges, then single characters; the
  // score is minus the rank.
  const std::string space = "\xe2\x96\x81";
  std::vector<std::string> characters = {space};
  for (char c = 'a'; c <= 'z'; ++c) characters.push_back(std::string(1, c));
  const int merged = tokens - count - static_cast<int>(characters.size());
  const std::vector<Merge> merges = Merges(space);
  if (merged < 0 || merged > static_cast<int>(merges.size())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a SentencePiece vocabulary of ", tokens, " tokens can't be made"));
  }
  float score = 0;
  for (int i = 0; i < merged; ++i, score -= 1) {
    model += Piece(merges[i].whole(), score, kNormal);
  }
  for (const std::string& character : characters) {
    model += Piece(character, score, kNormal);
    score -= 1;
  }
  absl::Status status = WriteText(directory, "tokenizer.model",
                                  model + SentencePieceSettings(tokens));
  if (!status.ok()) return status;
  const ordered_json config = {
      {"add_bos_token", true},    {"add_eos_token", false},
      {"bos_token", "<s>"},       {"eos_token", "</s>"},
      {"model_max_length", 2048}, {"tokenizer_class", "LlamaTokenizer"},
      {"unk_token", "<unk>"}};
  return WriteText(directory, "tokenizer_config.json", config.dump(2) + "\n");
}

absl::Status WriteByteLevelBpe(const std::string& directory, int tokens,
                               absl::string_view kind_name) {
  const Kind kind = FindKind(kind_name);
  const std::vector<Merge> merges = Merges("\xc4\xa0");
  const int merged = tokens - 256 - static_cast<int>(kind.special.size());
  if (merged < 0 || merged > static_cast<int>(merges.size())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a byte-level vocabulary of ", tokens, " tokens can't be made"));
  }
  std::vector<std::string> texts;
  if (kind.special_first) texts = kind.special;
  for (std::string& text : ByteAlphabet()) texts.push_back(std::move(text));
  ordered_json merge_list = ordered_json::array();
  for (int i = 0; i < merged; ++i) {
    texts.push_back(merges[i].whole());
    merge_list.push_back({merges[i].left, merges[i].right});
  }
  ordered_json vocabulary;
  for (size_t i = 0; i < texts.size(); ++i) vocabulary[texts[i]] = i;
  ordered_json added = ordered_json::array();
  ordered_json decoder;
  for (size_t i = 0; i < kind.special.size(); ++i) {
    const size_t id = kind.special_first ? i : texts.size() + i;
    ordered_json token = AddedToken(kind.special[i]);
    decoder[absl::StrCat(id)] = token;
    token["id"] = id;
    added.push_back(std::move(token));
  }
  const ordered_json tokenizer = {{"version", "1.0"},
                                  {"truncation", nullptr},
                                  {"padding", nullptr},
                                  {"added_tokens", added},
                                  {"normalizer", kind.normalizer},
                                  {"pre_tokenizer", kind.pre_tokenizer},
                                  {"post_processor", ByteLevel(true)},
                                  {"decoder", ByteLevel(true)},
                                  {"model",
                                   {{"type", "BPE"},
                                    {"dropout", nullptr},
                                    {"unk_token", nullptr},
                                    {"continuing_subword_prefix", nullptr},
                                    {"end_of_word_suffix", nullptr},
                                    {"fuse_unk", false},
                                    {"byte_fallback", false},
                                    {"ignore_merges", kind.ignore_merges},
                                    {"vocab", vocabulary},
                                    {"merges", merge_list}}}};
  absl::Status status =
      WriteText(directory, "tokenizer.json", tokenizer.dump(1) + "\n");
  if (!status.ok()) return status;
  const bool is_llama3 = kind_name == "llama3";
  const ordered_json config = {
      {"added_tokens_decoder", decoder},
      {"bos_token", kind.special[0]},
      {"eos_token", kind.special[is_llama3 ? 1 : 0]},
      {"model_max_length", 2048},
      {"tokenizer_class",
       is_llama3 ? "PreTrainedTokenizerFast" : "GPT2TokenizerFast"}};
  return WriteText(directory, "tokenizer_config.json", config.dump(2) + "\n");
}

}  // namespace testdata
