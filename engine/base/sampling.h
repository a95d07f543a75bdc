// Random choices without repetition.
//
// Thread safety: none; the random state belongs to the caller (see random.h).
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <cstdint>

#include "engine/base/random.h"

namespace mantis {

// Chooses `count` of `size` elements that are gone through once, in order: every choice of that
// many is equally likely (Knuth, The Art of Computer Programming 3.4.2, algorithm S).
class SelectionSampler {
 public:
  SelectionSampler(size_t size, size_t count, uint64_t& random_state)
      : left_(size), wanted_(count < size ? count : size), random_state_(random_state) {}

  // To be asked for each element in turn: is this one chosen?
  bool Take() {
    if (NextRandom(random_state_) % left_-- >= wanted_) return false;
    --wanted_;
    return true;
  }
  bool done() const { return wanted_ == 0; }

 private:
  size_t left_;
  size_t wanted_;
  uint64_t& random_state_;
};

// Calls `emit(T*)` for `count` different elements of an ElementTable, fewer if it has fewer.
// O(count) while that is a small part of the table, O(size) else.
template <class Table, class Emit>
void SampleDistinct(const Table& table, size_t count, uint64_t& random_state, Emit&& emit) {
  const size_t size = table.size();
  if (count == 0 || size == 0) return;
  // Drawing again what was drawn before becomes frequent beyond about a third.
  if (count >= size / 3) {
    SelectionSampler sampler(size, count, random_state);
    table.ForEachWhile([&](auto* element) {
      if (sampler.Take()) emit(element);
      return !sampler.done();
    });
    return;
  }
  const auto next = [&random_state] { return NextRandom(random_state); };
  absl::flat_hash_set<const void*> drawn;
  drawn.reserve(count);
  while (drawn.size() < count) {
    auto* element = table.Random(next);
    if (drawn.insert(element).second) emit(element);
  }
}

}  // namespace mantis
