#include "engine/keyspace/lock_waiters.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/keyspace/entry.h"

namespace mantis {
namespace {

struct alignas(64) Shard {
  std::mutex mutex;
  // Relaxed: only a hint outside of the mutex.
  std::atomic<size_t> count{0};
  std::vector<std::pair<const Entry*, LockWaiters::Wake>> waiting;  // in the order they came
};

Shard& ShardOf(const Entry* e) {
  static std::array<Shard, 64> shards;
  // Entries are 16-aligned and mostly 32 to 64 bytes apart.
  const auto address = reinterpret_cast<uintptr_t>(e);
  return shards[(address >> 5 ^ address >> 11) % shards.size()];
}

}  // namespace

bool LockWaiters::Park(Wake wake) {
  const Entry* const e = std::exchange(obstacle_, nullptr);
  if (e == nullptr) return false;
  Shard& shard = ShardOf(e);
  const std::lock_guard lock(shard.mutex);
  parked_.fetch_add(1, std::memory_order_seq_cst);
  if (!e->LockedNow()) {
    parked_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  // Whoever clears the bit from now on sees the count, and comes for the mutex.
  shard.waiting.emplace_back(e, std::move(wake));
  shard.count.store(shard.waiting.size(), std::memory_order_relaxed);
  return true;
}

void LockWaiters::WakeAll(const Entry* e) {
  std::vector<Wake> woken;
  Shard& shard = ShardOf(e);
  {
    const std::lock_guard lock(shard.mutex);
    auto& waiting = shard.waiting;
    const auto first = std::stable_partition(waiting.begin(), waiting.end(),
                                             [e](const auto& item) { return item.first != e; });
    for (auto it = first; it != waiting.end(); ++it) woken.push_back(std::move(it->second));
    waiting.erase(first, waiting.end());
    shard.count.store(waiting.size(), std::memory_order_relaxed);
  }
  if (woken.empty()) return;
  parked_.fetch_sub(woken.size(), std::memory_order_relaxed);
  for (const Wake& wake : woken) wake();
}

bool LockWaiters::Crowded(const Entry* e) {
  return parked() != 0 && ShardOf(e).count.load(std::memory_order_relaxed) != 0;
}

}  // namespace mantis
