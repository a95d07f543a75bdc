// One key: a single allocation with the value word, the access clock and the key's bytes. The hash
// index and the ordered index both point at it.
//
// Thread safety: key() is immutable; everything else is atomic. The value word changes only
// through Database::Commit (see database.h) once the entry is in an index.
// Ownership: an entry belongs to its database's indexes. Whoever turns the word from kTomb or kNew
// into kDead unlinks it from both and retires it, in two stages: see Database::Bury.
#pragma once

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
    void* p = memory::Allocate(sizeof(Entry) + key.size());
    return new (p) Entry(key);
  }
  static void Destroy(Entry* e) {
    e->~Entry();
    memory::Free(e);
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  Bytes key() const { return {reinterpret_cast<const char*>(this + 1), key_size_}; }
  size_t allocated_bytes() const { return sizeof(Entry) + key_size_; }

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
  void FetchAnd(uint64_t mask) { word_.fetch_and(mask, std::memory_order_acq_rel); }
  // Clears the flags and returns the word as it was.
  Word TakeFlags(uint64_t flags) {
    return Word(word_.fetch_and(~flags, std::memory_order_acq_rel));
  }
  bool dead() const { return word().kind() == Kind::kDead; }

  // LRU clock or LFU counter, see cache/access_clock.h.
  uint32_t access() const { return access_.load(std::memory_order_relaxed); }
  void set_access(uint32_t v) { access_.store(v, std::memory_order_relaxed); }

  // When the expiry index will look at this entry next, kNoDeadline if it does not know it.
  // Written under the expiry shard's lock; a relaxed read may be old, see expiry_index.h.
  int64_t scheduled_ms() const { return scheduled_ms_.load(std::memory_order_relaxed); }
  void set_scheduled_ms(int64_t ms) { scheduled_ms_.store(ms, std::memory_order_relaxed); }

  void PrefetchHeader() const { __builtin_prefetch(this); }

 private:
  explicit Entry(Bytes key) : key_size_(static_cast<uint32_t>(key.size())) {
    if (!key.empty()) std::memcpy(reinterpret_cast<char*>(this + 1), key.data(), key.size());
  }
  ~Entry() = default;

  std::atomic<uint64_t> word_{Word::Of(Kind::kNew).raw()};
  std::atomic<int64_t> scheduled_ms_{kNoDeadline};
  std::atomic<uint32_t> access_{0};
  uint32_t key_size_;
};
static_assert(sizeof(Entry) == 24);

}  // namespace mantis
