// The cache side of the keyspace: access clocks, and eviction under `maxmemory`.
//
// Access clock: 24 bits per entry. Under LRU policies the second of the last access, which wraps
// after 194 days; under LFU ones a decaying logarithmic counter (8 bits) and the minute of its last
// decay (16 bits), after Redis's scheme (Morris counter). Coarse on purpose and stored only when it
// changes, so that a hot key's cache line stays shared between cores.
//
// Eviction: before a command that needs memory, keys are evicted (evictor.h) until memory is under
// the limit. Memory that was retired counts as free already, for a bounded time (pending_memory.h);
// room for what is usually pending is kept free, so that memory in use stays under the limit too.
// If much of it is above the limit, writes wait until it has come back, at most kWaitMsMax from
// when the first began to wait; after that they go on, or are refused if memory is far above the
// limit. No write waits for ever.
//
// Cost: one load of a shared total for each command that needs memory, while there is a limit and
// memory is below it. Exactness: memory in use is known up to a 4096th of the limit (see
// counters.h).
//
// Thread safety: all methods from any thread; each thread has an evictor. Options are atomics.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/base/counters.h"
#include "engine/base/status.h"
#include "engine/cache/pending_memory.h"
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
  // There is a `maxmemory`.
  bool limited() const { return max_bytes_.load(std::memory_order_relaxed) != 0; }
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

  // The longest that MakeRoom keeps answering kWait.
  static constexpr int64_t kWaitMsMax = 1000;
  enum class Room : uint8_t {
    kEnough,  // under the limit, or evicting goes well
    kWait,    // much memory is on its way back: do not write before that, ask again a little later
    kNone,    // over the limit, and nothing can be evicted
  };
  // Evicts until memory is under the limit, or enough was done for one call (the next one goes
  // on). Inside a batch.
  Room MakeRoom(Engine& engine, OpContext& ctx);

  // For each thread's timer, some times a second: keeps the record of pending memory. True if there
  // is something to evict though nobody writes: MakeRoom does it.
  bool Look();

  // How long memory has been above the limit with more to evict or nothing that may be evicted: in
  // all, and now without interruption. Milliseconds.
  struct Exceeded {
    int64_t total_ms;
    int64_t present_ms;
  };
  Exceeded exceeded() const;

 private:
  uint8_t DecayedCounter(uint32_t access, int64_t now_ms) const;
  Room MakeRoomNow(Engine& engine, OpContext& ctx);
  // kEnough, unless what is pending takes memory far above the limit.
  Room Await(int64_t now_ms, int64_t limit);
  // What eviction keeps free for memory that is pending.
  int64_t Reserve(int64_t limit) const;
  // By how much memory will exceed the limit less the reserve, once what is pending has come back;
  // what has been pending for long counts as if it never did.
  int64_t Over(const MemoryLevels& memory, int64_t limit) const;
  void NotePending(int64_t now_ms);
  void NoteExceeded(int64_t now_ms, bool exceeded);

  std::atomic<int64_t> max_bytes_{0};
  std::atomic<EvictionPolicy> policy_{EvictionPolicy::kNoEviction};
  std::atomic<int> samples_{5};
  std::atomic<int> lfu_log_factor_{10};
  std::atomic<int> lfu_decay_minutes_{1};

  PendingMemory pending_;
  // Since when writes wait, and since when the limit is exceeded; monotonic milliseconds, 0: not.
  std::atomic<int64_t> waiting_since_ms_{0};
  std::atomic<int64_t> exceeded_since_ms_{0};
  std::atomic<int64_t> exceeded_ms_{0};
};

}  // namespace mantis
