// The nodes of the ordered index and the skiplist over them, without naming libcds.
//
// Thread safety: lock-free in the sense of libcds; all but the constructor and destructor are
// called inside a read section.
// Ownership: a node belongs to the list from Link() on. Unlink() retires it, once, when the last
// level has let go of it; the destructor destroys those still linked. Blocks are the index's
// affair: a node is destroyed without looking at its state.
// Invariants: anchors are immutable and, among linked nodes, unique. Unlink() is called only for
// nodes with linked(): libcds's threads would spin on a node that is removed while it is inserted.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "engine/base/bytes.h"

namespace mantis::index {

class Block;

// The first sixteen bytes of a key, as two numbers: where these differ, so do the keys. Keys of one
// kind often share their first eight bytes, so one number would tell few nodes apart.
struct KeyStart {
  KeyStart() = default;
  explicit KeyStart(Bytes key)
      : first(LeadingEight(key)), second(key.size() > 8 ? LeadingEight(key.substr(8)) : 0) {}
  uint64_t first = 0;
  uint64_t second = 0;
};

// What a seek looks for: the last node whose anchor ...
struct Query {
  enum class Mode : uint8_t {
    kAtOrBefore,  // ... is not greater than the key
    kBefore,      // ... is less than the key
    kLast,        // ... there is
  };
  Mode mode = Mode::kLast;
  Bytes key;
  KeyStart start;

  static Query AtOrBefore(Bytes key) { return {Mode::kAtOrBefore, key, KeyStart(key)}; }
  static Query Before(Bytes key) { return {Mode::kBefore, key, KeyStart(key)}; }
  static Query Last() { return {}; }
};

class Node {
 public:
  // The state word: Block* | kFrozen, or kRemoved. seq_cst throughout (at no cost for the loads
  // on x86-64): the arguments in ordered_index.h speak of one order of all changes.
  using State = uintptr_t;
  static constexpr State kFrozen = 1;
  static constexpr State kRemoved = 2;

  static State Live(Block* b) { return reinterpret_cast<State>(b); }
  static bool IsLive(State s) { return (s & (kFrozen | kRemoved)) == 0; }
  static Block* BlockOf(State s) { return reinterpret_cast<Block*>(s & ~kFrozen); }

  State state() const { return state_.load(); }
  bool CompareExchange(State expected, State desired) {
    return state_.compare_exchange_strong(expected, desired);
  }

  // In the skiplist on all its levels; stays set. seq_cst, because the one who sets it then looks
  // whether the node is empty, and the one who empties it then looks whether it is set.
  bool linked() const { return linked_.load(); }
  void SetLinked() { linked_.store(true); }

  Bytes anchor() const { return {reinterpret_cast<const char*>(this + 1), anchor_size_}; }
  bool is_first() const { return anchor_size_ == 0; }
  // Order of the anchor relative to the query's key; less than anything under Mode::kLast.
  int Compare(const Query& q) const {
    if (q.mode == Query::Mode::kLast) return -1;
    if (start_.first != q.start.first) return start_.first < q.start.first ? -1 : 1;
    if (start_.second != q.start.second) return start_.second < q.start.second ? -1 : 1;
    return CompareBytes(anchor(), q.key);
  }
  // Whether a seek for q must not stop to the left of this node.
  bool Satisfies(const Query& q) const {
    const int c = Compare(q);
    return c < 0 || (c == 0 && q.mode == Query::Mode::kAtOrBefore);
  }

 protected:
  Node(Bytes anchor, Block* block)
      : state_(Live(block)), start_(anchor), anchor_size_(static_cast<uint32_t>(anchor.size())) {
    if (!anchor.empty()) {
      std::memcpy(reinterpret_cast<char*>(this + 1), anchor.data(), anchor.size());
    }
  }
  ~Node() = default;

 private:
  std::atomic<State> state_;
  const KeyStart start_;
  const uint32_t anchor_size_;
  std::atomic<bool> linked_{false};
};

class NodeList {
 public:
  // With a first node that has the empty anchor and `block`.
  explicit NodeList(Block* block);
  ~NodeList();
  NodeList(const NodeList&) = delete;
  NodeList& operator=(const NodeList&) = delete;

  Node* first() const { return first_; }
  static Node* Create(Bytes anchor, Block* block);
  // For a node that was never visible to others.
  static void Discard(Node* n);

  // The best node for the query that the list knows of; there always is one. Only reads, so it may
  // be one that another thread is just removing.
  Node* Floor(const Query& q);
  // The same for up to kTogether keys at once (AtOrBefore), so that their cache misses overlap.
  static constexpr size_t kTogether = 32;
  void Floors(std::span<const Bytes> keys, std::span<Node*> found);
  // Links the node and returns nullptr, or returns the node that stands in the way with the same
  // anchor.
  Node* Link(Node* n);
  // Unlinks a removed node, or helps with it; nothing happens if that is done already.
  void Unlink(Node* n);

 private:
  class Set;
  std::unique_ptr<Set> set_;
  Node* first_;
};

}  // namespace mantis::index
