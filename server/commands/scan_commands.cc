// Finding keys by pattern. A pattern that begins with literal text becomes a range of the ordered
// index, so its cost depends on what is found and not on what is stored.

#include <optional>
#include <string>
#include <vector>

#include "config/glob.h"
#include "server/commands/args.h"
#include "server/commands/collection_scan.h"
#include "server/commands/key_inspect.h"
#include "server/commands/key_range.h"
#include "server/core/shared_state.h"
#include "server/dispatch/command_table.h"
#include "server/dispatch/cursor_table.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

// How many entries ahead of the one looked at are fetched into the cache.
constexpr size_t kAhead = 8;

// Calls visit(const Entry&) -> Walk for the entries in turn; false if it stopped.
template <class Visit>
bool VisitAll(std::span<Entry* const> entries, Visit&& visit) {
  for (size_t i = 0; i < std::min(kAhead, entries.size()); ++i) entries[i]->PrefetchHeader();
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i + kAhead < entries.size()) entries[i + kAhead]->PrefetchHeader();
    if (visit(static_cast<const Entry&>(*entries[i])) == Walk::kStop) return false;
  }
  return true;
}

// Every entry of the range, absent and expired ones included; false if the visitor stopped. A
// locked key is taken as it is: it has its old content until the commit, and a long walk that
// waited or started over for every writer might never end.
template <class Visit>
bool VisitRange(const OrderedIndex& index, const KeyRange& range, Visit&& visit) {
  OrderedCursor cursor(index, range.min, range.max, false);
  for (auto run = cursor.NextRun(); !run.empty(); run = cursor.NextRun()) {
    if (!VisitAll(run, visit)) return false;
  }
  return true;
}

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
  const int64_t now_ms = c.op.now_ms();
  const size_t mark = c.reply.DeferredArray();
  size_t found = 0;
  VisitRange(c.db().ordered(), range, [&](const Entry& e) {
    const bool matches = pattern.all() || pattern.Matches(e.key());
    if (matches && Database::IsLive(&e, now_ms)) {
      c.reply.Bulk(e.key());
      ++found;
    }
    return Walk::kMore;
  });
  c.reply.SetDeferredArray(mark, found);
  return Done();
}

// True if the scan returns the entry's key.
bool Wants(const ScanOptions& options, const Entry& e, int64_t now_ms) {
  if (!options.Matches(e.key())) return false;
  const Current now = Resolve(e.word());
  if (!now.exists() || now.deadline_ms <= now_ms) return false;
  // An unknown type is no error: nothing is of it.
  return !options.type || EqualsIgnoreCase(*options.type, TypeName(now.type()));
}

// Up to count keys of the prefix's range, from where the cursor stands. Returns the next cursor.
uint64_t ScanOrdered(CommandContext& c, const ScanOptions& options,
                     std::vector<const Entry*>& found) {
  const std::string& prefix = options.match->prefix();
  CursorTable& cursors = *c.shared.cursors;
  KeyRange range;
  SetPrefix(prefix, &range);
  const std::optional<std::string> after = cursors.Find(options.cursor, c.client.db, prefix);
  if (after) range.min = RangeBound::Excluding(*after);
  uint64_t visited = 0;
  const Entry* last = nullptr;
  const bool ended = VisitRange(c.db().ordered(), range, [&](const Entry& e) {
    // Stops only when it has seen that there is more, so the last page says that it is the last.
    if (visited >= options.count && last->key().size() <= CursorTable::kKeyBytesMax) {
      return Walk::kStop;
    }
    ++visited;
    last = &e;
    if (Wants(options, e, c.op.now_ms())) found.push_back(&e);
    return Walk::kMore;
  });
  if (!ended) return cursors.Advance(options.cursor, c.client.db, prefix, last->key());
  cursors.Finish(options.cursor);
  return 0;
}

// Buckets of the hash index until count keys were seen. Returns the next cursor.
uint64_t ScanHashed(CommandContext& c, const ScanOptions& options,
                    std::vector<const Entry*>& found) {
  // A sparse table must not make one call long: at most this many buckets for each key asked for.
  constexpr uint64_t kBucketsPerKey = 10;
  thread_local std::vector<Entry*> entries;
  entries.clear();
  // An ordered cursor without its pattern says nothing about hash order: begin again.
  uint64_t cursor = CursorTable::IsOrdered(options.cursor) ? 0 : options.cursor;
  uint64_t buckets = 0;
  do {
    cursor = c.db().index().Scan(cursor, entries);
    ++buckets;
  } while (cursor != 0 && entries.size() < options.count &&
           buckets / kBucketsPerKey < options.count);
  VisitAll(entries, [&](const Entry& e) {
    if (Wants(options, e, c.op.now_ms())) found.push_back(&e);
    return Walk::kMore;
  });
  return cursor;
}

Outcome Scan(CommandContext& c) {
  ScanOptions options;
  if (!ParseScanCursor(c, c.args[1], &options)) return Done();
  if (!ParseScanOptions(c, 2, ScanExtra::kType, &options)) return Done();
  thread_local std::vector<const Entry*> found;
  found.clear();
  uint64_t next = 0;
  if (options.match && options.match->exact()) {
    const KeyRef key = KeyRef::Of(options.match->prefix());
    const Entry* e = c.db().index().Find(key.bytes, key.hash);
    if (e != nullptr && Wants(options, *e, c.op.now_ms())) found.push_back(e);
  } else if (options.match && !options.match->prefix().empty()) {
    next = ScanOrdered(c, options, found);
  } else {
    next = ScanHashed(c, options, found);
  }
  ScanPage page;
  for (const Entry* e : found) page.Add(e->key());
  page.Write(c, next);
  return Done();
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
