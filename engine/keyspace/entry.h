// One key: a single allocation with the value word, the access clock and the key's bytes. The hash
// index and the ordered index both point at it. A key of 16 bytes makes 32 in all, half a cache
// line: so the header is packed.
//
// Thread safety: key() is immutable; everything else is atomic. The value word changes only
// through Database::Commit (see database.h) once the entry is in an index.
// Ownership: an entry belongs to its database's indexes. Whoever turns the word from kTomb or kNew
// into kDead unlinks it from both and retires it, in two stages: see Database::Bury.
#pragma once

#include <algorithm>
#include <atomic>
#include <new>

#include "engine/base/bytes.h"
#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/keyspace/value_word.h"

namespace mantis {

class Entry {
 public:
  static Entry* Create(Bytes key) {
    void* p = memory::Allocate(BytesFor(key));
    return new (p) Entry(key);
  }
  static void Destroy(Entry* e) {
    e->~Entry();
    memory::Free(e);
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  Bytes key() const {
    const char* text = reinterpret_cast<const char*>(this + 1);
    const uint32_t size = access_and_size_.load(std::memory_order_relaxed) & kSizeMask;
    if (size != kLong) [[likely]]
      return {text, size};
    uint32_t long_size = 0;
    std::memcpy(&long_size, text, sizeof(long_size));
    return {text + sizeof(long_size), long_size};
  }
  size_t allocated_bytes() const { return BytesFor(key()); }

  // Acquire: pairs with the release half of CompareExchange, so a blob read through the word is
  // complete.
  Word word() const { return Word(word_.load(std::memory_order_acquire)); }
  bool CompareExchange(Word& expected, Word desired) {
    uint64_t raw = expected.raw();
    // acq_rel: publishes the new value, and on failure shows the one that won.
    const bool ok = word_.compare_exchange_strong(raw, desired.raw(), std::memory_order_acq_rel,
                                                  std::memory_order_acquire);
    expected = Word(raw);
    return ok;
  }
  void FetchOr(uint64_t flags) { word_.fetch_or(flags, std::memory_order_acq_rel); }
  // Gives the lock back, and wakes those that wait for it (see lock_waiters.h). seq_cst: who parks
  // counts itself, then looks at the word; this clears the bit, then looks at the count.
  void Unlock();
  // Clears the flags and returns the word as it was.
  Word TakeFlags(uint64_t flags) {
    return Word(word_.fetch_and(~flags, std::memory_order_acq_rel));
  }
  // Waits a little for the lock bit of `w`, which is the word as it was, to go. False: still
  // locked; the caller answers kBusy and tries again later.
  bool AwaitUnlocked(Word* w) const;
  // For who parks: ordered with Unlock.
  bool LockedNow() const { return Word(word_.load(std::memory_order_seq_cst)).locked(); }
  bool dead() const { return word().kind() == Kind::kDead; }

  // LRU clock or LFU counter, see cache/eviction.h: 24 bits.
  static constexpr uint32_t kAccessMask = 0xffffff;
  uint32_t access() const { return access_and_size_.load(std::memory_order_relaxed) >> kSizeBits; }
  void set_access(uint32_t v) {
    const uint32_t size = access_and_size_.load(std::memory_order_relaxed) & kSizeMask;
    access_and_size_.store(v << kSizeBits | size, std::memory_order_relaxed);
  }

  // When the expiry index will look at this entry next, in its units; kUnscheduled if it does not
  // know it. Written under the expiry shard's lock; a relaxed read may be old, see expiry_index.h.
  static constexpr uint32_t kUnscheduled = UINT32_MAX;
  uint32_t scheduled() const { return scheduled_.load(std::memory_order_relaxed); }
  void set_scheduled(uint32_t tick) { scheduled_.store(tick, std::memory_order_relaxed); }

  void PrefetchHeader() const { __builtin_prefetch(this); }

 private:
  // A size that does not fit stands before the key's bytes.
  static constexpr int kSizeBits = 8;
  static constexpr uint32_t kSizeMask = (1u << kSizeBits) - 1;
  static constexpr uint32_t kLong = kSizeMask;

  static size_t BytesFor(Bytes key) {
    return sizeof(Entry) + key.size() + (key.size() < kLong ? 0 : sizeof(uint32_t));
  }
  explicit Entry(Bytes key) {
    char* text = reinterpret_cast<char*>(this + 1);
    const auto size = static_cast<uint32_t>(key.size());
    access_and_size_.store(std::min(size, kLong), std::memory_order_relaxed);
    if (size >= kLong) {
      std::memcpy(text, &size, sizeof(size));
      text += sizeof(size);
    }
    if (!key.empty()) std::memcpy(text, key.data(), key.size());
  }
  ~Entry() = default;

  std::atomic<uint64_t> word_{Word::Of(Kind::kNew).raw()};
  std::atomic<uint32_t> scheduled_{kUnscheduled};
  std::atomic<uint32_t> access_and_size_;
};
static_assert(sizeof(Entry) == 16);

}  // namespace mantis
