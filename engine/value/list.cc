#include "engine/value/list.h"

#include <algorithm>
#include <cstdlib>

namespace mantis {
namespace {

// Of a node whose limit is a number of elements, as Redis has it.
constexpr size_t kCountedNodeBytes = 8192;
// What a listpack has around its entries.
constexpr size_t kAround = listpack::kHeaderBytes + 1;

}  // namespace

List::List(int max_listpack_size)
    : max_listpack_size_(static_cast<int16_t>(std::clamp(max_listpack_size, -5, 32767))) {}

size_t List::bytes_max() const {
  if (max_listpack_size_ >= 0) return kCountedNodeBytes - kAround;
  return (size_t{4096} << (-max_listpack_size_ - 1)) - kAround;
}

size_t List::count_max() const {
  if (max_listpack_size_ < 0) return UINT32_MAX;
  return static_cast<size_t>(std::max<int>(max_listpack_size_, 1));
}

bool List::MayMerge(const ListNode& a, const ListNode& b) const {
  // Half full at most, lest the next insertion parts them again.
  return a.bytes() + b.bytes() <= bytes_max() / 2 && a.count() + b.count() <= count_max();
}

std::string_view List::encoding() const {
  return many_ == nullptr && only_.bytes() <= bytes_max() ? "listpack" : "quicklist";
}

size_t List::bytes(size_t samples) const {
  size_t sum = memory::UsableSize(this) + only_.allocated_bytes();
  if (many_ == nullptr) return sum;
  const size_t nodes = many_->nodes.size();
  sum += memory::UsableSize(many_.get()) + many_->nodes.bytes();
  const size_t looked_at = samples == 0 ? nodes : std::min(samples, nodes);
  size_t seen = 0;
  for (size_t i = 0; i < looked_at; ++i) seen += many_->nodes[i].allocated_bytes();
  return sum + seen * nodes / looked_at;
}

std::unique_ptr<Object> List::Clone() const {
  auto copy = std::make_unique<List>(max_listpack_size_);
  copy->only_ = only_.Clone();
  if (many_ != nullptr) {
    copy->many_ = std::make_unique<Many>();
    for (size_t i = 0; i < many_->nodes.size(); ++i) {
      copy->many_->nodes.AddBack() = many_->nodes[i].Clone();
    }
    copy->many_->size = many_->size;
  }
  return copy;
}

void List::Iterator::EnterNode(size_t index, End end) {
  p_ = nullptr;
  if (index >= list_->node_count()) return;
  index_ = index;
  node_ = &list_->node(index);
  p_ = end == End::kHead ? node_->begin() : listpack::Previous(node_->end());
}

List::Iterator List::At(int64_t index) const {
  const auto n = static_cast<int64_t>(size());
  if (index < 0) index += n;
  if (index < 0 || index >= n) return {*this, node_count(), End::kHead};
  auto left = static_cast<size_t>(index);
  size_t i = 0;
  if (left <= size() / 2) {
    for (; left >= node(i).count(); ++i) left -= node(i).count();
  } else {
    // `left` counts from the end of node i-1 here.
    left = size() - left;
    i = node_count();
    while (left > node(i - 1).count()) left -= node(--i).count();
    --i;
    left = node(i).count() - left;
  }
  Iterator it(*this, i, End::kHead);
  it.p_ = it.node_->At(left);
  return it;
}

void List::Spread() {
  if (many_ != nullptr) return;
  many_ = std::make_unique<Many>();
  many_->size = only_.count();
  if (!only_.empty()) many_->nodes.AddBack() = std::move(only_);
}

ListNode* List::AddNode(End end) {
  Spread();
  return end == End::kHead ? &many_->nodes.AddFront() : &many_->nodes.AddBack();
}

ListNode& List::InsertNode(size_t i) {
  Spread();
  return many_->nodes.Insert(i);
}

void List::Gather() {
  const auto& nodes = many_->nodes;
  if (nodes.size() > 1 || (nodes.size() == 1 && nodes[0].bytes() > bytes_max() / 2)) return;
  if (!nodes.empty()) only_ = std::move(many_->nodes.front());
  many_.reset();
}

void List::AfterPop(End end) {
  --many_->size;
  if (!EndNode(end)->empty()) return;
  end == End::kHead ? many_->nodes.RemoveFront() : many_->nodes.RemoveBack();
  Gather();
}

void List::Drop(size_t count, End end) {
  if (many_ != nullptr) {
    many_->size -= count;
    while (count > 0 && count >= EndNode(end)->count()) {
      count -= EndNode(end)->count();
      end == End::kHead ? many_->nodes.RemoveFront() : many_->nodes.RemoveBack();
      if (many_->nodes.empty()) break;
    }
  }
  if (count > 0) {
    ListNode* node = EndNode(end);
    if (end == End::kHead) {
      node->DropBefore(count == node->count() ? node->end() : node->At(count), count);
    } else {
      node->DropFrom(node->At(node->count() - count), count);
    }
  }
  if (many_ != nullptr) Gather();
}

bool List::Set(int64_t index, Bytes text) {
  const Iterator place = At(index);
  if (!place.valid()) return false;
  const Needle element(text);
  ListNode& node = NodeAt(place.index_);
  const size_t rest = node.bytes() - listpack::EntryBytes(place.p_);
  if (node.count() == 1 || rest + element.bytes() <= bytes_max()) {
    node.Replace(place.p_, element);
    if (many_ != nullptr && node.bytes() < bytes_max() / 4) {
      Tidy(place.index_ == 0 ? 0 : place.index_ - 1, place.index_ + 1);
      Gather();
    }
    return true;
  }
  const uint8_t* p = node.Erase(place.p_);
  if (many_ != nullptr) --many_->size;
  InsertAt(place.index_, p, element);
  return true;
}

void List::InsertBefore(const Iterator& place, Bytes text) {
  InsertAt(place.index_, place.p_, Needle(text));
}

void List::InsertAfter(const Iterator& place, Bytes text) {
  InsertAt(place.index_, listpack::Next(place.p_), Needle(text));
}

void List::InsertAt(size_t i, const uint8_t* p, const Needle& element) {
  ListNode& node = NodeAt(i);
  if (Fits(node, element.bytes())) {
    node.Insert(p, element);
  } else if (p == node.begin()) {
    const bool neighbour = i > 0 && Fits(NodeAt(i - 1), element.bytes());
    (neighbour ? NodeAt(i - 1) : InsertNode(i)).PushBack(element);
  } else if (p == node.end()) {
    const bool neighbour = i + 1 < node_count() && Fits(NodeAt(i + 1), element.bytes());
    (neighbour ? NodeAt(i + 1) : InsertNode(i + 1)).PushFront(element);
  } else {
    SplitAndInsert(i, p, element);
  }
  if (many_ != nullptr) ++many_->size;
}

void List::SplitAndInsert(size_t i, const uint8_t* p, const Needle& element) {
  Spread();
  ListNode right = NodeAt(i).SplitOff(p);
  InsertNode(i + 1) = std::move(right);
  if (Fits(NodeAt(i), element.bytes())) {
    NodeAt(i).PushBack(element);
  } else if (Fits(NodeAt(i + 1), element.bytes())) {
    NodeAt(i + 1).PushFront(element);
  } else {
    InsertNode(i + 1).PushBack(element);
  }
  // The size is not right yet, and there are two nodes at least: Tidy must not gather them.
  Tidy(i == 0 ? 0 : i - 1, i + 3);
}

void List::Tidy(size_t first, size_t last) {
  auto& nodes = many_->nodes;
  last = std::min(last, nodes.size() - 1);
  size_t kept = first;
  for (size_t i = first; i <= last; ++i) {
    if (nodes[i].empty()) continue;
    if (kept > first && MayMerge(nodes[kept - 1], nodes[i])) {
      nodes[kept - 1].Append(nodes[i]);
      continue;
    }
    if (kept != i) nodes[kept] = std::move(nodes[i]);
    ++kept;
  }
  nodes.Erase(kept, last + 1);
}

size_t List::Remove(Bytes text, size_t limit, End from) {
  const Needle needle(text);
  const size_t nodes = node_count();
  size_t removed = 0;
  size_t first = nodes;  // the range of nodes that have changed
  size_t last = 0;
  for (size_t k = 0; k < nodes && removed < limit; ++k) {
    const size_t i = from == End::kHead ? k : nodes - 1 - k;
    const size_t more = limit - removed;
    size_t skip = 0;
    if (from == End::kTail && more < NodeAt(i).count()) {
      const size_t matches = NodeAt(i).CountMatches(needle);
      skip = matches - std::min(matches, more);
    }
    const size_t n = NodeAt(i).RemoveMatches(needle, skip, more);
    if (n == 0) continue;
    removed += n;
    first = std::min(first, i);
    last = std::max(last, i);
  }
  if (removed != 0 && many_ != nullptr) {
    many_->size -= removed;
    Tidy(first == 0 ? 0 : first - 1, last + 1);
    Gather();
  }
  return removed;
}

List::Iterator List::LoneElement(size_t node_index) const {
  const bool lone = node(node_index).bytes() > bytes_max();
  return {*this, lone ? node_index : node_count(), End::kHead};
}

bool List::AppendListpack(Bytes raw) {
  const auto parsed = Listpack::Parse(raw);
  if (!parsed) return false;
  if (parsed->empty()) return true;
  const size_t count = parsed->size();
  const size_t bytes = parsed->total() - kAround;
  if (bytes > bytes_max() || count > count_max()) {
    char digits[24];
    for (auto p = parsed->First(); p != Listpack::kEnd; p = parsed->Next(p)) {
      Push(parsed->Get(p).View(std::span<char, 24>(digits)), End::kTail);
    }
    return true;
  }
  ListNode* node = size() == 0 ? EndNode(End::kTail) : AddNode(End::kTail);
  *node = ListNode::Of(parsed->raw().substr(listpack::kHeaderBytes, bytes), count);
  if (many_ != nullptr) many_->size += count;
  return true;
}

}  // namespace mantis
