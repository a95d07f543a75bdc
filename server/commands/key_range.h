// Ranges of the ordered keyspace as commands write them: `[a` `(a` `-` `+`, or `PREFIX p`; and
// walking one.
//
// Thread safety: one command, one core, inside its batch.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "server/dispatch/command.h"

namespace mantis::server {

struct KeyRange {
  RangeBound min;
  RangeBound max;
  bool empty = false;
  std::string successor;  // storage of `max` for a prefix

  KeyRange() = default;
  KeyRange(const KeyRange&) = delete;  // the bounds point into `successor`
  KeyRange& operator=(const KeyRange&) = delete;
};

// The smallest byte string above every string with this prefix; false if there is none.
bool PrefixSuccessor(Bytes prefix, std::string* out);
void SetPrefix(Bytes prefix, KeyRange* out);

// Parses two arguments. With `reversed` the first is the upper end. Writes the error and returns
// false if they are no bounds.
bool ParseKeyRange(CommandContext& c, Bytes first, Bytes second, bool reversed, KeyRange* out);

// A live key met on a walk.
struct KeyAt {
  Entry* entry;
  Current value;
};

enum class Walk : uint8_t { kMore, kStop };

// Calls visit(const KeyAt&) -> Walk for each live key of the range in order. kBusy if a key of the
// range was locked: the caller starts over later.
template <class Visit>
Status WalkKeys(CommandContext& c, const KeyRange& range, bool reversed, Visit&& visit);

namespace detail {
// The entry's word once it is not locked by others; false if it stays locked.
bool UnlockedWord(const OpContext& op, const Entry* e, Word* out);
}  // namespace detail

template <class Visit>
Status WalkKeys(CommandContext& c, const KeyRange& range, bool reversed, Visit&& visit) {
  if (range.empty) return Status::kOk;
  constexpr size_t kAhead = 8;
  OrderedCursor cursor(c.db().ordered(), range.min, range.max, reversed);
  for (auto run = cursor.NextRun(); !run.empty(); run = cursor.NextRun()) {
    for (size_t i = 0; i < std::min(kAhead, run.size()); ++i) run[i]->PrefetchHeader();
    for (size_t i = 0; i < run.size(); ++i) {
      if (i + kAhead < run.size()) run[i + kAhead]->PrefetchHeader();
      Word w;
      if (!detail::UnlockedWord(c.op, run[i], &w)) return Status::kBusy;
      const Current now = Resolve(w);
      if (!now.exists() || now.deadline_ms <= c.op.now_ms()) continue;
      if (visit(KeyAt{run[i], now}) == Walk::kStop) return Status::kOk;
    }
  }
  return Status::kOk;
}

}  // namespace mantis::server
