#include "server/dispatch/cursor_table.h"

#include <random>

namespace mantis::server {

CursorTable::CursorTable() {
  std::random_device random;
  for (Stripe& stripe : stripes_) {
    // Half of the range is left for counting up.
    const uint64_t drawn = static_cast<uint64_t>(random()) << 32 | random();
    stripe.sequence = drawn >> (64 - (kSequenceBits - 1));
  }
}

CursorTable::Position* CursorTable::FindPosition(Stripe& stripe, uint64_t cursor, Slot** slot) {
  const size_t index = cursor >> kStripeBits & (kSlots - 1);
  if (index >= stripe.slots.size()) return nullptr;
  *slot = &stripe.slots[index];
  for (Position& position : (*slot)->positions) {
    if (position.cursor == cursor) return &position;
  }
  return nullptr;
}

bool CursorTable::SameScan(const Slot& slot, int db, Bytes prefix) {
  const Bytes key = slot.positions[slot.newest].key;
  return slot.db == db && key.substr(0, slot.prefix_size) == prefix;
}

std::optional<std::string> CursorTable::Find(uint64_t cursor, int db, Bytes prefix) {
  if (!IsOrdered(cursor)) return std::nullopt;
  Stripe& stripe = stripes_[cursor & (kStripes - 1)];
  const std::lock_guard lock(stripe.mutex);
  Slot* slot = nullptr;
  const Position* position = FindPosition(stripe, cursor, &slot);
  if (position == nullptr || !SameScan(*slot, db, prefix)) return std::nullopt;
  slot->in_use = true;
  return position->key;
}

size_t CursorTable::TakeSlot(Stripe& stripe) {
  if (stripe.slots.size() < kSlots) {
    stripe.slots.emplace_back();
    return stripe.slots.size() - 1;
  }
  // Second chance: ends within two rounds, as the first one clears every mark.
  while (true) {
    const size_t index = stripe.hand;
    stripe.hand = (stripe.hand + 1) % kSlots;
    if (!stripe.slots[index].in_use) return index;
    stripe.slots[index].in_use = false;
  }
}

uint64_t CursorTable::Store(Stripe& stripe, size_t stripe_index, size_t slot_index,
                            Bytes last_key) {
  Slot& slot = stripe.slots[slot_index];
  slot.newest = 1 - slot.newest;
  Position& position = slot.positions[slot.newest];
  position.key.assign(last_key);
  const uint64_t sequence = stripe.sequence++ & ((1ull << kSequenceBits) - 1);
  position.cursor =
      kMark | sequence << (kStripeBits + kSlotBits) | slot_index << kStripeBits | stripe_index;
  return position.cursor;
}

uint64_t CursorTable::Advance(uint64_t from, int db, Bytes prefix, Bytes last_key) {
  if (IsOrdered(from)) {
    const size_t index = from & (kStripes - 1);
    Stripe& stripe = stripes_[index];
    const std::lock_guard lock(stripe.mutex);
    Slot* slot = nullptr;
    const Position* position = FindPosition(stripe, from, &slot);
    if (position != nullptr && position == &slot->positions[slot->newest] &&
        SameScan(*slot, db, prefix)) {
      return Store(stripe, index, static_cast<size_t>(slot - stripe.slots.data()), last_key);
    }
  }
  // Relaxed: any spread will do.
  const size_t index = next_stripe_.fetch_add(1, std::memory_order_relaxed) % kStripes;
  Stripe& stripe = stripes_[index];
  const std::lock_guard lock(stripe.mutex);
  const size_t slot_index = TakeSlot(stripe);
  stripe.slots[slot_index] = Slot{};
  stripe.slots[slot_index].db = db;
  stripe.slots[slot_index].prefix_size = prefix.size();
  return Store(stripe, index, slot_index, last_key);
}

void CursorTable::Finish(uint64_t cursor) {
  if (!IsOrdered(cursor)) return;
  Stripe& stripe = stripes_[cursor & (kStripes - 1)];
  const std::lock_guard lock(stripe.mutex);
  Slot* slot = nullptr;
  if (FindPosition(stripe, cursor, &slot) != nullptr) slot->in_use = false;
}

}  // namespace mantis::server
