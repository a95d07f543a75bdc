// A block: an immutable sorted array of entries of the ordered index, with, beside each, the eight
// bytes of its key that follow the prefix which all keys of the block share, as a number. A search
// compares numbers and looks at an entry only when these are equal.
//
// Thread safety: immutable after its making, so any thread may read it.
// Ownership: whoever makes a block owns it until it is published; after that it is retired through
// reclaim::Retire with Destroy. A block does not own its entries, nor its right node.
// Invariants:
//  1. Keys ascend strictly.
//  2. prefix() is a prefix of every key, not necessarily the longest: it shrinks when a key breaks
//     it and grows again when a half block would have equal heads.
//  3. heads()[i] = LeadingEight(key of entry i without the prefix), so heads ascend (not strictly).
//  4. The prefix's bytes are stored in the block, so a search needs no entry for them.
// Memory: one allocation of exactly the size needed: header, prefix (in whole words, and beside the
// header, as every search reads both), heads, entries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/keyspace/entry.h"

namespace mantis::index {

class Node;

class Block {
 public:
  // What the index fills a block up to by default. With the header and a prefix of up to 48 bytes,
  // 60 entries fill an allocation of 1 KiB, which is a size class of the allocator.
  static constexpr size_t kCapacity = 60;
  static constexpr size_t kPrefetchBytes = 512;
  // Of a longer common prefix only this much is used; the rest costs looks at entries.
  static constexpr size_t kPrefixBytesMax = 240;

  struct Position {
    size_t index;  // of the first entry whose key is not less
    bool equal;    // its key is the one looked for
  };

  static Block* Empty(Node* right);
  // Copies with one change.
  static Block* Inserted(const Block& b, size_t at, Entry* e);
  static Block* Replaced(const Block& b, size_t at, Entry* e);
  static Block* Erased(const Block& b, size_t at);
  // Entries [from, to) of b, with the given right link.
  static Block* Slice(const Block& b, size_t from, size_t to, Node* right);
  // All of both, with the right link of b; every key of a is less than any of b.
  static Block* Joined(const Block& a, const Block& b);
  static void Destroy(Block* b);
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  size_t count() const { return count_; }
  Node* right() const { return right_; }
  std::span<const uint64_t> heads() const { return {HeadData(), count_}; }
  std::span<Entry* const> entries() const { return {EntryData(), count_}; }
  Bytes prefix() const { return {reinterpret_cast<const char*>(this + 1), prefix_size_}; }
  size_t allocated_bytes() const { return BytesFor(count_, prefix_size_); }

  // The header and what a search reads.
  void Prefetch() const {
    for (size_t at = 0; at < kPrefetchBytes; at += 64) {
      __builtin_prefetch(reinterpret_cast<const char*>(this) + at);
    }
  }

  Position Find(Bytes key) const;
  // The index of this very entry, or count() if it is not in the block.
  size_t IndexOf(const Entry* e) const;

 private:
  Block(size_t count, Bytes prefix, Node* right);
  static Block* Make(size_t count, Bytes prefix, Node* right);
  static size_t BytesFor(size_t count, size_t prefix_size) {
    // NOLINTNEXTLINE(bugprone-sizeof-expression): the entries are pointers.
    return sizeof(Block) + PrefixRoom(prefix_size) + count * (sizeof(uint64_t) + sizeof(Entry*));
  }
  static size_t PrefixRoom(size_t prefix_size) { return (prefix_size + 7) / 8 * 8; }

  const uint64_t* HeadData() const {
    return reinterpret_cast<const uint64_t*>(reinterpret_cast<const char*>(this + 1) +
                                             PrefixRoom(prefix_size_));
  }
  Entry* const* EntryData() const { return reinterpret_cast<Entry* const*>(HeadData() + count_); }
  uint64_t* HeadData() { return const_cast<uint64_t*>(std::as_const(*this).HeadData()); }
  Entry** EntryData() { return reinterpret_cast<Entry**>(HeadData() + count_); }

  size_t LowerBound(uint64_t head) const;
  // Fills slots [at, at+n) with entries [from, from+n) of b, whose prefix may be longer than ours.
  void CopyFrom(const Block& b, size_t from, size_t n, size_t at);
  void Put(size_t at, Entry* e);

  Node* right_;
  uint32_t count_;
  uint32_t prefix_size_;
};
static_assert(sizeof(Block) == 16);

}  // namespace mantis::index
