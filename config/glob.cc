#include "config/glob.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace mantis::config {
namespace {

char Fold(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// Matches `c` against the bracket expression at pattern[at] (just behind '['); leaves `at` behind
// its ']', or at the pattern's end where that is missing, as Redis does.
bool MatchBracket(std::string_view pattern, size_t& at, char c) {
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  bool matched = false;
  while (at < pattern.size() && pattern[at] != ']') {
    if (pattern[at] == '\\' && at + 1 < pattern.size()) {
      ++at;
      matched = matched || Fold(pattern[at]) == c;
      ++at;
    } else if (at + 2 < pattern.size() && pattern[at + 1] == '-') {
      const auto [low, high] = std::minmax({Fold(pattern[at]), Fold(pattern[at + 2])});
      matched = matched || (low <= c && c <= high);
      at += 3;
    } else {
      matched = matched || Fold(pattern[at]) == c;
      ++at;
    }
  }
  if (at < pattern.size()) ++at;
  return matched != negated;
}

// Matches one character; advances `at` past what it used of the pattern.
bool MatchOne(std::string_view pattern, size_t& at, char c) {
  const char p = pattern[at++];
  if (p == '?') return true;
  if (p == '[') return MatchBracket(pattern, at, c);
  if (p == '\\' && at < pattern.size()) return Fold(pattern[at++]) == c;
  return Fold(p) == c;
}

}  // namespace

bool GlobMatch(std::string_view pattern, std::string_view name) {
  size_t p = 0;
  size_t n = 0;
  // Where to go on when what follows the last '*' fails: only the last star need ever give way,
  // which is what keeps the search from exploding.
  size_t star = std::string_view::npos;
  size_t star_name = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_name = n;
      continue;
    }
    if (p < pattern.size() && MatchOne(pattern, p, Fold(name[n]))) {
      ++n;
      continue;
    }
    if (star == std::string_view::npos) return false;
    p = star;
    n = ++star_name;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace mantis::config
