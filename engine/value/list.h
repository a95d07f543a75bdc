// The list type: a sequence of byte strings with cheap ends.
//
// Elements lie as listpack entries in nodes of a few KiB (list_node.h). A list that fits into one
// node has it inline; else there is an array of nodes, none of them empty. An element that is
// larger than a node may be has a node to itself.
//
// Thread safety, ownership: see object.h. Views (Item::text) and iterators hold until the next
// change.
// Invariants: a node of several elements is within the limits of list-max-listpack-size; a list of
// one node that is at most half full is inline.
// Complexity: Push, Pop amortised O(1); At O(nodes to the nearer end + elements of a node); Drop
// O(nodes dropped); changes in the middle O(bytes of a node + nodes behind it).
#pragma once

#include <memory>

#include "engine/value/limits.h"
#include "engine/value/list_node.h"
#include "engine/value/list_nodes.h"
#include "engine/value/listpack.h"
#include "engine/value/object.h"

namespace mantis {

class List final : public Object {
 public:
  static constexpr Kind kKind = Kind::kList;
  // Longer elements are the caller's to refuse.
  static constexpr size_t kElementBytesMax = (size_t{1} << 31) - 1;

  using Item = Listpack::Item;
  // An element to look for.
  using Needle = listpack::Encoded;
  enum class End : uint8_t { kHead, kTail };

  // A place in a list: at an element, or past either end.
  class Iterator {
   public:
    bool valid() const { return p_ != nullptr; }
    Item item() const { return ItemAt(p_); }
    bool Is(const Needle& needle) const { return needle.Matches(p_); }
    void Next() {
      p_ = listpack::Next(p_);
      if (p_ == node_->end()) [[unlikely]]
        EnterNode(index_ + 1, End::kHead);
    }
    void Prev() {
      if (p_ == node_->begin()) [[unlikely]] {
        EnterNode(index_ - 1, End::kTail);
      } else {
        p_ = listpack::Previous(p_);
      }
    }

   private:
    friend class List;
    Iterator(const List& list, size_t index, End end) : list_(&list) { EnterNode(index, end); }
    // To the first or last element of that node; no place if there is no such node.
    void EnterNode(size_t index, End end);

    const List* list_;
    const ListNode* node_ = nullptr;
    const uint8_t* p_ = nullptr;
    size_t index_ = 0;  // of the node
  };

  // See ValueLimits::list_max_listpack_size.
  explicit List(int max_listpack_size);

  Kind kind() const override { return kKind; }
  std::string_view encoding() const override;
  size_t size() const override { return many_ == nullptr ? only_.count() : many_->size; }
  size_t bytes(size_t samples) const override;
  size_t free_effort() const override { return node_count(); }
  std::unique_ptr<Object> Clone() const override;

  void Push(Bytes text, End end) {
    const Needle element(text);
    ListNode* node = EndNode(end);
    if (!Fits(*node, element.bytes()) && !node->empty()) [[unlikely]]
      node = AddNode(end);
    end == End::kHead ? node->PushFront(element) : node->PushBack(element);
    if (many_ != nullptr) ++many_->size;
  }
  // Shows the element at that end to `f(const Item&)` and removes it. The list is not empty.
  template <class F>
  void Pop(End end, F&& f) {
    ListNode* node = EndNode(end);
    const uint8_t* p = end == End::kHead ? node->begin() : listpack::Previous(node->end());
    f(ItemAt(p));
    end == End::kHead ? node->DropBefore(listpack::Next(p), 1) : node->DropFrom(p, 1);
    if (many_ != nullptr) AfterPop(end);
  }
  // Removes `count` elements, at most size(), from that end.
  void Drop(size_t count, End end);

  Iterator First() const { return {*this, 0, End::kHead}; }
  Iterator Last() const { return {*this, node_count() - 1, End::kTail}; }
  // The element with that index, negative from the tail; not valid if there is none.
  Iterator At(int64_t index) const;

  // False if there is no such element.
  [[nodiscard]] bool Set(int64_t index, Bytes text);
  void InsertBefore(const Iterator& place, Bytes text);
  void InsertAfter(const Iterator& place, Bytes text);
  // Removes up to `limit` elements equal to `text`, those nearest to `from` first. Returns how
  // many.
  size_t Remove(Bytes text, size_t limit, End from);

  // What DUMP writes and RESTORE reads.
  size_t node_count() const {
    return many_ != nullptr ? many_->nodes.size() : (only_.empty() ? 0 : 1);
  }
  const ListNode& node(size_t i) const { return many_ == nullptr ? only_ : many_->nodes[i]; }
  // The element of a node that is too large for others beside it; invalid for other nodes.
  Iterator LoneElement(size_t node_index) const;
  // Appends the elements of a foreign listpack; false, and nothing, if it is not well-formed.
  [[nodiscard]] bool AppendListpack(Bytes raw);

 private:
  struct Many {
    ListNodes nodes;
    size_t size = 0;  // elements of all nodes
  };

  static Item ItemAt(const uint8_t* p) {
    if (listpack::IsString(p)) return {listpack::StringAt(p)};
    return {{}, listpack::IntegerAt(p), true};
  }

  // Most bytes of entries, and most elements, of a node.
  size_t bytes_max() const;
  size_t count_max() const;
  bool Fits(const ListNode& node, size_t more_bytes) const {
    return node.bytes() + more_bytes <= bytes_max() && node.count() < count_max();
  }
  bool MayMerge(const ListNode& a, const ListNode& b) const;

  ListNode* EndNode(End end) {
    if (many_ == nullptr) return &only_;
    return end == End::kHead ? &many_->nodes.front() : &many_->nodes.back();
  }
  ListNode& NodeAt(size_t i) { return many_ == nullptr ? only_ : many_->nodes[i]; }
  // Makes the inline node the first of an array.
  void Spread();
  ListNode* AddNode(End end);
  ListNode& InsertNode(size_t i);
  void AfterPop(End end);
  // Makes a last small node the inline one again, and a list without nodes an empty one.
  void Gather();
  // Drops the empty ones of nodes first to last, and merges small neighbours.
  void Tidy(size_t first, size_t last);
  // Before entry `p` of node `i`, which may be its end.
  void InsertAt(size_t i, const uint8_t* p, const Needle& element);
  void SplitAndInsert(size_t i, const uint8_t* p, const Needle& element);

  std::unique_ptr<Many> many_;
  ListNode only_;  // empty if there are many
  int16_t max_listpack_size_;
};

}  // namespace mantis
