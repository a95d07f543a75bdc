#include "config/glob.h"

#include <algorithm>
#include <cctype>
#include <cstring>

namespace mantis::config {
namespace {

// Shorter sets are read again for each byte that is looked at.
constexpr size_t kShortSetBytes = 32;
constexpr size_t kNowhere = std::string_view::npos;

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

}  // namespace

GlobPattern::GlobPattern(std::string_view pattern, Case letters)
    : pattern_(pattern), ignores_case_(letters == Case::kIgnored) {
  for (; rest_ < pattern.size() && !ignores_case_; ++rest_) {
    const char c = pattern[rest_];
    if (c == '*' || c == '?' || c == '[') break;
    if (c == '\\' && rest_ + 1 < pattern.size()) ++rest_;
    prefix_.push_back(pattern[rest_]);
  }
  for (size_t at = rest_; at < pattern.size(); at = AfterElement(at)) {
    if (pattern[at] == '[') RememberSet(at + 1);
  }
}

bool GlobPattern::Range::Has(char c) const {
  const auto s = static_cast<signed char>(folded ? Lower(c) : c);
  return low <= s && s <= high;
}

// *at is inside of a set, and not at its end. The ends of a range compare as signed characters, in
// either order, and the upper one may be ']'. They are folded after they were put in order, which
// leaves nothing of some ranges; an escaped byte is not folded. All of that is Redis's.
GlobPattern::Range GlobPattern::ReadRange(size_t* at) const {
  const std::string_view left = pattern_.substr(*at);
  if (left[0] == '\\' && left.size() >= 2) {
    *at += 2;
    const auto c = static_cast<signed char>(left[1]);
    return {c, c, false};
  }
  const bool pair = left.size() >= 3 && left[1] == '-';
  *at += pair ? 3 : 1;
  auto [low, high] = std::minmax(
      {static_cast<signed char>(left[0]), static_cast<signed char>(left[pair ? 2 : 0])});
  if (ignores_case_) {
    low = static_cast<signed char>(Lower(static_cast<char>(low)));
    high = static_cast<signed char>(Lower(static_cast<char>(high)));
  }
  return {low, high, ignores_case_};
}

// Matches `c` against the set whose text begins at *at, and leaves *at behind its ']', or at the
// pattern's end if there is none.
bool GlobPattern::ReadSet(size_t* at, char c) const {
  const bool negated = *at < pattern_.size() && pattern_[*at] == '^';
  if (negated) ++*at;
  bool found = false;
  while (*at < pattern_.size() && pattern_[*at] != ']') found |= ReadRange(at).Has(c);
  *at = std::min(*at + 1, pattern_.size());
  return found != negated;
}

void GlobPattern::RememberSet(size_t begin) {
  size_t at = begin;
  (void)ReadSet(&at, '\0');
  if (at - begin <= kShortSetBytes) return;
  LongSet set{begin, at, {}};
  at = begin;
  const bool negated = pattern_[at] == '^';
  if (negated) ++at;
  while (at < pattern_.size() && pattern_[at] != ']') {
    const Range range = ReadRange(&at);
    // Bytes compare as signed, as in Redis. NOLINTNEXTLINE(bugprone-signed-char-misuse)
    for (int c = range.low; c <= range.high; ++c) {
      if (range.Has(static_cast<char>(c))) set.members.set(static_cast<unsigned char>(c));
    }
    for (char c = 'A'; c <= 'Z' && range.folded; ++c) {
      if (range.Has(c)) set.members.set(static_cast<unsigned char>(c));
    }
  }
  if (negated) set.members.flip();
  long_sets_.push_back(set);
}

const GlobPattern::LongSet* GlobPattern::FindLongSet(size_t begin) const {
  const auto it =
      std::lower_bound(long_sets_.begin(), long_sets_.end(), begin,
                       [](const LongSet& set, size_t place) { return set.begin < place; });
  return it == long_sets_.end() || it->begin != begin ? nullptr : &*it;
}

bool GlobPattern::SetHas(size_t* at, char c) const {
  const LongSet* set = FindLongSet(*at);
  if (set == nullptr) return ReadSet(at, c);
  *at = set->end;
  return set->members[static_cast<unsigned char>(c)];
}

// Matches one byte against the element at *at, which is no '*', and moves *at behind it.
bool GlobPattern::MatchElement(size_t* at, char c) const {
  const char p = pattern_[(*at)++];
  if (p == '?') return true;
  if (p == '[') return SetHas(at, c);
  // A backslash at the very end stands for itself.
  const char own = p == '\\' && *at < pattern_.size() ? pattern_[(*at)++] : p;
  return ignores_case_ ? Lower(own) == Lower(c) : own == c;
}

size_t GlobPattern::AfterElement(size_t at) const {
  if (pattern_[at] == '*') return at + 1;
  (void)MatchElement(&at, '\0');
  return at;
}

GlobPattern::Segment GlobPattern::SegmentAt(size_t at) const {
  Segment segment;
  segment.plain = !ignores_case_;
  for (; at < pattern_.size() && pattern_[at] != '*'; ++segment.elements) {
    const char c = pattern_[at];
    segment.plain &= c != '?' && c != '[' && c != '\\';
    at = AfterElement(at);
  }
  segment.end = at;
  return segment;
}

// The first bytes of `text`, of which there are enough, against the segment at `at`.
bool GlobPattern::MatchSegment(size_t at, const Segment& segment, std::string_view text) const {
  for (size_t i = 0; i < segment.elements; ++i) {
    if (!MatchElement(&at, text[i])) return false;
  }
  return true;
}

size_t GlobPattern::FindSegment(size_t at, const Segment& segment, std::string_view text,
                                size_t from) const {
  if (segment.plain) {
    // Linear, which std::string_view's own search is not.
    const void* found =
        memmem(text.data() + from, text.size() - from, pattern_.data() + at, segment.elements);
    return found == nullptr ? kNowhere
                            : static_cast<size_t>(static_cast<const char*>(found) - text.data());
  }
  for (; from + segment.elements <= text.size(); ++from) {
    if (MatchSegment(at, segment, text.substr(from))) return from;
  }
  return kNowhere;
}

// What stands before the first star is at the text's begin, what stands behind the last one at its
// end, and each of the others is best taken where it comes first: that leaves most for the rest.
bool GlobPattern::MatchRest(std::string_view text) const {
  size_t at = rest_;
  Segment segment = SegmentAt(at);
  if (text.size() < segment.elements || !MatchSegment(at, segment, text)) return false;
  size_t matched = segment.elements;
  while (segment.end != pattern_.size()) {
    at = pattern_.find_first_not_of('*', segment.end);
    if (at == kNowhere) return true;
    segment = SegmentAt(at);
    if (text.size() - matched < segment.elements) return false;
    const bool last = segment.end == pattern_.size();
    if (last) return MatchSegment(at, segment, text.substr(text.size() - segment.elements));
    matched = FindSegment(at, segment, text, matched);
    if (matched == kNowhere) return false;
    matched += segment.elements;
  }
  return matched == text.size();
}

bool GlobPattern::Matches(std::string_view text) const {
  // To Redis the empty text is matched by `*`, yet not by `**`.
  if (text.empty()) return pattern_.empty() || all();
  if (!text.starts_with(prefix_)) return false;
  return pattern_.substr(rest_) == "*" || MatchRest(text.substr(prefix_.size()));
}

}  // namespace mantis::config
