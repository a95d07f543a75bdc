// What the files of RankTree share: moving parts of a node's arrays.
//
// Thread safety: pure functions.
#pragma once

#include <cstring>

namespace mantis::rank_tree {

// Moves n items of an array, which may overlap.
template <class T>
void Shift(T* items, unsigned from, unsigned to, unsigned n) {
  std::memmove(items + to, items + from, n * sizeof(T));
}

template <class T>
void Move(const T* from, T* to, unsigned n) {
  std::memcpy(to, from, n * sizeof(T));
}

}  // namespace mantis::rank_tree
