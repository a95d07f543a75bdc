#include "engine/index/block.h"

#include <algorithm>
#include <cassert>
#include <new>

#include "engine/base/memory.h"

namespace mantis::index {
namespace {

Bytes CommonPart(Bytes a, Bytes b) { return a.substr(0, CommonPrefix(a, b)); }

}  // namespace

Block::Block(size_t count, Bytes prefix, Node* right)
    : right_(right),
      count_(static_cast<uint32_t>(count)),
      prefix_size_(static_cast<uint32_t>(prefix.size())) {
  if (!prefix.empty()) std::memcpy(reinterpret_cast<char*>(this + 1), prefix.data(), prefix.size());
}

Block* Block::Make(size_t count, Bytes prefix, Node* right) {
  prefix = prefix.substr(0, kPrefixBytesMax);
  return new (memory::Allocate(BytesFor(count, prefix.size()))) Block(count, prefix, right);
}

void Block::Destroy(Block* b) { memory::Free(b); }

void Block::CopyFrom(const Block& b, size_t from, size_t n, size_t at) {
  std::copy_n(b.EntryData() + from, n, EntryData() + at);
  const size_t shift = b.prefix_size_ - prefix_size_;
  if (shift == 0) {
    std::copy_n(b.HeadData() + from, n, HeadData() + at);
    return;
  }
  // What the prefix no longer covers goes in front of each head: no entry need be looked at.
  const uint64_t tail = LeadingEight(b.prefix().substr(prefix_size_));
  for (size_t i = 0; i < n; ++i) {
    HeadData()[at + i] = shift >= 8 ? tail : tail | b.HeadData()[from + i] >> (8 * shift);
  }
}

void Block::Put(size_t at, Entry* e) {
  EntryData()[at] = e;
  HeadData()[at] = LeadingEight(e->key().substr(prefix_size_));
}

Block* Block::Empty(Node* right) { return Make(0, {}, right); }

Block* Block::Inserted(const Block& b, size_t at, Entry* e) {
  const Bytes prefix = b.count_ == 0 ? e->key() : CommonPart(b.prefix(), e->key());
  Block* result = Make(b.count_ + 1, prefix, b.right_);
  if (b.count_ != 0) {
    result->CopyFrom(b, 0, at, 0);
    result->CopyFrom(b, at, b.count_ - at, at + 1);
  }
  result->Put(at, e);
  return result;
}

Block* Block::Replaced(const Block& b, size_t at, Entry* e) {
  Block* result = Make(b.count_, b.prefix(), b.right_);
  result->CopyFrom(b, 0, b.count_, 0);
  result->EntryData()[at] = e;
  return result;
}

Block* Block::Erased(const Block& b, size_t at) {
  Block* result = Make(b.count_ - 1, b.prefix(), b.right_);
  result->CopyFrom(b, 0, at, 0);
  result->CopyFrom(b, at + 1, b.count_ - at - 1, at);
  return result;
}

Block* Block::Slice(const Block& b, size_t from, size_t to, Node* right) {
  const auto heads = b.heads().subspan(from, to - from);
  // While all heads differ they tell keys apart well enough, and a longer prefix would cost a look
  // at every entry.
  if (std::adjacent_find(heads.begin(), heads.end()) == heads.end()) {
    Block* result = Make(to - from, b.prefix(), right);
    result->CopyFrom(b, from, to - from, 0);
    return result;
  }
  const auto entries = b.entries().subspan(from, to - from);
  // The first and last key differ most, so what they share all share.
  Block* result = Make(to - from, CommonPart(entries.front()->key(), entries.back()->key()), right);
  for (size_t i = 0; i < entries.size(); ++i) result->Put(i, entries[i]);
  return result;
}

Block* Block::Joined(const Block& a, const Block& b) {
  Bytes prefix = a.count_ == 0 ? b.prefix() : a.prefix();
  if (a.count_ != 0 && b.count_ != 0) prefix = CommonPart(a.prefix(), b.prefix());
  Block* result = Make(a.count_ + b.count_, prefix, b.right_);
  if (a.count_ != 0) result->CopyFrom(a, 0, a.count_, 0);
  if (b.count_ != 0) result->CopyFrom(b, 0, b.count_, a.count_);
  return result;
}

size_t Block::LowerBound(uint64_t head) const {
  const uint64_t* base = HeadData();
  size_t n = count_;
  // Halving by a conditional move: the comparisons are random, a branch would often go wrong.
  while (n > 1) {
    const size_t half = n / 2;
    base += base[half - 1] < head ? half : 0;
    n -= half;
  }
  return static_cast<size_t>(base - HeadData()) + (n == 1 && *base < head ? 1 : 0);
}

Block::Position Block::Find(Bytes key) const {
  const Bytes shared = prefix();
  const size_t compared = std::min(key.size(), shared.size());
  const int c = compared == 0 ? 0 : std::memcmp(key.data(), shared.data(), compared);
  if (c > 0) return {count_, false};
  if (c < 0 || key.size() < shared.size()) return {0, false};
  const Bytes rest = key.substr(shared.size());
  const uint64_t head = LeadingEight(rest);
  size_t low = LowerBound(head);
  size_t high = low;
  while (high < count_ && HeadData()[high] == head) ++high;
  // Equal heads, mostly none or one: the keys decide.
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const int order = CompareBytes(EntryData()[middle]->key().substr(shared.size()), rest);
    if (order == 0) return {middle, true};
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return {low, false};
}

size_t Block::IndexOf(const Entry* e) const {
  const Bytes key = e->key();
  const Bytes shared = prefix();
  if (!key.starts_with(shared)) return count_;
  const uint64_t head = LeadingEight(key.substr(shared.size()));
  for (size_t i = LowerBound(head); i < count_ && HeadData()[i] == head; ++i) {
    if (EntryData()[i] == e) return i;
  }
  return count_;
}

}  // namespace mantis::index
