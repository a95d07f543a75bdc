#include "engine/value/stream.h"

#include <algorithm>
#include <iterator>

#include "engine/base/memory.h"

namespace mantis {
namespace {

// Elements of an entry (or of a master) besides the pairs: flags, two deltas, the number of fields,
// the count.
constexpr size_t kFixedElements = 5;

size_t TextBytes(std::span<const Bytes> pairs) {
  size_t sum = 0;
  for (const Bytes text : pairs) sum += text.size();
  return sum;
}

}  // namespace

bool Stream::Storable(std::span<const Bytes> pairs) {
  // In a node of its own: its field names are there once, in the master.
  return TextBytes(pairs) <= Listpack::kBytesMax &&
         StreamNode::BytesMax(TextBytes(pairs), pairs.size() + 2 * kFixedElements) <=
             Listpack::kBytesMax;
}

void Stream::Append(StreamId id, std::span<const Bytes> pairs, const StreamNodeLimits& limits) {
  auto node = nodes_.end();
  if (!nodes_.empty()) {
    node = std::prev(node);
    const bool room = node->second.HasRoom(TextBytes(pairs), pairs.size() + kFixedElements,
                                           limits.bytes_max, limits.entries_max);
    if (!room) node = nodes_.end();
  }
  if (node == nodes_.end()) node = nodes_.emplace_hint(node, id, StreamNode(pairs));
  node->second.Append(node->first, id, pairs);
  if (length_++ == 0) first_id_ = id;
  ++entries_added_;
  last_id_ = id;
}

Stream::Nodes::const_iterator Stream::NodeOf(StreamId id) const {
  const auto above = nodes_.upper_bound(id);
  return above == nodes_.begin() ? nodes_.end() : std::prev(above);
}

bool Stream::Contains(StreamId id) const {
  const auto node = NodeOf(id);
  if (node == nodes_.end()) return false;
  const StreamNode::Entry entry = node->second.Seek(node->first, node->second.master(), id);
  return entry.at != StreamNode::kEnd && entry.id == id;
}

bool Stream::Erase(StreamId id) {
  auto above = nodes_.upper_bound(id);
  if (above == nodes_.begin()) return false;
  const auto it = std::prev(above);
  StreamNode& node = it->second;
  const StreamNode::Entry entry = node.Seek(it->first, node.master(), id);
  if (entry.at == StreamNode::kEnd || entry.id != id) return false;
  if (node.live() == 1) {
    nodes_.erase(it);
  } else {
    node.Erase(entry.at);
  }
  --length_;
  max_deleted_id_ = std::max(max_deleted_id_, id);
  if (id == first_id_) FindFirstId();
  return true;
}

void Stream::FindFirstId() {
  StreamCursor first(*this, StreamId{}, StreamId::Max());
  first_id_ = first.Next() ? first.id() : StreamId{};
}

StreamId Stream::LastLiveId() const {
  StreamCursor last(*this, StreamId{}, StreamId::Max(), true);
  return last.Next() ? last.id() : StreamId{};
}

size_t Stream::Trim(const StreamTrim& trim) {
  using By = StreamTrim::By;
  size_t removed = 0;
  while (trim.by != By::kNothing && !nodes_.empty()) {
    if (trim.by == By::kLength && length_ <= trim.length_max) break;
    const auto it = nodes_.begin();
    StreamNode& node = it->second;
    const size_t live = node.live();
    if (trim.limit != 0 && removed + live > trim.limit) break;
    const bool whole = trim.by == By::kLength ? length_ - live >= trim.length_max
                                              : node.LastId(it->first) < trim.first;
    if (!whole && trim.whole_nodes) break;
    size_t gone = live;
    if (!whole) {
      gone = trim.by == By::kLength
                 ? node.EraseFront(it->first, length_ - trim.length_max, StreamId::Max())
                 : node.EraseFront(it->first, live, trim.first);
    }
    removed += gone;
    length_ -= gone;
    if (gone == live) nodes_.erase(it);
    if (!whole) break;
  }
  if (removed != 0) FindFirstId();
  return removed;
}

size_t Stream::NodesToTrim(const StreamTrim& trim, size_t limit) const {
  if (trim.by == StreamTrim::By::kNothing || nodes_.empty()) return 0;
  // Nodes are mostly of one size.
  const size_t per_node = std::max<size_t>(1, length_ / nodes_.size());
  if (trim.limit != 0) limit = std::min<size_t>(limit, trim.limit / per_node + 1);
  size_t n = 0;
  if (trim.by == StreamTrim::By::kLength) {
    n = (length_ - std::min<size_t>(length_, trim.length_max)) / per_node;
  } else {
    for (auto it = nodes_.begin(); it != nodes_.end() && it->first < trim.first; ++it) {
      if (++n > limit) break;
    }
  }
  return std::min(n, limit + 1);
}

size_t Stream::CountUpTo(StreamId start, StreamId end, size_t limit) const {
  auto node = NodeOf(start);
  if (node == nodes_.end()) node = nodes_.begin();
  size_t n = 0;
  for (; node != nodes_.end() && node->first <= end && n <= limit; ++node) n += node->second.live();
  return n;
}

StreamGroup* Stream::FindGroup(Bytes name) {
  const auto it = groups_.find(name);
  return it == groups_.end() ? nullptr : it->second.get();
}

const StreamGroup* Stream::FindGroup(Bytes name) const {
  const auto it = groups_.find(name);
  return it == groups_.end() ? nullptr : it->second.get();
}

StreamGroup* Stream::AddGroup(Bytes name, StreamId last_id, int64_t entries_read) {
  if (groups_.contains(name)) return nullptr;
  auto fresh = std::make_unique<StreamGroup>(name, last_id, entries_read);
  StreamGroup* group = fresh.get();
  ClampEntriesRead(*group);
  groups_.emplace(Bytes(group->name()), std::move(fresh));
  return group;
}

std::unique_ptr<StreamGroup> Stream::TakeGroup(Bytes name) {
  const auto it = groups_.find(name);
  if (it == groups_.end()) return nullptr;
  auto group = std::move(it->second);
  groups_.erase(it);
  return group;
}

void Stream::ClampEntriesRead(StreamGroup& group) const {
  if (group.entries_read == StreamGroup::kUnknown) return;
  if (static_cast<uint64_t>(group.entries_read) <= entries_added_) return;
  group.entries_read = static_cast<int64_t>(entries_added_);
}

void Stream::SetEntriesAdded(uint64_t n) {
  entries_added_ = n;
  for (const auto& [name, group] : groups_) ClampEntriesRead(*group);
}

void Stream::SetGroupPlace(StreamGroup& group, StreamId last_id, int64_t entries_read) const {
  group.last_id = last_id;
  group.entries_read = entries_read;
  ClampEntriesRead(group);
}

bool Stream::HasTombstonesFrom(StreamId start) const {
  return length_ != 0 && max_deleted_id_ != StreamId{} && start <= max_deleted_id_;
}

int64_t Stream::EntriesReadUpTo(StreamId id) const {
  const auto added = static_cast<int64_t>(entries_added_);
  const auto length = static_cast<int64_t>(length_);
  if (added == 0) return 0;
  if (length == 0 && id <= last_id_) return added;
  // Entries behind `id` may be among those deleted.
  if (id != StreamId{} && id < max_deleted_id_) return StreamGroup::kUnknown;
  if (id == last_id_) return added;
  if (id > last_id_) return StreamGroup::kUnknown;
  if (max_deleted_id_ == StreamId{} || max_deleted_id_ < first_id_) {
    if (id < first_id_) return added - length;
    if (id == first_id_) return added - length + 1;
  }
  return StreamGroup::kUnknown;
}

std::optional<int64_t> Stream::Lag(const StreamGroup& group) const {
  const auto added = static_cast<int64_t>(entries_added_);
  if (added == 0 || length_ == 0) return 0;
  // All that is there is new to the group, whatever was deleted before it.
  if (group.last_id < first_id_ && max_deleted_id_ < first_id_) {
    return static_cast<int64_t>(length_);
  }
  if (group.entries_read != StreamGroup::kUnknown && !HasTombstonesFrom(group.last_id)) {
    return added - group.entries_read;
  }
  const int64_t read = EntriesReadUpTo(group.last_id);
  if (read == StreamGroup::kUnknown) return std::nullopt;
  return added - read;
}

void Stream::Advance(StreamGroup& group, StreamId id) const {
  if (id <= group.last_id) return;
  // A group that stands before the first entry has a count that says nothing about deleted ones.
  if (group.entries_read != StreamGroup::kUnknown && group.last_id >= first_id_ &&
      !HasTombstonesFrom(group.last_id)) {
    ++group.entries_read;
    ClampEntriesRead(group);
  } else if (entries_added_ != 0) {
    group.entries_read = EntriesReadUpTo(id);
  }
  group.last_id = id;
}

bool Stream::AddNode(StreamId base, Bytes raw) {
  auto node = StreamNode::Parse(base, raw);
  if (!node) return false;
  if (length_ != 0 && base <= LastLiveId()) return false;
  const size_t live = node->live();
  if (live == 0) return true;
  nodes_.emplace_hint(nodes_.end(), base, std::move(*node));
  length_ += live;
  return true;
}

bool Stream::SetTotals(const Totals& totals) {
  if (totals.length != length_ || totals.last_id < LastLiveId()) return false;
  last_id_ = totals.last_id;
  max_deleted_id_ = totals.max_deleted_id;
  entries_added_ = totals.entries_added;
  FindFirstId();
  return true;
}

size_t Stream::bytes(size_t samples) const {
  size_t sampled = 0;
  size_t looked = 0;
  for (const auto& [base, node] : nodes_) {
    if (samples != 0 && looked == samples) break;
    sampled += node.pack().allocated_bytes();
    ++looked;
  }
  size_t sum = memory::UsableSize(this) + (looked == 0 ? 0 : sampled * nodes_.size() / looked);
  // Nodes are appended, which fills the tree's own well.
  sum += nodes_.size() * sizeof(Nodes::value_type) * 5 / 4;
  sampled = looked = 0;
  for (const auto& [name, group] : groups_) {
    if (samples != 0 && looked == samples) break;
    sampled += group->bytes(samples) + sizeof(Groups::value_type);
    ++looked;
  }
  return sum + (looked == 0 ? 0 : sampled * groups_.size() / looked);
}

size_t Stream::free_effort() const {
  if (groups_.empty()) return 1 + nodes_.size();
  // Groups tend to be alike. A tree frees several of its elements at once.
  const StreamGroup& group = *groups_.begin()->second;
  const size_t per_group = 1 + group.consumers().size() + group.pending().size() / 4;
  return 1 + nodes_.size() + groups_.size() * per_group;
}

std::unique_ptr<Object> Stream::Clone() const {
  auto copy = std::make_unique<Stream>();
  for (const auto& [base, node] : nodes_) {
    copy->nodes_.emplace_hint(copy->nodes_.end(), base, node.Clone());
  }
  copy->length_ = length_;
  copy->first_id_ = first_id_;
  copy->last_id_ = last_id_;
  copy->max_deleted_id_ = max_deleted_id_;
  copy->entries_added_ = entries_added_;
  for (const auto& [name, group] : groups_) {
    auto twin = group->Clone();
    const Bytes key = twin->name();
    copy->groups_.emplace_hint(copy->groups_.end(), key, std::move(twin));
  }
  return copy;
}

StreamCursor::StreamCursor(const Stream& stream, StreamId start, StreamId end, bool reverse)
    : nodes_(stream.nodes()), start_(start), end_(end), reverse_(reverse), node_(nodes_.end()) {
  if (start > end || nodes_.empty()) return;
  // The node whose base is at or below the id where we begin; it may have only entries before it.
  const auto above = nodes_.upper_bound(reverse ? end : start);
  if (above != nodes_.begin()) {
    node_ = std::prev(above);
  } else if (!reverse) {
    node_ = nodes_.begin();
  }
  if (node_ != nodes_.end()) EnterNode();
}

void StreamCursor::EnterNode() {
  const StreamNode& node = node_->second;
  master_ = node.master();
  if (reverse_) {
    next_ = node.LastEntry();
  } else {
    next_ =
        node_->first >= start_ ? master_.first_entry : node.Seek(node_->first, master_, start_).at;
  }
}

bool StreamCursor::Next() {
  while (node_ != nodes_.end()) {
    while (next_ != StreamNode::kEnd) {
      const StreamNode& node = node_->second;
      entry_ = node.Read(node_->first, master_, next_);
      next_ = reverse_ ? node.Before(next_) : node.After(entry_);
      if (entry_.deleted) continue;
      if (reverse_ ? entry_.id < start_ : entry_.id > end_) {
        node_ = nodes_.end();
        return false;
      }
      // Only where the walk begins are there entries before the first one wanted.
      if (reverse_ ? entry_.id <= end_ : entry_.id >= start_) return true;
    }
    const bool done = reverse_ ? node_ == nodes_.begin() || node_->first <= start_
                               : std::next(node_) == nodes_.end();
    if (done) {
      node_ = nodes_.end();
      return false;
    }
    reverse_ ? --node_ : ++node_;
    EnterNode();
  }
  return false;
}

}  // namespace mantis
