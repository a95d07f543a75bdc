// The cache side of the keyspace: access clocks, and eviction under `maxmemory`.
//
// Access clock: 24 bits per entry. Under LRU policies the second of the last access, which wraps
// after 194 days; under LFU ones a decaying logarithmic counter (8 bits) and the minute of its last
// decay (16 bits), after Redis's scheme (Morris counter). Coarse on purpose and stored only when it
// changes, so that a hot key's cache line stays shared between cores.
//
// Eviction: keys are sampled at random, the best candidates kept in a pool of 16, and the best of
// the pool evicted, until memory is under the limit.
//
// Thread safety: all methods from any thread; the pool is per thread. Options are atomics.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/base/status.h"
#include "engine/keyspace/entry.h"

namespace mantis {

class Engine;
class OpContext;

enum class EvictionPolicy : uint8_t {
  kNoEviction,
  kAllKeysLru,
  kAllKeysLfu,
  kAllKeysRandom,
  kVolatileLru,
  kVolatileLfu,
  kVolatileRandom,
  kVolatileTtl,
};

struct CacheOptions {
  int64_t max_bytes = 0;  // 0: no limit
  EvictionPolicy policy = EvictionPolicy::kNoEviction;
  int samples = 5;
  int lfu_log_factor = 10;
  int lfu_decay_minutes = 1;
};

class Cache {
 public:
  explicit Cache(const CacheOptions& options) { SetOptions(options); }

  void SetOptions(const CacheOptions& options);
  CacheOptions options() const;
  bool lfu() const {
    const EvictionPolicy p = policy_.load(std::memory_order_relaxed);
    return p == EvictionPolicy::kAllKeysLfu || p == EvictionPolicy::kVolatileLfu;
  }

  // Records an access at `now_ms`. `random_state` is the caller's generator (for the LFU counter).
  void Touch(Entry* e, int64_t now_ms, uint64_t& random_state) const;
  void InitAccess(Entry* e, int64_t now_ms) const;
  // OBJECT IDLETIME and FREQ.
  int64_t IdleSeconds(const Entry* e, int64_t now_ms) const;
  uint8_t Frequency(const Entry* e, int64_t now_ms) const;
  // As RESTORE is told; the first under LRU policies, the second under LFU ones.
  void SetIdle(Entry* e, int64_t seconds, int64_t now_ms) const;
  void SetFrequency(Entry* e, uint8_t frequency, int64_t now_ms) const;
  // The larger the better to evict.
  uint64_t EvictionScore(const Entry* e, int64_t now_ms) const;

  enum class Room : uint8_t {
    kEnough,  // under the limit, or evicting goes well
    kWait,    // evicted, but the memory waits for a grace period: do not write before that
    kNone,    // over the limit, and nothing can be evicted
  };
  // Evicts until memory is under the limit, or enough was done for one call (the next one goes
  // on). Inside a batch.
  Room MakeRoom(Engine& engine, OpContext& ctx) const;

 private:
  uint8_t DecayedCounter(uint32_t access, int64_t now_ms) const;

  std::atomic<int64_t> max_bytes_{0};
  std::atomic<EvictionPolicy> policy_{EvictionPolicy::kNoEviction};
  std::atomic<int> samples_{5};
  std::atomic<int> lfu_log_factor_{10};
  std::atomic<int> lfu_decay_minutes_{1};
};

}  // namespace mantis
