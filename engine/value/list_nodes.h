// The nodes of a list that has outgrown one: an array with room at both ends. Unlike a std::deque
// it costs nothing but the array, which counts for lists of a few nodes.
//
// Thread safety: none. Ownership: owns its nodes; references hold until nodes are added or removed.
// Invariants: row_[0, first_) are empty nodes that are not in use, not more of them than of others
// (but for a few).
// Complexity: adding and removing amortised O(1) at the ends, O(nodes behind) elsewhere.
#pragma once

#include <algorithm>
#include <iterator>
#include <vector>

#include "engine/value/list_node.h"

namespace mantis {

class ListNodes {
 public:
  size_t size() const { return row_.size() - first_; }
  bool empty() const { return size() == 0; }
  ListNode& operator[](size_t i) { return row_[first_ + i]; }
  const ListNode& operator[](size_t i) const { return row_[first_ + i]; }
  ListNode& front() { return row_[first_]; }
  ListNode& back() { return row_.back(); }

  ListNode& AddFront() {
    if (first_ == 0) {
      const size_t used = row_.size();
      const size_t room = used / 4 + 1;
      row_.reserve(used + room);
      row_.resize(used + room);
      std::move_backward(row_.begin(), row_.begin() + Offset(used), row_.end());
      first_ = room;
    }
    return row_[--first_];
  }
  ListNode& AddBack() { return Insert(size()); }
  // A new node, the one with index `i`.
  ListNode& Insert(size_t i) {
    if (row_.size() == row_.capacity()) {
      if (first_ > row_.size() / 4) {
        CloseFront();
      } else {
        // By itself it would double.
        row_.reserve(row_.size() + row_.size() / 4 + 1);
      }
    }
    return *row_.emplace(row_.begin() + Offset(first_ + i));
  }
  void RemoveFront() {
    row_[first_] = ListNode();
    ++first_;
    if (first_ > kFewNodes && first_ > row_.size() / 2) CloseFront();
  }
  void RemoveBack() {
    row_.pop_back();
    ShrinkIfSparse();
  }
  void Erase(size_t from, size_t to) {
    row_.erase(row_.begin() + Offset(first_ + from), row_.begin() + Offset(first_ + to));
    ShrinkIfSparse();
  }

  size_t bytes() const { return row_.capacity() * sizeof(ListNode); }

 private:
  static constexpr size_t kFewNodes = 8;

  static ptrdiff_t Offset(size_t i) { return static_cast<ptrdiff_t>(i); }
  void CloseFront() {
    row_.erase(row_.begin(), row_.begin() + Offset(first_));
    first_ = 0;
    ShrinkIfSparse();
  }
  void ShrinkIfSparse() {
    if (row_.capacity() <= kFewNodes || row_.size() > row_.capacity() / 4) return;
    std::vector<ListNode> smaller;
    smaller.reserve(row_.size() + row_.size() / 4 + 1);
    std::move(row_.begin(), row_.end(), std::back_inserter(smaller));
    row_ = std::move(smaller);
  }

  std::vector<ListNode> row_;
  size_t first_ = 0;
};

}  // namespace mantis
