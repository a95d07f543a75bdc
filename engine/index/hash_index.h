// The unordered directory of one database: key -> Entry*, lock-free, grown and shrunk in steps.
//
// Shape. A table is a power-of-two array of atomic 64-bit words; a word points to an immutable
// bucket array of slots, a slot is 16 bits of hash (the tag) above a 48-bit Entry*. A lookup costs
// one load each of root, word and array (two cache misses in a large table), then the entry. Every
// change is one compare-and-swap of a word from the old array to a fresh copy with one slot more
// or less; the old array is retired. The mean load is kept between 1.25 and 5 slots a bucket.
//
// Resize. A table twice or half as large is hung on the old one's `next`. Its words start as
// kUninit and are filled unit by unit: freeze the old word(s) (a flag bit that no change survives),
// build the new content from what can no longer change, compare-and-swap it over kUninit. Every
// writer first migrates the bucket it needs, then a few more; when all units are done the root
// moves on. (Cooperative migration after Cliff Click's hash table; buckets as copy-on-write
// arrays in place of his open addressing; the cursor of Scan after Pieter Noordhuis's in Redis.)
//
// Thread safety: any thread may call anything except the destructor at any time, inside a
// reclaim::ReadSection that also covers the use of the entries handed out; writers must be
// attached threads. Lookups are wait-free: they write nothing, and follow at most one `next` per
// resize that happens during the call. Writers are lock-free: a failed compare-and-swap means that
// another one succeeded. A thread that stalls in the middle of a migration delays the end of the
// resize only, not the operations of others.
// Ownership: the index owns tables and arrays, never entries. Who erases an entry retires it.
//
// Invariants:
//  * At most one entry that is not dead() per key. Dead ones may stand beside it until their owner
//    erases them; lookups skip them.
//  * Within a read section no word of a table takes a value for the second time: arrays are fresh
//    memory, and an emptied bucket's word bears a number of its own.
//  * A frozen word never changes again. Once the new word is not kUninit, it is the truth for its
//    hashes; until then the frozen array is. Only then is the frozen array retired, by the one
//    thread that filled the unit's last new word, so a reader may look into a frozen word's array
//    only after it has seen kUninit in the new table.
//  * Only the root table gets a `next`, so at most two tables are in use by new operations.
//
// Memory orders. Words, `next` and root are read with acquire and written with release, because
// each publishes what its pointer leads to; freezing releases too, so who sees the flag sees
// `next`. `done` is acq_rel: its last increment carries all new words to the thread that moves the
// root. Cursor and counters are relaxed: they order nothing. That a reader which came after the
// grace period does not see kUninit any more is RCU's guarantee.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/striped_count.h"
#include "engine/keyspace/entry.h"

namespace mantis {

class HashIndex {
 public:
  static constexpr size_t kMinBuckets = 16;

  HashIndex();
  // Quiescent: no other thread uses the index. Entries stay untouched.
  ~HashIndex();
  HashIndex(const HashIndex&) = delete;
  HashIndex& operator=(const HashIndex&) = delete;

  // The hash of a key, with a seed drawn once per process. The same for all indexes.
  static uint64_t Hash(Bytes key);

  // The live (not dead) entry of `key`, or nullptr. Wait-free, O(1).
  Entry* Find(Bytes key, uint64_t hash) const;
  // What a look-up went by. The same again later in the same read section: no entry with a hash of
  // this bucket was inserted or erased in between, so a key that was not found was in no index
  // meanwhile.
  struct Sight {
    const void* table = nullptr;
    uint64_t word = 0;
    bool operator==(const Sight&) const = default;
  };
  // Find, and what it went by.
  Entry* Find(Bytes key, uint64_t hash, Sight* sight) const;
  // What Find would go by now. Wait-free.
  Sight Look(uint64_t hash) const;

  // The live entry of fresh's key if there is one (*inserted = false; `fresh` stays the caller's),
  // else inserts `fresh`, which must be complete, and returns it. Lock-free, O(1).
  Entry* FindOrInsert(Entry* fresh, uint64_t hash, bool* inserted);
  // Removes this very entry; false if it is not here. Lock-free, O(1).
  bool Erase(Entry* e, uint64_t hash);

  // Entries, dead ones included: approximate under concurrency, exact when quiet.
  size_t size() const;
  // Buckets of the current table; 0 before the first insertion.
  size_t bucket_count() const;

  // A pipeline calls each stage for all its keys before the next stage, so that the misses of
  // different keys overlap: word, array, first entry with the key's tag. Safe at any time, each
  // reads only what the stage before fetched (during a resize also the new table's word).
  void PrefetchBucket(uint64_t hash) const;
  void PrefetchArray(uint64_t hash) const;
  // The first entry with the hash's tag, prefetched but not compared; nullptr if none.
  Entry* PrefetchEntry(uint64_t hash) const;

  // Stateless iteration: start with 0, pass on what comes back, 0 again means done. Appends one
  // logical bucket. Whatever is in the index during the whole iteration is returned at least once,
  // over resizes in either direction; the rest, and repetitions, may be. Lock-free: begins its
  // bucket again if two resizes overtook it.
  uint64_t Scan(uint64_t cursor, std::vector<Entry*>& out) const;
  // Appends up to n entries from consecutive buckets at a random place. Looks at a bounded number
  // of buckets, so a table that is much too large for its content may give fewer, even none. No
  // repetitions, except during a resize.
  // `rng` is the caller's random state, any value.
  void Sample(uint64_t& rng, size_t n, std::vector<Entry*>& out) const;

  // For a background tick: begins a resize that is due, migrates about so many buckets; true while
  // a resize is under way (call again, best in a new read section).
  bool MigrateSome(size_t buckets);

 private:
  struct Array;
  struct Table;
  using Slots = std::span<const uint64_t>;

  static Table* NoTable();
  static Slots SlotsOf(uint64_t word);
  static uint64_t EmptyWord();
  static uint64_t NewArray(Slots a, Slots b);
  static void FreeArray(uint64_t word);
  static void RetireArray(uint64_t word);
  static Table* NewTable(size_t buckets, size_t units);
  static void AppendSlots(uint64_t word, std::vector<Entry*>& out);
  static bool AppendBucket(const Table& t, size_t b, std::vector<Entry*>& out);

  Sight Seen(uint64_t hash) const;
  uint64_t CurrentWord(uint64_t hash) const;
  Table* WritableTable(uint64_t hash);
  Table* CreateFirstTable();
  void CountAndMaybeResize(Table* t, int64_t delta);
  void MaybeResize(Table* t);
  void Help(Table* old, Table* fresh, size_t units);
  void MigrateUnit(Table* old, Table* fresh, size_t u);
  void SplitUnit(Table* old, Table* fresh, size_t u);
  void MergeUnit(Table* old, Table* fresh, size_t u);
  void UnitDone(Table* old, Table* fresh);

  alignas(64) std::atomic<Table*> root_;
  StripedCount<8> entries_;
};

}  // namespace mantis
