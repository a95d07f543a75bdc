#include "engine/index/hash_index.h"

#include <algorithm>
#include <cassert>
#include <random>

#include "engine/base/memory.h"
#include "engine/index/hash_index_internal.h"
#include "engine/reclaim/rcu.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace mantis {
namespace {

using hash_index::EntryOf, hash_index::kEmpty, hash_index::kEmptyShift, hash_index::kFrozen,
    hash_index::kGrowLoad, hash_index::kPointerMask, hash_index::kTagShift, hash_index::kUninit,
    hash_index::kUnitsHelped;

// Buckets that Sample looks at: some for each entry wanted, plus room for a run of empty ones.
constexpr size_t kSampleBucketsBase = 256;
constexpr size_t kSampleBucketsPerEntry = 16;

uint64_t MakeSlot(const Entry* e, uint64_t hash) {
  const auto p = reinterpret_cast<uint64_t>(e);
  assert((p & ~kPointerMask) == 0);
  return (hash & ~kPointerMask) | p;
}

bool SameTag(uint64_t slot, uint64_t hash) { return ((slot ^ hash) >> kTagShift) == 0; }

[[gnu::always_inline]] inline Entry* FindLive(std::span<const uint64_t> slots, Bytes key,
                                              uint64_t hash) {
  for (const uint64_t slot : slots) {
    if (!SameTag(slot, hash)) continue;
    Entry* e = EntryOf(slot);
    if (SameBytes(e->key(), key) && !e->dead()) return e;
  }
  return nullptr;
}

uint64_t RandomSeed() {
  std::random_device device;
  return static_cast<uint64_t>(device()) << 32 | device();
}

uint64_t ReverseBits(uint64_t v) {
  v = __builtin_bswap64(v);
  v = (v >> 4 & 0x0f0f0f0f0f0f0f0f) | (v & 0x0f0f0f0f0f0f0f0f) << 4;
  v = (v >> 2 & 0x3333333333333333) | (v & 0x3333333333333333) << 2;
  return (v >> 1 & 0x5555555555555555) | (v & 0x5555555555555555) << 1;
}

// splitmix64.
uint64_t NextRandom(uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  uint64_t z = state;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

}  // namespace

// Construction, destruction, memory.

HashIndex::HashIndex() : root_(NoTable()) {}

HashIndex::~HashIndex() {
  Table* t = root_.load(std::memory_order_acquire);
  if (t == NoTable()) return;
  Table* n = t->next.load(std::memory_order_acquire);
  for (size_t b = 0; b < t->buckets(); ++b) {
    // The arrays of a finished unit have been retired.
    if (n == nullptr || !n->UnitIsDone(b & (n->units - 1))) FreeArray(t->Load(b));
  }
  if (n != nullptr) {
    for (size_t b = 0; b < n->buckets(); ++b) FreeArray(n->Load(b));
    memory::Free(n);
  }
  memory::Free(t);
}

// What an index without a table points at, so that readers need not ask. Never written.
HashIndex::Table* HashIndex::NoTable() {
  struct Empty {
    Table header;
    std::atomic<uint64_t> word{kEmpty};
  };
  static constinit Empty empty;
  return &empty.header;
}

HashIndex::Table* HashIndex::NewTable(size_t buckets, size_t units) {
  static_assert(sizeof(std::atomic<uint64_t>) == sizeof(uint64_t));
  static_assert(sizeof(Table) % alignof(std::atomic<uint64_t>) == 0);
  void* p = memory::TryAllocateZeroed(sizeof(Table) + buckets * sizeof(uint64_t));
  if (p == nullptr) return nullptr;
  auto* t = new (p) Table;
  t->mask = buckets - 1;
  t->units = units;
  return t;
}

HashIndex::Table* HashIndex::CreateFirstTable() {
  Table* t = NewTable(kMinBuckets, kMinBuckets);
  if (t == nullptr) throw std::bad_alloc();
  // Relaxed: nobody else sees the table yet.
  for (size_t b = 0; b < kMinBuckets; ++b) t->word(b).store(kEmpty, std::memory_order_relaxed);
  Table* seen = NoTable();
  if (root_.compare_exchange_strong(seen, t, std::memory_order_acq_rel,
                                    std::memory_order_acquire)) {
    return t;
  }
  memory::Free(t);
  return seen;
}

// The word of a bucket that has lost its last slot; every call answers another one.
uint64_t HashIndex::EmptyWord() {
  // Each thread takes the numbers in blocks. Relaxed: they order nothing.
  constexpr int kBlockBits = 16;
  constexpr uint64_t kBlockMask = (uint64_t{1} << kBlockBits) - 1;
  static std::atomic<uint64_t> blocks{1};
  thread_local uint64_t number = 0;
  if ((number & kBlockMask) == 0) {
    number = blocks.fetch_add(1, std::memory_order_relaxed) << kBlockBits;
  }
  return number++ << kEmptyShift | kEmpty;
}

// The word of a new array with the slots of both.
uint64_t HashIndex::NewArray(Slots a, Slots b) {
  const size_t count = a.size() + b.size();
  if (count == 0) return kEmpty;
  auto* array = static_cast<Array*>(memory::Allocate(Array::BytesFor(count)));
  array->count = count;
  std::copy(b.begin(), b.end(), std::copy(a.begin(), a.end(), array->slots()));
  return reinterpret_cast<uint64_t>(array);
}

void HashIndex::FreeArray(uint64_t word) {
  word &= ~kFrozen;
  if ((word & kEmpty) == 0 && word != kUninit) memory::Free(reinterpret_cast<void*>(word));
}

void HashIndex::RetireArray(uint64_t word) {
  const Slots slots = SlotsOf(word);
  if (slots.empty()) return;
  reclaim::Retire(reinterpret_cast<void*>(word & ~kFrozen), memory::Free,
                  Array::BytesFor(slots.size()));
}

// Lookup.

uint64_t HashIndex::Hash(Bytes key) {
  static const uint64_t seed = RandomSeed();
  return XXH3_64bits_withSeed(key.data(), key.size(), seed);
}

// The word that holds the truth about `hash`, and its table.
inline HashIndex::Sight HashIndex::Seen(uint64_t hash) const {
  const Table* t = root_.load(std::memory_order_acquire);
  uint64_t w = t->Load(hash & t->mask);
  while ((w & kFrozen) != 0) [[unlikely]] {
      t = t->next.load(std::memory_order_acquire);
      const uint64_t newer = t->Load(hash & t->mask);
      if (newer == kUninit) break;
      w = newer;
    }
  return {t, w};
}

HashIndex::Sight HashIndex::Look(uint64_t hash) const { return Seen(hash); }

inline uint64_t HashIndex::CurrentWord(uint64_t hash) const { return Seen(hash).word; }

Entry* HashIndex::Find(Bytes key, uint64_t hash) const {
  return FindLive(SlotsOf(CurrentWord(hash)), key, hash);
}

Entry* HashIndex::Find(Bytes key, uint64_t hash, Sight* sight) const {
  *sight = Seen(hash);
  return FindLive(SlotsOf(sight->word), key, hash);
}

void HashIndex::PrefetchBucket(uint64_t hash) const {
  const Table* t = root_.load(std::memory_order_acquire);
  t->PrefetchWord(hash & t->mask);
}

void HashIndex::PrefetchArray(uint64_t hash) const {
  const auto* a = reinterpret_cast<const char*>(CurrentWord(hash) & ~kFrozen);
  // A typical array begins anywhere in a line and ends in the next one. Prefetching never faults,
  // so the number in an empty bucket's word does no harm.
  __builtin_prefetch(a);
  __builtin_prefetch(a + Array::BytesFor(kGrowLoad) - 1);
}

Entry* HashIndex::PrefetchEntry(uint64_t hash) const {
  for (const uint64_t slot : SlotsOf(CurrentWord(hash))) {
    if (!SameTag(slot, hash)) continue;
    Entry* e = EntryOf(slot);
    e->PrefetchHeader();
    // The key, or its end if it is of a usual length, may lie in the next line.
    __builtin_prefetch(reinterpret_cast<const char*>(e + 1) + 15);
    return e;
  }
  return nullptr;
}

// Change.

// The newest table, with the bucket of `hash` ready for use.
HashIndex::Table* HashIndex::WritableTable(uint64_t hash) {
  Table* t = root_.load(std::memory_order_acquire);
  if (t == NoTable()) [[unlikely]]
    t = CreateFirstTable();
  while (Table* n = t->next.load(std::memory_order_acquire)) {
    if (n->Load(hash & n->mask) == kUninit) MigrateUnit(t, n, hash & (n->units - 1));
    Help(t, n, kUnitsHelped);
    t = n;
  }
  return t;
}

Entry* HashIndex::FindOrInsert(Entry* fresh, uint64_t hash, bool* inserted) {
  const Bytes key = fresh->key();
  *inserted = false;
  // Most keys that exist are found without touching the table that is being filled.
  if (Entry* e = Find(key, hash)) return e;
  const uint64_t slot = MakeSlot(fresh, hash);
  while (true) {
    Table* t = WritableTable(hash);
    const size_t b = hash & t->mask;
    uint64_t w = t->Load(b);
    // A resize has just begun, so `next` is there now.
    if ((w & kFrozen) != 0) continue;
    const Slots slots = SlotsOf(w);
    if (Entry* e = FindLive(slots, key, hash)) return e;
    const uint64_t desired = NewArray(slots, {&slot, 1});
    if (t->Replace(b, w, desired)) {
      RetireArray(w);
      CountAndMaybeResize(t, 1);
      *inserted = true;
      return fresh;
    }
    FreeArray(desired);
  }
}

bool HashIndex::Erase(Entry* e, uint64_t hash) {
  const uint64_t slot = MakeSlot(e, hash);
  while (true) {
    Table* t = WritableTable(hash);
    const size_t b = hash & t->mask;
    uint64_t w = t->Load(b);
    if ((w & kFrozen) != 0) continue;
    const Slots slots = SlotsOf(w);
    const auto at = std::find(slots.begin(), slots.end(), slot);
    if (at == slots.end()) return false;
    const auto i = static_cast<size_t>(at - slots.begin());
    const uint64_t desired =
        slots.size() == 1 ? EmptyWord() : NewArray(slots.first(i), slots.subspan(i + 1));
    if (t->Replace(b, w, desired)) {
      RetireArray(w);
      CountAndMaybeResize(t, -1);
      return true;
    }
    FreeArray(desired);
  }
}

size_t HashIndex::size() const { return entries_.Sum(); }

size_t HashIndex::bucket_count() const {
  const Table* t = root_.load(std::memory_order_acquire);
  return t == NoTable() ? 0 : t->buckets();
}

// Iteration.

void HashIndex::AppendSlots(uint64_t word, std::vector<Entry*>& out) {
  for (const uint64_t slot : SlotsOf(word)) out.push_back(EntryOf(slot));
}

// Appends at least everything whose hash belongs to bucket b of `t`. False if `t` is two resizes
// behind: then the caller begins again with the root of now. To follow the chain instead would
// visit a bucket once for each way that leads to it, which doubles with every doubling on the way.
bool HashIndex::AppendBucket(const Table& t, size_t b, std::vector<Entry*>& out) {
  const uint64_t w = t.Load(b);
  bool is_truth = true;
  if ((w & kFrozen) != 0) {
    const Table& n = *t.next.load(std::memory_order_acquire);
    is_truth = false;
    // Two buckets of a doubled table, one of a halved one.
    for (size_t i = b & n.mask; i <= n.mask; i += t.buckets()) {
      const uint64_t newer = n.Load(i);
      if (newer == kUninit) {
        is_truth = true;
      } else if ((newer & kFrozen) != 0) {
        return false;
      } else {
        AppendSlots(newer, out);
      }
    }
  }
  if (is_truth) AppendSlots(w, out);
  return true;
}

// The cursor is a position in the space of hashes ordered by their reversed bits. In that order a
// bucket of a table of any power of two is one contiguous range, so a cursor keeps its meaning when
// the table changes: all hashes before it have been visited.
uint64_t HashIndex::Scan(uint64_t cursor, std::vector<Entry*>& out) const {
  const size_t before = out.size();
  while (true) {
    const Table& t = *root_.load(std::memory_order_acquire);
    const Table* n = t.next.load(std::memory_order_acquire);
    // The coarser of two tables, so that a merged bucket is not returned twice.
    const size_t units = n != nullptr ? n->units : t.buckets();
    const size_t u = cursor & (units - 1);
    bool complete = true;
    if (units < t.buckets() && n->UnitIsDone(u)) {
      complete = AppendBucket(*n, u, out);
    } else {
      for (size_t b = u; b < t.buckets(); b += units) complete &= AppendBucket(t, b, out);
    }
    if (complete) return ReverseBits(ReverseBits(cursor | ~(units - 1)) + 1);
    out.resize(before);
  }
}

void HashIndex::Sample(uint64_t& rng, size_t n, std::vector<Entry*>& out) const {
  const Table* t = root_.load(std::memory_order_acquire);
  const size_t start = NextRandom(rng);
  const size_t budget = std::min(t->buckets(), kSampleBucketsBase + n * kSampleBucketsPerEntry);
  for (size_t i = 0; i < budget && n > 0; ++i) {
    const size_t before = out.size();
    if (!AppendBucket(*t, (start + i) & t->mask, out)) {
      out.resize(before);
      t = root_.load(std::memory_order_acquire);
      continue;
    }
    const size_t got = out.size() - before;
    if (got <= n) {
      n -= got;
      continue;
    }
    // More than wanted: a random choice of n.
    for (size_t k = 0; k < n; ++k) {
      std::swap(out[before + k], out[before + k + NextRandom(rng) % (got - k)]);
    }
    out.resize(before + n);
    n = 0;
  }
}

}  // namespace mantis
