// Per-core counters: each thread adds to its own padded slot, readers sum all slots on demand.
//
// Thread safety: a slot has one writer (its thread), so an increment is a plain relaxed load and
// store, no locked instruction. Anyone may sum at any time; a sum is exact once writers are quiet,
// and never loses an increment.
// Ownership: slots live as long as the process; a thread that ends leaves its slot, with its
// counts, to the next thread that asks. What an ending thread still counts after that (frees in
// destructors of thread_local objects), and threads for which no slot is left, share one slot with
// locked adds.
//
// Memory levels. `maxmemory` asks before every write how much is in use and how much of that is on
// its way back, so these two are kept as totals besides: each thread collects its share and adds it
// to the total once it has come to a step. A total is within step x threads of the exact sum, and
// SetMemoryError says how much that may be in all.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace mantis {

enum class Counter : uint8_t {
  kUsedBytes,  // allocated minus freed by this thread; may be negative, the sum is not
  kWrites,
  kDeletes,
  kChanges,  // as Redis counts them for save points; never reset
  kHits,
  kMisses,
  kCacheInserts,
  kEvictedKeys,
  kExpiredKeys,
  kExpiredFields,
  kExpireCycleUs,
  kExpireCyclesCut,  // ended because their time was up
  kRetiredObjects,
  kReclaimedObjects,
  kRetiredBytes,    // unlinked: will be free after a grace period, or in the background
  kReclaimedBytes,  // of these, what has been freed
  kLazyFreed,       // keys and big values freed in the background
  kBusyRetries,
  kCount,
};

// Bytes.
struct MemoryLevels {
  int64_t used = 0;     // allocated and not freed
  int64_t pending = 0;  // of these, retired and not freed yet
};

namespace internal {

struct alignas(128) MemoryTotals {
  std::atomic<int64_t> used{0};
  std::atomic<int64_t> pending{0};
};
extern constinit MemoryTotals memory_totals;
// Apart from the totals, which change all the time.
struct alignas(128) MemoryStep {
  std::atomic<int64_t> bytes{0};
};
extern constinit MemoryStep memory_step;

}  // namespace internal

class CounterSlot {
 public:
  // Called by the owning thread only.
  void Add(Counter c, int64_t n) {
    // Relaxed: a statistic orders nothing.
    if (shared_.load(std::memory_order_relaxed)) [[unlikely]] {
      AddShared(c, n);
      return;
    }
    if (c == Counter::kUsedBytes) Collect(used_, internal::memory_totals.used, n);
    if (c == Counter::kRetiredBytes) Collect(pending_, internal::memory_totals.pending, n);
    if (c == Counter::kReclaimedBytes) Collect(pending_, internal::memory_totals.pending, -n);
    auto& v = values_[static_cast<size_t>(c)];
    v.store(v.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  int64_t Get(Counter c) const {
    return values_[static_cast<size_t>(c)].load(std::memory_order_relaxed);
  }

 private:
  friend class Counters;

  void AddShared(Counter c, int64_t n);

  static void Collect(int64_t& share, std::atomic<int64_t>& total, int64_t n) {
    share += n;
    // Relaxed: levels order nothing.
    const int64_t step = internal::memory_step.bytes.load(std::memory_order_relaxed);
    // Outside of -step..step.
    if (static_cast<uint64_t>(share + step) > static_cast<uint64_t>(2 * step)) [[unlikely]] {
      total.fetch_add(share, std::memory_order_relaxed);
      share = 0;
    }
  }

  alignas(128) std::array<std::atomic<int64_t>, static_cast<size_t>(Counter::kCount)> values_{};
  // What the totals do not know yet; the owner's.
  int64_t used_ = 0;
  int64_t pending_ = 0;
  std::atomic<bool> taken_{false};
  std::atomic<bool> shared_{false};  // the one slot that several threads may write at once
};

namespace internal {

// This thread's slot; nullptr until it asks for one.
extern constinit thread_local CounterSlot* counter_slot;

}  // namespace internal

class Counters {
 public:
  // Threads with a slot of their own at one time; further ones share one.
  static constexpr size_t kMaxThreads = 2048;

  // This thread's slot; taken at first use and given back when the thread ends.
  static CounterSlot& Local() {
    CounterSlot* const mine = internal::counter_slot;
    return mine != nullptr ? *mine : Claim();
  }
  // The sum over all threads, past and present.
  static int64_t Sum(Counter c);
  // Both levels in O(1), exact as far as the calling thread is concerned; see above. Never
  // negative.
  static MemoryLevels Memory();
  // How far the totals may be off in all, in bytes. A thread's step is its part of that, between
  // kMemoryStepMin and kMemoryStepMax.
  static void SetMemoryError(int64_t bytes);
  static constexpr int64_t kMemoryStepMin = 256;
  static constexpr int64_t kMemoryStepMax = 64 * 1024;
  // CONFIG RESETSTAT: sums start again from zero. Levels and kChanges go on.
  static void Reset();

 private:
  static CounterSlot& Claim();
  static void FitMemoryStep();
};

}  // namespace mantis
