// The ordered keyspace: ranges of keys in byte order. These commands are ours; no other server that
// speaks RESP has them.

#include <algorithm>
#include <string>
#include <thread>

#include "server/commands/args.h"
#include "server/commands/key_range.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

struct RangeOptions {
  bool reversed = false;
  bool with_values = false;
  int64_t offset = 0;
  int64_t count = -1;
};

bool ParseRangeOptions(CommandContext& c, size_t from, RangeOptions* out) {
  for (size_t i = from; i < c.argc(); ++i) {
    if (EqualsIgnoreCase(c.args[i], "REV")) {
      out->reversed = true;
    } else if (EqualsIgnoreCase(c.args[i], "WITHVALUES")) {
      out->with_values = true;
    } else if (EqualsIgnoreCase(c.args[i], "LIMIT") && i + 2 < c.argc()) {
      if (!ParseInteger(c, c.args[i + 1], &out->offset) ||
          !ParseInteger(c, c.args[i + 2], &out->count)) {
        return false;
      }
      i += 2;
    } else {
      (void)SyntaxError(c);
      return false;
    }
  }
  return true;
}

// The texts of the strings among the keys that change in place, in that order: those are read under
// their locks, before anything is written. kBusy if one is taken. What has gone or is another thing
// by now becomes a value of no type.
Status ReadBuffers(CommandContext& c, std::vector<KeyAt>& keys, std::vector<std::string>* texts) {
  for (KeyAt& k : keys) {
    if (k.value.value.kind() != Kind::kStringBuffer) continue;
    bool read = false;
    const Status s = c.db().ReadEntry(c.op, k.entry, [&](const Current& now) {
      read = now.value.kind() == Kind::kStringBuffer;
      char digits[24];
      if (read) texts->emplace_back(StringRef(now.value).Text(digits));
      return Status::kOk;
    });
    if (s == Status::kBusy) return s;
    if (!read) k.value.value = Word{};
  }
  return Status::kOk;
}

// Keys, with values on demand: flat in RESP2, pairs in RESP3 (as ZRANGE WITHSCORES answers).
void ReplyKeys(CommandContext& c, const std::vector<KeyAt>& keys, bool with_values,
               std::span<const std::string> buffers) {
  const bool pairs = with_values && c.reply.protocol() == 3;
  c.reply.Array(keys.size() * (with_values && !pairs ? 2 : 1));
  for (const KeyAt& k : keys) {
    if (pairs) c.reply.Array(2);
    c.reply.Bulk(k.entry->key());
    if (!with_values) continue;
    if (k.value.value.kind() == Kind::kStringBuffer) {
      c.reply.Bulk(buffers.front());
      buffers = buffers.subspan(1);
    } else if (k.value.type() == ValueType::kString) {
      ReplyString(c, StringRef(k.value.value));
    } else {
      c.reply.Null();
    }
  }
}

std::vector<KeyAt>& Collected() {
  thread_local std::vector<KeyAt> keys;
  keys.clear();
  return keys;
}

Outcome KRange(CommandContext& c) {
  RangeOptions options;
  KeyRange range;
  if (!ParseRangeOptions(c, 3, &options) ||
      !ParseKeyRange(c, c.args[1], c.args[2], options.reversed, &range)) {
    return Done();
  }
  std::vector<KeyAt>& keys = Collected();
  // As in ZRANGEBYLEX: a negative offset gives nothing, a negative count everything.
  if (options.offset >= 0 && options.count != 0) {
    int64_t skip = options.offset;
    const Status s = WalkKeys(c, range, options.reversed, [&](const KeyAt& k) {
      if (skip > 0) {
        --skip;
        return Walk::kMore;
      }
      keys.push_back(k);
      return static_cast<int64_t>(keys.size()) == options.count ? Walk::kStop : Walk::kMore;
    });
    if (s == Status::kBusy) return Outcome::kBusy;
  }
  std::vector<std::string> buffers;
  if (options.with_values && ReadBuffers(c, keys, &buffers) == Status::kBusy) {
    return Outcome::kBusy;
  }
  ReplyKeys(c, keys, options.with_values, buffers);
  return Done();
}

Outcome KCount(CommandContext& c) {
  KeyRange range;
  if (!ParseKeyRange(c, c.args[1], c.args[2], false, &range)) return Done();
  int64_t count = 0;
  const Status s = WalkKeys(c, range, false, [&](const KeyAt&) {
    ++count;
    return Walk::kMore;
  });
  if (s == Status::kBusy) return Outcome::kBusy;
  c.reply.Integer(count);
  return Done();
}

// Lets other threads' locks and the gate go on: nothing is held across it.
void StepAside(OpContext& op) {
  op.End();
  std::this_thread::yield();
  while (!op.TryBegin()) std::this_thread::yield();
}

// Deletes the first `limit` (at most a batch) keys of the range, all at once. `*deleted` counts
// those that were still there, `*last` is the last key of the batch; empty batch: range done.
Status DeleteBatch(CommandContext& c, const KeyRange& range, size_t limit, size_t* found,
                   int64_t* deleted, std::string* last) {
  std::vector<KeyAt>& keys = Collected();
  const Status s = WalkKeys(c, range, false, [&](const KeyAt& k) {
    keys.push_back(k);
    return keys.size() == limit ? Walk::kStop : Walk::kMore;
  });
  if (s != Status::kOk) return s;
  std::vector<KeyLocks::Target> targets;
  targets.reserve(keys.size());
  for (const KeyAt& k : keys) targets.emplace_back(&c.db(), KeyRef::Of(k.entry->key()));
  KeyLocks locks(c.op);
  if (locks.Acquire(targets) == Status::kBusy) return Status::kBusy;
  for (const auto& [db, key] : targets) {
    const Status gone = db->Mutate(c.op, key, [](const Current& now) {
      return now.exists() ? Update::Erase("del") : Update::Keep(Status::kNotFound);
    });
    if (gone == Status::kOk) ++*deleted;
  }
  *found = keys.size();
  if (!keys.empty()) last->assign(keys.back().entry->key());
  return Status::kOk;
}

Outcome KDel(CommandContext& c) {
  KeyRange range;
  int64_t limit = INT64_MAX;
  if (c.argc() != 3 && (c.argc() != 5 || !EqualsIgnoreCase(c.args[3], "LIMIT"))) {
    return SyntaxError(c);
  }
  if (!ParseKeyRange(c, c.args[1], c.args[2], false, &range)) return Done();
  if (c.argc() == 5) {
    if (!ParseInteger(c, c.args[4], &limit)) return Done();
    if (limit < 0) return Fail(c, "ERR value is out of range, must be positive");
  }
  constexpr int64_t kBatch = 128;
  int64_t deleted = 0;
  std::string last;
  while (deleted < limit) {
    const auto batch = static_cast<size_t>(std::min(kBatch, limit - deleted));
    size_t found = 0;
    std::string next;
    const Status s = DeleteBatch(c, range, batch, &found, &deleted, &next);
    if (s == Status::kBusy) {
      // Nothing is deleted yet: begin again as any command does. Later: what is deleted must be
      // told, so wait here, outside of the section.
      if (deleted == 0 && last.empty()) return Outcome::kBusy;
    } else {
      if (found < batch) break;
      last.swap(next);
      range.min = RangeBound::Excluding(last);
    }
    // The next batch needs no look at this one: let its memory go.
    if (!c.op.holds_locks()) StepAside(c.op);
  }
  c.reply.Integer(deleted);
  return Done();
}

Outcome KScan(CommandContext& c) {
  KeyRange range;
  bool with_values = false;
  int64_t count = 10;
  for (size_t i = 2; i < c.argc(); ++i) {
    if (EqualsIgnoreCase(c.args[i], "PREFIX") && i + 1 < c.argc()) {
      SetPrefix(c.args[++i], &range);
    } else if (EqualsIgnoreCase(c.args[i], "COUNT") && i + 1 < c.argc()) {
      if (!ParseInteger(c, c.args[++i], &count)) return Done();
      if (count < 1) return SyntaxError(c);
    } else if (EqualsIgnoreCase(c.args[i], "WITHVALUES")) {
      with_values = true;
    } else {
      return SyntaxError(c);
    }
  }
  const Bytes after = c.args[1];
  // The empty string begins the scan; any other key goes on after it, if that is further.
  if (!after.empty() && (range.min.unbounded || CompareBytes(after, range.min.key) >= 0)) {
    range.min = RangeBound::Excluding(after);
  }
  std::vector<KeyAt>& keys = Collected();
  bool more = false;
  const Status s = WalkKeys(c, range, false, [&](const KeyAt& k) {
    // A page never ends at the empty key: as a cursor it would mean the beginning.
    const bool full =
        static_cast<int64_t>(keys.size()) >= count && !keys.back().entry->key().empty();
    if (full) {
      more = true;
      return Walk::kStop;
    }
    keys.push_back(k);
    return Walk::kMore;
  });
  std::vector<std::string> buffers;
  if (s == Status::kBusy || (with_values && ReadBuffers(c, keys, &buffers) == Status::kBusy)) {
    return Outcome::kBusy;
  }
  c.reply.Array(2);
  if (more) {
    c.reply.Bulk(keys.back().entry->key());
  } else {
    c.reply.Null();
  }
  ReplyKeys(c, keys, with_values, buffers);
  return Done();
}

constexpr CommandRow kRows[] = {
    {"krange",
     -3,
     kReadonly | kAnyKeys,
     {},
     kAclKeyspace,
     "7.2.0",
     "mantis",
     "O(log(N)+K) with K the number of keys skipped and returned",
     "Returns the keys between two bounds, or with a prefix, in byte order.",
     KRange,
     "<min max | PREFIX prefix> [REV] [LIMIT (offset count)] [WITHVALUES]"},
    {"kcount",
     3,
     kReadonly | kAnyKeys,
     {},
     kAclKeyspace,
     "7.2.0",
     "mantis",
     "O(log(N)+K) with K the number of keys counted",
     "Counts the keys between two bounds, or with a prefix.",
     KCount,
     "<min max | PREFIX prefix>"},
    {"kdel",
     -3,
     kWrite | kAnyKeys,
     {},
     kAclKeyspace | kAclDangerous,
     "7.2.0",
     "mantis",
     "O(log(N)+K) with K the number of keys deleted",
     "Deletes the keys between two bounds, or with a prefix; each batch of 128 at once.",
     KDel,
     "<min max | PREFIX prefix> [LIMIT count]"},
    {"kscan",
     -2,
     kReadonly | kAnyKeys,
     {},
     kAclKeyspace,
     "7.2.0",
     "mantis",
     "O(log(N)+K) with K the number of keys returned",
     "Pages through the keys in byte order; the cursor is the last key returned.",
     KScan,
     "last-key [PREFIX prefix] [COUNT count] [WITHVALUES]"},
};

}  // namespace

std::span<const CommandRow> OrderedCommands() { return kRows; }

}  // namespace mantis::server
