// Reading and writing single entries of the listpack layout (see listpack.h), for everything that
// keeps elements in it: listpacks themselves and the nodes of big lists.
//
// Thread safety and ownership: functions on the caller's bytes. They trust what they read: foreign
// bytes are checked first (Listpack::Parse). All are O(1) but for the copying of an element.
// Invariant: entries that we keep have the least form there is for their element, so that equal
// elements are equal bytes.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

#include "engine/base/bytes.h"
#include "engine/value/value.h"

namespace mantis::listpack {

inline constexpr size_t kHeaderBytes = 6;
inline constexpr uint8_t kTerminator = 0xff;
inline constexpr uint16_t kCountUnknown = 65535;

// First bytes of entries; the rest of the byte is part of the content.
inline constexpr uint8_t kString6 = 0x80;
inline constexpr uint8_t kInt13 = 0xc0;
inline constexpr uint8_t kString12 = 0xe0;
inline constexpr uint8_t kString32 = 0xf0;
inline constexpr uint8_t kInt16 = 0xf1;
inline constexpr uint8_t kInt24 = 0xf2;
inline constexpr uint8_t kInt32 = 0xf3;
inline constexpr uint8_t kInt64 = 0xf4;

template <class T>
T Load(const uint8_t* p) {
  T v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}
template <class T>
void Store(uint8_t* p, T v) {
  std::memcpy(p, &v, sizeof(v));
}

// Bytes that the backwards-readable length `n` of an entry takes. The bounds are Redis's, one less
// than seven bits per byte would allow.
inline size_t BackBytes(size_t n) {
  if (n <= 127) return 1;
  if (n < 16383) return 2;
  if (n < 2097151) return 3;
  return n < 268435455 ? 4 : 5;
}

inline void WriteBack(uint8_t* at, size_t n, size_t bytes) {
  for (size_t i = bytes; i-- > 0; n >>= 7) {
    at[i] = static_cast<uint8_t>((n & 127) | (i == 0 ? 0 : 128));
  }
}

// The length that ends in the byte before `end`, and the bytes that itself takes.
struct BackLength {
  size_t entry;
  size_t bytes;
};
inline BackLength ReadBack(const uint8_t* end) {
  const uint8_t* p = end - 1;
  size_t n = *p & 127;
  for (unsigned shift = 7; (*p & 128) != 0; shift += 7)
    n |= static_cast<size_t>(*--p & 127) << shift;
  return {n, static_cast<size_t>(end - p)};
}

// Bytes of the entry at `p` without the length behind it.
inline size_t ContentBytes(const uint8_t* p) {
  const uint8_t b = *p;
  if (b < kString6) return 1;
  if (b < kInt13) return 1 + size_t{b & 63u};
  if (b < kString12) return 2;
  if (b < kString32) return 2 + ((size_t{b & 15u} << 8) | p[1]);
  switch (b) {
    case kString32:
      return 5 + size_t{Load<uint32_t>(p + 1)};
    case kInt16:
      return 3;
    case kInt24:
      return 4;
    case kInt32:
      return 5;
    default:
      return 9;
  }
}

inline size_t EntryBytes(const uint8_t* p) {
  const size_t content = ContentBytes(p);
  return content + BackBytes(content);
}
inline const uint8_t* Next(const uint8_t* p) { return p + EntryBytes(p); }
// The entry that ends where the entry (or terminator) at `p` begins.
inline const uint8_t* Previous(const uint8_t* p) {
  const BackLength back = ReadBack(p);
  return p - back.bytes - back.entry;
}

inline bool IsString(const uint8_t* p) {
  return (*p & 0xc0) == kString6 || (*p & 0xf0) == kString12 || *p == kString32;
}
inline Bytes StringAt(const uint8_t* p) {
  const size_t head = *p < kInt13 ? 1 : (*p < kString32 ? 2 : 5);
  return {reinterpret_cast<const char*>(p) + head, ContentBytes(p) - head};
}
inline int64_t IntegerAt(const uint8_t* p) {
  if (*p < kString6) return *p;
  switch (*p) {
    case kInt16:
      return Load<int16_t>(p + 1);
    case kInt24:
      // The sign comes with the shift back.
      return static_cast<int32_t>((uint32_t{p[1]} << 8) | (uint32_t{p[2]} << 16) |
                                  (uint32_t{p[3]} << 24)) >>
             8;
    case kInt32:
      return Load<int32_t>(p + 1);
    case kInt64:
      return Load<int64_t>(p + 1);
    default:
      return static_cast<int16_t>(((*p & 31) << 11) | (p[1] << 3)) >> 3;
  }
}

// An element as it is going to be written.
class Encoded {
 public:
  explicit Encoded(Bytes text) {
    // Most strings show by their first byte that they are no number.
    const bool may_be_integer = !text.empty() && text.size() <= 20 &&
                                (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
    if (may_be_integer) {
      if (const auto v = ParseCanonicalInteger(text)) {
        SetInteger(*v);
        return;
      }
    }
    SetString(text);
  }
  explicit Encoded(int64_t integer) { SetInteger(integer); }

  // All bytes of the entry, the length behind it included.
  size_t bytes() const { return content_ + back_; }
  void Write(uint8_t* at) const {
    std::memcpy(at, head_.data(), head_bytes_);
    if (!body_.empty()) std::memcpy(at + head_bytes_, body_.data(), body_.size());
    WriteBack(at + content_, content_, back_);
  }

  // Whether the entry at `p`, in its least form, is this element.
  bool Matches(const uint8_t* p) const {
    // The first byte tells how many more to compare.
    if (*p != head_[0] || std::memcmp(p, head_.data(), head_bytes_) != 0) return false;
    return body_.empty() || std::memcmp(p + head_bytes_, body_.data(), body_.size()) == 0;
  }

 private:
  void Finish(size_t head_bytes) {
    head_bytes_ = head_bytes;
    content_ = head_bytes + body_.size();
    back_ = BackBytes(content_);
  }
  void SetString(Bytes text) {
    const size_t n = text.size();
    body_ = text;
    if (n < 64) {
      head_[0] = static_cast<uint8_t>(kString6 | n);
      Finish(1);
    } else if (n < 4096) {
      head_[0] = static_cast<uint8_t>(kString12 | (n >> 8));
      head_[1] = static_cast<uint8_t>(n);
      Finish(2);
    } else {
      head_[0] = kString32;
      Store(head_.data() + 1, static_cast<uint32_t>(n));
      Finish(5);
    }
  }
  void SetInteger(int64_t v) {
    const auto bits = static_cast<uint64_t>(v);
    if (v >= 0 && v <= 127) {
      head_[0] = static_cast<uint8_t>(v);
      Finish(1);
    } else if (v >= -4096 && v <= 4095) {
      head_[0] = static_cast<uint8_t>(kInt13 | ((bits >> 8) & 31));
      head_[1] = static_cast<uint8_t>(bits);
      Finish(2);
    } else {
      const bool wide = v < INT32_MIN || v > INT32_MAX;
      const size_t n = v >= INT16_MIN && v <= INT16_MAX   ? 2
                       : v >= -(1 << 23) && v < (1 << 23) ? 3
                                                          : (wide ? 8 : 4);
      head_[0] = static_cast<uint8_t>(wide ? kInt64 : kInt16 + (n - 2));
      Store(head_.data() + 1, bits);
      Finish(1 + n);
    }
  }

  std::array<uint8_t, 9> head_;
  size_t head_bytes_;
  Bytes body_;
  size_t content_;
  size_t back_;
};

// What foreign bytes hold, if they are well-formed entries and nothing else.
struct Survey {
  size_t count = 0;
  bool least = true;  // each entry has the form that Encoded gives it
};
std::optional<Survey> SurveyEntries(const uint8_t* p, size_t bytes);

}  // namespace mantis::listpack
