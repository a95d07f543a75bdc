// Glob patterns over keys: `*` any bytes, `?` one byte, `[abc]` `[a-z]` `[^a]` one of a set, `\x`
// the byte x itself. Byte for byte what Redis makes of a pattern, malformed ones included.
//
// Thread safety: immutable after construction.
// Ownership: keeps a view of the pattern's bytes, which must outlive it.
// Bound: matching takes at most pattern length times text length steps, whatever the pattern.
#pragma once

#include <string>

#include "engine/base/bytes.h"

namespace mantis::server {

class GlobPattern {
 public:
  explicit GlobPattern(Bytes pattern);

  bool Matches(Bytes text) const;

  // What every match begins with: all up to the first wildcard, with escapes resolved.
  const std::string& prefix() const { return prefix_; }
  // No wildcard: the prefix is the only match.
  bool exact() const { return rest_.empty(); }
  // Everything matches.
  bool all() const { return pattern_ == "*"; }

 private:
  Bytes pattern_;
  Bytes rest_;  // what follows the literal prefix
  std::string prefix_;
};

}  // namespace mantis::server
