#include "server/dispatch/interest_table.h"

#include <algorithm>

#include "engine/base/allocation_failure.h"

namespace mantis::server {

namespace {

// Tables and lists with room for no more than this are not shrunk.
constexpr size_t kKeptNames = 16;
constexpr size_t kShrinkRatio = 8;

}  // namespace

// Each time the table has become a small part of what it was, so a removal costs O(1) on average.
void InterestTable::Shard::Shrink() {
  if (records.capacity() > kKeptNames && records.capacity() / kShrinkRatio > records.size()) {
    records.rehash(0);
  }
}

InterestTable::Record* InterestTable::Shard::Find(int db, Bytes key) {
  const auto it = records.find(NameView(db, key));
  return it == records.end() ? nullptr : it->second.get();
}

InterestTable::Record& InterestTable::Shard::FindOrCreate(int db, Bytes key) {
  auto it = records.find(NameView(db, key));
  if (it == records.end()) {
    it = records.emplace(Name(db, key), std::make_unique<Record>()).first;
  }
  return *it->second;
}

void InterestTable::MarkDirty(Record& record) {
  for (const auto& watcher : record.watchers) {
    watcher->dirty.store(true, std::memory_order_release);
  }
  record.watchers.clear();
}

// Sets the key's flag. Dirty is who watched it before it lost the flag, and before it is set: who
// tests sees one or the other.
void InterestTable::Arm(Database& db, const KeyRef& key, Record& record) {
  if (db.IsArmed(key)) return;
  MarkDirty(record);
  db.Arm(key);
}

void InterestTable::DropIfIdle(OpContext* ctx, Shard& shard, int db, const KeyRef& key) {
  const auto it = shard.records.find(NameView(db, key.bytes));
  if (it == shard.records.end() || !it->second->idle()) return;
  if (ctx == nullptr) {
    shard.unused.emplace_back(db, key.bytes);
    return;
  }
  ctx->engine().database(db).Disarm(*ctx, key);
  shard.records.erase(it);
  shard.Shrink();
}

void InterestTable::Watch(OpContext& ctx, int db, const KeyRef& key,
                          const std::shared_ptr<WatchState>& watcher) {
  Shard& shard = ShardOf(key.hash);
  const std::lock_guard lock(shard.mutex);
  Record& record = shard.FindOrCreate(db, key.bytes);
  Arm(ctx.engine().database(db), key, record);
  record.watchers.insert(watcher);
}

void InterestTable::Unwatch(OpContext* ctx, int db, const KeyRef& key,
                            const std::shared_ptr<WatchState>& watcher) {
  Shard& shard = ShardOf(key.hash);
  const std::lock_guard lock(shard.mutex);
  Record* record = shard.Find(db, key.bytes);
  if (record == nullptr || record->watchers.erase(watcher) == 0) return;
  DropIfIdle(ctx, shard, db, key);
}

bool InterestTable::Unchanged(OpContext& ctx, int db, const KeyRef& key,
                              const WatchState& watcher) {
  Database& database = ctx.engine().database(db);
  const InsideSection inside(ctx);
  Current ignored;
  (void)database.Get(ctx, key, &ignored, Database::Access::kPeek);
  // The flag before the mark, as Arm sets the mark before the flag.
  return database.IsArmed(key) && !watcher.dirty.load(std::memory_order_acquire);
}

bool InterestTable::HasTakers(int db, const KeyRef& key, ValueType type) {
  Shard& shard = ShardOf(key.hash);
  const std::lock_guard lock(shard.mutex);
  const Record* record = shard.Find(db, key.bytes);
  if (record == nullptr) return false;
  return std::any_of(record->queue.begin(), record->queue.end(), [type](const auto& waiter) {
    const Waiter::Wish& wish = waiter->wish();
    return wish.takes && !waiter->done() &&
           (type == ValueType::kNone || wish.type == ValueType::kNone || wish.type == type);
  });
}

void InterestTable::OnCommit(OpContext& ctx, Database& db, Bytes key, std::string_view,
                             bool watched) {
  if (!watched) return;
  const memory::MustSucceed must;
  const KeyRef ref = KeyRef::Of(key);
  const int number = db.number();
  Shard& shard = ShardOf(ref.hash);
  const std::lock_guard lock(shard.mutex);
  Record* record = shard.Find(number, key);
  if (record == nullptr) return;
  MarkDirty(*record);
  if (!record->queue.empty()) Note(number, key);
  DropIfIdle(&ctx, shard, number, ref);
}

void InterestTable::BeforeReplace(OpContext& ctx, Database& now, Database& next) {
  // What a watcher would see change: not an absent key that becomes an expired one.
  const auto changes = [&](const KeyRef& key) {
    const Entry* e = now.index().Find(key.bytes, key.hash);
    if (e != nullptr && e->word().has_value()) return true;
    e = next.index().Find(key.bytes, key.hash);
    return e != nullptr && Database::IsLive(e, ctx.now_ms());
  };
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (auto& [name, record] : shard.records) {
      if (name.first != now.number()) continue;
      const KeyRef key = KeyRef::Of(name.second);
      if (!record->watchers.empty() && changes(key)) MarkDirty(*record);
      now.Disarm(ctx, key);
    }
  }
}

void InterestTable::AfterReplace(OpContext& ctx, Database& db) {
  std::vector<std::string> keys;
  for (Shard& shard : shards_) {
    keys.clear();
    {
      const std::lock_guard lock(shard.mutex);
      absl::erase_if(shard.records, [&](const auto& item) {
        return item.first.first == db.number() && item.second->idle();
      });
      for (const auto& [name, record] : shard.records) {
        if (name.first == db.number()) keys.push_back(name.second);
      }
    }
    for (const std::string& key : keys) {
      const KeyRef ref = KeyRef::Of(key);
      // An expired key goes before the flag is set: it was absent for its watchers all along.
      Current ignored;
      (void)db.Get(ctx, ref, &ignored, Database::Access::kPeek);
      const std::lock_guard lock(shard.mutex);
      const Record* record = shard.Find(db.number(), key);
      if (record == nullptr) continue;
      db.Arm(ref);
      if (!record->queue.empty()) Note(db.number(), key);
    }
  }
}

void InterestTable::Sweep(OpContext& ctx, size_t part, size_t parts) {
  for (size_t s = part; s < kShards; s += parts) {
    Shard& shard = shards_[s];
    const std::lock_guard lock(shard.mutex);
    for (const auto& [db, key] : shard.unused) DropIfIdle(&ctx, shard, db, KeyRef::Of(key));
    shard.unused.clear();
    if (shard.unused.capacity() > kKeptNames) shard.unused.shrink_to_fit();
  }
}

size_t InterestTable::keys() const {
  size_t sum = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    sum += shard.records.size();
  }
  return sum;
}

InterestTable::KeysWaitedFor InterestTable::CountKeysWaitedFor() const {
  const auto when_gone = [](const std::shared_ptr<Waiter>& waiter) {
    return waiter->wish().when_gone;
  };
  KeysWaitedFor keys;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [name, record] : shard.records) {
      const auto& queue = record->queue;
      if (!queue.empty()) ++keys.all;
      if (std::any_of(queue.begin(), queue.end(), when_gone)) ++keys.also_when_gone;
    }
  }
  return keys;
}

}  // namespace mantis::server
