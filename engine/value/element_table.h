// A hash table of pointers to elements that never stalls: what sets, hashes and
// sorted sets are kept in once they have outgrown their compact form.
//
// Extendible hashing (Fagin et al., 1979): a directory indexed by the top bits
// of an element's hash points at segments, each a small absl::flat_hash_set. A
// segment that outgrows kSegmentMax elements is split in two by its next bit,
// so an insertion moves one segment's elements at most (and, now and then,
// doubles the directory: one pointer per segment). A segment and its buddy that
// hold at most kMergedMax elements together are merged.
//
// Invariants:
//  * A segment of local depth d is pointed at by exactly the 2^(depth_-d)
//  consecutive directory
//    slots whose top d bits are the ones its elements' hashes have in common.
//  * A segment and its buddy hold more than kMergedMax elements together.
//  * The directory has at most max(1, size at its last doubling / 2) slots,
//  whatever the hashes:
//    where elements that somebody chose for their hashes want a deeper one,
//    their segment grows beyond kSegmentMax instead.
//
// Thread safety: none. Ownership: the elements are not the table's: whoever
// takes one out, or drops the table, frees it (ForEach). A table that was moved
// from may only be destroyed. Traits: `static Bytes Key(const T&)`, the bytes
// that are hashed and compared. Complexity: Find, Insert, Erase O(1); Scan
// O(kSegmentMax + count); Random O(1), and O(segments) where the hashes are
// very uneven; bytes O(1). Scan: every element that is in the table during a
// whole iteration is returned exactly once, whatever is inserted and erased
// between the calls: a cursor is a place in hash order, and splits and merges
// keep that order.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include "engine/base/allocation_failure.h"
#include "engine/base/bytes.h"
#include "engine/index/hash_index.h"

namespace mantis {

template <class T, class Traits>
class ElementTable {
 public:
  static constexpr size_t kSegmentMax = 222;
  static constexpr size_t kMergedMax = 96;
  // Keys of one Prefetch: about what the line-fill buffers and caches bear at once.
  static constexpr size_t kPrefetchMax = 32;

  ElementTable() : directory_(1, new Segment) {}
  ~ElementTable() {
    for (size_t i = 0; i < directory_.size();) {
      const size_t next = i + Span(i);
      delete directory_[i];
      i = next;
    }
  }
  ElementTable(ElementTable&& other) noexcept
      : directory_(std::exchange(other.directory_, {})),
        depth_(other.depth_),
        size_(std::exchange(other.size_, 0)),
        segments_(other.segments_),
        deepest_(other.deepest_),
        capacity_(other.capacity_) {}
  ElementTable(const ElementTable&) = delete;
  ElementTable& operator=(const ElementTable&) = delete;

  size_t size() const { return size_; }

  T* Find(Bytes key) const {
    const Probe probe{key, HashIndex::Hash(key)};
    const Segment& s = SegmentOf(probe);
    const auto it = s.elements.find(probe);
    return it == s.elements.end() ? nullptr : *it;
  }

  // Brings what is needed to find those of these keys into the caches, the misses of all of them at
  // once instead of one after the other.
  void Prefetch(std::span<const Bytes> keys) const {
    std::array<Probe, kPrefetchMax> probes;
    const size_t n = std::min(keys.size(), kPrefetchMax);
    for (size_t i = 0; i < n; ++i) {
      probes[i] = {keys[i], HashIndex::Hash(keys[i])};
      __builtin_prefetch(directory_[Slot(probes[i].hash)]);
    }
    for (size_t i = 0; i < n; ++i) SegmentOf(probes[i]);
    // Looking them up reads the elements; the processor goes on with the next ones meanwhile.
    size_t found = 0;
    for (size_t i = 0; i < n; ++i) {
      found += directory_[Slot(probes[i].hash)]->elements.contains(probes[i]) ? 1 : 0;
    }
    asm volatile("" : : "r"(found));
  }

  // The caller has made sure that no element of that key is in the table.
  void Insert(T* element) {
    const Bytes key = Traits::Key(*element);
    const Probe probe{key, HashIndex::Hash(key)};
    Add(RoomFor(probe.hash), probe, [element] { return element; });
  }

  // The element of that key, or what `make()` gives, which is inserted: and
  // whether it was. If the element may be large the caller has Ensured the memory for it.
  template <class Make>
  std::pair<T*, bool> FindOrInsert(Bytes key, Make&& make) {
    const Probe probe{key, HashIndex::Hash(key)};
    Segment* s = &SegmentOf(probe);
    if (s->elements.size() >= kSegmentMax) {
      const auto it = s->elements.find(probe);
      if (it != s->elements.end()) return {*it, false};
      s = &RoomFor(probe.hash);
    }
    return Add(*s, probe, std::forward<Make>(make));
  }

  // Takes the element out and returns it; nullptr if there is none.
  T* Erase(Bytes key) {
    const Probe probe{key, HashIndex::Hash(key)};
    Segment& s = SegmentOf(probe);
    const auto it = s.elements.find(probe);
    if (it == s.elements.end()) return nullptr;
    T* element = *it;
    s.elements.erase(it);
    --size_;
    MergeFrom(Slot(probe.hash));
    return element;
  }

  // Puts `fresh` in the place of the element with the same key, which is there,
  // and returns that.
  T* Replace(T* fresh) {
    const Bytes key = Traits::Key(*fresh);
    const uint64_t hash = HashIndex::Hash(key);
    Segment& s = *directory_[Slot(hash)];
    const auto it = s.elements.find(Probe{key, hash});
    T* old = *it;
    s.elements.erase(it);
    const size_t before = s.elements.capacity();
    s.elements.insert(fresh);
    capacity_ += s.elements.capacity() - before;
    return old;
  }

  // `f(T*)` for every element, in no particular order; must not change the
  // table (it may free the elements if the table is not used any more but to be
  // destroyed).
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

  // Calls `destroy(T*)` for every element in the order of their addresses; the table may only be
  // destroyed afterwards. That empties the allocator's pages one after another. In the table's own
  // order nearly all of them would become empty with the last few elements, and go back to the
  // system in one go. O(n log n).
  template <class F>
  void DestroyElements(F&& destroy) {
    // So many at a time that sorting them takes little memory.
    constexpr size_t kAtOnce = 1'000'000;
    const memory::MustSucceed must;  // destructors do this
    std::vector<T*> some;
    some.reserve(std::min(size_, kAtOnce));
    const auto destroy_them = [&] {
      std::sort(some.begin(), some.end(), std::less<>());
      for (T* e : some) destroy(e);
      some.clear();
    };
    ForEach([&](T* e) {
      some.push_back(e);
      if (some.size() == kAtOnce) destroy_them();
    });
    destroy_them();
    size_ = 0;
  }

  // Calls `f(T*)` for at least `count` elements (if there are so many left) and
  // returns the cursor to go on with, 0 at the end. Begin with 0; any other
  // number is a cursor as well.
  template <class F>
  uint64_t Scan(uint64_t cursor, size_t count, F&& f) const {
    // A cursor is the least place not yet returned: a hash's top kCursorBits
    // bits, ties included.
    cursor &= (uint64_t{1} << kCursorBits) - 1;
    count = std::max<size_t>(count, 1);
    std::vector<std::pair<uint64_t, T*>> found;
    size_t emitted = 0;
    size_t i = Slot(cursor << (64 - kCursorBits));
    while (true) {
      found.clear();
      for (T* e : directory_[i]->elements) {
        const uint64_t place = HashIndex::Hash(Traits::Key(*e)) >> (64 - kCursorBits);
        if (place >= cursor) found.emplace_back(place, e);
      }
      std::sort(found.begin(), found.end());
      for (size_t k = 0; k < found.size(); ++k) {
        // Never between two of the same place.
        if (emitted >= count && found[k].first != found[k - 1].first) return found[k].first;
        f(found[k].second);
        ++emitted;
      }
      i = First(i) + Span(i);
      if (i == directory_.size()) return 0;
      cursor = static_cast<uint64_t>(i) << (kCursorBits - depth_);
      if (emitted >= count) return cursor;
    }
  }

  // An element, each with the same probability. `next()` gives random 64-bit
  // numbers. The table is not empty.
  template <class Next>
  T* Random(Next&& next) const {
    // Directory slots stand for equal shares of the hash space, segments hold
    // unequal numbers and are pointed at by several slots: one is accepted with
    // the probability that makes up for it. A segment that is larger than any
    // should be cannot be weighed so: count, then.
    constexpr int kTries = 100;
    bool even = true;
    for (int tries = 0; even && tries < kTries; ++tries) {
      const size_t slot = Slot(next());
      const Segment& s = *directory_[slot];
      const size_t n = s.elements.size();
      even = n <= kSegmentMax;
      const size_t shares = directory_.size() == 1 ? n : kSegmentMax * Span(slot);
      const size_t k = static_cast<size_t>(next() % shares);
      if (even && k < n) return Nth(s, k);
    }
    auto k = static_cast<size_t>(next() % size_);
    size_t i = 0;
    while (k >= directory_[i]->elements.size()) {
      k -= directory_[i]->elements.size();
      i += Span(i);
    }
    return Nth(*directory_[i], k);
  }

  // Memory of the table itself, without the elements.
  size_t bytes() const {
    // A segment's set has a control byte for each of its places, and some more
    // at the end.
    return directory_.capacity() * sizeof(void*) + segments_ * (sizeof(Segment) + 16) +
           capacity_ * (sizeof(void*) + 1);
  }

 private:
  static constexpr int kDepthMax = 40;
  static constexpr int kCursorBits = 48;
  static_assert(kDepthMax < kCursorBits, "elements of the same place are in the same segment");

  struct Probe {
    Bytes key;
    uint64_t hash;
  };
  // absl takes a segment's places from the low bits, which the directory has
  // not used up.
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
  using Elements = absl::flat_hash_set<T*, Hasher, Equal>;
  struct Segment {
    int depth = 0;
    Elements elements;
  };

  size_t Slot(uint64_t hash) const {
    return depth_ == 0 ? 0 : static_cast<size_t>(hash >> (64 - depth_));
  }
  // Where it belongs. Its place is read after the control bytes that tell which it is, from another
  // line: both are fetched at once.
  Segment& SegmentOf(const Probe& probe) const {
    Segment& s = *directory_[Slot(probe.hash)];
    s.elements.prefetch(probe);
    return s;
  }
  // How many slots point at the segment of slot i, and the first of them.
  size_t Span(size_t i) const { return size_t{1} << (depth_ - directory_[i]->depth); }
  size_t First(size_t i) const { return i & ~(Span(i) - 1); }

  static T* Nth(const Segment& s, size_t k) {
    return *std::next(s.elements.begin(), static_cast<ptrdiff_t>(k));
  }

  template <class Make>
  std::pair<T*, bool> Add(Segment& s, const Probe& probe, Make&& make) {
    const size_t before = s.elements.capacity();
    bool inserted = false;
    // A place that was taken must be filled.
    const memory::MustSucceed must;
    const auto it = s.elements.lazy_emplace(probe, [&](const auto& construct) {
      construct(make());
      inserted = true;
    });
    size_ += inserted ? 1 : 0;
    capacity_ += s.elements.capacity() - before;
    return {*it, inserted};
  }

  // The segment of that hash, which has been split if it was full.
  Segment& RoomFor(uint64_t hash) {
    while (true) {
      Segment& s = *directory_[Slot(hash)];
      if (s.elements.size() < kSegmentMax) return s;
      const bool doubles = s.depth == depth_;
      // With even hashes there are some 20 elements a slot; hashes that agree
      // in so many bits that there would be hardly any were chosen to.
      if (doubles && (depth_ == kDepthMax || directory_.size() > size_ / 4)) return s;
      if (doubles) Widen();
      Split(Slot(hash));
    }
  }

  void Widen() {
    std::vector<Segment*> wider(directory_.size() * 2);
    for (size_t i = 0; i < wider.size(); ++i) wider[i] = directory_[i / 2];
    directory_ = std::move(wider);
    ++depth_;
    deepest_ = 0;
  }

  // Before a rehash, which would wait for one after the other.
  static void PrefetchElements(const Segment& s) {
    for (const T* e : s.elements) __builtin_prefetch(e);
  }

  // The segment of that slot is of less than full depth.
  void Split(size_t slot) {
    Segment* low = directory_[slot];
    const size_t span = Span(slot);
    const size_t first = First(slot);
    auto* high = new Segment;
    high->depth = ++low->depth;
    if (low->depth == depth_) deepest_ += 2;
    ++segments_;
    const uint64_t bit = uint64_t{1} << (64 - low->depth);
    capacity_ -= low->elements.capacity();
    // Rehashing reads every element, most of them from memory: not again until
    // the next split.
    PrefetchElements(*low);
    Elements kept;
    kept.reserve(kSegmentMax);
    high->elements.reserve(kSegmentMax);
    for (T* e : low->elements) {
      const uint64_t hash = HashIndex::Hash(Traits::Key(*e));
      ((hash & bit) != 0 ? high->elements : kept).insert(e);
    }
    low->elements = std::move(kept);
    capacity_ += low->elements.capacity() + high->elements.capacity();
    for (size_t i = first + span / 2; i < first + span; ++i) directory_[i] = high;
  }

  // After an erasure from the segment of that slot.
  void MergeFrom(size_t slot) {
    ShrinkToFit(*directory_[slot]);
    bool merged = false;
    while (true) {
      Segment* s = directory_[slot];
      if (s->depth == 0 || s->elements.size() > kMergedMax) break;
      const size_t span = Span(slot);
      const size_t buddy_at = First(slot) ^ span;
      Segment* buddy = directory_[buddy_at];
      if (buddy->depth != s->depth) break;
      if (s->elements.size() + buddy->elements.size() > kMergedMax) break;
      PrefetchElements(*s);
      PrefetchElements(*buddy);
      const size_t before = s->elements.capacity();
      for (T* e : buddy->elements) s->elements.insert(e);
      capacity_ += s->elements.capacity() - before;
      capacity_ -= buddy->elements.capacity();
      if (s->depth == depth_) deepest_ -= 2;
      --s->depth;
      --segments_;
      for (size_t i = buddy_at; i < buddy_at + span; ++i) directory_[i] = s;
      delete buddy;
      merged = true;
    }
    if (merged) Narrow();
  }

  void ShrinkToFit(Segment& s) {
    constexpr size_t kWorthwhile = 31;
    const size_t before = s.elements.capacity();
    if (before <= kWorthwhile || s.elements.size() > before / 3) return;
    PrefetchElements(s);
    s.elements.rehash(0);
    capacity_ -= before - s.elements.capacity();
  }

  // Halves the directory while no segment needs its depth. Only when it is big
  // for what the table holds, so that the cost is that of the erasures before.
  void Narrow() {
    while (depth_ > 0 && deepest_ == 0 && size_ * 8 <= directory_.size() * kSegmentMax) {
      std::vector<Segment*> narrower(directory_.size() / 2);
      for (size_t i = 0; i < narrower.size(); ++i) narrower[i] = directory_[i * 2];
      directory_ = std::move(narrower);
      --depth_;
      for (size_t i = 0; i < directory_.size(); i += Span(i)) {
        if (directory_[i]->depth == depth_) ++deepest_;
      }
    }
  }

  std::vector<Segment*> directory_;
  int depth_ = 0;
  size_t size_ = 0;
  size_t segments_ = 1;
  size_t deepest_ = 1;   // segments whose depth is depth_
  size_t capacity_ = 0;  // places in all segments
};

}  // namespace mantis
