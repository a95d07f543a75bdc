#include "engine/keyspace/expiry_index.h"

#include <algorithm>
#include <iterator>

namespace mantis {
namespace {

// The most items one Sample looks at in a shard.
constexpr size_t kSampleSteps = 1024;

// What was due before the process began is due at tick 0.
int64_t BeginMs() {
  static const int64_t begin_ms = WallClockMs();
  return begin_ms;
}

// The end of the tick of a deadline. Beyond the range (eight years) it comes up early.
uint32_t TickOf(int64_t deadline_ms) {
  constexpr int64_t kLast = int64_t{Entry::kUnscheduled} - 1;
  if (deadline_ms <= BeginMs()) return 0;
  const int64_t ms = deadline_ms - BeginMs();
  return static_cast<uint32_t>(
      std::min(kLast, ms / ExpiryIndex::kTickMs + (ms % ExpiryIndex::kTickMs != 0 ? 1 : 0)));
}

// How many ticks have ended.
uint32_t TicksAt(int64_t now_ms) {
  return static_cast<uint32_t>(std::max<int64_t>(0, now_ms - BeginMs()) / ExpiryIndex::kTickMs);
}

}  // namespace

void ExpiryIndex::Schedule(Entry* e, int64_t deadline_ms) {
  const uint32_t tick = TickOf(deadline_ms);
  // A relaxed look without the mutex: an item that is early enough stays early enough until it is
  // taken, and whoever takes it schedules anew from the entry's real deadline.
  if (e->scheduled() <= tick) return;
  Shard& shard = ShardOf(e);
  const std::lock_guard lock(shard.mutex);
  // A dead entry was or will be removed from the index once; it must not come back.
  if (e->dead() || e->scheduled() <= tick) return;
  if (e->scheduled() != Entry::kUnscheduled) shard.items.erase({e->scheduled(), e});
  shard.items.emplace(tick, e);
  e->set_scheduled(tick);
}

void ExpiryIndex::Remove(Entry* e) {
  Shard& shard = ShardOf(e);
  const std::lock_guard lock(shard.mutex);
  if (e->scheduled() == Entry::kUnscheduled) return;
  shard.items.erase({e->scheduled(), e});
  e->set_scheduled(Entry::kUnscheduled);
}

void ExpiryIndex::TakeDue(size_t shard_index, int64_t now_ms, size_t limit,
                          std::vector<Entry*>& due) {
  Shard& shard = shards_[shard_index];
  const std::lock_guard lock(shard.mutex);
  const uint32_t now = TicksAt(now_ms);
  auto it = shard.items.begin();
  while (limit > 0 && it != shard.items.end() && it->first <= now) {
    it->second->set_scheduled(Entry::kUnscheduled);
    due.push_back(it->second);
    ++it;
    --limit;
  }
  shard.items.erase(shard.items.begin(), it);
}

void ExpiryIndex::Sample(uint64_t random, size_t n, bool earliest, std::vector<Entry*>& out) const {
  for (size_t tries = 0; tries < kShards && n > 0; ++tries) {
    const Shard& shard = shards_[(random + tries) % kShards];
    const std::lock_guard lock(shard.mutex);
    if (shard.items.empty()) continue;
    auto it = shard.items.begin();
    if (!earliest) {
      const uint32_t first = it->first;
      const uint32_t last = std::prev(shard.items.end())->first;
      const uint64_t span = uint64_t{last - first} + 1;
      const uint32_t probe = first + static_cast<uint32_t>((random >> 8) % span);
      it = shard.items.lower_bound({probe, nullptr});
      if (it == shard.items.end()) it = shard.items.begin();
    }
    // Keys that were deleted in the current batches keep their items until they are buried.
    for (size_t steps = 0; n > 0 && it != shard.items.end() && steps < kSampleSteps;
         ++it, ++steps) {
      if (!it->second->word().has_value()) continue;
      out.push_back(it->second);
      --n;
    }
  }
}

int64_t ExpiryIndex::NextDeadline(size_t shard_index) const {
  const Shard& shard = shards_[shard_index];
  const std::lock_guard lock(shard.mutex);
  if (shard.items.empty()) return kNoDeadline;
  return BeginMs() + int64_t{shard.items.begin()->first} * kTickMs;
}

}  // namespace mantis
