// One field of a big hash: name, value and deadline in a single allocation.
//
//   size of the name (u32, top bit: has a deadline) | size of the value (u32) | name | value
//   | deadline (i64, if it has one)
//
// Thread safety: none. Ownership: made by Create, freed by Destroy.
// Bounds: name and value of kBytesMax bytes each, checked by the caller.
#pragma once

#include <cstdint>
#include <cstring>

#include "engine/base/bytes.h"
#include "engine/base/clock.h"
#include "engine/base/memory.h"

namespace mantis {

class HashElement {
 public:
  static constexpr size_t kBytesMax = (size_t{1} << 31) - 1;

  static HashElement* Create(Bytes name, Bytes value, int64_t deadline_ms) {
    void* room = memory::Allocate(Footprint(name.size(), value.size(), deadline_ms));
    auto* e = new (room) HashElement;
    e->name_size_ = static_cast<uint32_t>(name.size());
    if (!name.empty()) std::memcpy(e->text(), name.data(), name.size());
    e->Fill(value, deadline_ms);
    return e;
  }
  static void Destroy(HashElement* e) { memory::Free(e); }

  Bytes name() const { return {text(), name_size()}; }
  Bytes value() const { return {text() + name_size(), value_size_}; }
  int64_t deadline_ms() const {
    if ((name_size_ & kHasDeadline) == 0) return kNoDeadline;
    int64_t ms = 0;
    std::memcpy(&ms, text() + name_size() + value_size_, sizeof ms);
    return ms;
  }
  bool due(int64_t now_ms) const {
    return (name_size_ & kHasDeadline) != 0 && deadline_ms() <= now_ms;
  }

  // Takes value and deadline over where it is, if an element of theirs would be given just as much
  // memory. The value must not lie in the element, unless it is its own.
  bool TryAssign(Bytes value, int64_t deadline_ms) {
    const size_t need = Footprint(name_size(), value.size(), deadline_ms);
    if (memory::UsableSizeFor(need) != allocated_bytes()) return false;
    name_size_ &= ~kHasDeadline;
    Fill(value, deadline_ms);
    return true;
  }

  size_t allocated_bytes() const {
    const size_t deadline = (name_size_ & kHasDeadline) != 0 ? sizeof(int64_t) : 0;
    return memory::UsableSizeFor(sizeof(HashElement) + name_size() + value_size_ + deadline);
  }

 private:
  static constexpr uint32_t kHasDeadline = 1u << 31;

  HashElement() = default;

  static size_t Footprint(size_t name, size_t value, int64_t deadline_ms) {
    return sizeof(HashElement) + name + value + (deadline_ms != kNoDeadline ? sizeof(int64_t) : 0);
  }
  size_t name_size() const { return name_size_ & ~kHasDeadline; }
  char* text() { return reinterpret_cast<char*>(this + 1); }
  const char* text() const { return reinterpret_cast<const char*>(this + 1); }

  void Fill(Bytes value, int64_t deadline_ms) {
    char* at = text() + name_size();
    if (!value.empty()) std::memmove(at, value.data(), value.size());
    value_size_ = static_cast<uint32_t>(value.size());
    if (deadline_ms == kNoDeadline) return;
    std::memcpy(at + value.size(), &deadline_ms, sizeof deadline_ms);
    name_size_ |= kHasDeadline;
  }

  uint32_t name_size_ = 0;
  uint32_t value_size_ = 0;
};
static_assert(sizeof(HashElement) == 8);

struct HashElementTraits {
  static Bytes Key(const HashElement& e) { return e.name(); }
};

}  // namespace mantis
