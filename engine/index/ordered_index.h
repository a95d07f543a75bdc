// The ordered index: all entries of one database in unsigned byte order of their keys. Range and
// prefix reads cost O(log n + k), and walk arrays rather than a linked list of keys.
//
// Shape. A chain of nodes, each with an immutable anchor (a byte string) and one atomic word, its
// state: a pointer to an immutable block (block.h) of sorted entries and of the link to the node
// on the right. A lock-free skiplist over the nodes (node_list.h) is the way in from a key.
//
// Thread safety: every operation may run on any thread at any time, inside a reclaim::ReadSection
// (the caller opens it, and keeps it open for the whole life of a cursor). Writers are lock-free:
// they change the index by one compare-and-swap of one state word, and whoever finds another's
// merge half done finishes it. Readers see whole blocks and never hold up a writer.
//
// Ownership: nodes and blocks belong to the index, and what it unlinks goes to reclaim::Retire().
// Entries do not: it only points at them. Whoever erases an entry lets a grace period pass before
// freeing it. The destructor must run alone.
//
// Invariants, at every moment:
//  1. A node's state is live (a block), frozen (a block that will never change again, bit 0 set) or
//     removed (final). States only move live -> live, live -> frozen -> removed.
//  2. The first node has the empty anchor and is always live.
//  3. The chain starts at the first node and follows the right links of live and frozen blocks. Its
//     anchors ascend strictly, and every live node is in it.
//  4. A node in the chain holds exactly the index's entries with anchor <= key < the anchor of the
//     node to its right. So its range changes only by a change of its own state word.
//  5. Keys are unique. Two entries with the same key never coexist, a dead one gives way.
//  6. The skiplist is a hint. It may lack a node that is in the chain (a split not yet linked) or
//     contain one that is not (a removal not yet unlinked), but always has the first one.
//
// Seek: the skiplist's floor of the key, then right while the right node's anchor <= key. A removed
// node on the way is unlinked from the skiplist and the seek starts again; a frozen one is merged
// first. By 4, the live block it ends at decides whether the key is there, at the instant at which
// its state was loaded.
//
// Insert, erase: copy the block with the change, compare-and-swap. A failure means that the node
// changed, so seek again.
//
// Split of N into N and Y, near the middle, where two neighbours differ in the earliest byte (so
// that blocks end where groups of keys with one prefix do): Y is complete before it is visible,
// holding the upper half and N's right link. One compare-and-swap gives N the lower half with a
// right link to Y; from then on Y is in the chain and found by going right (as in a B-link tree).
// Then Y is linked into the skiplist, and marked as such. Only a marked node may be frozen, so it
// is never linked after its removal.
//
// Merge of Y into its left neighbour N (Y is empty, or both are small): (a) freeze Y, (b) compare-
// and-swap N's block for one with the entries of both and Y's right link, (c) set Y removed, (d)
// unlink it from the skiplist, whereupon it is retired. After (a) Y's content cannot change, nor
// can the node right of it leave the chain, since that would take a change of Y. So (b) moves Y's
// range to N in one step. Any thread may do (b), (c) and (d): (b) only succeeds while N's block
// still links to Y, which happens once, as no new block can get a link to Y afterwards; who finds
// that no live node links to a frozen Y knows that (b) is done. If N itself is frozen, it is merged
// first; anchors get smaller with every such step, so this ends. A block may exceed its capacity
// by what it absorbed, until the next insert splits it.
// A frozen block's entries and right link are looked at only while its left neighbour links to it
// (before that both may long be freed, if the thread at (b) was slow to do (c)); those of a removed
// one never.
//
// Scan: take a block, then seek the anchor of its right link, which normally is that node. Ranges
// taken are disjoint and adjacent by 4, whatever is split or merged in between: an entry that is
// in the index during the whole scan is seen exactly once, and keys come in strict order.
//
// Complexity: O(log n) expected for a seek; O(block) for a change; about 20 bytes an entry,
// nodes included.
// Progress: the skiplist of libcds lets a thread that links or unlinks a node spin while another
// is between two instructions of an unlink. A seek unlinks only where it ends at a removed node;
// nothing else waits.
//
// Sources: Lehman and Yao, "Efficient locking for concurrent operations on B-trees" (1981), right
// links; Harris, "A pragmatic implementation of non-blocking linked lists" (2001), freezing before
// unlinking; Herlihy and Shavit, "The Art of Multiprocessor Programming", 14.4, the skiplist; Bayer
// and Unterauer, "Prefix B-trees" (1977), short anchors, prefixes and where to split for them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "engine/base/bytes.h"
#include "engine/keyspace/entry.h"

namespace mantis {

namespace index {
class Block;
class Node;
}  // namespace index

// One end of a range. The key's bytes outlive the scan.
struct RangeBound {
  Bytes key;
  bool inclusive = true;
  bool unbounded = true;

  static RangeBound None() { return {}; }
  static RangeBound Including(Bytes key) { return {key, true, false}; }
  static RangeBound Excluding(Bytes key) { return {key, false, false}; }
};

class OrderedIndex {
 public:
  // On an attached thread.
  OrderedIndex();
  // With blocks of another capacity than Block::kCapacity, at least 2. For tests: tiny blocks make
  // splits and merges frequent.
  explicit OrderedIndex(size_t block_capacity);
  ~OrderedIndex();
  OrderedIndex(const OrderedIndex&) = delete;
  OrderedIndex& operator=(const OrderedIndex&) = delete;

  // Adds the entry; nothing happens if it is there. An entry with the same key is replaced if it
  // is dead; if it is not, then `e` must be, and is not added. An entry may die and be erased while
  // this runs, so whoever inserts looks at e->dead() afterwards and calls Erase if it is.
  // `near` may save the search: a place that FindPlaces found for this key in this read section.
  using Place = index::Node*;
  void Insert(Entry* e, Place near = nullptr);

  // Where keys belong, for many at once, so that the cache misses of their searches overlap; also
  // prefetches what an insertion there reads. The places are hints, good for this read section.
  void FindPlaces(std::span<const Bytes> keys, std::span<Place> places);

  // Removes this very entry; nothing happens if it is not there.
  void Erase(Entry* e);

  // Calls visit(std::span<Entry* const>) with runs of entries in ascending order until it returns
  // false or the range ends. Dead entries and absent keys' tombstones are visited like others.
  template <class Visit>
  void Scan(const RangeBound& min, const RangeBound& max, Visit&& visit) const;
  // The same in descending order, also within a run.
  template <class Visit>
  void ScanReverse(const RangeBound& min, const RangeBound& max, Visit&& visit) const;

  // Entries and blocks; approximate while others write, exact when nobody does.
  size_t size() const;
  size_t blocks() const;

 private:
  friend class OrderedCursor;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A scan that its caller drives. Used by one thread, inside the one read section in which it was
// created.
class OrderedCursor {
 public:
  // The cursor of the range between the bounds; an empty range is fine, whatever the bounds.
  OrderedCursor(const OrderedIndex& index, const RangeBound& min, const RangeBound& max,
                bool reverse);

  // The next entries in order, valid until the next call; empty at the end of the range.
  std::span<Entry* const> NextRun();

 private:
  static constexpr size_t kReverseRun = 64;

  std::span<Entry* const> NextForward();
  std::span<Entry* const> NextReverse();
  std::span<Entry* const> ReverseChunk();

  OrderedIndex::Impl& index_;
  RangeBound min_;  // of what is still to be visited
  RangeBound max_;
  bool reverse_;
  bool done_ = false;
  index::Node* hint_ = nullptr;  // forward: where min_ is likely to be

  // Reverse: entries [low_, high_) of the block are still to be handed out.
  const index::Block* block_ = nullptr;
  size_t low_ = 0;
  size_t high_ = 0;
  std::array<Entry*, kReverseRun> reversed_;
};

template <class Visit>
void OrderedIndex::Scan(const RangeBound& min, const RangeBound& max, Visit&& visit) const {
  OrderedCursor cursor(*this, min, max, false);
  for (auto run = cursor.NextRun(); !run.empty(); run = cursor.NextRun()) {
    if (!visit(run)) return;
  }
}

template <class Visit>
void OrderedIndex::ScanReverse(const RangeBound& min, const RangeBound& max, Visit&& visit) const {
  OrderedCursor cursor(*this, min, max, true);
  for (auto run = cursor.NextRun(); !run.empty(); run = cursor.NextRun()) {
    if (!visit(run)) return;
  }
}

}  // namespace mantis
