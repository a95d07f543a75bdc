// How a HashIndex grows and shrinks; the protocol is described in hash_index.h.
#include <algorithm>

#include "engine/base/memory.h"
#include "engine/index/hash_index.h"
#include "engine/index/hash_index_internal.h"
#include "engine/reclaim/rcu.h"

namespace mantis {
namespace {

using hash_index::EntryOf, hash_index::kGrowLoad, hash_index::kUninit;

// Mean slots per bucket, in quarters, below which a table is halved. Half of kGrowLoad and double
// of this are 2.5: after a resize the next one is far either way.
constexpr size_t kShrinkLoadQuarters = 5;
// A stripe's count is compared with the table's size each so many changes.
constexpr int64_t kCheckEvery = 16;

}  // namespace

void HashIndex::CountAndMaybeResize(Table* t, int64_t delta) {
  if (entries_.Add(delta) % kCheckEvery == 0) MaybeResize(t);
}

// Begins a resize of the root table if one is due.
void HashIndex::MaybeResize(Table* t) {
  if (t->next.load(std::memory_order_acquire) != nullptr) return;
  // A table that is still being filled is not the root.
  if (t != root_.load(std::memory_order_acquire) || t == NoTable()) return;
  const size_t n = size();
  const size_t buckets = t->buckets();
  Table* fresh = nullptr;
  if (n > buckets * kGrowLoad) {
    fresh = NewTable(buckets * 2, buckets);
  } else if (buckets > kMinBuckets && n * 4 < buckets * kShrinkLoadQuarters) {
    fresh = NewTable(buckets / 2, buckets / 2);
  } else {
    return;
  }
  // Without memory the table stays as large as it is, until a later change tries again.
  if (fresh == nullptr) return;
  Table* none = nullptr;
  if (!t->next.compare_exchange_strong(none, fresh, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
    memory::Free(fresh);
  }
}

// Migrates the next few units. The cursor goes round and round, so a unit whose migrator stalled is
// taken up again by another thread.
void HashIndex::Help(Table* old, Table* fresh, size_t units) {
  const size_t from = fresh->cursor.fetch_add(units, std::memory_order_relaxed);
  for (size_t i = 0; i < std::min(units, fresh->units); ++i) {
    MigrateUnit(old, fresh, (from + i) & (fresh->units - 1));
  }
}

void HashIndex::MigrateUnit(Table* old, Table* fresh, size_t u) {
  // Also what makes it safe to look into the old arrays: they are retired after this word is set.
  if (fresh->UnitIsDone(u)) return;
  if (fresh->doubles()) {
    SplitUnit(old, fresh, u);
  } else {
    MergeUnit(old, fresh, u);
  }
}

// Old bucket u becomes the new buckets u and u + units, in this order.
void HashIndex::SplitUnit(Table* old, Table* fresh, size_t u) {
  const uint64_t frozen = old->Freeze(u);
  const Slots slots = SlotsOf(frozen);
  for (const uint64_t slot : slots) EntryOf(slot)->PrefetchHeader();
  // Sorted into one buffer from both ends.
  std::array<uint64_t, 32> small;
  std::vector<uint64_t> large;
  std::span<uint64_t> sorted(small);
  if (slots.size() > small.size()) {
    large.resize(slots.size());
    sorted = large;
  }
  size_t low = 0;
  size_t high = slots.size();
  for (const uint64_t slot : slots) {
    const bool up = (Hash(EntryOf(slot)->key()) & fresh->units) != 0;
    sorted[up ? --high : low++] = slot;
  }
  uint64_t expected = kUninit;
  if (fresh->Load(u) == kUninit) {
    const uint64_t w = NewArray(sorted.first(low), {});
    if (!fresh->Replace(u, expected, w)) FreeArray(w);
  }
  expected = kUninit;
  const uint64_t w = NewArray(sorted.subspan(high, slots.size() - high), {});
  if (!fresh->Replace(fresh->LastOfUnit(u), expected, w)) {
    FreeArray(w);
    return;
  }
  RetireArray(frozen);
  UnitDone(old, fresh);
}

// Old buckets u and u + units become the new bucket u.
void HashIndex::MergeUnit(Table* old, Table* fresh, size_t u) {
  const uint64_t low = old->Freeze(u);
  const uint64_t high = old->Freeze(u + fresh->units);
  const uint64_t w = NewArray(SlotsOf(low), SlotsOf(high));
  uint64_t expected = kUninit;
  if (!fresh->Replace(fresh->LastOfUnit(u), expected, w)) {
    FreeArray(w);
    return;
  }
  RetireArray(low);
  RetireArray(high);
  UnitDone(old, fresh);
}

// Called once for each unit; the last call moves the root.
void HashIndex::UnitDone(Table* old, Table* fresh) {
  if (fresh->done.fetch_add(1, std::memory_order_acq_rel) + 1 != fresh->units) return;
  root_.store(fresh, std::memory_order_release);
  reclaim::Retire(old, memory::Free, old->bytes());
}

bool HashIndex::MigrateSome(size_t buckets) {
  Table* t = root_.load(std::memory_order_acquire);
  MaybeResize(t);
  if (Table* n = t->next.load(std::memory_order_acquire)) Help(t, n, buckets);
  t = root_.load(std::memory_order_acquire);
  return t->next.load(std::memory_order_acquire) != nullptr;
}

}  // namespace mantis
