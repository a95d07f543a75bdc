// A node of a list: consecutive elements as listpack entries (listpack_codec.h) in one buffer, with
// room before and behind them, so that pushing and popping at either end moves no others. Without
// the header and terminator of a whole listpack, which are put on by whoever needs one.
//
// Thread safety: none. Ownership: owns its buffer; none while it is empty from the start. Pointers
// to entries hold until the next change, except where a method returns one.
// Invariants: entries lie in [begin_, end_) of `capacity_` bytes; the buffer is at most twice what
// is used, but for small ones.
// Complexity: at the ends amortised O(1); elsewhere O(bytes to the nearer end).
// Bounds: an element and what surrounds it stay below 4 GiB (List::kElementBytesMax).
#pragma once

#include <cstdint>
#include <utility>

#include "engine/base/memory.h"
#include "engine/value/listpack_codec.h"

namespace mantis {

class ListNode {
 public:
  using Encoded = listpack::Encoded;

  ListNode() = default;
  ~ListNode() { memory::Free(data_); }
  ListNode(ListNode&& other) noexcept { Swap(other); }
  ListNode& operator=(ListNode&& other) noexcept {
    Swap(other);
    return *this;
  }
  // `entries` are well-formed and in their least form.
  static ListNode Of(Bytes entries, size_t count);
  ListNode Clone() const { return Of(entries(), count()); }

  size_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  size_t bytes() const { return end_ - begin_; }
  const uint8_t* begin() const { return data_ + begin_; }
  const uint8_t* end() const { return data_ + end_; }
  Bytes entries() const { return {reinterpret_cast<const char*>(begin()), bytes()}; }
  size_t allocated_bytes() const { return data_ == nullptr ? 0 : memory::UsableSize(data_); }
  // The entry with that index, below count(), walking from the nearer end.
  const uint8_t* At(size_t index) const;

  // The node as a whole listpack: its size, and its bytes written to `out`.
  size_t listpack_bytes() const { return bytes() + listpack::kHeaderBytes + 1; }
  void WriteListpack(char* out) const;

  void PushBack(const Encoded& e) {
    const size_t n = e.bytes();
    if (n > capacity_ - end_) {
      Rebuild(bytes(), 0, n, Spare::kBehind);
    } else {
      end_ += static_cast<uint32_t>(n);
    }
    e.Write(data_ + end_ - n);
    ++count_;
  }
  void PushFront(const Encoded& e) {
    const size_t n = e.bytes();
    if (n > begin_) {
      Rebuild(0, 0, n, Spare::kBefore);
    } else {
      begin_ -= static_cast<uint32_t>(n);
    }
    e.Write(data_ + begin_);
    ++count_;
  }
  // Takes off the elements before `p`, or from it on, which are `count`.
  void DropBefore(const uint8_t* p, size_t count) {
    begin_ = static_cast<uint32_t>(p - data_);
    count_ -= static_cast<uint32_t>(count);
    ShrinkIfSparse();
  }
  void DropFrom(const uint8_t* p, size_t count) {
    end_ = static_cast<uint32_t>(p - data_);
    count_ -= static_cast<uint32_t>(count);
    ShrinkIfSparse();
  }

  // Before `p`, which may be end().
  void Insert(const uint8_t* p, const Encoded& e);
  void Replace(const uint8_t* p, const Encoded& e);
  // Returns where the element behind it is now, perhaps end().
  const uint8_t* Erase(const uint8_t* p);
  // Moves the elements from `p` on, not the first, to a node of their own.
  ListNode SplitOff(const uint8_t* p);
  void Append(const ListNode& other);

  size_t CountMatches(const Encoded& needle) const;
  // Removes up to `limit` elements that are `needle`, letting the first `skip` of them be. Returns
  // how many.
  size_t RemoveMatches(const Encoded& needle, size_t skip, size_t limit);

 private:
  enum class Spare : uint8_t { kBefore, kBehind };

  // Buffers this small are not exchanged for smaller ones.
  static constexpr size_t kSmallBytes = 64;

  void Swap(ListNode& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
    std::swap(capacity_, other.capacity_);
    std::swap(count_, other.count_);
  }
  void ShrinkIfSparse() {
    // An emptied node is about to go.
    if (bytes() < capacity_ / 2 && capacity_ > kSmallBytes && count_ != 0) [[unlikely]] {
      Rebuild(bytes(), 0, 0, Spare::kBehind);
    }
  }
  // Puts room for `fresh` bytes in the place of the `old` ones that begin `at` bytes behind
  // begin(), and returns it.
  uint8_t* Reshape(size_t at, size_t old, size_t fresh);
  // The same in a new buffer, the room that it has to spare being where it is said to be wanted.
  void Rebuild(size_t at, size_t old, size_t fresh, Spare spare);
  size_t OffsetOf(const uint8_t* p) const { return static_cast<size_t>(p - begin()); }

  uint8_t* data_ = nullptr;
  uint32_t begin_ = 0;
  uint32_t end_ = 0;
  uint32_t capacity_ = 0;
  uint32_t count_ = 0;
};

}  // namespace mantis
