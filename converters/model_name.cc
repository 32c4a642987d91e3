#include "converters/model_name.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace converters {
namespace {

// What a part of a name has been found to be; more than one may hold.
enum Role : uint32_t {
  kBasename = 1,
  kSizeLabel = 2,
  kFinetune = 4,
  kVersion = 8,
  kType = 16,
};

struct Part {
  std::string text;
  uint32_t roles = 0;
};

// The matchers below take lower-case text.

// Removes digits from the front of `text`; false if there are none.
bool ConsumeDigits(absl::string_view* text) {
  size_t digits = 0;
  while (digits < text->size() && absl::ascii_isdigit((*text)[digits])) {
    ++digits;
  }
  text->remove_prefix(digits);
  return digits > 0;
}

// "2", "v0.3", "iter5.1".
bool IsVersion(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "v")) absl::ConsumePrefix(&text, "iter");
  do {
    if (!ConsumeDigits(&text)) return false;
  } while (absl::ConsumePrefix(&text, "."));
  return text.empty();
}

// "q4_k", "iq2_x", "f16", "bf16", "fp32".
bool IsType(absl::string_view text) {
  absl::string_view quant = text;
  absl::ConsumePrefix(&quant, "i");
  if (absl::ConsumePrefix(&quant, "q") && !quant.empty() &&
      absl::ascii_isdigit(quant[0])) {
    quant.remove_prefix(1);
    while (quant.size() >= 2 && quant[0] == '_' &&
           (absl::ascii_isalnum(quant[1]) || quant[1] == '_')) {
      quant.remove_prefix(2);
    }
    if (quant.empty()) return true;
  }
  absl::ConsumePrefix(&text, "b");
  if (!absl::ConsumePrefix(&text, "f")) return false;
  absl::ConsumePrefix(&text, "p");
  return text == "16" || text == "32";
}

// "7b", "2.7b", "1_5b", "8x22b", "a2.7b", "7b1", "500m".
bool IsNumericSize(absl::string_view text) {
  const auto is_number_and_unit = [](absl::string_view rest) {
    if (!ConsumeDigits(&rest)) return false;
    if (!rest.empty() && (rest[0] == '.' || rest[0] == '_')) {
      rest.remove_prefix(1);
      if (!ConsumeDigits(&rest)) return false;
    }
    if (rest.empty() || !absl::StrContains("kmbt", rest[0])) return false;
    rest.remove_prefix(1);
    return rest.empty() || (rest.size() == 1 && absl::ascii_isdigit(rest[0]));
  };
  if (is_number_and_unit(text)) return true;
  absl::string_view prefixed = text;
  if (absl::ConsumePrefix(&prefixed, "a")) return is_number_and_unit(prefixed);
  return ConsumeDigits(&prefixed) && absl::ConsumePrefix(&prefixed, "x") &&
         is_number_and_unit(prefixed);
}

bool IsSize(absl::string_view text) {
  return text == "small" || text == "mini" || text == "medium" ||
         text == "large" || text == "xl" || text == "xxl" ||
         IsNumericSize(text);
}

bool IsFinetune(absl::string_view text) {
  return text == "chat" || text == "instruct" || text == "vision" ||
         text == "lora";
}

// A label such as "7B" as a number; nullopt where it isn't one ("8x7B").
std::optional<double> LabelValue(absl::string_view label) {
  const size_t power = absl::string_view(" KMBT").find(label.back());
  if (power == absl::string_view::npos) return std::nullopt;
  const absl::string_view digits = label.substr(0, label.size() - 1);
  double value = 0;
  if (digits.empty() || !absl::ascii_isdigit(digits[0]) ||
      !absl::SimpleAtod(digits, &value)) {
    return std::nullopt;
  }
  for (size_t i = 0; i < power; ++i) value *= 1000;
  return value;
}

// Normalizes a size and decides whether it is this model's.
void AnnotateSize(uint64_t parameters, Part& part) {
  std::string& text = part.text;
  std::replace(text.begin(), text.end(), '_', '.');
  if (absl::ascii_isdigit(text.back())) {  // "7b1" is 7.1B
    const size_t n = text.size();
    text = absl::StrCat(text.substr(0, n - 2), ".", text.substr(n - 1),
                        text.substr(n - 2, 1));
  }
  if (text.size() > 1 && absl::ascii_isdigit(text[text.size() - 2])) {
    text.back() = absl::ascii_toupper(text.back());
  }
  const std::optional<double> value = LabelValue(text);
  if (parameters != 0 && value.has_value() &&
      std::abs(*value - static_cast<double>(parameters)) >
          static_cast<double>(7 * parameters / 8)) {
    part.roles |= kFinetune;  // likely a context length
    text.back() = absl::ascii_tolower(text.back());
  } else {
    part.roles |= kSizeLabel;
  }
}

void Annotate(uint64_t parameters, bool is_first, Part& part) {
  const std::string lower = absl::AsciiStrToLower(part.text);
  if (IsVersion(lower)) {
    part.roles |= kVersion;
  } else if (IsType(lower)) {
    part.roles |= kType;
    part.text = absl::AsciiStrToUpper(part.text);
  } else if (!is_first && IsSize(lower)) {
    AnnotateSize(parameters, part);
  } else if (!is_first && IsFinetune(lower)) {
    part.roles |= kFinetune;
  }
}

// "small" and its like don't count where there is a size in numbers.
void DropWordsAmongSizes(std::vector<Part>& parts) {
  const auto has_digit = [](const Part& part) {
    return (part.roles & kSizeLabel) != 0 &&
           std::any_of(part.text.begin(), part.text.end(), absl::ascii_isdigit);
  };
  if (std::none_of(parts.begin(), parts.end(), has_digit)) return;
  for (Part& part : parts) {
    if (std::all_of(part.text.begin(), part.text.end(), absl::ascii_isalpha)) {
      part.roles &= ~kSizeLabel;
    }
  }
}

bool BeginsWithLetter(absl::string_view text) {
  return absl::ascii_isalpha(text[0]) || !absl::ascii_isascii(text[0]);
}

// The base name is what leads, up to the first part of another kind; what is
// left without a role belongs to the finetune.
void FindBasename(std::vector<Part>& parts) {
  bool at_start = true;
  for (Part& part : parts) {
    if (at_start && ((part.roles == 0 && BeginsWithLetter(part.text)) ||
                     (part.roles & kVersion) != 0)) {
      part.roles |= kBasename;
    } else {
      at_start = false;
      if (part.roles == 0) part.roles |= kFinetune;
    }
  }
  // A version at the very end is not part of the base name.
  for (size_t i = parts.size(); i-- > 0;) {
    if ((parts[i].roles & kBasename) == 0 || parts[i].roles == kBasename) break;
    parts[i].roles &= ~kBasename;
  }
}

// The parts of one role, joined again; nullopt if there are none.
template <typename Predicate>
std::optional<std::string> Join(const std::vector<Part>& parts, bool unique,
                                Predicate predicate) {
  std::vector<std::string> chosen;
  for (const Part& part : parts) {
    if (!predicate(part.roles)) continue;
    if (unique && std::count(chosen.begin(), chosen.end(), part.text) > 0) {
      continue;
    }
    chosen.push_back(part.text);
  }
  if (chosen.empty()) return std::nullopt;
  return absl::StrJoin(chosen, "-");
}

// Python's str.title for ASCII; other characters count as letters.
std::string Title(absl::string_view word) {
  std::string title(word);
  bool after_letter = false;
  for (char& c : title) {
    if (!after_letter) c = absl::ascii_toupper(c);
    after_letter = absl::ascii_isalpha(c) || !absl::ascii_isascii(c);
  }
  return title;
}

// "v2.1", or anything that begins with a digit.
bool IsVersionWord(absl::string_view word) {
  if (absl::ascii_isdigit(word[0])) return true;
  return word[0] == 'v' && IsVersion(word);
}

bool IsLowerCase(absl::string_view word) {
  return std::any_of(word.begin(), word.end(), absl::ascii_islower) &&
         std::none_of(word.begin(), word.end(), absl::ascii_isupper);
}

std::string RoundedCount(uint64_t parameters) {
  double scaled = static_cast<double>(parameters);
  const char* suffix = "K";
  if (scaled > 1e12) {
    scaled *= 1e-12;
    suffix = "T";
  } else if (scaled > 1e9) {
    scaled *= 1e-9;
    suffix = "B";
  } else if (scaled > 1e6) {
    scaled *= 1e-6;
    suffix = "M";
  } else {
    scaled *= 1e-3;
  }
  // Two digits in all, of which zero doesn't count.
  const double whole = std::nearbyint(scaled);
  const int whole_digits = whole >= 10 ? 2 : whole >= 1 ? 1 : 0;
  return absl::StrFormat("%.*f%s", 2 - whole_digits, scaled, suffix);
}

}  // namespace

ModelName ParseModelName(absl::string_view id, uint64_t parameters) {
  ModelName name;
  if (absl::StrContains(id, ' ')) {
    name.full_name = std::string(id);
    return name;
  }
  absl::string_view full_name = id;
  const size_t slash = id.find('/');
  if (slash != absl::string_view::npos) {
    full_name = id.substr(slash + 1);
    // "./model" and "../model" are paths.
    if (slash == 0 || id[0] != '.') {
      name.organization = std::string(id.substr(0, slash));
    }
  }
  name.full_name = std::string(full_name);

  std::vector<Part> parts;
  for (absl::string_view text : absl::StrSplit(full_name, '-')) {
    if (!text.empty()) parts.push_back({std::string(text)});
  }
  for (Part& part : parts) {
    Annotate(parameters, &part == parts.data(), part);
  }
  DropWordsAmongSizes(parts);
  FindBasename(parts);

  const auto has = [](uint32_t role) {
    return [role](uint32_t roles) { return (roles & role) != 0; };
  };
  name.size_label = Join(parts, true, has(kSizeLabel));
  name.finetune = Join(parts, false, has(kFinetune));
  name.version = Join(parts, false, [](uint32_t roles) {
    return (roles & kVersion) != 0 && (roles & kBasename) == 0;
  });
  // A base name alone is too ambiguous to be told from the whole.
  if (name.size_label || name.finetune || name.version) {
    name.basename = Join(parts, false, has(kBasename));
  }
  return name;
}

std::string TitleFromName(absl::string_view name) {
  std::vector<std::string> words;
  for (absl::string_view word : absl::StrSplit(
           name, absl::ByAnyChar("- \t\n\r\f\v"), absl::SkipEmpty())) {
    words.push_back(IsLowerCase(word) && !IsVersionWord(word)
                        ? Title(word)
                        : std::string(word));
  }
  return absl::StrJoin(words, " ");
}

std::string SizeLabel(const ParameterCount& count) {
  if (count.experts > 0) {
    return absl::StrCat(count.experts, "x",
                        RoundedCount(count.shared + count.expert));
  }
  return RoundedCount(count.total);
}

}  // namespace converters
