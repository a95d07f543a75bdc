// A string that is being changed in place: what APPEND, SETRANGE, SETBIT and their kin turn a large
// string into, so that each change costs what it changes and not the whole string.
//
// Thread safety and ownership: see object.h.
// Invariant: bytes between size() and the capacity are not initialised.
#pragma once

#include "engine/base/bytes.h"
#include "engine/base/memory.h"
#include "engine/value/object.h"

namespace mantis {

class StringBuffer final : public Object {
 public:
  static constexpr Kind kKind = Kind::kStringBuffer;
  // Strings up to this size are kept as blobs, which take less memory and need no lock to read.
  static constexpr size_t kBlobMax = 256;

  explicit StringBuffer(Bytes text);
  ~StringBuffer() override { memory::Free(data_); }

  Bytes text() const { return {data_, size_}; }
  char* data() { return data_; }
  // Grows with zero bytes, or cuts off. Amortised O(bytes added).
  void Resize(size_t size);
  void Append(Bytes tail);

  Kind kind() const override { return kKind; }
  std::string_view encoding() const override { return "raw"; }
  size_t size() const override { return size_; }
  bool vanishes_when_empty() const override { return false; }
  size_t bytes(size_t) const override {
    return memory::UsableSize(this) + memory::UsableSize(data_);
  }
  size_t free_effort() const override { return 1; }
  std::unique_ptr<Object> Clone() const override { return std::make_unique<StringBuffer>(text()); }

 private:
  void Reserve(size_t size);

  char* data_;
  size_t size_;
  size_t capacity_;
};

}  // namespace mantis
