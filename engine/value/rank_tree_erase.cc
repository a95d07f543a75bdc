// Taking elements out of a RankTree, and keeping its nodes filled.

#include <numeric>

#include "engine/value/rank_tree.h"
#include "engine/value/rank_tree_internal.h"

namespace mantis {

using rank_tree::Move;
using rank_tree::Shift;

namespace {

// Two neighbours of which one has become too empty: merged if that leaves room to grow, else evened
// out.
bool FitInOne(unsigned left, unsigned right, unsigned most) { return left + right <= most / 4 * 3; }

}  // namespace

void RankTree::Erase(const ScoredMember& e) {
  Path path;
  const Place place = Find(&path, e);
  EraseAt(path, place, 1);
}

void RankTree::EraseAt(Path& path, Place place, unsigned count) {
  Leaf* leaf = place.leaf;
  const unsigned behind = place.at + count;
  Shift(leaf->scores(), behind, place.at, leaf->count - behind);
  Shift(leaf->members(), behind, place.at, leaf->count - behind);
  leaf->count -= count;
  size_ -= count;
  for (unsigned level = 0; level < height_; ++level) {
    path.nodes[level]->sizes[path.at[level]] -= count;
  }
  if (place.at == 0 && leaf->count != 0) SetFirst(path, 0, leaf->members()[0]);
  if (leaf->count < kLeafMin && height_ != 0) Rebalance(path, leaf);
}

// The least element below path.nodes[level]'s child path.at[level] is now `first`.
void RankTree::SetFirst(Path& path, unsigned level, ScoredMember* first) const {
  for (; level < height_; ++level) {
    const unsigned at = path.at[level];
    if (at == 0) continue;
    path.nodes[level]->scores[at] = first->score;
    path.nodes[level]->firsts[at] = first;
    return;
  }
}

// `leaf`, at the end of the path, has become too empty. Goes up as long as nodes do.
void RankTree::Rebalance(Path& path, Leaf* leaf) {
  for (unsigned level = 0; level < height_; ++level) {
    Inner* parent = path.nodes[level];
    if (parent->count == 1) {
      // On the right edge, where a node may be alone and nearly empty, but not quite.
      if (parent->children[0]->count != 0) break;
      if (level == 0) leaf->prev->next = nullptr;
      FreeNode(parent->children[0]);
      parent->count = 0;
      continue;
    }
    if (path.at[level] + 1 == parent->count) --path.at[level];
    const unsigned left_at = path.at[level];
    bool merged = false;
    if (level == 0) {
      merged = BalanceLeaves(parent, left_at);
      // An emptied leaf begins with its right neighbour's elements now.
      SetFirst(path, 0, static_cast<Leaf*>(parent->children[left_at])->members()[0]);
    } else {
      merged = BalanceInners(parent, left_at);
    }
    if (!merged || parent->count >= kInnerMin) break;
  }
  while (height_ != 0 && root_->count == 1) {
    Node* only = static_cast<Inner*>(root_)->children[0];
    FreeNode(root_);
    root_ = only;
    --height_;
  }
}

// Both return whether the right one of the two neighbours has been merged into the left one.
bool RankTree::BalanceLeaves(Inner* parent, unsigned left_at) {
  auto* left = static_cast<Leaf*>(parent->children[left_at]);
  auto* right = static_cast<Leaf*>(parent->children[left_at + 1]);
  const unsigned total = left->count + right->count;
  const unsigned wanted = FitInOne(left->count, right->count, kLeafMax) ? total : total / 2;
  if (wanted >= left->count) {
    const unsigned n = wanted - left->count;
    Move(right->scores(), left->scores() + left->count, n);
    Move(right->members(), left->members() + left->count, n);
    Shift(right->scores(), n, 0, right->count - n);
    Shift(right->members(), n, 0, right->count - n);
  } else {
    const unsigned n = left->count - wanted;
    Shift(right->scores(), 0, n, right->count);
    Shift(right->members(), 0, n, right->count);
    Move(left->scores() + wanted, right->scores(), n);
    Move(left->members() + wanted, right->members(), n);
  }
  left->count = wanted;
  right->count = total - wanted;
  parent->sizes[left_at] = wanted;
  if (wanted == total) {
    left->next = right->next;
    if (right->next != nullptr) right->next->prev = left;
    FreeNode(right);
    RemoveChild(parent, left_at + 1);
    return true;
  }
  parent->sizes[left_at + 1] = right->count;
  parent->scores[left_at + 1] = right->scores()[0];
  parent->firsts[left_at + 1] = right->members()[0];
  return false;
}

bool RankTree::BalanceInners(Inner* parent, unsigned left_at) {
  auto* left = static_cast<Inner*>(parent->children[left_at]);
  auto* right = static_cast<Inner*>(parent->children[left_at + 1]);
  const unsigned total = left->count + right->count;
  const unsigned wanted = FitInOne(left->count, right->count, kInnerMax) ? total : total / 2;
  const uint64_t size = parent->sizes[left_at] + parent->sizes[left_at + 1];
  right->scores[0] = parent->scores[left_at + 1];
  right->firsts[0] = parent->firsts[left_at + 1];
  const auto for_each_array = [&](auto&& f) {
    f(left->scores.data(), right->scores.data());
    f(left->firsts.data(), right->firsts.data());
    f(left->children.data(), right->children.data());
    f(left->sizes.data(), right->sizes.data());
  };
  for_each_array([&](auto* a, auto* b) {
    if (wanted >= left->count) {
      const unsigned n = wanted - left->count;
      Move(b, a + left->count, n);
      Shift(b, n, 0, right->count - n);
    } else {
      const unsigned n = left->count - wanted;
      Shift(b, 0, n, right->count);
      Move(a + wanted, b, n);
    }
  });
  left->count = wanted;
  right->count = total - wanted;
  parent->sizes[left_at] = SumOfSizes(*left);
  if (wanted == total) {
    FreeNode(right);
    RemoveChild(parent, left_at + 1);
    return true;
  }
  parent->sizes[left_at + 1] = size - parent->sizes[left_at];
  parent->scores[left_at + 1] = right->scores[0];
  parent->firsts[left_at + 1] = right->firsts[0];
  return false;
}

uint64_t RankTree::SumOfSizes(const Inner& inner) {
  return std::accumulate(inner.sizes.begin(), inner.sizes.begin() + inner.count, uint64_t{0});
}

void RankTree::RemoveChild(Inner* parent, unsigned at) {
  const unsigned behind = parent->count - at - 1;
  Shift(parent->scores.data(), at + 1, at, behind);
  Shift(parent->firsts.data(), at + 1, at, behind);
  Shift(parent->children.data(), at + 1, at, behind);
  Shift(parent->sizes.data(), at + 1, at, behind);
  --parent->count;
}

}  // namespace mantis
