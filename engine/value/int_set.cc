#include "engine/value/int_set.h"

#include <algorithm>
#include <bit>

namespace mantis {

static_assert(std::endian::native == std::endian::little, "the layout is that of Redis");

IntSet IntSet::Clone() const {
  if (empty()) return {};
  auto* copy = static_cast<uint8_t*>(memory::Allocate(total()));
  std::memcpy(copy, data_, total());
  return IntSet(copy);
}

std::optional<IntSet> IntSet::Parse(Bytes raw) {
  if (raw.size() < kHeaderBytes) return std::nullopt;
  const auto* p = reinterpret_cast<const uint8_t*>(raw.data());
  const size_t width = Load<uint32_t>(p);
  const size_t size = Load<uint32_t>(p + kSizeAt);
  if (width != 2 && width != 4 && width != 8) return std::nullopt;
  if (size > kSizeMax || raw.size() != kHeaderBytes + size * width) return std::nullopt;
  if (size == 0) return IntSet();
  auto* copy = static_cast<uint8_t*>(memory::Allocate(raw.size()));
  std::memcpy(copy, p, raw.size());
  IntSet parsed(copy);
  for (size_t i = 1; i < size; ++i) {
    if (parsed.ValueAt(width, i - 1) >= parsed.ValueAt(width, i)) return std::nullopt;
  }
  return parsed;
}

template <class T>
size_t IntSet::LowerBoundOf(int64_t value) const {
  const uint8_t* values = data_ + kHeaderBytes;
  size_t first = 0;
  for (size_t n = size(); n > 0;) {
    const size_t half = n / 2;
    const bool less = Load<T>(values + (first + half) * sizeof(T)) < value;
    first = less ? first + half + 1 : first;
    n = less ? n - half - 1 : half;
  }
  return first;
}

size_t IntSet::LowerBound(int64_t value) const {
  const size_t w = width();
  if (w == sizeof(int16_t)) return LowerBoundOf<int16_t>(value);
  return w == sizeof(int32_t) ? LowerBoundOf<int32_t>(value) : LowerBoundOf<int64_t>(value);
}

bool IntSet::Contains(int64_t value) const {
  if (WidthOf(value) > width()) return false;
  const size_t at = LowerBound(value);
  return at < size() && At(at) == value;
}

void IntSet::Put(size_t width, size_t i, int64_t value) {
  // Of a little-endian number the low bytes come first.
  std::memcpy(data_ + kHeaderBytes + i * width, &value, width);
}

void IntSet::Resize(size_t width, size_t size) {
  const size_t need = kHeaderBytes + width * size;
  const size_t have = allocated_bytes();
  // A buffer stays while it is the one the allocator would choose, or not much bigger.
  if (need > have || (need < have / 4 * 3 && memory::UsableSizeFor(need) < have)) {
    auto* fresh = static_cast<uint8_t*>(memory::Allocate(need));
    std::memcpy(fresh, data_, std::min(need, total()));
    Free();
    data_ = fresh;
  }
  const uint32_t header[2] = {static_cast<uint32_t>(width), static_cast<uint32_t>(size)};
  std::memcpy(data_, header, sizeof header);
}

bool IntSet::Insert(int64_t value) {
  const size_t n = size();
  const size_t old_width = width();
  const size_t wider = WidthOf(value);
  if (wider > old_width) {
    // It lies outside the range of all others: in front of them or behind them.
    Resize(wider, n + 1);
    const size_t shift = value < 0 ? 1 : 0;
    for (size_t i = n; i-- > 0;) Put(wider, i + shift, ValueAt(old_width, i));
    Put(wider, value < 0 ? 0 : n, value);
    return true;
  }
  const size_t at = LowerBound(value);
  if (at < n && At(at) == value) return false;
  Resize(old_width, n + 1);
  uint8_t* place = data_ + kHeaderBytes + at * old_width;
  std::memmove(place + old_width, place, (n - at) * old_width);
  Put(old_width, at, value);
  return true;
}

bool IntSet::Erase(int64_t value) {
  if (WidthOf(value) > width()) return false;
  const size_t at = LowerBound(value);
  if (at == size() || At(at) != value) return false;
  EraseAt(at);
  return true;
}

void IntSet::EraseAt(size_t i) {
  const size_t n = size();
  const size_t w = width();
  if (n == 1) {
    *this = IntSet();
    return;
  }
  uint8_t* place = data_ + kHeaderBytes + i * w;
  std::memmove(place, place + w, (n - 1 - i) * w);
  Resize(w, n - 1);
}

}  // namespace mantis
