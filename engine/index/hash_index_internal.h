// What hash_index.cc and hash_index_resize.cc share: the layout of words, slots, arrays and tables.
// Everything about concurrency is in hash_index.h.
#pragma once

#include <atomic>
#include <cassert>
#include <cstdint>

#include "engine/index/hash_index.h"

namespace mantis::hash_index {

// Words. Arrays are at least 8-aligned, which leaves the low bits for flags.
inline constexpr uint64_t kUninit = 0;  // only in a table that is being filled
inline constexpr uint64_t kFrozen = 1;
// A bucket without an array: this bit, above it zeros if there never was one, else a number that no
// other bucket was left with (EmptyWord in hash_index.cc). The address of the array that is gone
// would not do: it may be the address of the next one as well, and of the word after that.
inline constexpr uint64_t kEmpty = 2;
inline constexpr int kEmptyShift = 3;

// Slots.
inline constexpr int kTagShift = 48;
inline constexpr uint64_t kPointerMask = (1ull << kTagShift) - 1;

inline Entry* EntryOf(uint64_t slot) { return reinterpret_cast<Entry*>(slot & kPointerMask); }

// Mean slots per bucket at which a table is doubled.
inline constexpr size_t kGrowLoad = 5;
// Units a writer migrates besides its own: a doubling of N buckets is over after N/8 writes, long
// before the 5 N insertions that would make the next one due.
inline constexpr size_t kUnitsHelped = 8;

}  // namespace mantis::hash_index

namespace mantis {

struct HashIndex::Array {
  uint64_t count;

  uint64_t* slots() { return reinterpret_cast<uint64_t*>(this + 1); }
  static size_t BytesFor(size_t count) { return sizeof(Array) + count * sizeof(uint64_t); }
};

inline HashIndex::Slots HashIndex::SlotsOf(uint64_t word) {
  assert((word & ~hash_index::kFrozen) != hash_index::kUninit);
  if ((word & hash_index::kEmpty) != 0) return {};
  auto* a = reinterpret_cast<Array*>(word & ~hash_index::kFrozen);
  return {a->slots(), a->count};
}

// Followed by the words. They come from zeroed memory and are not constructed one by one, so that
// the pages of a large table are first touched when they are filled.
struct HashIndex::Table {
  size_t mask = 0;
  // While this table is being filled: the parts in which that happens. A unit is all buckets, old
  // and new, that share the low bits of the smaller of the two tables.
  size_t units = 0;
  std::atomic<Table*> next{nullptr};
  // The fields above are read by everybody; those below are written during a migration.
  char padding[64] = {};
  std::atomic<size_t> cursor{0};
  std::atomic<size_t> done{0};

  std::atomic<uint64_t>& word(size_t b) {
    return reinterpret_cast<std::atomic<uint64_t>*>(this + 1)[b];
  }
  // Acquire: the array behind the word is complete.
  uint64_t Load(size_t b) const {
    return reinterpret_cast<const std::atomic<uint64_t>*>(this + 1)[b].load(
        std::memory_order_acquire);
  }
  // acq_rel: publishes the array in `desired`; on failure the caller looks into the one that won.
  bool Replace(size_t b, uint64_t& expected, uint64_t desired) {
    return word(b).compare_exchange_strong(expected, desired, std::memory_order_acq_rel,
                                           std::memory_order_acquire);
  }
  // Returns the frozen word.
  uint64_t Freeze(size_t b) {
    uint64_t w = Load(b);
    while ((w & hash_index::kFrozen) == 0) {
      if (Replace(b, w, w | hash_index::kFrozen)) return w | hash_index::kFrozen;
    }
    return w;
  }
  void PrefetchWord(size_t b) const {
    __builtin_prefetch(reinterpret_cast<const std::atomic<uint64_t>*>(this + 1) + b);
  }
  size_t buckets() const { return mask + 1; }
  size_t bytes() const { return sizeof(Table) + buckets() * sizeof(uint64_t); }
  // The new word that is filled last in unit u: when it is there, the unit is done.
  size_t LastOfUnit(size_t u) const { return buckets() - units + u; }
  bool UnitIsDone(size_t u) const { return Load(LastOfUnit(u)) != hash_index::kUninit; }
  bool doubles() const { return buckets() != units; }
};

}  // namespace mantis
