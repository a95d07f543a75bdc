#include "engine/keyspace/database.h"

#include <algorithm>
#include <cassert>
#include <functional>

#include "engine/keyspace/engine.h"

namespace mantis {
namespace {

// How often a consistent look at several keys is tried before their locks are taken.
constexpr int kLooks = 4;

// Brings the values of many entries into the cache: stage by stage, so that the misses of different
// entries overlap.
void PrefetchValues(std::span<Entry* const> entries) {
  for (const Entry* e : entries) e->PrefetchHeader();
  for (const Entry* e : entries) {
    const Word w = e->word();
    if (w.kind() == Kind::kBox) __builtin_prefetch(w.pointer<Box>());
  }
  for (const Entry* e : entries) {
    const Word value = Resolve(e->word()).value;
    if (value.kind() == Kind::kString) __builtin_prefetch(value.pointer<Blob>());
  }
}

// The origin of sums of deadlines.
int64_t BeganMs() {
  static const int64_t began_ms = WallClockMs();
  return began_ms;
}

// Frees what an entry of a database that nobody can reach any more owns, and the entry.
void DestroyWithValue(Entry* e) {
  const Word w = e->word().WithoutFlags();
  if (w.kind() == Kind::kBox) {
    Box* box = w.pointer<Box>();
    FreeUnpublished(box->value);
    memory::Free(box);
  } else {
    FreeUnpublished(w);
  }
  Entry::Destroy(e);
}

}  // namespace

Database::Database(int number) : number_(number) {}

Database::~Database() {
  const memory::MustSucceed must;
  // Entries are reached through the hash index: every entry that was not buried is in it.
  std::vector<Entry*> entries;
  uint64_t cursor = 0;
  do {
    // Quiescent, so no bucket moves while it is scanned and each entry comes up once.
    cursor = index_.Scan(cursor, entries);
    // As in ElementTable::DestroyElements: the allocator's pages are to become empty one by one.
    constexpr size_t kAtOnce = 1'000'000;
    if (cursor != 0 && entries.size() < kAtOnce) continue;
    std::sort(entries.begin(), entries.end(), std::less<>());
    for (Entry* e : entries) DestroyWithValue(e);
    entries.clear();
  } while (cursor != 0);
}

Status Database::Get(OpContext& ctx, const KeyRef& key, Current* out, Access access,
                     Entry** entry) {
  const InsideSection inside(ctx);
  while (true) {
    Entry* e = index_.Find(key.bytes, key.hash);
    if (e != nullptr) {
      Word w = e->word();
      if (w.locked() && !ctx.holds_locks() && !e->AwaitUnlocked(&w)) return Status::kBusy;
      if (w.kind() == Kind::kDead) continue;
      const Current c = Resolve(w);
      if (c.exists() && c.deadline_ms > ctx.now_ms()) {
        *out = c;
        if (entry != nullptr) *entry = e;
        if (access == Access::kRead) {
          CountRead(true);
          if (!ctx.no_touch) {
            ctx.engine().cache().Touch(e, ctx.now_ms(), ctx.random_state());
          }
        }
        return Status::kOk;
      }
      if (c.exists() && !ctx.engine().expiry_held(ctx.now_ms())) ExpireIfDue(ctx, e);
    }
    if (access == Access::kRead) CountRead(false);
    return Status::kNotFound;
  }
}

Status Database::GetString(OpContext& ctx, const KeyRef& key, StringRef* out) {
  Current c;
  const Status s = Get(ctx, key, &c);
  if (s != Status::kOk) return s;
  if (c.type() != ValueType::kString) return Status::kWrongType;
  if (c.value.kind() == Kind::kStringBuffer) return CopyBuffer(ctx, key, out);
  *out = StringRef(c.value);
  return Status::kOk;
}

Database::Look Database::LookAtAll(const OpContext& ctx, std::span<const KeyRef> keys,
                                   std::vector<Seen>& seen) const {
  const bool locks = ctx.holds_locks();
  const uint64_t returns = returns_.load(std::memory_order_acquire);
  seen.clear();
  for (const KeyRef& key : keys) {
    Seen s;
    s.entry = index_.Find(key.bytes, key.hash, &s.sight);
    if (s.entry != nullptr) {
      s.word = s.entry->word();
      if (s.word.locked() && !locks && !s.entry->AwaitUnlocked(&s.word)) return Look::kLocked;
      if (s.word.kind() == Kind::kDead) return Look::kChanged;
      s.word = s.word.WithoutFlags();
    }
    seen.push_back(s);
  }
  // One key holds what it holds at one instant anyway, and whose locks are held does not change.
  if (keys.size() == 1 || locks) return Look::kSteady;
  for (size_t i = 0; i < keys.size(); ++i) {
    const Seen& s = seen[i];
    if (s.entry == nullptr) {
      if (index_.Look(keys[i].hash) != s.sight) return Look::kChanged;
      continue;
    }
    const Word now = s.entry->word();
    if (now.locked() || now.WithoutFlags() != s.word) return Look::kChanged;
  }
  // After the words, which were loaded with acquire.
  return returns_.load(std::memory_order_acquire) == returns ? Look::kSteady : Look::kChanged;
}

Status Database::GetMany(OpContext& ctx, std::span<const KeyRef> keys, std::vector<Current>& out) {
  const InsideSection inside(ctx);
  thread_local std::vector<Seen> seen;
  Look look = Look::kChanged;
  for (int i = 0; i < kLooks && look == Look::kChanged; ++i) look = LookAtAll(ctx, keys, seen);
  if (look == Look::kLocked) return Status::kBusy;
  // What the words of string buffers point at changes under them: under locks, then.
  if (look == Look::kChanged ||
      (!ctx.holds_locks() && std::any_of(seen.begin(), seen.end(), [](const Seen& s) {
        return Resolve(s.word).value.kind() == Kind::kStringBuffer;
      }))) {
    return GetManyLocked(ctx, keys, out);
  }
  out.clear();
  for (const Seen& s : seen) {
    Current c = s.entry == nullptr ? Current{Word::Of(Kind::kTomb)} : Resolve(s.word);
    if (c.exists() && c.deadline_ms <= ctx.now_ms()) {
      if (!ctx.engine().expiry_held(ctx.now_ms())) ExpireIfDue(ctx, s.entry);
      c = Current{Word::Of(Kind::kTomb)};
    }
    CountRead(c.exists());
    if (c.exists() && !ctx.no_touch) {
      ctx.engine().cache().Touch(s.entry, ctx.now_ms(), ctx.random_state());
    }
    if (c.value.kind() == Kind::kStringBuffer) c.value = CopyOfBuffer(ctx, c.value);
    out.push_back(c);
  }
  return Status::kOk;
}

int64_t Database::DueIn(Word word) {
  if (word.kind() != Kind::kBox) return 0;
  // The sum of far deadlines must not overflow: those of thirty million keys in nine years fit.
  constexpr int64_t kMost = int64_t{9} * 366 * 86'400'000;
  const int64_t ms = word.pointer<Box>()->deadline_ms;
  return ms - BeganMs() > kMost ? kMost : std::max(ms - BeganMs(), -kMost);
}

int64_t Database::AverageTtlMs(int64_t now_ms) const {
  const auto keys = static_cast<int64_t>(deadlines());
  if (keys == 0) return 0;
  return std::max<int64_t>(0, due_in_ms_.Total() / keys - (now_ms - BeganMs()));
}

Entry* Database::FindOrCreate(const KeyRef& key) {
  Entry* found = index_.Find(key.bytes, key.hash);
  return found != nullptr ? found : CreateEntry(key);
}

Entry* Database::CreateEntry(const KeyRef& key) {
  Entry* fresh = Entry::Create(key.bytes);
  bool inserted = false;
  Entry* e = index_.FindOrInsert(fresh, key.hash, &inserted);
  // It was never visible to anybody if it lost.
  if (!inserted) Entry::Destroy(fresh);
  return e;
}

Entry* Database::CreateEntryFor(const KeyRef& key, const Update& update) {
  try {
    return CreateEntry(key);
  } catch (...) {
    FreeUnpublished(update.value);
    throw;
  }
}

inline bool Database::MayReturn(Word before, Word after, const Update& update) {
  // A fresh entry has held nothing; that a deadline comes or goes leaves the value as it is.
  if (before.kind() == Kind::kNew || update.action != Update::Action::kSet) return false;
  if (before.kind() == Kind::kTomb || update.moved) return true;
  if (after.kind() == Kind::kString) return after.pointer<Blob>()->shared();
  if (after.kind() != Kind::kInt) return false;
  // An integer that replaces an integer counts on; all others begin anywhere.
  const Word old = Resolve(before).value;
  return old.kind() != Kind::kInt || after.sequence() != old.sequence() + 1;
}

inline void Database::AfterCommit(OpContext& ctx, Entry* e, Word before, Word after,
                                  const Update& update) {
  auto& counters = Counters::Local();
  const bool plain = before.has_value() && after.has_value() && before.kind() != Kind::kBox &&
                     after.kind() != Kind::kBox;
  if (!plain) CountKeys(ctx, e, before, after, update);
  counters.Add(after.has_value() ? Counter::kWrites : Counter::kDeletes, 1);
  counters.Add(Counter::kChanges, update.changes);
  RetireWord(before.WithoutFlags(), update.action == Update::Action::kSetDeadline,
             ctx.engine().lazy_free());
  if (CommitObserver* o = ctx.engine().observer(); o != nullptr) {
    o->OnCommit(ctx, *this, e->key(), update.event, before.watched());
  }
}

void Database::CountKeys(OpContext& ctx, Entry* e, Word before, Word after, const Update& update) {
  const bool existed = before.has_value();
  const bool exists = after.has_value();
  if (existed != exists) keys_.Add(exists ? 1 : -1);
  if (!existed && exists) Counters::Local().Add(Counter::kCacheInserts, 1);
  if (!exists && !before.locked()) ctx.NoteTomb(this, e);
  const bool had_deadline = before.kind() == Kind::kBox;
  const bool has_deadline = after.kind() == Kind::kBox;
  if (had_deadline != has_deadline) deadlines_.Add(has_deadline ? 1 : -1);
  if (had_deadline || has_deadline) due_in_ms_.Add(DueIn(after) - DueIn(before));
  if (has_deadline) expiry_.Schedule(e, update.deadline_ms);
}

bool Database::Commit(OpContext& ctx, Entry* e, Word expected, const Update& update) {
  // Locks that do not cover the key would be no locks: others may be changing it.
  assert(!ctx.holds_locks() || expected.locked() || ctx.alone());
  const Current before = Resolve(expected);
  Word desired;
  Box* box = nullptr;
  if (update.action == Update::Action::kErase) {
    desired = Word::Of(expected.kind() == Kind::kNew ? Kind::kNew : Kind::kTomb);
  } else {
    desired = update.action == Update::Action::kSet ? update.value : before.value;
    // acq_rel: whoever sees the commit sees the count, and who sees the count sees what was there.
    if (MayReturn(expected, desired, update)) returns_.fetch_add(1, std::memory_order_acq_rel);
    if (update.deadline_ms != kNoDeadline) {
      box = static_cast<Box*>(memory::Allocate(sizeof(Box)));
      *box = Box{update.deadline_ms, desired};
      desired = Word::Pointer(Kind::kBox, box);
    }
  }
  // A value must be in the ordered index before it can be seen.
  if (expected.kind() == Kind::kNew && desired.has_value()) {
    const memory::MustSucceed must;
    ctx.engine().cache().InitAccess(e, ctx.now_ms());
    ordered_.Insert(e, ctx.places().Take(ordered_, e->key()));
  }
  Word seen = expected;
  if (!e->CompareExchange(seen, desired.WithFlags(expected.raw() & Word::kLocked))) {
    if (box != nullptr) memory::Free(box);
    // The entry may have been buried while it was put into the ordered index.
    if (expected.kind() == Kind::kNew && seen.kind() == Kind::kDead) ordered_.Erase(e);
    return false;
  }
  AfterCommit(ctx, e, expected, desired, update);
  return true;
}

Status Database::MoveLocked(OpContext& ctx, const KeyRef& from, Database& to_db, const KeyRef& to,
                            std::string_view from_event, std::string_view to_event) {
  const InsideSection inside(ctx);
  const memory::MustSucceed must;
  Entry* source = index_.Find(from.bytes, from.hash);
  Entry* target = to_db.FindOrCreate(to);
  // The source gives the value away: its commit retires a box, not what is in it. Loops, although
  // the lock is held, because the watch flag may be set meanwhile.
  Word seen = source->word();
  const Current c = Resolve(seen);
  while (
      !source->CompareExchange(seen, Word::Of(Kind::kTomb).WithFlags(seen.raw() & Word::kLocked))) {
  }
  AfterCommit(ctx, source, seen, Word::Of(Kind::kTomb),
              Update::SetDeadline(kNoDeadline, from_event).Counting(0));
  Update put = Update::Set(c.value, c.deadline_ms, to_event);
  put.moved = true;
  while (!to_db.Commit(ctx, target, target->word(), put)) {
  }
  target->set_access(source->access());
  if (c.value.is_object()) {
    const int64_t next_ms = ObjectOf(c.value)->next_deadline_ms();
    if (next_ms != kNoDeadline) to_db.expiry_.Schedule(target, next_ms);
  }
  return Status::kOk;
}

bool Database::ExpireIfDue(OpContext& ctx, Entry* e) {
  while (true) {
    const Word w = e->word();
    if (w.locked() && !ctx.holds_locks()) return false;
    const Current c = Resolve(w);
    if (!c.exists() || c.deadline_ms > ctx.now_ms()) return false;
    if (Commit(ctx, e, w, Update::Erase("expired").Counting(0))) {
      Counters::Local().Add(Counter::kExpiredKeys, 1);
      return true;
    }
  }
}

bool Database::Evict(OpContext& ctx, Entry* e) {
  while (true) {
    const Word w = e->word();
    if (w.locked() || !Resolve(w).exists()) return false;
    if (Commit(ctx, e, w, Update::Erase("evicted").Counting(0))) {
      Counters::Local().Add(Counter::kEvictedKeys, 1);
      return true;
    }
  }
}

size_t Database::ExpireDue(OpContext& ctx, size_t part, size_t parts, size_t limit) {
  thread_local std::vector<Entry*> due;
  size_t taken = 0;
  for (size_t shard = part; shard < ExpiryIndex::kShards && taken < limit; shard += parts) {
    due.clear();
    expiry_.TakeDue(shard, ctx.now_ms(), limit - taken, due);
    taken += due.size();
    PrefetchValues(due);
    for (size_t i = 0; i < due.size(); ++i) {
      Entry* e = due[i];
      if (ExpireIfDue(ctx, e)) continue;
      ExpireParts(ctx, e);
      // Put off, locked, or without a deadline by now.
      const Current c = Resolve(e->word());
      if (c.exists() && c.has_deadline())
        expiry_.Schedule(e, std::max(c.deadline_ms, ctx.now_ms() + 1));
    }
  }
  return taken;
}

void Database::Bury(Entry* e) {
  Word w = e->word();
  if (w != Word::Of(Kind::kTomb) && w != Word::Of(Kind::kNew)) return;
  if (!e->CompareExchange(w, Word::Of(Kind::kDead))) return;
  ordered_.Erase(e);
  index_.Erase(e, HashIndex::Hash(e->key()));
  expiry_.Remove(e);
  // Two stages. A thread that was putting the entry into the ordered index when it died takes it
  // out again before it leaves its read section, that is before the first stage ends; whoever met
  // the stray pointer in between is waited for by the second.
  reclaim::Retire(
      e,
      [](void* p) {
        reclaim::Retire(
            p, [](void* q) { Entry::Destroy(static_cast<Entry*>(q)); },
            static_cast<Entry*>(p)->allocated_bytes());
      },
      e->allocated_bytes());
}

}  // namespace mantis
