// The ordered keyspace: ranges of keys in byte order. These commands are ours; no other server that
// speaks RESP has them.

#include <algorithm>
#include <string>
#include <vector>

#include "server/commands/args.h"
#include "server/commands/key_range.h"
#include "server/commands/key_walk.h"
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

// Writes keys, with values on demand, as a walk finds them: flat in RESP2, pairs in RESP3 (as
// ZRANGE WITHSCORES answers).
class KeysReply {
 public:
  KeysReply(CommandContext& c, bool with_values)
      : c_(c),
        with_values_(with_values),
        pairs_(with_values && c.reply.protocol() == 3),
        mark_(c.reply.DeferredArray()) {}

  // kAgain: the value is locked; nothing was written.
  Walk Add(const KeyAt& k) {
    if (!with_values_) {
      c_.reply.Bulk(k.entry->key());
    } else if (k.value.type() != ValueType::kString) {
      Head(k);
      c_.reply.Null();
    } else if (!AddString(k)) {
      return Walk::kAgain;
    }
    ++keys_;
    return Walk::kMore;
  }

  void End() { c_.reply.SetDeferredArray(mark_, keys_ * (with_values_ && !pairs_ ? 2 : 1)); }
  int64_t keys() const { return static_cast<int64_t>(keys_); }

 private:
  void Head(const KeyAt& k) {
    if (pairs_) c_.reply.Array(2);
    c_.reply.Bulk(k.entry->key());
  }

  // What a key holds under another's lock may be half of a transaction, and a string buffer's
  // content is only to be looked at under the lock: false if that cannot be had now.
  bool AddString(const KeyAt& k) {
    Word w = k.entry->word();
    Current now = k.value;
    if (w.locked() && !c_.op.holds_locks()) {
      if (!k.entry->AwaitUnlocked(&w)) return false;
      now = Resolve(w);
    }
    if (now.value.kind() != Kind::kStringBuffer) {
      Head(k);
      now.type() == ValueType::kString ? ReplyString(c_, StringRef(now.value)) : c_.reply.Null();
      return true;
    }
    bool read = false;
    const Status s = c_.db().ReadEntry(c_.op, k.entry, [&](const Current& held) {
      read = held.type() == ValueType::kString;
      char digits[24];
      if (read) Head(k);
      if (read) c_.reply.Bulk(StringRef(held.value).Text(digits));
      return Status::kOk;
    });
    if (s == Status::kBusy) return false;
    // It has gone or is another thing by now.
    if (!read) Head(k);
    if (!read) c_.reply.Null();
    return true;
  }

  CommandContext& c_;
  const bool with_values_;
  const bool pairs_;
  const size_t mark_;
  size_t keys_ = 0;
};

Outcome KRange(CommandContext& c) {
  RangeOptions options;
  KeyRange range;
  if (!ParseRangeOptions(c, 3, &options) ||
      !ParseKeyRange(c, c.args[1], c.args[2], options.reversed, &range)) {
    return Done();
  }
  KeysReply keys(c, options.with_values);
  // As in ZRANGEBYLEX: a negative offset gives nothing, a negative count everything.
  if (options.offset >= 0 && options.count != 0) {
    int64_t skip = options.offset;
    const Status s = WalkKeys(c, range, options.reversed, [&](const KeyAt& k) {
      if (skip > 0) {
        --skip;
        return Walk::kMore;
      }
      const Walk walk = keys.Add(k);
      return walk == Walk::kMore && keys.keys() == options.count ? Walk::kStop : walk;
    });
    if (s != Status::kOk) return FailStatus(c, s);
  }
  keys.End();
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
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Integer(count);
  return Done();
}

// The keys of a batch, which are copied, as a walk may leave the read section in which it met them.
class KeyBatch {
 public:
  // The first `limit` keys of the range.
  Status Collect(CommandContext& c, const KeyRange& range, size_t limit) {
    keys_.clear();
    return WalkKeys(c, range, false, [&](const KeyAt& k) {
      keys_.emplace_back(k.entry->key());
      return keys_.size() == limit ? Walk::kStop : Walk::kMore;
    });
  }

  // Deletes them, all at once, and adds to *deleted how many were still there. kBusy: nothing has
  // happened; nor on kTooLong, which is for a batch that must be whole and is not any more.
  Status Delete(CommandContext& c, bool whole, int64_t* deleted) const {
    std::vector<KeyLocks::Target> targets;
    targets.reserve(keys_.size());
    for (const std::string& key : keys_) targets.emplace_back(&c.db(), KeyRef::Of(key));
    KeyLocks locks(c.op);
    if (locks.Acquire(targets) == Status::kBusy) return Status::kBusy;
    for (const auto& [db, key] : targets) {
      Current now;
      if (whole && db->Get(c.op, key, &now, Database::Access::kPeek) != Status::kOk) {
        return Status::kTooLong;
      }
    }
    for (const auto& [db, key] : targets) {
      if (db->Remove(c.op, key) == Status::kOk) ++*deleted;
    }
    return Status::kOk;
  }

  size_t size() const { return keys_.size(); }
  std::string TakeLast() { return std::move(keys_.back()); }

 private:
  std::vector<std::string> keys_;
};

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
  const bool on_loop = c.mode == RunMode::kNormal && !c.alone;
  int64_t deleted = 0;
  std::string last;
  KeyBatch keys;
  WalkPacer pacer(c);
  while (deleted < limit) {
    const auto batch = static_cast<size_t>(std::min(kBatch, limit - deleted));
    Status s = keys.Collect(c, range, batch);
    if (s != Status::kOk) return FailStatus(c, s);
    const bool ended = keys.size() < batch;
    // A loop deletes what is one batch: what is deleted cannot be begun anew on a worker.
    if (on_loop && !ended && limit > kBatch) return Outcome::kOffload;
    s = keys.Delete(c, on_loop && !ended, &deleted);
    if (s == Status::kTooLong || (s == Status::kBusy && on_loop)) return FailStatus(c, s);
    if (s == Status::kOk) {
      if (ended || on_loop) break;
      last = keys.TakeLast();
      range.min = RangeBound::Excluding(last);
    }
    // A batch that met a lock is tried again, and only that one. The next one needs no look at what
    // this one has retired.
    if (s == Status::kBusy) (void)pacer.AtLock();
    if (!c.op.holds_locks()) pacer.Pause();
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
  const ClientOutput::Mark mark = c.client.output.mark();
  KeysReply keys(c, with_values);
  std::string last;
  bool more = false;
  const Status s = WalkKeys(c, range, false, [&](const KeyAt& k) {
    // A page never ends at the empty key: as a cursor it would mean the beginning.
    if (keys.keys() >= count && !last.empty()) {
      more = true;
      return Walk::kStop;
    }
    const Walk walk = keys.Add(k);
    if (walk == Walk::kMore && keys.keys() >= count) last.assign(k.entry->key());
    return walk;
  });
  if (s != Status::kOk) return FailStatus(c, s);
  keys.End();
  WriteInFront(c, mark, [&] {
    c.reply.Array(2);
    more ? c.reply.Bulk(last) : c.reply.Null();
  });
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
