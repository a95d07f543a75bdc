#include "engine/base/counters.h"

#include <algorithm>

namespace mantis {

namespace internal {
constinit MemoryTotals memory_totals;
constinit MemoryStep memory_step;
constinit thread_local CounterSlot* counter_slot = nullptr;
}  // namespace internal

namespace {

constinit std::array<CounterSlot, Counters::kMaxThreads> slots;
constinit std::array<std::atomic<int64_t>, static_cast<size_t>(Counter::kCount)> base{};
// Slots at or above this index were never used: sums need not visit them.
constinit std::atomic<size_t> slots_used{1};
constinit std::atomic<int64_t> memory_error{Counters::kMemoryStepMax};

// A level that must stay in step with the world, or what others remember values of, as opposed to
// a count of events.
bool IsKept(Counter c) {
  return c == Counter::kUsedBytes || c == Counter::kChanges || c == Counter::kRetiredObjects ||
         c == Counter::kReclaimedObjects || c == Counter::kRetiredBytes ||
         c == Counter::kReclaimedBytes;
}

int64_t SumSlots(Counter c) {
  int64_t sum = 0;
  const size_t n = slots_used.load(std::memory_order_acquire);
  for (size_t i = 0; i < n; ++i) sum += slots[i].Get(c);
  return sum;
}

}  // namespace

void CounterSlot::AddShared(Counter c, int64_t n) {
  if (c == Counter::kUsedBytes) {
    internal::memory_totals.used.fetch_add(n, std::memory_order_relaxed);
  } else if (c == Counter::kRetiredBytes || c == Counter::kReclaimedBytes) {
    internal::memory_totals.pending.fetch_add(c == Counter::kRetiredBytes ? n : -n,
                                              std::memory_order_relaxed);
  }
  values_[static_cast<size_t>(c)].fetch_add(n, std::memory_order_relaxed);
}

CounterSlot& Counters::Claim() {
  // Slot 0 is the shared one.
  slots[0].shared_.store(true, std::memory_order_relaxed);
  for (size_t i = 1; i < slots.size(); ++i) {
    bool expected = false;
    // Acquire: continue from the counts that the slot's former owner released.
    if (!slots[i].taken_.compare_exchange_strong(expected, true, std::memory_order_acquire)) {
      continue;
    }
    internal::counter_slot = &slots[i];
    size_t used = slots_used.load(std::memory_order_relaxed);
    while (used <= i && !slots_used.compare_exchange_weak(used, i + 1, std::memory_order_release)) {
    }
    FitMemoryStep();
    static thread_local struct Return {
      ~Return() {
        CounterSlot* mine = internal::counter_slot;
        internal::counter_slot = slots.data();
        internal::memory_totals.used.fetch_add(mine->used_, std::memory_order_relaxed);
        internal::memory_totals.pending.fetch_add(mine->pending_, std::memory_order_relaxed);
        mine->used_ = mine->pending_ = 0;
        mine->taken_.store(false, std::memory_order_release);
      }
    } on_exit;
    (void)on_exit;
    return *internal::counter_slot;
  }
  internal::counter_slot = slots.data();
  return *internal::counter_slot;
}

MemoryLevels Counters::Memory() {
  const CounterSlot& mine = Local();
  const auto total = [](const std::atomic<int64_t>& known, int64_t share) {
    return std::max<int64_t>(0, known.load(std::memory_order_relaxed) + share);
  };
  return {total(internal::memory_totals.used, mine.used_),
          total(internal::memory_totals.pending, mine.pending_)};
}

void Counters::SetMemoryError(int64_t bytes) {
  memory_error.store(bytes, std::memory_order_relaxed);
  FitMemoryStep();
}

void Counters::FitMemoryStep() {
  const auto threads = static_cast<int64_t>(slots_used.load(std::memory_order_relaxed));
  internal::memory_step.bytes.store(
      std::clamp(memory_error.load(std::memory_order_relaxed) / threads, kMemoryStepMin,
                 kMemoryStepMax),
      std::memory_order_relaxed);
}

int64_t Counters::Sum(Counter c) {
  return SumSlots(c) - base[static_cast<size_t>(c)].load(std::memory_order_relaxed);
}

void Counters::Reset() {
  for (size_t i = 0; i < base.size(); ++i) {
    const auto c = static_cast<Counter>(i);
    if (!IsKept(c)) base[i].store(SumSlots(c), std::memory_order_relaxed);
  }
}

}  // namespace mantis
