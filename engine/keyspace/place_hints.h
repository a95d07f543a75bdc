// Places in ordered indexes that a batch found ahead for keys it is likely to create.
//
// Thread safety: none; part of an OpContext. Ownership: none; keys and places are good until the
// batch ends, which clears this.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "engine/base/bytes.h"
#include "engine/index/ordered_index.h"

namespace mantis {

class PlaceHints {
 public:
  static constexpr size_t kMost = 128;

  // Looks the keys' places up, as many as there is room for.
  void Find(OrderedIndex& index, std::span<const Bytes> keys) {
    const size_t n = keys.size() < kMost - count_ ? keys.size() : kMost - count_;
    std::copy_n(keys.begin(), n, keys_.begin() + count_);
    std::fill_n(indexes_.begin() + count_, n, &index);
    index.FindPlaces(keys.first(n), std::span(places_).subspan(count_, n));
    count_ += n;
  }

  // The place of the key, nullptr if it is not among the next ones: keys are created about in the
  // order in which they were looked up.
  OrderedIndex::Place Take(const OrderedIndex& index, Bytes key) {
    const size_t end = count_ < next_ + kAhead ? count_ : next_ + kAhead;
    for (size_t i = next_; i < end; ++i) {
      if (keys_[i] != key || indexes_[i] != &index) continue;
      next_ = i + 1;
      return places_[i];
    }
    return nullptr;
  }

  void Clear() { count_ = next_ = 0; }

 private:
  static constexpr size_t kAhead = 8;

  size_t count_ = 0;
  size_t next_ = 0;
  std::array<Bytes, kMost> keys_;
  std::array<const OrderedIndex*, kMost> indexes_;
  std::array<OrderedIndex::Place, kMost> places_;
};

}  // namespace mantis
