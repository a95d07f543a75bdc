// Per-core counters: each thread adds to its own padded slot, readers sum all slots on demand.
//
// Thread safety: a slot has one writer (its thread), so an increment is a plain relaxed load and
// store, no locked instruction. Anyone may sum at any time; a sum is exact once writers are quiet,
// and never loses an increment.
// Ownership: slots live as long as the process; a thread that ends leaves its slot, with its
// counts, to the next thread that asks. What an ending thread still counts after that (frees in
// destructors of thread_local objects) goes to one shared slot with locked adds.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace mantis {

enum class Counter : uint8_t {
  kUsedBytes,  // allocated minus freed by this thread; may be negative, the sum is not
  kReads,
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
  kRetiredBytes,
  kReclaimedBytes,
  kBusyRetries,
  kCount,
};

class CounterSlot {
 public:
  // Called by the owning thread only.
  void Add(Counter c, int64_t n) {
    auto& v = values_[static_cast<size_t>(c)];
    // Relaxed: a statistic orders nothing.
    if (shared_.load(std::memory_order_relaxed)) [[unlikely]] {
      v.fetch_add(n, std::memory_order_relaxed);
      return;
    }
    v.store(v.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  int64_t Get(Counter c) const {
    return values_[static_cast<size_t>(c)].load(std::memory_order_relaxed);
  }

 private:
  friend class Counters;
  alignas(128) std::array<std::atomic<int64_t>, static_cast<size_t>(Counter::kCount)> values_{};
  std::atomic<bool> taken_{false};
  std::atomic<bool> shared_{false};  // the one slot that several ending threads may write at once
};

class Counters {
 public:
  static constexpr size_t kMaxThreads = 256;

  // This thread's slot; taken at first use and given back when the thread ends.
  static CounterSlot& Local();
  // The sum over all threads, past and present.
  static int64_t Sum(Counter c);
  // CONFIG RESETSTAT: sums start again from zero. Levels and kChanges go on.
  static void Reset();

 private:
  static CounterSlot& Claim();
};

}  // namespace mantis
