// A string that is being changed in place: what APPEND, SETRANGE, SETBIT and their kin turn a large
// string into, so that each change costs what it changes and not the whole string.
//
// Thread safety and ownership: see object.h.
// Invariant: size() <= capacity(). Bytes between the two are unspecified.
// Complexity: growing costs O(bytes added), amortised; the bytes that a growth by zeros adds are
// not even touched where the system hands out zeroed pages.
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

  explicit StringBuffer(Bytes text) : StringBuffer(text, text.size()) {}
  // With zero bytes after the text, up to `size`, which is no less than the text's.
  StringBuffer(Bytes text, size_t size);
  ~StringBuffer() override { memory::Free(data_); }

  Bytes text() const { return {data_, size_}; }
  char* data() { return data_; }
  // Up to this size growing moves nothing.
  size_t capacity() const { return capacity_; }
  // Grows with zero bytes, or cuts off.
  void Resize(size_t size);
  // Becomes a copy of `text`, with no room to spare. Neither text is a part of this string.
  void Assign(Bytes text);
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
  // Moves the text to where there is room for `size` bytes and more. Zeroed: all after the text is
  // 0.
  void Move(size_t size, bool zeroed);

  char* data_;
  size_t size_;
  size_t capacity_;
};

}  // namespace mantis
