// What the values that change in place have in common: lists, hashes, sets, sorted sets, streams
// and large strings under modification. One class derives from it per type, in its own pair of
// files; everything that handles values of any type (freeing, copying, OBJECT, MEMORY USAGE) goes
// through this interface.
//
// Thread safety: none of its own. An object that is in the keyspace is read and changed only while
// its entry's lock bit is held (Database::Read and Edit see to it), by readers as well as writers;
// type(), which never changes, may be asked by anybody.
// Ownership: the value word that points at it. Freed through RCU, in the background when it is big.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/clock.h"
#include "engine/keyspace/value_word.h"

namespace mantis {

enum class ValueType : uint8_t { kNone, kString, kList, kSet, kSortedSet, kHash, kStream };

// As TYPE and SCAN's TYPE option have it: "none", "string", "list", "set", "zset", "hash",
// "stream".
std::string_view TypeName(ValueType type);

class Object {
 public:
  Object() = default;
  virtual ~Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  // The kind of the words that point at it; each class also has it as `static constexpr Kind
  // kKind`.
  virtual Kind kind() const = 0;
  // As OBJECT ENCODING names it.
  virtual std::string_view encoding() const = 0;
  // Elements (fields, members, entries; bytes of a string). O(1).
  virtual size_t size() const = 0;
  // True if the key goes away with the last element: of all types but strings and streams.
  virtual bool vanishes_when_empty() const { return true; }
  // Bytes of memory held, itself included, as the allocator spends them. Looks at `samples`
  // elements at most and extrapolates; 0 looks at all.
  virtual size_t bytes(size_t samples) const = 0;
  // About how many allocations freeing it frees, for the decision to do that in the background.
  virtual size_t free_effort() const = 0;
  virtual std::unique_ptr<Object> Clone() const = 0;

  // Parts with deadlines of their own (fields of a hash): when the next one is due, and the removal
  // of up to `limit` parts that are. Returns how many were removed.
  virtual int64_t next_deadline_ms() const { return kNoDeadline; }
  virtual size_t ExpireParts(int64_t now_ms, size_t limit) {
    (void)now_ms;
    (void)limit;
    return 0;
  }

  // Brings what is needed to find these elements (fields, members) into the caches. A hint: which
  // are there does not matter.
  virtual void Prefetch(std::span<const Bytes> elements) const { (void)elements; }

  Word ToWord() { return Word::Pointer(kind(), this); }
};

}  // namespace mantis
