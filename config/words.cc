#include "config/words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <system_error>
#include <utility>

#include "config/option_table.h"

namespace mantis::config {
namespace {

constexpr std::string_view kSpace = " \t\r\n\v\f";
constexpr std::string_view kHexDigits = "0123456789abcdef";

bool IsSpace(char c) { return kSpace.find(c) != std::string_view::npos; }

int HexValue(char c) {
  const auto at = kHexDigits.find(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

char Unescape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Reads quoted text from just behind the opening quote; leaves `at` behind the closing one.
bool ReadQuoted(std::string_view line, char quote, size_t& at, std::string& word) {
  while (at < line.size()) {
    const char c = line[at];
    if (c == quote) {
      ++at;
      return at == line.size() || IsSpace(line[at]);
    }
    const bool has_next = at + 1 < line.size();
    if (c == '\\' && quote == '"' && at + 3 < line.size() && line[at + 1] == 'x' &&
        HexValue(line[at + 2]) >= 0 && HexValue(line[at + 3]) >= 0) {
      word.push_back(static_cast<char>(HexValue(line[at + 2]) * 16 + HexValue(line[at + 3])));
      at += 4;
    } else if (c == '\\' && has_next && quote == '"') {
      word.push_back(Unescape(line[at + 1]));
      at += 2;
    } else if (c == '\\' && has_next && line[at + 1] == '\'' && quote == '\'') {
      word.push_back('\'');
      at += 2;
    } else {
      word.push_back(c);
      ++at;
    }
  }
  return false;
}

}  // namespace

std::optional<std::vector<std::string>> SplitWords(std::string_view line) {
  std::vector<std::string> words;
  size_t at = 0;
  while (true) {
    while (at < line.size() && IsSpace(line[at])) ++at;
    if (at == line.size()) return words;
    std::string word;
    bool done = false;
    while (!done && at < line.size() && !IsSpace(line[at])) {
      const char c = line[at++];
      if (c == '"' || c == '\'') {
        if (!ReadQuoted(line, c, at, word)) return std::nullopt;
        done = true;
      } else {
        word.push_back(c);
      }
    }
    words.push_back(std::move(word));
  }
}

std::string QuoteWord(std::string_view word) {
  constexpr std::array<std::pair<char, char>, 7> kEscapes{
      {{'\\', '\\'}, {'"', '"'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}, {'\a', 'a'}, {'\b', 'b'}}};
  std::string quoted = "\"";
  for (const char c : word) {
    char escape = '\0';
    for (const auto& [plain, letter] : kEscapes) {
      if (plain == c) escape = letter;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (escape != '\0') {
      quoted.push_back('\\');
      quoted.push_back(escape);
    } else if (byte < 0x20 || byte >= 0x7f) {
      quoted += "\\x";
      quoted.push_back(kHexDigits[byte >> 4]);
      quoted.push_back(kHexDigits[byte & 15]);
    } else {
      quoted.push_back(c);
    }
  }
  quoted.push_back('"');
  return quoted;
}

std::string JoinWords(std::span<const std::string> words) {
  std::string joined;
  for (const std::string& word : words) {
    if (&word != words.data()) joined.push_back(' ');
    joined += word;
  }
  return joined;
}

std::vector<std::string> SplitAtBlanks(std::string_view text) {
  std::vector<std::string> words;
  if (text.empty()) return words;
  size_t start = 0;
  while (true) {
    const size_t blank = text.find(' ', start);
    words.emplace_back(text.substr(start, blank - start));
    if (blank == std::string_view::npos) return words;
    start = blank + 1;
  }
}

std::string_view TrimSpace(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<int64_t> ParseInteger(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || std::to_string(value) != text) return std::nullopt;
  return value;
}

std::optional<uint64_t> ParseMemory(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, uint64_t>, 8> kUnits{
      {{"", 1},
       {"b", 1},
       {"k", 1000},
       {"kb", 1024},
       {"m", 1000 * 1000},
       {"mb", 1024 * 1024},
       {"g", 1000 * 1000 * 1000},
       {"gb", 1024 * 1024 * 1024}}};
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string unit = ToLower(text.substr(digits));
  const auto* const found = std::find_if(kUnits.begin(), kUnits.end(),
                                         [&](const auto& known) { return known.first == unit; });
  if (found == kUnits.end()) return std::nullopt;
  uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + digits, number);
  if (error == std::errc::result_out_of_range) return kMost;
  uint64_t bytes = 0;
  return __builtin_mul_overflow(number, found->second, &bytes) ? kMost : bytes;
}

std::string FormatMemory(int64_t bytes) {
  constexpr std::array<std::pair<std::string_view, int64_t>, 3> kUnits{
      {{"gb", 1024 * 1024 * 1024}, {"mb", 1024 * 1024}, {"kb", 1024}}};
  for (const auto& [name, factor] : kUnits) {
    if (bytes > 0 && bytes % factor == 0) return std::to_string(bytes / factor) + std::string(name);
  }
  return std::to_string(bytes);
}

}  // namespace mantis::config
