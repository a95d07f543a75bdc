// An immutable byte string on the heap: the value of a string key.
//
// Thread safety: the bytes never change after the blob is published in a value word. The reference
// count is atomic; the keyspace holds one reference, dropped through RCU when the value is
// replaced; a connection that sends a large value straight from the blob holds another.
#pragma once

#include <atomic>
#include <new>

#include "engine/base/bytes.h"
#include "engine/base/memory.h"

namespace mantis {

class Blob {
 public:
  // The caller fills data() before publishing.
  static Blob* CreateUninitialized(size_t size) {
    void* p = memory::Allocate(sizeof(Blob) + size);
    return new (p) Blob(static_cast<uint32_t>(size));
  }
  // For a string that grew or was changed in place: OBJECT ENCODING calls it raw however short.
  static Blob* CreateModified(size_t size) {
    Blob* b = CreateUninitialized(size);
    b->size_ |= kModified;
    return b;
  }
  static Blob* Create(Bytes text) {
    Blob* b = CreateUninitialized(text.size());
    if (!text.empty()) std::memcpy(b->data(), text.data(), text.size());
    return b;
  }
  Blob(const Blob&) = delete;
  Blob& operator=(const Blob&) = delete;

  size_t size() const { return size_ & ~kModified; }
  bool modified() const { return (size_ & kModified) != 0; }
  size_t allocated_bytes() const { return sizeof(Blob) + size(); }
  char* data() { return reinterpret_cast<char*>(this + 1); }
  Bytes bytes() const { return {reinterpret_cast<const char*>(this + 1), size()}; }

  // Somebody else has a reference as well.
  bool shared() const { return refs_.load(std::memory_order_relaxed) != 1; }

  // Only inside the read section in which the blob was found, or with a reference held.
  void Ref() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() {
    // acq_rel: all uses of other holders happen before the free.
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) memory::Free(this);
  }

 private:
  explicit Blob(uint32_t size) : size_(size) {}
  // Strings end far below 2^31 bytes, so the top bit of the size is free.
  static constexpr uint32_t kModified = 1u << 31;
  std::atomic<uint32_t> refs_{1};
  uint32_t size_;
};
static_assert(sizeof(Blob) == 8);

}  // namespace mantis
