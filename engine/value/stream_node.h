// A run of a stream's entries in one listpack, in Redis's own layout, so that DUMP hands it over as
// it is:
//
//   master   live | deleted | number of fields | field… | 0
//   entry    flags | ms delta | seq delta | [number of fields] | [field] value … | element count
//
// Deltas are to the node's base id, which the stream keeps. An entry with the master's field names
// leaves them out (kSameFields). The element count lets one walk backwards. A deleted entry is only
// flagged; the whole node goes when no live one is left.
//
// Thread safety: none. Ownership: owns its listpack; positions hold until the next change.
// Invariants: the ids of live entries grow from front to back and none is below the base. Deleted
// ones may be out of order, as an id can be given again after XSETID turned the clock back.
// Complexity: what looks for an id walks the node, from the nearer end.
#pragma once

#include <optional>
#include <span>

#include "engine/base/bytes.h"
#include "engine/value/listpack.h"
#include "engine/value/stream_id.h"

namespace mantis {

class StreamNode {
 public:
  using Pos = Listpack::Pos;
  static constexpr Pos kEnd = Listpack::kEnd;

  struct Entry {
    StreamId id;
    Pos at = kEnd;       // where it begins
    Pos content = kEnd;  // its first value, or field if it has field names of its own
    size_t fields = 0;
    bool deleted = false;
    bool same_fields = false;
  };
  struct Master {
    size_t fields = 0;
    Pos first_field = kEnd;
    Pos first_entry = kEnd;
  };

  // What elements with that much text take at most.
  static constexpr size_t BytesMax(size_t text_bytes, size_t elements) {
    // Five bytes before the text of an element and five behind it.
    return text_bytes + 10 * elements;
  }

  // A node without entries whose master has the field names of `pairs` (field, value, field…).
  explicit StreamNode(std::span<const Bytes> pairs);
  // Takes over foreign bytes if they keep the layout and the invariants above; nothing otherwise.
  static std::optional<StreamNode> Parse(StreamId base, Bytes raw);
  StreamNode Clone() const { return StreamNode(pack_.Clone()); }

  Bytes raw() const { return pack_.raw(); }
  const Listpack& pack() const { return pack_; }
  size_t live() const;
  size_t deleted() const;
  Master master() const;
  // True if one more entry of that many bytes of text fits below the limits; 0 is no limit.
  bool HasRoom(size_t text_bytes, size_t elements, size_t bytes_max, size_t entries_max) const;

  // `id` is above the base and all live entries; the caller has asked HasRoom.
  void Append(StreamId base, StreamId id, std::span<const Bytes> pairs);
  // Flags the live entry at `at` as deleted.
  void Erase(Pos at);
  // Flags live entries as deleted from the front on, `limit` at most, as long as they are below
  // `end`. Returns how many.
  size_t EraseFront(StreamId base, size_t limit, StreamId end);

  Entry Read(StreamId base, const Master& master, Pos at) const;
  // The entry after that one, and the one before the one that begins at `at`.
  Pos After(const Entry& entry) const;
  Pos Before(Pos at) const { return EntryEndingAt(pack_.Prev(at)); }
  Pos LastEntry() const { return EntryEndingAt(pack_.Last()); }
  // The id of the last entry, deleted ones included; the base if there are none.
  StreamId LastId(StreamId base) const;
  // The first live entry with an id of at least `id`; an entry at kEnd if there is none.
  Entry Seek(StreamId base, const Master& master, StreamId id) const;

 private:
  explicit StreamNode(Listpack pack) : pack_(std::move(pack)) {}
  Pos EntryEndingAt(Pos last_element) const;
  bool HasFields(const Master& master, std::span<const Bytes> pairs) const;
  void AddToCounts(int64_t live, int64_t deleted);
  bool IsNearEnd(StreamId base, StreamId id) const;

  Listpack pack_;
};

}  // namespace mantis
