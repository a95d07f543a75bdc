// Glob patterns: `*` any bytes, `?` one byte, `[abc]` `[a-z]` `[^a]` one of a set, `\x` the byte x
// itself. Byte for byte what Redis makes of a pattern, malformed ones included, in both its ways:
// over keys and the like (Case::kMatters), and over names of options and commands (kIgnored).
//
// Thread safety: immutable after construction.
// Ownership: keeps a view of the pattern's bytes, which must outlive it.
// Bound: for each text, the pattern's length and the text's length; what stands between two `*` and
// is not plain text takes a step for each of its elements and byte of the text. A set is one
// element, however long it is: it is parsed once, when the pattern is made.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mantis::config {

class GlobPattern {
 public:
  enum class Case : uint8_t { kMatters, kIgnored };

  explicit GlobPattern(std::string_view pattern, Case letters = Case::kMatters);

  bool Matches(std::string_view text) const;

  // What every match begins with: all up to the first wildcard, with escapes resolved. Empty where
  // the case is ignored.
  const std::string& prefix() const { return prefix_; }
  // No wildcard: the prefix is the only match. Never told where the case is ignored.
  bool exact() const { return !ignores_case_ && rest_ == pattern_.size(); }
  // Everything matches.
  bool all() const { return pattern_ == "*"; }

 private:
  // A set of so many bytes that it is worth more than reading it again.
  struct LongSet {
    size_t begin = 0;  // behind its '['
    size_t end = 0;    // behind its ']', or the pattern's end
    std::bitset<256> members;
  };
  // One of what a set lists: the bytes from low to high.
  struct Range {
    signed char low = 0;
    signed char high = 0;
    bool folded = false;  // compares lower-case letters
    bool Has(char c) const;
  };
  // What stands between two stars.
  struct Segment {
    size_t end = 0;       // of its text in the pattern
    size_t elements = 0;  // it matches as many bytes
    bool plain = true;    // of bytes that stand for themselves
  };

  Range ReadRange(size_t* at) const;
  bool ReadSet(size_t* at, char c) const;
  void RememberSet(size_t begin);
  const LongSet* FindLongSet(size_t begin) const;
  bool SetHas(size_t* at, char c) const;
  bool MatchElement(size_t* at, char c) const;
  size_t AfterElement(size_t at) const;
  Segment SegmentAt(size_t at) const;
  bool MatchSegment(size_t at, const Segment& segment, std::string_view text) const;
  size_t FindSegment(size_t at, const Segment& segment, std::string_view text, size_t from) const;
  bool MatchRest(std::string_view text) const;

  std::string_view pattern_;
  const bool ignores_case_;
  std::string prefix_;
  size_t rest_ = 0;  // of the pattern: what follows the literal prefix
  std::vector<LongSet> long_sets_;
};

}  // namespace mantis::config
