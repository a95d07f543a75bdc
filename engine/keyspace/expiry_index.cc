#include "engine/keyspace/expiry_index.h"

namespace mantis {
namespace {

// The most items one Sample looks at in a shard.
constexpr size_t kSampleSteps = 1024;

}  // namespace

void ExpiryIndex::Schedule(Entry* e, int64_t deadline_ms) {
  // A relaxed look without the mutex: an item that is early enough stays early enough until it is
  // taken, and whoever takes it schedules anew from the entry's real deadline.
  if (e->scheduled_ms() <= deadline_ms) return;
  Shard& shard = ShardOf(e);
  const std::lock_guard lock(shard.mutex);
  // A dead entry was or will be removed from the index once; it must not come back.
  if (e->dead() || e->scheduled_ms() <= deadline_ms) return;
  if (e->scheduled_ms() != kNoDeadline) shard.items.erase({e->scheduled_ms(), e});
  shard.items.emplace(deadline_ms, e);
  e->set_scheduled_ms(deadline_ms);
}

void ExpiryIndex::Remove(Entry* e) {
  Shard& shard = ShardOf(e);
  const std::lock_guard lock(shard.mutex);
  if (e->scheduled_ms() == kNoDeadline) return;
  shard.items.erase({e->scheduled_ms(), e});
  e->set_scheduled_ms(kNoDeadline);
}

void ExpiryIndex::TakeDue(size_t shard_index, int64_t now_ms, size_t limit,
                          std::vector<Entry*>& due) {
  Shard& shard = shards_[shard_index];
  const std::lock_guard lock(shard.mutex);
  auto it = shard.items.begin();
  while (limit > 0 && it != shard.items.end() && it->first <= now_ms) {
    it->second->set_scheduled_ms(kNoDeadline);
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
      const int64_t first = it->first;
      const int64_t last = std::prev(shard.items.end())->first;
      const uint64_t span = static_cast<uint64_t>(last - first) + 1;
      const int64_t probe = first + static_cast<int64_t>((random >> 8) % span);
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
  return shard.items.empty() ? kNoDeadline : shard.items.begin()->first;
}

}  // namespace mantis
