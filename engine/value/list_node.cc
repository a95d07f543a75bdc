#include "engine/value/list_node.h"

#include <algorithm>
#include <cstring>

namespace mantis {
namespace {

void Copy(uint8_t* to, const uint8_t* from, size_t n) {
  if (n != 0) std::memcpy(to, from, n);
}
void Move(uint8_t* to, const uint8_t* from, size_t n) {
  if (n != 0) std::memmove(to, from, n);
}

}  // namespace

ListNode ListNode::Of(Bytes entries, size_t count) {
  ListNode node;
  if (count == 0) return node;
  node.Rebuild(0, 0, entries.size(), Spare::kBehind);
  std::memcpy(node.data_ + node.begin_, entries.data(), entries.size());
  node.count_ = static_cast<uint32_t>(count);
  return node;
}

const uint8_t* ListNode::At(size_t index) const {
  if (index <= count_ / 2) {
    const uint8_t* p = begin();
    for (; index > 0; --index) p = listpack::Next(p);
    return p;
  }
  const uint8_t* p = end();
  for (index = count_ - index; index > 0; --index) p = listpack::Previous(p);
  return p;
}

void ListNode::WriteListpack(char* out) const {
  auto* raw = reinterpret_cast<uint8_t*>(out);
  listpack::Store(raw, static_cast<uint32_t>(listpack_bytes()));
  listpack::Store(raw + 4,
                  static_cast<uint16_t>(std::min<size_t>(count_, listpack::kCountUnknown)));
  Copy(raw + listpack::kHeaderBytes, begin(), bytes());
  raw[listpack::kHeaderBytes + bytes()] = listpack::kTerminator;
}

void ListNode::Rebuild(size_t at, size_t old, size_t fresh, Spare spare) {
  const size_t used = bytes();
  const size_t tail = used - at - old;
  const size_t after = used - old + fresh;
  // Room on the other side comes from elements that went there, or were pushed there: a queue,
  // which will need its entries moved again and again. It gets room enough for that to be seldom.
  // What only grows is as big as it must be.
  const size_t other = spare == Spare::kBefore ? capacity_ - end_ : begin_;
  const bool queue = fresh != 0 && other != 0;
  ListNode moved;
  moved.data_ = static_cast<uint8_t*>(memory::Allocate(after + (queue ? used / 8 : 0)));
  moved.capacity_ =
      static_cast<uint32_t>(std::min<size_t>(memory::UsableSize(moved.data_), UINT32_MAX));
  const size_t room = moved.capacity_ - after;
  const size_t room_other = queue ? room / 4 : 0;
  moved.begin_ = static_cast<uint32_t>(spare == Spare::kBefore ? room - room_other : room_other);
  moved.end_ = static_cast<uint32_t>(moved.begin_ + after);
  moved.count_ = count_;
  uint8_t* to = moved.data_ + moved.begin_;
  Copy(to, begin(), at);
  Copy(to + at + fresh, begin() + at + old, tail);
  Swap(moved);
}

uint8_t* ListNode::Reshape(size_t at, size_t old, size_t fresh) {
  const size_t tail = bytes() - at - old;
  uint8_t* const head_at = data_ + begin_;
  uint8_t* const tail_at = head_at + at + old;
  if (fresh <= old) {
    const auto gap = static_cast<uint32_t>(old - fresh);
    if (at < tail) {
      Move(head_at + gap, head_at, at);
      begin_ += gap;
    } else {
      Move(tail_at - gap, tail_at, tail);
      end_ -= gap;
    }
    ShrinkIfSparse();
  } else {
    const auto more = static_cast<uint32_t>(fresh - old);
    const bool before = begin_ >= more;
    const bool behind = capacity_ - end_ >= more;
    if (behind && (tail <= at || !before)) {
      Move(tail_at + more, tail_at, tail);
      end_ += more;
    } else if (before) {
      Move(head_at - more, head_at, at);
      begin_ -= more;
    } else {
      Rebuild(at, old, fresh, Spare::kBehind);
    }
  }
  return data_ + begin_ + at;
}

void ListNode::Insert(const uint8_t* p, const Encoded& e) {
  e.Write(Reshape(OffsetOf(p), 0, e.bytes()));
  ++count_;
}

void ListNode::Replace(const uint8_t* p, const Encoded& e) {
  e.Write(Reshape(OffsetOf(p), listpack::EntryBytes(p), e.bytes()));
}

const uint8_t* ListNode::Erase(const uint8_t* p) {
  --count_;
  return Reshape(OffsetOf(p), listpack::EntryBytes(p), 0);
}

ListNode ListNode::SplitOff(const uint8_t* p) {
  const size_t tail = static_cast<size_t>(end() - p);
  size_t count = 0;
  for (const uint8_t* q = p; q != end(); q = listpack::Next(q)) ++count;
  ListNode right = Of({reinterpret_cast<const char*>(p), tail}, count);
  DropFrom(p, count);
  return right;
}

void ListNode::Append(const ListNode& other) {
  Copy(Reshape(bytes(), 0, other.bytes()), other.begin(), other.bytes());
  count_ += other.count_;
}

size_t ListNode::CountMatches(const Encoded& needle) const {
  size_t n = 0;
  for (const uint8_t* p = begin(); p != end(); p = listpack::Next(p))
    n += needle.Matches(p) ? 1 : 0;
  return n;
}

size_t ListNode::RemoveMatches(const Encoded& needle, size_t skip, size_t limit) {
  size_t removed = 0;
  uint8_t* out = data_ + begin_;
  const uint8_t* kept = out;  // begin of the elements that are to be moved to `out`
  const auto keep_until = [&out, &kept](const uint8_t* p) {
    const auto n = static_cast<size_t>(p - kept);
    if (out != kept) Move(out, kept, n);
    out += n;
  };
  for (const uint8_t* p = kept; p != end() && removed < limit;) {
    const uint8_t* next = listpack::Next(p);
    if (needle.Matches(p)) {
      if (skip > 0) {
        --skip;
      } else {
        keep_until(p);
        kept = next;
        ++removed;
      }
    }
    p = next;
  }
  if (removed == 0) return 0;
  keep_until(end());
  DropFrom(out, removed);
  return removed;
}

}  // namespace mantis
