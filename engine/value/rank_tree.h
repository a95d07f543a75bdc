// An ordered sequence of members that knows everybody's rank: what a big sorted set is kept in,
// beside the hash table that finds a member by name.
//
// A counted B+ tree. Leaves hold up to kLeafMax elements, their scores beside the pointers, so that
// only members of equal score have to be looked at; inner nodes hold the number of elements below
// each child. The leaves are linked in both directions.
//
// Order: by score, members of the same score by their bytes. No two elements compare equal.
// Invariants (Problem() checks them):
//  - all leaves are at the same depth; the elements are in order from leaf to leaf;
//  - an inner node has for each child but its first the least element below it, and for each child
//    the number of elements below it;
//  - every node but the root and those on the right edge is filled to a quarter at least, those on
//    the right edge hold something; an inner root has two children or more.
//    (A split at the right end leaves the left node full, so ascending insertion packs densely.)
//  - an element's score is the one beside its pointer.
//
// Thread safety: none. Ownership: the elements are not the tree's; they must outlive their stay.
// Complexity: O(log n) for everything by score, member or rank, with no rebuilding; Append O(1)
// amortised; EraseRange O(log n + k); a step of a Cursor O(1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/memory.h"

namespace mantis {

// A member with its score, in one allocation: header and bytes.
struct ScoredMember {
  static constexpr size_t kHeaderBytes = 12;

  double score;
  uint32_t length;

  Bytes member() const { return {reinterpret_cast<const char*>(this) + kHeaderBytes, length}; }

  static ScoredMember* Create(double score, Bytes member);
  static void Free(ScoredMember* e) { memory::Free(e); }
};

// Where an element of that score and member belongs relative to `e`: negative before, 0 it is e.
inline int CompareScored(double score, Bytes member, double e_score, const ScoredMember& e) {
  if (score != e_score) return score < e_score ? -1 : 1;
  return CompareBytes(member, e.member());
}

class RankTree {
 private:
  struct Leaf;

 public:
  static constexpr unsigned kLeafMax = 62;   // makes a leaf 1016 bytes
  static constexpr unsigned kInnerMax = 63;  // makes an inner node 2024 bytes

  RankTree();
  ~RankTree();
  RankTree(const RankTree&) = delete;
  RankTree& operator=(const RankTree&) = delete;

  size_t size() const { return size_; }
  // Memory of the nodes, without the elements.
  size_t bytes() const { return bytes_; }

  // `e` is not in the tree, nor is one that compares equal.
  void Insert(ScoredMember* e);
  // Insert of one that comes after all others: builds a tree from sorted input.
  void Append(ScoredMember* e);
  // `e` is in the tree.
  void Erase(const ScoredMember& e);
  // Sets the score of `e`, which is in the tree, and moves it to where it belongs.
  void Rescore(ScoredMember* e, double score);
  // Takes out the elements of ranks first to first + count - 1, which exist, and gives each to
  // `f(ScoredMember*)`, in order; f may free it.
  template <class F>
  void EraseRange(size_t first, size_t count, F&& f);

  // How many elements are before that one, which is in the tree.
  size_t RankOf(const ScoredMember& e) const;
  // How many elements fulfil `before(double score, const ScoredMember&)`, which is true of the
  // elements up to a place and false from there on.
  template <class Before>
  size_t PartitionPoint(Before&& before) const;

  // A place in the sequence, good until the tree changes.
  class Cursor {
   public:
    Cursor() = default;
    // False: before the first or after the last element, from where there is no way back.
    bool valid() const { return leaf_ != nullptr; }
    const ScoredMember& operator*() const;
    const ScoredMember* operator->() const { return &**this; }
    void Next();
    void Prev();

   private:
    friend class RankTree;
    Cursor(const Leaf* leaf, unsigned at) : leaf_(leaf), at_(at) {}
    const Leaf* leaf_ = nullptr;
    unsigned at_ = 0;
  };
  // The element of that rank; not valid if there is none.
  Cursor At(size_t rank) const;

  // What is wrong with the tree, empty if the invariants hold. O(n).
  std::string_view Problem() const;

 private:
  // 16 levels of nodes a quarter full hold more elements than there is memory.
  static constexpr unsigned kHeightMax = 16;
  static constexpr unsigned kLeafMin = kLeafMax / 4;
  static constexpr unsigned kInnerMin = kInnerMax / 4;
  static constexpr unsigned kSoon = 4;  // elements looked ahead by

  struct Node {
    uint32_t count = 0;
  };
  // The arrays follow the header: scores[capacity], then members[capacity]. Only a leaf that is the
  // root has a capacity below kLeafMax.
  struct Leaf : Node {
    uint32_t capacity = 0;
    Leaf* prev = nullptr;
    Leaf* next = nullptr;

    double* scores() { return reinterpret_cast<double*>(this + 1); }
    const double* scores() const { return reinterpret_cast<const double*>(this + 1); }
    ScoredMember** members() { return reinterpret_cast<ScoredMember**>(scores() + capacity); }
    ScoredMember* const* members() const {
      return reinterpret_cast<ScoredMember* const*>(scores() + capacity);
    }
  };
  struct Inner : Node {
    // Of the least element below each child; those of child 0 are not kept up to date.
    std::array<double, kInnerMax> scores;
    std::array<ScoredMember*, kInnerMax> firsts;
    std::array<Node*, kInnerMax> children;
    std::array<uint64_t, kInnerMax> sizes;
  };
  // The way to a leaf: nodes[i] is the inner node at height i+1, at[i] which child was taken.
  struct Path {
    std::array<Inner*, kHeightMax> nodes;
    std::array<unsigned, kHeightMax> at;
  };
  struct Place {
    Leaf* leaf;
    unsigned at;
  };
  struct Walk;  // of Problem()

  template <class Before>
  static unsigned Search(const double* scores, ScoredMember* const* members, unsigned from,
                         unsigned to, Before&& before);
  template <class Before>
  Place Descend(Path* path, Before&& before) const;
  Place DescendToRank(Path* path, size_t rank) const;
  // Where `e`, which is in the tree, is.
  Place Find(Path* path, const ScoredMember& e) const;

  Leaf* NewLeaf(unsigned capacity);
  Inner* NewInner();
  void FreeNode(Node* node);
  void FreeTree(Node* node, unsigned height);
  void InsertAt(Path& path, Place place, ScoredMember* e);
  Leaf* GrowRoot(Leaf* leaf);
  Leaf* SplitLeaf(Leaf* leaf, bool at_end);
  Inner* InsertChild(Inner* parent, unsigned at, Node* child, ScoredMember* first, uint64_t size,
                     bool at_end);
  void EraseAt(Path& path, Place place, unsigned count);
  void SetFirst(Path& path, unsigned level, ScoredMember* first) const;
  void Rebalance(Path& path, Leaf* leaf);
  bool BalanceLeaves(Inner* parent, unsigned left_at);
  bool BalanceInners(Inner* parent, unsigned left_at);
  static uint64_t SumOfSizes(const Inner& inner);
  static void RemoveChild(Inner* parent, unsigned at);
  static bool CheckLeaf(const Leaf& leaf, Walk* walk);
  static const ScoredMember* FirstBelow(const Node* node, unsigned height);
  bool CheckNode(const Node* node, unsigned height, bool right_edge, Walk* walk) const;

  size_t bytes_ = 0;
  size_t size_ = 0;
  unsigned height_ = 0;  // inner levels above the leaves
  Node* root_;
};

inline const ScoredMember& RankTree::Cursor::operator*() const { return *leaf_->members()[at_]; }

inline void RankTree::Cursor::Next() {
  if (++at_ < leaf_->count) return;
  leaf_ = leaf_->next;
  at_ = 0;
}

inline void RankTree::Cursor::Prev() {
  if (at_-- != 0) return;
  leaf_ = leaf_->prev;
  if (leaf_ != nullptr) at_ = leaf_->count - 1;
}

// The first place from `from` on whose element does not fulfil `before`.
template <class Before>
unsigned RankTree::Search(const double* scores, ScoredMember* const* members, unsigned from,
                          unsigned to, Before&& before) {
  while (from < to) {
    const unsigned middle = (from + to) / 2;
    if (before(scores[middle], *members[middle])) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from;
}

template <class Before>
RankTree::Place RankTree::Descend(Path* path, Before&& before) const {
  Node* node = root_;
  for (unsigned level = height_; level != 0; --level) {
    auto* inner = static_cast<Inner*>(node);
    const unsigned at =
        Search(inner->scores.data(), inner->firsts.data(), 1, inner->count, before) - 1;
    path->nodes[level - 1] = inner;
    path->at[level - 1] = at;
    node = inner->children[at];
  }
  auto* leaf = static_cast<Leaf*>(node);
  return {leaf, Search(leaf->scores(), leaf->members(), 0, leaf->count, before)};
}

template <class Before>
size_t RankTree::PartitionPoint(Before&& before) const {
  Path path;
  const Place place = Descend(&path, before);
  size_t rank = place.at;
  for (unsigned level = 0; level < height_; ++level) {
    for (unsigned i = 0; i < path.at[level]; ++i) rank += path.nodes[level]->sizes[i];
  }
  return rank;
}

template <class F>
void RankTree::EraseRange(size_t first, size_t count, F&& f) {
  while (count != 0) {
    Path path;
    const Place place = DescendToRank(&path, first);
    const size_t here = place.leaf->count - place.at;
    const auto n = static_cast<unsigned>(count < here ? count : here);
    std::array<ScoredMember*, kLeafMax> taken;
    for (unsigned i = 0; i < n; ++i) taken[i] = place.leaf->members()[place.at + i];
    // Whoever takes elements from an end will soon want the ones that follow.
    for (unsigned i = n; i < n + kSoon && i < here; ++i) {
      __builtin_prefetch(place.leaf->members()[place.at + i]);
    }
    // The tree compares by elements it holds, so they go before they are freed.
    EraseAt(path, place, n);
    for (unsigned i = 0; i < n; ++i) f(taken[i]);
    count -= n;
  }
}

}  // namespace mantis
