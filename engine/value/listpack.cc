#include "engine/value/listpack.h"

#include <algorithm>

#include "engine/base/memory.h"

namespace mantis {
namespace listpack {
namespace {

// The content of the entry at `p`, of which `left` bytes may be looked at; 0 if it is none.
size_t CheckedContent(const uint8_t* p, size_t left) {
  const uint8_t b = *p;
  if (b > kInt64) return 0;
  const size_t head = b == kString32 ? 5 : (b >= kInt13 && b < kString32 ? 2 : 1);
  return left < head ? 0 : ContentBytes(p);
}

}  // namespace

std::optional<Survey> SurveyEntries(const uint8_t* p, size_t bytes) {
  Survey found;
  while (bytes != 0) {
    const size_t content = CheckedContent(p, bytes);
    if (content == 0 || content > bytes) return std::nullopt;
    const size_t back = BackBytes(content);
    if (back > bytes - content) return std::nullopt;
    std::array<uint8_t, 5> wanted;
    WriteBack(wanted.data(), content, back);
    if (std::memcmp(wanted.data(), p + content, back) != 0) return std::nullopt;
    const Encoded least = IsString(p) ? Encoded(StringAt(p)) : Encoded(IntegerAt(p));
    if (!least.Matches(p)) found.least = false;
    p += content + back;
    bytes -= content + back;
    ++found.count;
  }
  return found;
}

}  // namespace listpack

using listpack::Load;
using listpack::Store;

bool Listpack::Item::operator==(Bytes other) const {
  if (!is_integer) return text == other;
  const auto v = ParseCanonicalInteger(other);
  return v.has_value() && *v == integer;
}

void Listpack::Free() {
  if (data_ != kNothing) memory::Free(data_);
}

Listpack Listpack::Clone() const {
  if (empty()) return {};
  auto* copy = static_cast<uint8_t*>(memory::Allocate(total()));
  std::memcpy(copy, data_, total());
  return Listpack(copy);
}

std::optional<Listpack> Listpack::Parse(Bytes raw) {
  if (raw.size() < kEmptyBytes || raw.size() > kBytesMax) return std::nullopt;
  const auto* p = reinterpret_cast<const uint8_t*>(raw.data());
  if (Load<uint32_t>(p) != raw.size() || p[raw.size() - 1] != listpack::kTerminator) {
    return std::nullopt;
  }
  const auto found = listpack::SurveyEntries(p + kFirst, raw.size() - kEmptyBytes);
  const size_t said = Load<uint16_t>(p + kCountAt);
  if (!found || (said != listpack::kCountUnknown && said != found->count)) return std::nullopt;
  if (found->count == 0) return Listpack();
  auto* copy = static_cast<uint8_t*>(memory::Allocate(raw.size()));
  std::memcpy(copy, p, raw.size());
  Listpack parsed(copy);
  return found->least ? std::move(parsed) : parsed.Reencoded();
}

Listpack Listpack::Reencoded() const {
  Listpack fresh;
  for (const uint8_t* p = data_ + kFirst; *p != listpack::kTerminator; p = listpack::Next(p)) {
    listpack::IsString(p) ? fresh.Append(listpack::StringAt(p))
                          : fresh.Append(listpack::IntegerAt(p));
  }
  return fresh;
}

size_t Listpack::allocated_bytes() const {
  return data_ == kNothing ? 0 : memory::UsableSize(data_);
}

size_t Listpack::Count() const {
  size_t n = 0;
  for (const uint8_t* p = data_ + kFirst; *p != listpack::kTerminator; p = listpack::Next(p)) ++n;
  if (n < listpack::kCountUnknown) Store(data_ + kCountAt, static_cast<uint16_t>(n));
  return n;
}

void Listpack::SetCount(size_t n) {
  const size_t said = std::min<size_t>(n, listpack::kCountUnknown);
  Store(data_ + kCountAt, static_cast<uint16_t>(said));
}

void Listpack::AddCount(int64_t n) {
  const int64_t said = Load<uint16_t>(data_ + kCountAt);
  if (said != listpack::kCountUnknown) SetCount(static_cast<size_t>(said + n));
}

Listpack::Pos Listpack::At(int64_t index) const {
  const auto n = static_cast<int64_t>(size());
  if (index < 0) index += n;
  if (index < 0 || index >= n) return kEnd;
  if (index <= n / 2) {
    const uint8_t* p = data_ + kFirst;
    while (index-- > 0) p = listpack::Next(p);
    return PosOf(p);
  }
  const uint8_t* p = data_ + total() - 1;
  for (index = n - index; index > 0; --index) p = listpack::Previous(p);
  return PosOf(p);
}

Listpack::Pos Listpack::Find(Bytes text, Pos from, size_t skip) const {
  if (from == kEnd) return kEnd;
  const Encoded needle(text);
  size_t pass = 0;
  for (const uint8_t* p = data_ + from; *p != listpack::kTerminator; p = listpack::Next(p)) {
    if (pass-- != 0) continue;
    if (needle.Matches(p)) return PosOf(p);
    pass = skip;
  }
  return kEnd;
}

uint8_t* Listpack::MakeRoom(Pos at, size_t old, size_t fresh) {
  const size_t before = total();
  const size_t after = before - old + fresh;
  const size_t usable = allocated_bytes();
  // A buffer stays while it is the one the allocator would choose, or not much bigger.
  if (after <= usable && after >= usable / 2 + usable / 4) {
    if (old != fresh) std::memmove(data_ + at + fresh, data_ + at + old, before - at - old);
  } else {
    auto* moved = static_cast<uint8_t*>(memory::Allocate(after));
    std::memcpy(moved, data_, at);
    std::memcpy(moved + at + fresh, data_ + at + old, before - at - old);
    Free();
    data_ = moved;
  }
  Store(data_, static_cast<uint32_t>(after));
  return data_ + at;
}

Listpack::Pos Listpack::InsertEncoded(Pos before, const Encoded& element) {
  const Pos at = before == kEnd ? static_cast<Pos>(total() - 1) : before;
  element.Write(MakeRoom(at, 0, element.bytes()));
  AddCount(1);
  return at;
}

Listpack::Pos Listpack::ReplaceEncoded(Pos p, const Encoded& element) {
  element.Write(MakeRoom(p, listpack::EntryBytes(data_ + p), element.bytes()));
  return p;
}

void Listpack::Append(Bytes text) { InsertEncoded(kEnd, Encoded(text)); }
void Listpack::Append(int64_t integer) { InsertEncoded(kEnd, Encoded(integer)); }
void Listpack::Prepend(Bytes text) { InsertEncoded(kFirst, Encoded(text)); }
Listpack::Pos Listpack::Insert(Pos before, Bytes text) {
  return InsertEncoded(before, Encoded(text));
}
Listpack::Pos Listpack::Insert(Pos before, int64_t integer) {
  return InsertEncoded(before, Encoded(integer));
}
Listpack::Pos Listpack::Replace(Pos p, Bytes text) { return ReplaceEncoded(p, Encoded(text)); }
Listpack::Pos Listpack::Replace(Pos p, int64_t integer) {
  return ReplaceEncoded(p, Encoded(integer));
}

Listpack::Pos Listpack::Erase(Pos p, size_t count) {
  if (count == 0) return p;
  const uint8_t* end = data_ + p;
  size_t erased = 0;
  for (; erased < count && *end != listpack::kTerminator; ++erased) end = listpack::Next(end);
  const bool last = *end == listpack::kTerminator;
  if (last && p == kFirst) {
    Clear();
    return kEnd;
  }
  MakeRoom(p, static_cast<size_t>(end - (data_ + p)), 0);
  AddCount(-static_cast<int64_t>(erased));
  return last ? kEnd : p;
}

void Listpack::Clear() {
  Free();
  data_ = const_cast<uint8_t*>(kNothing);
}

void Listpack::Append(const Listpack& other) {
  if (other.empty()) return;
  const size_t n = size() + other.size();
  const size_t body = other.total() - kEmptyBytes;
  std::memcpy(MakeRoom(static_cast<Pos>(total() - 1), 0, body), other.data_ + kFirst, body);
  SetCount(n);
}

}  // namespace mantis
