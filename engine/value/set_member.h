// One member of a big set, in a single allocation.
//
//   size (u8), or 255 and size (u32) | bytes
//
// Thread safety: none. Ownership: made by Create, freed by Destroy.
// Bounds: members of kBytesMax bytes, checked by the caller.
#pragma once

#include <cstdint>
#include <cstring>
#include <new>

#include "engine/base/bytes.h"
#include "engine/base/memory.h"

namespace mantis {

class SetMember {
 public:
  static constexpr size_t kBytesMax = (size_t{1} << 32) - 1;

  static SetMember* Create(Bytes text) {
    const bool is_long = text.size() >= kLong;
    const size_t header = sizeof(SetMember) + (is_long ? sizeof(uint32_t) : 0);
    auto* m = new (memory::Allocate(header + text.size())) SetMember;
    if (is_long) {
      const auto size = static_cast<uint32_t>(text.size());
      m->size_ = kLong;
      std::memcpy(m->rest(), &size, sizeof size);
    } else {
      m->size_ = static_cast<uint8_t>(text.size());
    }
    if (!text.empty())
      std::memcpy(m->rest() + header - sizeof(SetMember), text.data(), text.size());
    return m;
  }
  static void Destroy(SetMember* m) { memory::Free(m); }

  Bytes text() const {
    if (size_ != kLong) return {rest(), size_};
    uint32_t size = 0;
    std::memcpy(&size, rest(), sizeof size);
    return {rest() + sizeof size, size};
  }
  size_t allocated_bytes() const { return memory::UsableSize(this); }

 private:
  static constexpr uint8_t kLong = 255;

  SetMember() = default;
  char* rest() { return reinterpret_cast<char*>(this + 1); }
  const char* rest() const { return reinterpret_cast<const char*>(this + 1); }

  uint8_t size_ = 0;
};
static_assert(sizeof(SetMember) == 1);

struct SetMemberTraits {
  static Bytes Key(const SetMember& m) { return m.text(); }
};

}  // namespace mantis
