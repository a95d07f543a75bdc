#include "server/commands/glob.h"

#include <algorithm>

namespace mantis::server {
namespace {

// Matches `c` against the set that begins at pattern[*at], just behind its '['. Leaves *at behind
// the closing ']', or at the pattern's end if there is none.
bool MatchSet(Bytes pattern, size_t* at, char c) {
  size_t i = *at;
  const bool negated = i < pattern.size() && pattern[i] == '^';
  if (negated) ++i;
  bool found = false;
  for (; i < pattern.size() && pattern[i] != ']'; ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      ++i;
      found = found || pattern[i] == c;
    } else if (i + 2 < pattern.size() && pattern[i + 1] == '-') {
      // The ends compare as signed characters, in either order, and the upper one may be ']'.
      const auto [low, high] = std::minmax(
          {static_cast<signed char>(pattern[i]), static_cast<signed char>(pattern[i + 2])});
      const auto s = static_cast<signed char>(c);
      found = found || (low <= s && s <= high);
      i += 2;
    } else {
      found = found || pattern[i] == c;
    }
  }
  *at = std::min(i + 1, pattern.size());
  return found != negated;
}

// Matches one byte against pattern[*at], which is no '*', and moves *at past what it used.
bool MatchByte(Bytes pattern, size_t* at, char c) {
  const char p = pattern[(*at)++];
  if (p == '?') return true;
  if (p == '[') return MatchSet(pattern, at, c);
  // A backslash at the very end stands for itself.
  if (p == '\\' && *at < pattern.size()) return pattern[(*at)++] == c;
  return p == c;
}

bool Match(Bytes pattern, Bytes text) {
  size_t p = 0;
  size_t t = 0;
  // Where to go on when what follows the last '*' fails. Earlier stars never need to give way: a
  // longer match of theirs would only leave less text for the same rest.
  size_t star = Bytes::npos;
  size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      if (star == pattern.size()) return true;
      star_text = t;
    } else if (p < pattern.size() && MatchByte(pattern, &p, text[t])) {
      ++t;
    } else if (star == Bytes::npos) {
      return false;
    } else {
      p = star;
      t = ++star_text;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

GlobPattern::GlobPattern(Bytes pattern) : pattern_(pattern) {
  size_t i = 0;
  for (; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '*' || c == '?' || c == '[') break;
    if (c == '\\' && i + 1 < pattern.size()) ++i;
    prefix_.push_back(pattern[i]);
  }
  rest_ = pattern.substr(i);
}

bool GlobPattern::Matches(Bytes text) const {
  // To Redis the empty text is matched by `*`, yet not by `**`.
  if (text.empty()) return pattern_.empty() || all();
  if (!text.starts_with(prefix_)) return false;
  return rest_ == "*" || Match(rest_, text.substr(prefix_.size()));
}

}  // namespace mantis::server
