#include "engine/value/rank_tree.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "engine/value/rank_tree_internal.h"

namespace mantis {

using rank_tree::Move;
using rank_tree::Shift;

namespace {

// What the root may hold while it is the only leaf grows with it: most sorted sets that are big for
// the length of their members have few of them.
constexpr unsigned kRootCapacity = 8;

}  // namespace

ScoredMember* ScoredMember::Create(double score, Bytes member) {
  const size_t bytes = std::max(kHeaderBytes + member.size(), sizeof(ScoredMember));
  auto* e = new (memory::Allocate(bytes)) ScoredMember;
  e->score = score;
  e->length = static_cast<uint32_t>(member.size());
  if (!member.empty()) {
    std::memcpy(reinterpret_cast<char*>(e) + kHeaderBytes, member.data(), member.size());
  }
  return e;
}

RankTree::RankTree() : root_(NewLeaf(kRootCapacity)) {}

RankTree::~RankTree() { FreeTree(root_, height_); }

RankTree::Leaf* RankTree::NewLeaf(unsigned capacity) {
  void* memory = memory::Allocate(sizeof(Leaf) + capacity * (sizeof(double) + sizeof(void*)));
  Leaf* leaf = new (memory) Leaf;
  leaf->capacity = capacity;
  bytes_ += memory::UsableSize(leaf);
  return leaf;
}

RankTree::Inner* RankTree::NewInner() {
  Inner* inner = new (memory::Allocate(sizeof(Inner))) Inner;
  bytes_ += memory::UsableSize(inner);
  return inner;
}

void RankTree::FreeNode(Node* node) {
  bytes_ -= memory::UsableSize(node);
  memory::Free(node);
}

void RankTree::FreeTree(Node* node, unsigned height) {
  if (height != 0) {
    auto* inner = static_cast<Inner*>(node);
    for (unsigned i = 0; i < inner->count; ++i) FreeTree(inner->children[i], height - 1);
  }
  FreeNode(node);
}

// --- Looking ---

RankTree::Place RankTree::DescendToRank(Path* path, size_t rank) const {
  Node* node = root_;
  for (unsigned level = height_; level != 0; --level) {
    auto* inner = static_cast<Inner*>(node);
    unsigned at = 0;
    while (at + 1 < inner->count && rank >= inner->sizes[at]) rank -= inner->sizes[at++];
    path->nodes[level - 1] = inner;
    path->at[level - 1] = at;
    node = inner->children[at];
  }
  return {static_cast<Leaf*>(node), static_cast<unsigned>(rank)};
}

RankTree::Place RankTree::Find(Path* path, const ScoredMember& e) const {
  // Up to and including e: that leads into the leaf it is in, just behind it.
  const Place behind = Descend(path, [&](double score, const ScoredMember& other) {
    return &other == &e || CompareScored(e.score, e.member(), score, other) > 0;
  });
  return {behind.leaf, behind.at - 1};
}

RankTree::Cursor RankTree::At(size_t rank) const {
  if (rank >= size_) return {};
  Path path;
  const Place place = DescendToRank(&path, rank);
  return {place.leaf, place.at};
}

size_t RankTree::RankOf(const ScoredMember& e) const {
  return PartitionPoint([&](double score, const ScoredMember& other) {
    return &other != &e && CompareScored(e.score, e.member(), score, other) > 0;
  });
}

// --- Inserting ---

void RankTree::Insert(ScoredMember* e) {
  Path path;
  const Bytes member = e->member();
  const Place place = Descend(&path, [&](double score, const ScoredMember& other) {
    return CompareScored(e->score, member, score, other) > 0;
  });
  InsertAt(path, place, e);
}

void RankTree::Append(ScoredMember* e) {
  Path path;
  const Place place = Descend(&path, [](double, const ScoredMember&) { return true; });
  InsertAt(path, place, e);
}

RankTree::Leaf* RankTree::GrowRoot(Leaf* leaf) {
  Leaf* grown = NewLeaf(std::min(leaf->capacity * 2, kLeafMax));
  grown->count = leaf->count;
  Move(leaf->scores(), grown->scores(), leaf->count);
  Move(leaf->members(), grown->members(), leaf->count);
  FreeNode(leaf);
  root_ = grown;
  return grown;
}

// Returns the new right neighbour, which gets half of the elements; none if the next is to go to
// the end of the last leaf, for those who insert in order.
RankTree::Leaf* RankTree::SplitLeaf(Leaf* leaf, bool at_end) {
  Leaf* right = NewLeaf(kLeafMax);
  const unsigned kept = at_end ? leaf->count : leaf->count / 2;
  right->count = leaf->count - kept;
  Move(leaf->scores() + kept, right->scores(), right->count);
  Move(leaf->members() + kept, right->members(), right->count);
  leaf->count = kept;
  right->prev = leaf;
  right->next = leaf->next;
  if (leaf->next != nullptr) leaf->next->prev = right;
  leaf->next = right;
  return right;
}

void RankTree::InsertAt(Path& path, Place place, ScoredMember* e) {
  ++size_;
  Leaf* leaf = place.leaf;
  Node* fresh = nullptr;  // a new right neighbour of the node at the height reached
  uint64_t fresh_size = 0;
  ScoredMember* fresh_first = nullptr;
  const bool at_end = place.at == leaf->count && leaf->next == nullptr;
  if (leaf->count == leaf->capacity && leaf->capacity < kLeafMax) {
    leaf = GrowRoot(leaf);
  } else if (leaf->count == kLeafMax) {
    Leaf* right = SplitLeaf(leaf, at_end);
    if (at_end || place.at > leaf->count) {
      place.at -= leaf->count;
      leaf = right;
    }
    fresh = right;
  }
  Shift(leaf->scores(), place.at, place.at + 1, leaf->count - place.at);
  Shift(leaf->members(), place.at, place.at + 1, leaf->count - place.at);
  leaf->scores()[place.at] = e->score;
  leaf->members()[place.at] = e;
  ++leaf->count;
  if (fresh != nullptr) {
    fresh_size = fresh->count;
    fresh_first = static_cast<Leaf*>(fresh)->members()[0];
  }

  for (unsigned level = 0; level < height_; ++level) {
    Inner* parent = path.nodes[level];
    const unsigned at = path.at[level];
    parent->sizes[at] += 1;
    if (fresh == nullptr) continue;
    parent->sizes[at] -= fresh_size;
    Inner* right = InsertChild(parent, at + 1, fresh, fresh_first, fresh_size, at_end);
    fresh = right;
    if (right == nullptr) continue;
    fresh_first = right->firsts[0];
    fresh_size = SumOfSizes(*right);
  }
  if (fresh == nullptr) return;
  Inner* root = NewInner();
  root->count = 2;
  root->children = {root_, fresh};
  root->sizes = {size_ - fresh_size, fresh_size};
  root->scores[1] = fresh_first->score;
  root->firsts[1] = fresh_first;
  root_ = root;
  ++height_;
}

// Returns the parent's new right neighbour if it had to be split, whose firsts[0] is set.
RankTree::Inner* RankTree::InsertChild(Inner* parent, unsigned at, Node* child, ScoredMember* first,
                                       uint64_t size, bool at_end) {
  Inner* right = nullptr;
  if (parent->count == kInnerMax) {
    right = NewInner();
    const unsigned kept = at_end ? kInnerMax : kInnerMax / 2;
    right->count = kInnerMax - kept;
    Move(parent->scores.data() + kept, right->scores.data(), right->count);
    Move(parent->firsts.data() + kept, right->firsts.data(), right->count);
    Move(parent->children.data() + kept, right->children.data(), right->count);
    Move(parent->sizes.data() + kept, right->sizes.data(), right->count);
    parent->count = kept;
    // Where the new child would be the first of the right half, it becomes the last of the left.
    if (at_end || at > kept) {
      at -= kept;
      parent = right;
    }
  }
  const unsigned behind = parent->count - at;
  Shift(parent->scores.data(), at, at + 1, behind);
  Shift(parent->firsts.data(), at, at + 1, behind);
  Shift(parent->children.data(), at, at + 1, behind);
  Shift(parent->sizes.data(), at, at + 1, behind);
  parent->scores[at] = first->score;
  parent->firsts[at] = first;
  parent->children[at] = child;
  parent->sizes[at] = size;
  ++parent->count;
  return right;
}

void RankTree::Rescore(ScoredMember* e, double score) {
  Path path;
  const Place place = Find(&path, *e);
  Leaf* leaf = place.leaf;
  const auto fits = [&](unsigned i, int side) {
    const int c = CompareScored(score, e->member(), leaf->scores()[i], *leaf->members()[i]);
    return c * side > 0;
  };
  // Between the same neighbours: most counters that go up a little stay where they are.
  if (place.at > 0 && place.at + 1 < leaf->count && fits(place.at - 1, 1) &&
      fits(place.at + 1, -1)) {
    e->score = score;
    leaf->scores()[place.at] = score;
    return;
  }
  EraseAt(path, place, 1);
  e->score = score;
  Insert(e);
}

// --- Checking ---

// What a walk over the tree in order has met so far.
struct RankTree::Walk {
  const Leaf* last_leaf = nullptr;
  const ScoredMember* last = nullptr;
  size_t seen = 0;
  std::string_view problem;
};

bool RankTree::CheckLeaf(const Leaf& leaf, Walk* walk) {
  if (leaf.prev != walk->last_leaf) walk->problem = "a leaf's left link";
  if (walk->last_leaf != nullptr && walk->last_leaf->next != &leaf) {
    walk->problem = "a leaf's right link";
  }
  for (unsigned i = 0; i < leaf.count; ++i) {
    const ScoredMember& e = *leaf.members()[i];
    if (e.score != leaf.scores()[i]) walk->problem = "a score beside its element";
    if (walk->last != nullptr &&
        CompareScored(walk->last->score, walk->last->member(), e.score, e) >= 0) {
      walk->problem = "the order";
    }
    walk->last = &e;
  }
  walk->last_leaf = &leaf;
  walk->seen += leaf.count;
  return walk->problem.empty();
}

// The least element below `node`.
const ScoredMember* RankTree::FirstBelow(const Node* node, unsigned height) {
  for (; height != 0; --height) node = static_cast<const Inner*>(node)->children[0];
  return static_cast<const Leaf*>(node)->members()[0];
}

bool RankTree::CheckNode(const Node* node, unsigned height, bool right_edge, Walk* walk) const {
  const unsigned least = height == 0 ? kLeafMin : kInnerMin;
  const unsigned least_here = node == root_ ? (height == 0 ? 0 : 2) : (right_edge ? 1 : least);
  if (node->count < least_here) {
    walk->problem = "a node too empty";
    return false;
  }
  if (height == 0) return CheckLeaf(*static_cast<const Leaf*>(node), walk);
  const auto& inner = *static_cast<const Inner*>(node);
  for (unsigned i = 0; i < inner.count; ++i) {
    const Node* child = inner.children[i];
    const size_t before = walk->seen;
    const bool last = i + 1 == inner.count;
    if (!CheckNode(child, height - 1, right_edge && last, walk)) return false;
    if (walk->seen - before != inner.sizes[i]) walk->problem = "a child's size";
    if (i == 0) continue;
    const ScoredMember* first = FirstBelow(child, height - 1);
    if (inner.firsts[i] != first || inner.scores[i] != first->score) {
      walk->problem = "a child's first element";
    }
  }
  return walk->problem.empty();
}

std::string_view RankTree::Problem() const {
  Walk walk;
  if (!CheckNode(root_, height_, true, &walk)) return walk.problem;
  if (walk.last_leaf->next != nullptr) return "the last leaf's right link";
  return walk.seen == size_ ? std::string_view{} : "the size";
}

}  // namespace mantis
