// What the files of RankTree share: moving parts of a node's arrays.
//
// Thread safety: pure functions.
#pragma once

#include <algorithm>

namespace mantis::rank_tree {

// Moves n items of an array, which may overlap.
template <class T>
void Shift(T* items, unsigned from, unsigned to, unsigned n) {
  if (to < from) {
    std::copy_n(items + from, n, items + to);
  } else {
    std::copy_backward(items + from, items + from + n, items + to + n);
  }
}

template <class T>
void Move(const T* from, T* to, unsigned n) {
  std::copy_n(from, n, to);
}

}  // namespace mantis::rank_tree
