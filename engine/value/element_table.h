// A hash table of pointers to elements that never stalls: what sets, hashes and sorted sets are
// kept in once they have outgrown their compact form.
//
// Extendible hashing (Fagin et al., 1979): a directory indexed by the top bits of an element's
// hash points at segments, each a small absl::flat_hash_set. A segment that outgrows kSegmentMax
// elements is split in two by its next bit, so an insertion moves one segment's elements at most
// (and, now and then, doubles the directory: one pointer per segment). A segment and its buddy
// that have shrunk to a quarter of that together are merged.
//
// Invariants: segment s of local depth d is pointed at by exactly the 2^(depth_-d) consecutive
// directory slots whose top d bits are the ones its elements' hashes have in common.
//
// Thread safety: none. Ownership: the elements are not the table's: whoever takes one out, or drops
// the table, frees it (ForEach).
// Traits: `static Bytes Key(const T&)`, the bytes that are hashed and compared.
// Complexity: Find, Insert, Erase O(1); Scan O(kSegmentMax + count); Random O(kSegmentMax).
// Scan: every element that is in the table during a whole iteration is returned exactly once,
// whatever is inserted and erased between the calls: a cursor is a place in hash order, and splits
// and merges keep that order.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/memory.h"
#include "engine/index/hash_index.h"

namespace mantis {

template <class T, class Traits>
class ElementTable {
 public:
  static constexpr size_t kSegmentMax = 222;

  ElementTable() : directory_(1, new Segment) {}
  ~ElementTable() {
    for (size_t i = 0; i < directory_.size(); i += Span(i)) delete directory_[i];
  }
  ElementTable(ElementTable&& other) noexcept
      : directory_(std::exchange(other.directory_, {})),
        depth_(std::exchange(other.depth_, 0)),
        size_(std::exchange(other.size_, 0)) {}
  ElementTable(const ElementTable&) = delete;
  ElementTable& operator=(const ElementTable&) = delete;

  size_t size() const { return size_; }

  T* Find(Bytes key) const {
    const uint64_t hash = HashIndex::Hash(key);
    const Segment& s = *directory_[Slot(hash)];
    const auto it = s.elements.find(Probe{key, hash});
    return it == s.elements.end() ? nullptr : *it;
  }

  // The caller has made sure that no element of that key is in the table.
  void Insert(T* element) {
    const uint64_t hash = HashIndex::Hash(Traits::Key(*element));
    while (true) {
      Segment& s = *directory_[Slot(hash)];
      // Equal hashes cannot be told apart by more bits.
      if (s.elements.size() < kSegmentMax || s.depth >= kDepthMax) {
        s.elements.insert(element);
        ++size_;
        return;
      }
      Split(Slot(hash));
    }
  }

  // Takes the element out and returns it; nullptr if there is none.
  T* Erase(Bytes key) {
    const uint64_t hash = HashIndex::Hash(key);
    Segment& s = *directory_[Slot(hash)];
    const auto it = s.elements.find(Probe{key, hash});
    if (it == s.elements.end()) return nullptr;
    T* element = *it;
    s.elements.erase(it);
    --size_;
    MergeIfSmall(Slot(hash));
    return element;
  }

  // Puts `fresh` in the place of the element with the same key and returns that one.
  T* Replace(T* fresh) {
    const Bytes key = Traits::Key(*fresh);
    const uint64_t hash = HashIndex::Hash(key);
    Segment& s = *directory_[Slot(hash)];
    const auto it = s.elements.find(Probe{key, hash});
    T* old = *it;
    s.elements.erase(it);
    s.elements.insert(fresh);
    return old;
  }

  // `f(T*)` for every element, in no particular order; must not change the table (it may free the
  // elements if the table is not used any more but to be destroyed).
  template <class F>
  void ForEach(F&& f) const {
    for (size_t i = 0; i < directory_.size(); i += Span(i)) {
      for (T* e : directory_[i]->elements) f(e);
    }
  }
  // The same until `f` returns false.
  template <class F>
  void ForEachWhile(F&& f) const {
    for (size_t i = 0; i < directory_.size(); i += Span(i)) {
      for (T* e : directory_[i]->elements) {
        if (!f(e)) return;
      }
    }
  }

  // Calls `f(T*)` for at least `count` elements (if there are so many left) and returns the cursor
  // to go on with, 0 at the end. Begin with 0.
  template <class F>
  uint64_t Scan(uint64_t cursor, size_t count, F&& f) const {
    // A cursor is the least hash not yet returned; cursors use kCursorBits bits, ties included.
    std::vector<std::pair<uint64_t, T*>> found;
    size_t emitted = 0;
    uint64_t from = cursor << (64 - kCursorBits);
    for (size_t i = Slot(from); i < directory_.size();) {
      found.clear();
      for (T* e : directory_[i]->elements) {
        const uint64_t place = HashIndex::Hash(Traits::Key(*e)) >> (64 - kCursorBits);
        if (place >= cursor) found.emplace_back(place, e);
      }
      std::sort(found.begin(), found.end());
      for (size_t k = 0; k < found.size(); ++k) {
        // Never between two of the same place.
        if (emitted >= std::max<size_t>(count, 1) && found[k].first != found[k - 1].first) {
          return found[k].first;
        }
        f(found[k].second);
        ++emitted;
      }
      const size_t first = i & ~(Span(i) - 1);
      i = first + Span(i);
      if (i < directory_.size()) {
        cursor = static_cast<uint64_t>(i) << (kCursorBits - depth_);
        if (emitted >= std::max<size_t>(count, 1)) return cursor;
      }
    }
    return 0;
  }

  // An element, each with the same probability. `next()` gives random 64-bit numbers. The table is
  // not empty.
  template <class Next>
  T* Random(Next&& next) const {
    // Directory slots stand for equal shares of the hash space, segments hold unequal numbers:
    // a segment is accepted with a probability that makes up for it.
    size_t most = kSegmentMax;
    for (int tries = 0; tries < 1000; ++tries) {
      const uint64_t r = next();
      const size_t slot = depth_ == 0 ? 0 : static_cast<size_t>(r >> (64 - depth_));
      const Segment& s = *directory_[slot];
      const size_t n = s.elements.size();
      most = std::max(most, n);
      // A segment that several slots point at is met as many times as often.
      const uint64_t shares = directory_.size() == 1 ? n : most * Span(slot);
      const size_t k = static_cast<size_t>(next() % shares);
      if (k >= n) continue;
      auto it = s.elements.begin();
      std::advance(it, static_cast<ptrdiff_t>(k));
      return *it;
    }
    return *directory_[FirstNonEmpty()]->elements.begin();
  }

  // Memory of the table itself, without the elements.
  size_t bytes() const {
    size_t sum = directory_.capacity() * sizeof(Segment*);
    for (size_t i = 0; i < directory_.size(); i += Span(i)) {
      sum += sizeof(Segment) + directory_[i]->elements.capacity() * (sizeof(T*) + 1) + 16;
    }
    return sum;
  }

 private:
  static constexpr int kDepthMax = 40;
  static constexpr int kCursorBits = 48;

  struct Probe {
    Bytes key;
    uint64_t hash;
  };
  // absl takes a segment's slots from the low bits, which the directory has not used up.
  struct Hasher {
    using is_transparent = void;
    size_t operator()(const Probe& p) const { return static_cast<size_t>(p.hash); }
    size_t operator()(const T* e) const {
      return static_cast<size_t>(HashIndex::Hash(Traits::Key(*e)));
    }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const T* a, const T* b) const { return a == b; }
    bool operator()(const T* a, const Probe& b) const { return Traits::Key(*a) == b.key; }
    bool operator()(const Probe& a, const T* b) const { return a.key == Traits::Key(*b); }
  };
  struct Segment {
    int depth = 0;
    absl::flat_hash_set<T*, Hasher, Equal> elements;
  };

  size_t Slot(uint64_t hash) const {
    return depth_ == 0 ? 0 : static_cast<size_t>(hash >> (64 - depth_));
  }
  // How many slots point at the segment of slot i.
  size_t Span(size_t i) const { return size_t{1} << (depth_ - directory_[i]->depth); }

  size_t FirstNonEmpty() const {
    size_t i = 0;
    while (directory_[i]->elements.empty()) i += Span(i);
    return i;
  }

  void Split(size_t slot) {
    Segment* low = directory_[slot];
    if (low->depth == depth_) {
      std::vector<Segment*> wider(directory_.size() * 2);
      for (size_t i = 0; i < wider.size(); ++i) wider[i] = directory_[i / 2];
      directory_ = std::move(wider);
      ++depth_;
      slot *= 2;
    }
    const size_t span = Span(slot);
    const size_t first = slot & ~(span - 1);
    auto* high = new Segment;
    high->depth = ++low->depth;
    const uint64_t bit = uint64_t{1} << (64 - low->depth);
    absl::flat_hash_set<T*, Hasher, Equal> kept;
    for (T* e : low->elements) {
      ((HashIndex::Hash(Traits::Key(*e)) & bit) != 0 ? high->elements : kept).insert(e);
    }
    low->elements = std::move(kept);
    for (size_t i = first + span / 2; i < first + span; ++i) directory_[i] = high;
  }

  void MergeIfSmall(size_t slot) {
    Segment* s = directory_[slot];
    if (s->depth == 0 || s->elements.size() > kSegmentMax / 8) return;
    const size_t span = Span(slot);
    const size_t first = slot & ~(span - 1);
    const size_t buddy_at = first ^ span;
    Segment* buddy = directory_[buddy_at];
    if (buddy->depth != s->depth || buddy->elements.size() > kSegmentMax / 8) return;
    for (T* e : buddy->elements) s->elements.insert(e);
    --s->depth;
    for (size_t i = buddy_at; i < buddy_at + span; ++i) directory_[i] = s;
    delete buddy;
    Shrink();
  }

  // Halves the directory while no segment needs its depth. Looked into only when it is big for what
  // the table holds, so that the cost is that of the erasures before.
  void Shrink() {
    if (directory_.size() < 8 || size_ * 8 > directory_.size() * kSegmentMax) return;
    int deepest = 0;
    for (size_t i = 0; i < directory_.size(); i += Span(i)) {
      deepest = std::max(deepest, directory_[i]->depth);
    }
    while (depth_ > deepest) {
      std::vector<Segment*> narrower(directory_.size() / 2);
      for (size_t i = 0; i < narrower.size(); ++i) narrower[i] = directory_[i * 2];
      directory_ = std::move(narrower);
      --depth_;
    }
  }

  std::vector<Segment*> directory_;
  int depth_ = 0;
  size_t size_ = 0;
};

}  // namespace mantis
