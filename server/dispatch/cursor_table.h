// Where ordered SCANs stand. SCAN's cursor is a number, while an ordered scan goes on after a key;
// this table keeps that key and hands out a number for it.
//
// Cursors are below 2^53, so that clients which keep them in a double do not lose bits, and have
// bit 52 set, which tells them from the cursors of hash order (below 2^48).
//
// A slot belongs to one scan and holds its two newest positions: the one the client was given last
// and the one before, so that a client which repeats a call whose reply it lost gets on from the
// same place. A scan that uses a cursor again and then goes another way gets a slot of its own, so
// a cursor never changes its meaning. Looking up does not consume.
//
// Bounded: kScans slots; a new scan takes the place of one that was not continued lately. A cursor
// whose slot was taken (or that was never handed out) is unknown, and its scan starts over: keys
// are returned twice then, which SCAN's guarantees allow, but none is lost. Numbers begin at a
// random place, so a cursor from before a restart is taken for unknown too.
//
// Thread safety: everything may be called from any thread; one of 16 mutexes is held for the copy
// of one key.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/bytes.h"

namespace mantis::server {

class CursorTable {
 public:
  static constexpr size_t kScans = 4096;
  // A scan must not stop at a longer key, which bounds the table's memory.
  static constexpr size_t kKeyBytesMax = 4096;

  CursorTable();
  CursorTable(const CursorTable&) = delete;
  CursorTable& operator=(const CursorTable&) = delete;

  static bool IsOrdered(uint64_t cursor) { return (cursor & kMark) != 0; }

  // The key after which the scan of `prefix` in database `db` goes on; nothing if the cursor is
  // unknown or belongs to another prefix or database.
  std::optional<std::string> Find(uint64_t cursor, int db, Bytes prefix);

  // The cursor for going on after `last_key`, which begins with `prefix`. `from` is the cursor with
  // which the client made this call.
  uint64_t Advance(uint64_t from, int db, Bytes prefix, Bytes last_key);

  // The scan came to its end from this cursor: its slot is the first to be taken.
  void Finish(uint64_t cursor);

 private:
  // cursor = kMark | sequence << 12 | slot << 4 | stripe
  static constexpr uint64_t kMark = 1ull << 52;
  static constexpr int kStripeBits = 4;
  static constexpr int kSlotBits = 8;
  static constexpr int kSequenceBits = 40;
  static constexpr size_t kStripes = size_t{1} << kStripeBits;
  static constexpr size_t kSlots = size_t{1} << kSlotBits;
  static_assert(kStripes * kSlots == kScans);
  static_assert(kStripeBits + kSlotBits + kSequenceBits == 52);

  struct Position {
    uint64_t cursor = 0;  // 0: none
    std::string key;
  };
  struct Slot {
    int db = 0;
    size_t prefix_size = 0;
    bool in_use = false;  // looked up since the hand last came by
    size_t newest = 0;
    std::array<Position, 2> positions;
  };
  struct alignas(64) Stripe {
    std::mutex mutex;
    std::vector<Slot> slots;  // grows to kSlots
    size_t hand = 0;          // of the clock that chooses whose slot is taken
    uint64_t sequence = 0;
  };

  static Position* FindPosition(Stripe& stripe, uint64_t cursor, Slot** slot);
  static bool SameScan(const Slot& slot, int db, Bytes prefix);
  static size_t TakeSlot(Stripe& stripe);
  static uint64_t Store(Stripe& stripe, size_t stripe_index, size_t slot_index, Bytes last_key);

  std::array<Stripe, kStripes> stripes_;
  std::atomic<size_t> next_stripe_{0};
};

}  // namespace mantis::server
