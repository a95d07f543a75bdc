// Finding keys by pattern. A pattern that begins with literal text becomes a range of the ordered
// index, so its cost depends on what is found and not on what is stored.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "config/glob.h"
#include "server/commands/args.h"
#include "server/commands/collection_scan.h"
#include "server/commands/key_range.h"
#include "server/commands/key_walk.h"
#include "server/core/shared_state.h"
#include "server/dispatch/command_table.h"
#include "server/dispatch/cursor_table.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

Outcome Keys(CommandContext& c) {
  const config::GlobPattern pattern(c.args[1]);
  if (pattern.exact()) {
    Current now;
    const KeyRef key = KeyRef::Of(pattern.prefix());
    const Status s = c.db().Get(c.op, key, &now, Database::Access::kPeek);
    if (s == Status::kBusy) return Outcome::kBusy;
    c.reply.Array(s == Status::kOk ? 1 : 0);
    if (s == Status::kOk) c.reply.Bulk(key.bytes);
    return Done();
  }
  KeyRange range;
  SetPrefix(pattern.prefix(), &range);
  const size_t mark = c.reply.DeferredArray();
  size_t found = 0;
  const Status s = WalkKeys(c, range, false, [&](const KeyAt& k) {
    if (pattern.all() || pattern.Matches(k.entry->key())) {
      c.reply.Bulk(k.entry->key());
      ++found;
    }
    return Walk::kMore;
  });
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.SetDeferredArray(mark, found);
  return Done();
}

// One call of SCAN: writes the keys it finds, and tells where the next call goes on.
class Scanner {
 public:
  Scanner(CommandContext& c, const ScanOptions& options) : c_(c), options_(options) {}

  Outcome Run() {
    const ClientOutput::Mark mark = c_.client.output.mark();
    const size_t keys = c_.reply.DeferredArray();
    const Status s = Walk();
    if (s != Status::kOk) return FailStatus(c_, s);
    c_.reply.SetDeferredArray(keys, found_);
    WriteInFront(c_, mark, [this] {
      c_.reply.Array(2);
      // Cursors stay below 2^53.
      c_.reply.BulkInteger(static_cast<int64_t>(next_));
    });
    return Done();
  }

 private:
  Status Walk() {
    if (options_.match && options_.match->exact()) return LookUp();
    if (options_.match && !options_.match->prefix().empty()) return WalkOrdered();
    return WalkHashed();
  }

  Status LookUp() {
    const KeyRef key = KeyRef::Of(options_.match->prefix());
    const Entry* e = c_.db().index().Find(key.bytes, key.hash);
    if (e != nullptr) Add(*e, e->word());
    return Status::kOk;
  }

  // Writes the entry's key if the scan returns it.
  void Add(const Entry& e, Word w) {
    if (!options_.Matches(e.key())) return;
    const Current now = Resolve(w);
    if (!now.exists() || now.deadline_ms <= c_.op.now_ms()) return;
    // An unknown type is no error: nothing is of it.
    if (options_.type && !EqualsIgnoreCase(*options_.type, TypeName(now.type()))) return;
    c_.reply.Bulk(e.key());
    ++found_;
  }

  // Up to count keys of the prefix's range, from where the cursor stands.
  Status WalkOrdered() {
    const std::string& prefix = options_.match->prefix();
    CursorTable& cursors = *c_.shared.cursors;
    KeyRange range;
    SetPrefix(prefix, &range);
    const std::optional<std::string> after = cursors.Find(options_.cursor, c_.client.db, prefix);
    if (after) range.min = RangeBound::Excluding(*after);
    uint64_t visited = 0;
    bool ended = true;
    std::string last;
    const Status s = WalkEntries(c_, range, false, [&](const Entry* e, Word w) {
      // Stops only when it has seen that there is more, so the last page says that it is the last.
      if (visited >= options_.count && last.size() <= CursorTable::kKeyBytesMax) {
        ended = false;
        return server::Walk::kStop;
      }
      ++visited;
      if (visited >= options_.count) last.assign(e->key());
      Add(*e, w);
      return server::Walk::kMore;
    });
    if (s != Status::kOk) return s;
    if (ended) {
      cursors.Finish(options_.cursor);
    } else {
      next_ = cursors.Advance(options_.cursor, c_.client.db, prefix, last);
    }
    return Status::kOk;
  }

  // Buckets of the hash index until count keys were seen.
  Status WalkHashed() {
    // A sparse table must not make one call long: at most this many buckets for each key asked for.
    constexpr uint64_t kBucketsPerKey = 10;
    WalkPacer pacer(c_);
    // An ordered cursor without its pattern says nothing about hash order: begin again.
    next_ = CursorTable::IsOrdered(options_.cursor) ? 0 : options_.cursor;
    uint64_t buckets = 0;
    uint64_t seen = 0;
    do {
      const uint64_t from = next_;
      const uint64_t most = std::max<uint64_t>(options_.count - seen, 1);
      buckets += TakeBuckets(most);
      auto next = WalkPacer::Next::kGoOn;
      if (AnyLockedTomb()) next = pacer.AtLockedTomb();
      if (next != WalkPacer::Next::kGoOn) {
        next_ = from;  // nothing of these buckets has been written
      } else {
        seen += entries_.size();
        for (const Entry* e : entries_) Add(*e, e->word());
        if (next_ == 0) break;
        next = pacer.AfterSome();
      }
      if (next == WalkPacer::Next::kOffload) return Status::kTooLong;
      if (next == WalkPacer::Next::kPause) pacer.Pause();
    } while (seen < options_.count && buckets / kBucketsPerKey < options_.count);
    return Status::kOk;
  }

  // Collects some buckets' entries, about as many as are wanted, and fetches them into the cache.
  // Returns how many buckets.
  uint64_t TakeBuckets(uint64_t wanted) {
    constexpr uint64_t kBuckets = 32;
    entries_.clear();
    uint64_t taken = 0;
    do {
      next_ = c_.db().index().Scan(next_, entries_);
      ++taken;
    } while (next_ != 0 && taken < kBuckets && entries_.size() < wanted);
    for (const Entry* e : entries_) e->PrefetchHeader();
    return taken;
  }

  bool AnyLockedTomb() const {
    return std::any_of(entries_.begin(), entries_.end(), [this](const Entry* e) {
      Word w = e->word();
      return IsLockedTomb(c_.op, e, &w);
    });
  }

  CommandContext& c_;
  const ScanOptions& options_;
  std::vector<Entry*> entries_;
  uint64_t found_ = 0;
  uint64_t next_ = 0;  // cursor
};

Outcome Scan(CommandContext& c) {
  ScanOptions options;
  if (!ParseScanCursor(c, c.args[1], &options)) return Done();
  if (!ParseScanOptions(c, 2, ScanExtra::kType, &options)) return Done();
  return Scanner(c, options).Run();
}

constexpr CommandRow kRows[] = {
    {"keys",
     2,
     kReadonly | kAnyKeys,
     {},
     kAclKeyspace | kAclDangerous,
     "1.0.0",
     "generic",
     "O(log(N)+K) with K the number of keys that begin with the pattern's literal prefix",
     "Returns all keys that match a pattern, in byte order.",
     Keys,
     "pattern",
     "request_policy:all_shards,nondeterministic_output_order"},
    {"scan",
     -2,
     kReadonly | kAnyKeys,
     {},
     kAclKeyspace,
     "2.8.0",
     "generic",
     "O(COUNT) for a call, O(N) for a complete iteration; with a literal prefix in MATCH, N is the "
     "number of keys that begin with it",
     "Iterates over the keys in steps.",
     Scan,
     "cursor [MATCH pattern] [COUNT count] [TYPE type]",
     "nondeterministic_output,request_policy:special"},
};

}  // namespace

std::span<const CommandRow> ScanCommands() { return kRows; }

}  // namespace mantis::server
