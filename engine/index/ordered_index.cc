#include "engine/index/ordered_index.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "engine/base/striped_count.h"
#include "engine/index/block.h"
#include "engine/index/node_list.h"
#include "engine/reclaim/rcu.h"

namespace mantis {

using index::Block;
using index::Node;
using index::NodeList;
using index::Query;

namespace {

// Sizes that decide about splits and merges, in entries; all follow from the capacity.
struct Limits {
  // An insert into a block with as many splits it.
  size_t capacity;
  // Of a split at the very end or start of a block, the outer part gets this many: loads in key
  // order so leave dense blocks behind.
  size_t outer_part;
  // A split is at most so far from the middle.
  size_t cut_reach;
  // A block that falls to this many entries looks for company, but at every merge_every-th of them
  // only: the look at the neighbour costs cache misses.
  size_t merge_below;
  size_t merge_every;
  // Two blocks are merged if they have no more entries together: room is left for inserts.
  size_t merged_max;

  explicit Limits(size_t block_capacity)
      : capacity(std::max<size_t>(block_capacity, 2)),
        outer_part(std::max<size_t>(capacity / 15, 1)),
        cut_reach(capacity / 4),
        merge_below(capacity / 3),
        merge_every(outer_part),
        merged_max(capacity * 2 / 3) {}
};

// The place to cut at, within `reach` of the middle, where neighbours differ in the earliest byte:
// the anchor is short then, and the keys of either half have more in common, so that their heads
// tell more of them apart.
size_t CutNear(std::span<const uint64_t> heads, size_t middle, size_t reach) {
  const auto shared_bytes = [&](size_t at) {
    return std::countl_zero(heads[at - 1] ^ heads[at]) / 8;
  };
  size_t best = middle;
  int fewest = shared_bytes(middle);
  for (size_t away = 1; away <= reach && fewest > 0; ++away) {
    for (const size_t at : {middle - away, middle + away}) {
      if (const int shared = shared_bytes(at); shared < fewest) {
        fewest = shared;
        best = at;
      }
    }
  }
  return best;
}

void RetireBlock(Block* b) { reclaim::RetireObject(b, b->allocated_bytes()); }

}  // namespace

// A node and the live block that was its state at one instant.
struct Located {
  Node* node;
  Block* block;
};

struct OrderedIndex::Impl {
  static constexpr int kHintSteps = 8;
  const Limits limits;
  NodeList nodes{Block::Empty(nullptr)};
  StripedCount<> entry_count;
  StripedCount<> block_count;

  explicit Impl(size_t block_capacity) : limits(block_capacity) { block_count.Add(1); }
  ~Impl();

  // The node whose range the query falls into. `hint` is a node of this read section or nullptr.
  Located Locate(const Query& q, Node* hint = nullptr);
  // Publishes `fresh` in place of what was located, or destroys it.
  bool Publish(const Located& at, Block* fresh);
  bool Split(const Located& at, const Block& whole, size_t inserted_at);
  // After an erase left `b` in the node: merges it with a neighbour if that is worthwhile.
  void MaybeMerge(Node* n, Block* b);
  // Nothing happens if the node's state is no longer the one seen.
  void FreezeAndMerge(Node* n, Node::State seen);
  // Brings a frozen node to its end.
  void CompleteMerge(Node* n);
};

OrderedIndex::Impl::~Impl() {
  for (Node* n = nodes.first(); n != nullptr;) {
    Block* b = Node::BlockOf(n->state());
    n = b->right();
    Block::Destroy(b);
  }
}

Located OrderedIndex::Impl::Locate(const Query& q, Node* hint) {
  Node* n = hint != nullptr ? hint : nodes.Floor(q);
  // From a hint that has become old it may be far.
  int steps_left = hint != nullptr ? kHintSteps : -1;
  while (true) {
    const Node::State s = n->state();
    if (!Node::IsLive(s)) {
      // Merged or being merged into its left neighbour.
      if (s == Node::kRemoved) {
        nodes.Unlink(n);
      } else {
        CompleteMerge(n);
      }
      n = nodes.Floor(q);
      continue;
    }
    Block* b = Node::BlockOf(s);
    Node* right = b->right();
    if (right == nullptr || !right->Satisfies(q)) return {n, b};
    n = --steps_left == 0 ? nodes.Floor(q) : right;
  }
}

bool OrderedIndex::Impl::Publish(const Located& at, Block* fresh) {
  if (at.node->CompareExchange(Node::Live(at.block), Node::Live(fresh))) {
    RetireBlock(at.block);
    return true;
  }
  Block::Destroy(fresh);
  return false;
}

bool OrderedIndex::Impl::Split(const Located& at, const Block& whole, size_t inserted_at) {
  const size_t n = whole.count();
  size_t middle = CutNear(whole.heads(), n / 2, limits.cut_reach);
  if (inserted_at + 1 == n) {
    middle = n - limits.outer_part;
  } else if (inserted_at == 0) {
    middle = limits.outer_part;
  }
  const Bytes before = whole.entries()[middle - 1]->key();
  const Bytes first = whole.entries()[middle]->key();
  // The shortest string that separates the halves.
  const Bytes anchor = first.substr(0, CommonPrefix(before, first) + 1);
  Block* upper = Block::Slice(whole, middle, n, whole.right());
  Node* y = NodeList::Create(anchor, upper);
  if (!Publish(at, Block::Slice(whole, 0, middle, y))) {
    Block::Destroy(upper);
    NodeList::Discard(y);
    return false;
  }
  block_count.Add(1);
  // Another node with this anchor was merged away, but perhaps not to the end.
  while (Node* old = nodes.Link(y)) {
    if (old->state() != Node::kRemoved) CompleteMerge(old);
    nodes.Unlink(old);
  }
  y->SetLinked();
  // Whoever emptied it meanwhile could not remove it.
  const Node::State s = y->state();
  if (Node::IsLive(s) && Node::BlockOf(s)->count() == 0) FreezeAndMerge(y, s);
  return true;
}

void OrderedIndex::Impl::MaybeMerge(Node* n, Block* b) {
  const size_t count = b->count();
  if (count == 0 && !n->is_first()) {
    // An unlinked one is seen to by the thread that is about to link it.
    if (n->linked()) FreezeAndMerge(n, Node::Live(b));
    return;
  }
  if (count > limits.merge_below || count % limits.merge_every != 0) return;
  Node* right = b->right();
  if (right == nullptr || !right->linked()) return;
  const Node::State s = right->state();
  if (!Node::IsLive(s) || count + Node::BlockOf(s)->count() > limits.merged_max) return;
  FreezeAndMerge(right, s);
}

void OrderedIndex::Impl::FreezeAndMerge(Node* n, Node::State seen) {
  if (n->CompareExchange(seen, seen | Node::kFrozen)) CompleteMerge(n);
}

void OrderedIndex::Impl::CompleteMerge(Node* n) {
  while (true) {
    const Node::State s = n->state();
    if (s == Node::kRemoved) break;
    assert(!Node::IsLive(s));
    Block* frozen = Node::BlockOf(s);
    const Located left = Locate(Query::Before(n->anchor()));
    Block* joined = nullptr;
    if (left.block->right() == n) {
      joined = Block::Joined(*left.block, *frozen);
      if (!Publish(left, joined)) continue;
    }
    // No live node links to it any more, whoever saw to that.
    if (n->CompareExchange(s, Node::kRemoved)) {
      RetireBlock(frozen);
      block_count.Add(-1);
    }
    nodes.Unlink(n);
    // If the left one was empty, too, its own removal has just been foiled.
    if (joined != nullptr && joined->count() == 0) MaybeMerge(left.node, joined);
    return;
  }
  nodes.Unlink(n);
}

OrderedIndex::OrderedIndex() : OrderedIndex(Block::kCapacity) {}
OrderedIndex::OrderedIndex(size_t block_capacity) : impl_(std::make_unique<Impl>(block_capacity)) {}
OrderedIndex::~OrderedIndex() = default;

size_t OrderedIndex::size() const { return impl_->entry_count.Sum(); }
size_t OrderedIndex::blocks() const { return impl_->block_count.Sum(); }

void OrderedIndex::FindPlaces(std::span<const Bytes> keys, std::span<Place> places) {
  assert(reclaim::InReadSection() && keys.size() == places.size());
  for (size_t begin = 0; begin < keys.size(); begin += NodeList::kTogether) {
    const size_t n = std::min(NodeList::kTogether, keys.size() - begin);
    const std::span<Place> found = places.subspan(begin, n);
    impl_->nodes.Floors(keys.subspan(begin, n), found);
    for (const Node* place : found) {
      if (const Node::State s = place->state(); Node::IsLive(s)) Node::BlockOf(s)->Prefetch();
    }
  }
}

void OrderedIndex::Insert(Entry* e, Place near) {
  assert(reclaim::InReadSection());
  const Query q = Query::AtOrBefore(e->key());
  while (true) {
    const Located at = impl_->Locate(q, near);
    near = at.node;
    const Block::Position p = at.block->Find(e->key());
    if (p.equal) {
      Entry* present = at.block->entries()[p.index];
      if (present == e) return;
      if (!present->dead()) {
        assert(e->dead() && "two living entries with one key");
        return;
      }
      if (impl_->Publish(at, Block::Replaced(*at.block, p.index, e))) return;
      continue;
    }
    Block* fresh = Block::Inserted(*at.block, p.index, e);
    bool done;
    if (fresh->count() <= impl_->limits.capacity) {
      done = impl_->Publish(at, fresh);
    } else {
      done = impl_->Split(at, *fresh, p.index);
      Block::Destroy(fresh);
    }
    if (done) {
      impl_->entry_count.Add(1);
      return;
    }
  }
}

void OrderedIndex::Erase(Entry* e) {
  assert(reclaim::InReadSection());
  const Query q = Query::AtOrBefore(e->key());
  Node* hint = nullptr;
  while (true) {
    const Located at = impl_->Locate(q, hint);
    hint = at.node;
    const size_t i = at.block->IndexOf(e);
    if (i == at.block->count()) return;
    Block* fresh = Block::Erased(*at.block, i);
    if (impl_->Publish(at, fresh)) {
      impl_->entry_count.Add(-1);
      impl_->MaybeMerge(at.node, fresh);
      return;
    }
  }
}

OrderedCursor::OrderedCursor(const OrderedIndex& index, const RangeBound& min,
                             const RangeBound& max, bool reverse)
    : index_(*index.impl_), min_(min), max_(max), reverse_(reverse) {
  if (!min.unbounded && !max.unbounded) {
    const int c = CompareBytes(min.key, max.key);
    done_ = c > 0 || (c == 0 && !(min.inclusive && max.inclusive));
  }
}

std::span<Entry* const> OrderedCursor::NextRun() {
  assert(reclaim::InReadSection());
  return reverse_ ? NextReverse() : NextForward();
}

namespace {

// The first entry of b that the lower bound admits; the first one beyond the upper bound.
size_t FirstWithin(const Block& b, const RangeBound& min) {
  if (min.unbounded) return 0;
  const Block::Position p = b.Find(min.key);
  return p.index + (p.equal && !min.inclusive ? 1 : 0);
}
size_t FirstBeyond(const Block& b, const RangeBound& max) {
  if (max.unbounded) return b.count();
  const Block::Position p = b.Find(max.key);
  return p.index + (p.equal && max.inclusive ? 1 : 0);
}

// Readers look at nearly every entry they are handed.
void PrefetchEntries(std::span<Entry* const> entries) {
  for (const Entry* e : entries) e->PrefetchHeader();
}

}  // namespace

std::span<Entry* const> OrderedCursor::NextForward() {
  while (!done_) {
    const Query q = Query::AtOrBefore(min_.unbounded ? Bytes() : min_.key);
    const Located at = index_.Locate(q, hint_);
    const Block& b = *at.block;
    // Normally the anchor is the bound, and no entry is before it.
    const size_t low = at.node == hint_ ? 0 : FirstWithin(b, min_);
    size_t high = b.count();
    hint_ = b.right();
    if (hint_ == nullptr) {
      done_ = true;
      high = FirstBeyond(b, max_);
    } else {
      __builtin_prefetch(hint_);
      if (!max_.unbounded && CompareBytes(hint_->anchor(), max_.key) > 0) {
        done_ = true;
        high = FirstBeyond(b, max_);
      }
      min_ = RangeBound::Including(hint_->anchor());
    }
    if (low < high) {
      const auto run = b.entries().subspan(low, high - low);
      PrefetchEntries(run);
      return run;
    }
  }
  return {};
}

std::span<Entry* const> OrderedCursor::ReverseChunk() {
  const size_t n = high_ - low_ < kReverseRun ? high_ - low_ : kReverseRun;
  const auto entries = block_->entries().subspan(high_ - n, n);
  PrefetchEntries(entries);
  std::copy(entries.rbegin(), entries.rend(), reversed_.begin());
  high_ -= n;
  return {reversed_.data(), n};
}

std::span<Entry* const> OrderedCursor::NextReverse() {
  while (low_ == high_) {
    if (done_) return {};
    Query q = Query::Last();
    if (!max_.unbounded) {
      q = max_.inclusive ? Query::AtOrBefore(max_.key) : Query::Before(max_.key);
    }
    // Nothing is before the first anchor, nor is there a node for it.
    if (q.mode == Query::Mode::kBefore && max_.key.empty()) return {};
    const Located at = index_.Locate(q);
    block_ = at.block;
    low_ = 0;
    high_ = FirstBeyond(*block_, max_);
    const Bytes anchor = at.node->anchor();
    if (at.node->is_first()) done_ = true;
    if (!min_.unbounded && CompareBytes(anchor, min_.key) <= 0) done_ = true;
    if (done_) low_ = FirstWithin(*block_, min_);
    max_ = RangeBound::Excluding(anchor);
  }
  return ReverseChunk();
}

}  // namespace mantis
