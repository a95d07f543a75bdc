#include "engine/persist/rdb_legacy.h"

#include <charconv>
#include <cstring>

namespace mantis::persist {
namespace {

template <class T>
T Load(Bytes raw, size_t at) {
  T v;
  std::memcpy(&v, raw.data() + at, sizeof(T));
  return v;
}

bool VisitNumber(int64_t v, const VisitElement& visit) {
  char digits[24];
  const auto r = std::to_chars(digits, digits + sizeof(digits), v);
  return visit({digits, static_cast<size_t>(r.ptr - digits)});
}

// A ziplist: total bytes (u32) | offset of the last entry (u32) | entries (u16, 65535: unknown) |
// entries | 0xff. An entry: length of the one before (1 byte, or 0xfe and a u32) | encoding |
// content.
class ZiplistReader {
 public:
  ZiplistReader(Bytes raw, const VisitElement& visit) : raw_(raw), visit_(visit) {}

  bool Run() {
    if (raw_.size() < kHeaderBytes + 1 || Load<uint32_t>(raw_, 0) != raw_.size() ||
        ByteAt(raw_.size() - 1) != kEnd) {
      return false;
    }
    end_ = raw_.size() - 1;
    size_t entries = 0;
    size_t last = kHeaderBytes;
    size_t previous_size = 0;
    for (at_ = kHeaderBytes; at_ < end_;) {
      last = at_;
      if (!Entry(previous_size)) return false;
      previous_size = at_ - last;
      ++entries;
    }
    const auto stated = Load<uint16_t>(raw_, 8);
    return at_ == end_ && Load<uint32_t>(raw_, 4) == last &&
           (stated == kCountUnknown || stated == entries);
  }

 private:
  static constexpr size_t kHeaderBytes = 10;
  static constexpr uint8_t kEnd = 0xff;
  static constexpr uint8_t kLongPrevious = 0xfe;
  static constexpr uint16_t kCountUnknown = 65535;

  uint8_t ByteAt(size_t at) const { return static_cast<uint8_t>(raw_[at]); }
  bool Has(size_t n) const { return n <= end_ - at_; }

  bool Entry(size_t previous_size) {
    uint64_t stated = ByteAt(at_);
    ++at_;
    if (stated == kLongPrevious) {
      if (!Has(4)) return false;
      stated = Load<uint32_t>(raw_, at_);
      at_ += 4;
    }
    if (stated != previous_size || !Has(1)) return false;
    const uint8_t encoding = ByteAt(at_);
    return encoding < 0xc0 ? Text(encoding) : Number(encoding);
  }

  bool Text(uint8_t encoding) {
    uint64_t size = encoding & 0x3f;
    size_t header = 1;
    if (encoding >= 0x80) {
      header = 5;
      if (!Has(header)) return false;
      size = __builtin_bswap32(Load<uint32_t>(raw_, at_ + 1));
    } else if (encoding >= 0x40) {
      header = 2;
      if (!Has(header)) return false;
      size = size << 8 | ByteAt(at_ + 1);
    }
    at_ += header;
    if (!Has(size)) return false;
    const Bytes text = raw_.substr(at_, size);
    at_ += size;
    return visit_(text);
  }

  bool Number(uint8_t encoding) {
    ++at_;
    switch (encoding) {
      case 0xc0:
        return Integer<int16_t>();
      case 0xd0:
        return Integer<int32_t>();
      case 0xe0:
        return Integer<int64_t>();
      case 0xfe:
        return Integer<int8_t>();
      case 0xf0: {
        if (!Has(3)) return false;
        const uint32_t low = Load<uint16_t>(raw_, at_);
        const auto high = static_cast<int8_t>(raw_[at_ + 2]);
        at_ += 3;
        return VisitNumber(int64_t{high} * 65536 + low, visit_);
      }
      default:
        // The number itself is in the encoding: 0 to 12.
        return encoding >= 0xf1 && encoding <= 0xfd && VisitNumber((encoding & 0x0f) - 1, visit_);
    }
  }

  template <class T>
  bool Integer() {
    if (!Has(sizeof(T))) return false;
    const T v = Load<T>(raw_, at_);
    at_ += sizeof(T);
    return VisitNumber(v, visit_);
  }

  Bytes raw_;
  const VisitElement& visit_;
  size_t at_ = 0;
  size_t end_ = 0;  // of the last byte, the end mark
};

// One string of a zipmap: its length (1 byte, or 0xfe and a u32), for a value the number of unused
// bytes behind it, then the bytes.
bool ZipmapText(Bytes* rest, bool is_value, Bytes* out) {
  if (rest->empty()) return false;
  uint64_t size = static_cast<uint8_t>((*rest)[0]);
  rest->remove_prefix(1);
  if (size > 0xfe) return false;
  if (size == 0xfe) {
    if (rest->size() < 4) return false;
    size = Load<uint32_t>(*rest, 0);
    rest->remove_prefix(4);
  }
  uint64_t unused = 0;
  if (is_value) {
    if (rest->empty()) return false;
    unused = static_cast<uint8_t>((*rest)[0]);
    rest->remove_prefix(1);
  }
  if (size + unused > rest->size()) return false;
  *out = rest->substr(0, size);
  rest->remove_prefix(size + unused);
  return true;
}

}  // namespace

bool ReadZiplist(Bytes raw, const VisitElement& visit) { return ZiplistReader(raw, visit).Run(); }

bool ReadZipmap(Bytes raw, const VisitElement& visit) {
  constexpr uint8_t kEnd = 0xff;
  constexpr uint8_t kCountUnknown = 0xfe;
  if (raw.size() < 2 || static_cast<uint8_t>(raw.back()) != kEnd) return false;
  const auto stated = static_cast<uint8_t>(raw[0]);
  Bytes rest = raw.substr(1, raw.size() - 2);
  size_t pairs = 0;
  for (; !rest.empty(); ++pairs) {
    Bytes field;
    Bytes value;
    if (!ZipmapText(&rest, false, &field) || !ZipmapText(&rest, true, &value) || !visit(field) ||
        !visit(value)) {
      return false;
    }
  }
  return stated >= kCountUnknown || stated == pairs;
}

}  // namespace mantis::persist
