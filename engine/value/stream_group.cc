#include "engine/value/stream_group.h"

#include <absl/container/flat_hash_map.h>

#include "engine/base/memory.h"

namespace mantis {
namespace {

// What an element of a B-tree takes beyond its own size: nodes are filled to two thirds or more.
size_t TreeBytes(size_t elements, size_t element_bytes) { return elements * element_bytes * 5 / 4; }

size_t HeapBytes(const std::string& text) {
  return text.capacity() > std::string().capacity() ? memory::UsableSize(text.data()) : 0;
}

size_t ConsumerBytes(const StreamConsumer& consumer) {
  return memory::UsableSize(&consumer) + HeapBytes(consumer.name) +
         TreeBytes(consumer.pending.size(), sizeof(StreamId));
}

}  // namespace

std::unique_ptr<StreamGroup> StreamGroup::Clone() const {
  auto copy = std::make_unique<StreamGroup>(name_, last_id, entries_read);
  absl::flat_hash_map<const StreamConsumer*, StreamConsumer*> twins;
  for (const auto& [name, consumer] : consumers_) {
    auto twin = std::make_unique<StreamConsumer>(*consumer);
    twins[consumer.get()] = twin.get();
    copy->consumers_.emplace_hint(copy->consumers_.end(), Bytes(twin->name), std::move(twin));
  }
  for (const auto& [id, entry] : pending_) {
    PendingEntry twin = entry;
    twin.owner = twins[entry.owner];
    copy->pending_.emplace_hint(copy->pending_.end(), id, twin);
  }
  return copy;
}

StreamConsumer* StreamGroup::FindConsumer(Bytes name) {
  const auto it = consumers_.find(name);
  return it == consumers_.end() ? nullptr : it->second.get();
}

const StreamConsumer* StreamGroup::FindConsumer(Bytes name) const {
  const auto it = consumers_.find(name);
  return it == consumers_.end() ? nullptr : it->second.get();
}

StreamConsumer* StreamGroup::AddConsumer(Bytes name, int64_t seen_ms, int64_t active_ms) {
  if (consumers_.contains(name)) return nullptr;
  auto fresh = std::make_unique<StreamConsumer>(
      StreamConsumer{.name = std::string(name), .seen_ms = seen_ms, .active_ms = active_ms});
  StreamConsumer* consumer = fresh.get();
  consumers_.emplace(Bytes(consumer->name), std::move(fresh));
  return consumer;
}

void StreamGroup::DeleteConsumer(StreamConsumer* consumer) {
  for (const StreamId id : consumer->pending) pending_.erase(id);
  // By position: the key to look for would be freed with what it names.
  consumers_.erase(consumers_.find(Bytes(consumer->name)));
}

PendingEntry* StreamGroup::FindPending(StreamId id) {
  const auto it = pending_.find(id);
  return it == pending_.end() ? nullptr : &it->second;
}

void StreamGroup::Deliver(StreamId id, StreamConsumer* owner, int64_t now_ms) {
  // New entries come at the end.
  const bool last = pending_.empty() || pending_.rbegin()->first < id;
  const auto it = last ? pending_.try_emplace(pending_.end(), id) : pending_.try_emplace(id).first;
  PendingEntry& entry = it->second;
  Transfer(id, &entry, owner);
  entry.delivered_ms = now_ms;
  entry.deliveries = 1;
}

void StreamGroup::Transfer(StreamId id, PendingEntry* entry, StreamConsumer* owner) {
  if (entry->owner == owner) return;
  if (entry->owner != nullptr) entry->owner->pending.erase(id);
  owner->pending.insert(owner->pending.end(), id);
  entry->owner = owner;
}

bool StreamGroup::Acknowledge(StreamId id) {
  const auto it = pending_.find(id);
  if (it == pending_.end()) return false;
  if (it->second.owner != nullptr) it->second.owner->pending.erase(id);
  pending_.erase(it);
  return true;
}

bool StreamGroup::AddPending(StreamId id, int64_t delivered_ms, uint64_t deliveries) {
  return pending_.try_emplace(id, PendingEntry{nullptr, delivered_ms, deliveries}).second;
}

bool StreamGroup::Assign(StreamId id, StreamConsumer* owner) {
  PendingEntry* entry = FindPending(id);
  if (entry == nullptr || entry->owner != nullptr) return false;
  Transfer(id, entry, owner);
  return true;
}

bool StreamGroup::Complete() const {
  for (const auto& [id, entry] : pending_) {
    if (entry.owner == nullptr) return false;
  }
  return true;
}

size_t StreamGroup::bytes(size_t samples) const {
  size_t sum = memory::UsableSize(this) + HeapBytes(name_) +
               TreeBytes(pending_.size(), sizeof(Pending::value_type)) +
               TreeBytes(consumers_.size(), sizeof(Consumers::value_type));
  size_t sampled = 0;
  size_t looked = 0;
  for (const auto& [name, consumer] : consumers_) {
    if (samples != 0 && looked == samples) break;
    sampled += ConsumerBytes(*consumer);
    ++looked;
  }
  return sum + (looked == 0 ? 0 : sampled * consumers_.size() / looked);
}

}  // namespace mantis
