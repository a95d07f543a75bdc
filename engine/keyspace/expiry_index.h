// Deadlines of one database, ordered, so that finding what is due costs O(due).
//
// Sixteen shards, each a B-tree of (tick, entry) under its own mutex; a tick is kTickMs after the
// process began, so that it fits into 32 bits for years. An entry has at most one item;
// Entry::scheduled() says for when. The item may be early (a deadline that was put off is left
// where it is, which makes refreshing a deadline free of cost); it is late by less than a tick, for
// keys that nobody reads (who does finds them expired to the millisecond). When an item comes up,
// the caller looks at the entry's real deadline and either deletes the key or schedules it again.
//
// Thread safety: all methods from any thread, inside a read section. The mutexes are leaves: held
// for one tree operation, nothing else is locked or waited for under them.
// Ownership: entries belong to the database. Remove() is called after an entry became kDead and
// before it is retired; Schedule() refuses dead entries under the same mutex, so no item outlives
// its entry.
#pragma once

#include <absl/container/btree_set.h>

#include <array>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/keyspace/entry.h"

namespace mantis {

class ExpiryIndex {
 public:
  static constexpr size_t kShards = 16;
  static constexpr int64_t kTickMs = 64;

  // Makes sure that `e` comes up at the end of the tick of `deadline_ms` at the latest. O(log n),
  // O(1) if it does already.
  void Schedule(Entry* e, int64_t deadline_ms);
  void Remove(Entry* e);
  // Takes up to `limit` items of shard `shard` that have come up by now_ms out, appending to `due`.
  void TakeDue(size_t shard, int64_t now_ms, size_t limit, std::vector<Entry*>& due);
  // Up to `n` entries near a random deadline of a random shard, or the earliest ones of it.
  void Sample(uint64_t random, size_t n, bool earliest, std::vector<Entry*>& out) const;
  // When the earliest item of the shard comes up, kNoDeadline if empty.
  int64_t NextDeadline(size_t shard) const;

 private:
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    absl::btree_set<std::pair<uint32_t, Entry*>> items;
  };
  Shard& ShardOf(const Entry* e) {
    // The allocator's low bits say little.
    return shards_[(reinterpret_cast<uintptr_t>(e) >> 4) * 0x9e3779b97f4a7c15ull >> 60];
  }

  std::array<Shard, kShards> shards_;
};

}  // namespace mantis
