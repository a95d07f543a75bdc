#include "engine/cache/eviction.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "engine/base/random.h"
#include "engine/keyspace/engine.h"

namespace mantis {
namespace {

constexpr uint8_t kLfuInitial = 5;
constexpr size_t kPoolSize = 16;
// One call evicts at most this many keys, so that a lowered limit does not stall a core.
constexpr int kEvictionsPerCall = 64;
// An evicted key's entry and its places in the indexes go at the end of the batch.
constexpr int64_t kEntryBytes = 80;
// How far memory may exceed the limit while evicted keys wait for their grace period.
constexpr int64_t kSlackBytes = 512 * 1024;

uint32_t Minutes(int64_t now_ms) { return static_cast<uint32_t>(now_ms / 60000) & 0xffff; }
uint32_t Seconds(int64_t now_ms) {
  return static_cast<uint32_t>(now_ms / 1000) & Entry::kAccessMask;
}

bool IsVolatile(EvictionPolicy p) {
  return p == EvictionPolicy::kVolatileLru || p == EvictionPolicy::kVolatileLfu ||
         p == EvictionPolicy::kVolatileRandom || p == EvictionPolicy::kVolatileTtl;
}

// A candidate by name: between two calls its entry may be freed.
struct Candidate {
  uint64_t score = 0;
  int db = -1;
  std::string key;
};

}  // namespace

void Cache::SetOptions(const CacheOptions& options) {
  max_bytes_.store(options.max_bytes, std::memory_order_relaxed);
  policy_.store(options.policy, std::memory_order_relaxed);
  samples_.store(options.samples, std::memory_order_relaxed);
  lfu_log_factor_.store(options.lfu_log_factor, std::memory_order_relaxed);
  lfu_decay_minutes_.store(options.lfu_decay_minutes, std::memory_order_relaxed);
}

CacheOptions Cache::options() const {
  return {max_bytes_.load(std::memory_order_relaxed), policy_.load(std::memory_order_relaxed),
          samples_.load(std::memory_order_relaxed), lfu_log_factor_.load(std::memory_order_relaxed),
          lfu_decay_minutes_.load(std::memory_order_relaxed)};
}

uint8_t Cache::DecayedCounter(uint32_t access, int64_t now_ms) const {
  const uint32_t counter = access & 0xff;
  const int decay = lfu_decay_minutes_.load(std::memory_order_relaxed);
  if (decay == 0) return static_cast<uint8_t>(counter);
  const uint32_t idle = (Minutes(now_ms) - (access >> 8)) & 0xffff;
  const uint32_t lost = idle / static_cast<uint32_t>(decay);
  return static_cast<uint8_t>(lost >= counter ? 0 : counter - lost);
}

void Cache::Touch(Entry* e, int64_t now_ms, uint64_t& random_state) const {
  const uint32_t old = e->access();
  if (!lfu()) {
    const uint32_t now = Seconds(now_ms);
    if (old != now) e->set_access(now);
    return;
  }
  uint32_t counter = DecayedCounter(old, now_ms);
  if (counter < 255) {
    // Morris: the chance of counting falls with the count already reached.
    const uint32_t base = counter > kLfuInitial ? counter - kLfuInitial : 0;
    const auto factor = static_cast<uint32_t>(lfu_log_factor_.load(std::memory_order_relaxed));
    if ((NextRandom(random_state) >> 32) % (uint64_t{base} * factor + 1) == 0) ++counter;
  }
  const uint32_t now = Minutes(now_ms) << 8 | counter;
  if (old != now) e->set_access(now);
}

void Cache::InitAccess(Entry* e, int64_t now_ms) const {
  e->set_access(lfu() ? Minutes(now_ms) << 8 | kLfuInitial : Seconds(now_ms));
}

int64_t Cache::IdleSeconds(const Entry* e, int64_t now_ms) const {
  // The clock wraps after 194 days; a time just ahead is that of a core whose clock is newer.
  constexpr uint32_t kAhead = 3600;
  const uint32_t idle = (Seconds(now_ms) - e->access()) & Entry::kAccessMask;
  return idle > Entry::kAccessMask - kAhead ? 0 : idle;
}

uint8_t Cache::Frequency(const Entry* e, int64_t now_ms) const {
  return DecayedCounter(e->access(), now_ms);
}

void Cache::SetIdle(Entry* e, int64_t seconds, int64_t now_ms) const {
  constexpr int64_t kMost = Entry::kAccessMask / 2;
  const auto idle = static_cast<uint32_t>(std::clamp<int64_t>(seconds, 0, kMost));
  e->set_access((Seconds(now_ms) - idle) & Entry::kAccessMask);
}

void Cache::SetFrequency(Entry* e, uint8_t frequency, int64_t now_ms) const {
  e->set_access(Minutes(now_ms) << 8 | frequency);
}

uint64_t Cache::EvictionScore(const Entry* e, int64_t now_ms) const {
  switch (policy_.load(std::memory_order_relaxed)) {
    case EvictionPolicy::kAllKeysLfu:
    case EvictionPolicy::kVolatileLfu:
      return 255u - DecayedCounter(e->access(), now_ms);
    case EvictionPolicy::kVolatileTtl:
      return static_cast<uint64_t>(INT64_MAX - Resolve(e->word()).deadline_ms);
    default:
      return static_cast<uint64_t>(IdleSeconds(e, now_ms));
  }
}

namespace {

// Evicts one key: samples, merges the samples into the pool, takes the best of the pool.
class Evictor {
 public:
  bool EvictOne(Engine& engine, OpContext& ctx, const CacheOptions& options) {
    const bool random = options.policy == EvictionPolicy::kAllKeysRandom ||
                        options.policy == EvictionPolicy::kVolatileRandom;
    for (int attempt = 0; attempt < 16; ++attempt) {
      Fill(engine, ctx, options);
      while (!pool_.empty()) {
        const size_t pick =
            random ? NextRandom(ctx.random_state()) % pool_.size() : pool_.size() - 1;
        const Candidate c = std::move(pool_[pick]);
        pool_.erase(pool_.begin() + static_cast<ptrdiff_t>(pick));
        Database& db = engine.database(c.db);
        const KeyRef key = KeyRef::Of(c.key);
        Entry* e = db.index().Find(key.bytes, key.hash);
        if (e == nullptr) continue;
        if (IsVolatile(options.policy) && !Resolve(e->word()).has_deadline()) continue;
        if (db.Evict(ctx, e)) return true;
      }
    }
    return false;
  }

 private:
  void Fill(Engine& engine, OpContext& ctx, const CacheOptions& options) {
    const auto wanted = static_cast<size_t>(std::max(1, options.samples));
    for (int i = 0; i < engine.database_count(); ++i) {
      Database& db = engine.database(i);
      const bool only_volatile = IsVolatile(options.policy);
      if ((only_volatile ? db.deadlines() : db.size()) == 0) continue;
      samples_.clear();
      if (only_volatile) {
        db.expiry().Sample(NextRandom(ctx.random_state()), wanted,
                           options.policy == EvictionPolicy::kVolatileTtl, samples_);
      } else {
        db.index().Sample(ctx.random_state(), wanted, samples_);
      }
      for (const Entry* e : samples_) Offer(engine, ctx, i, e);
    }
  }

  void Offer(Engine& engine, OpContext& ctx, int db, const Entry* e) {
    if (!Resolve(e->word()).exists()) return;
    const uint64_t score = engine.cache().EvictionScore(e, ctx.now_ms());
    if (pool_.size() == kPoolSize) {
      if (score <= pool_.front().score) return;
      pool_.erase(pool_.begin());
    }
    const auto at = std::upper_bound(pool_.begin(), pool_.end(), score,
                                     [](uint64_t s, const Candidate& c) { return s < c.score; });
    pool_.insert(at, Candidate{score, db, std::string(e->key())});
  }

  std::vector<Candidate> pool_;  // ascending by score
  std::vector<Entry*> samples_;
};

}  // namespace

Cache::Room Cache::MakeRoom(Engine& engine, OpContext& ctx) const {
  const int64_t limit = max_bytes_.load(std::memory_order_relaxed);
  if (limit == 0 || memory::UsedBytes() <= limit) return Room::kEnough;
  const CacheOptions now = options();
  if (now.policy == EvictionPolicy::kNoEviction) return Room::kNone;
  thread_local Evictor evictor;
  // What was evicted is freed only after a grace period, so counting freed memory alone would
  // evict far too much: what is already on its way counts as free, entries that this batch has left
  // as tombs too.
  const auto over = [&] {
    const int64_t pending =
        Counters::Sum(Counter::kRetiredBytes) - Counters::Sum(Counter::kReclaimedBytes);
    return memory::UsedBytes() - pending - static_cast<int64_t>(ctx.tomb_count()) * kEntryBytes >
           now.max_bytes;
  };
  bool found = true;
  for (int i = 0; i < kEvictionsPerCall && found && over(); ++i) {
    found = evictor.EvictOne(engine, ctx, now);
  }
  reclaim::SealBatch();
  if (!found) return Room::kNone;
  const int64_t slack = std::max<int64_t>(kSlackBytes, now.max_bytes / 32);
  return memory::UsedBytes() > now.max_bytes + slack ? Room::kWait : Room::kEnough;
}

}  // namespace mantis
