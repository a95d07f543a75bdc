#include "engine/value/value.h"

#include "engine/reclaim/rcu.h"

namespace mantis {

size_t StringRef::size() const {
  if (!is_integer()) return value_.pointer<Blob>()->size();
  char digits[24];
  return Text(std::span<char, 24>(digits)).size();
}

std::optional<int64_t> ParseCanonicalInteger(Bytes text) {
  if (text.empty() || text.size() > 20) return std::nullopt;
  const size_t digits_at = text[0] == '-' ? 1 : 0;
  if (digits_at == text.size()) return std::nullopt;
  // "0" is canonical, "-0", "007" and "-07" are not.
  if (text[digits_at] == '0' && text.size() > 1) return std::nullopt;
  int64_t v = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), v);
  if (r.ec != std::errc{} || r.ptr != text.data() + text.size()) return std::nullopt;
  return v;
}

Word MakeInteger(int64_t v, Word previous) {
  if (Word::FitsInt(v)) {
    // Where there is no integer to count on from, any number that is unlikely to repeat soon.
    thread_local uint64_t next = reinterpret_cast<uintptr_t>(&next) >> 4;
    const uint64_t sequence = previous.kind() == Kind::kInt ? previous.sequence() + 1 : next++;
    return Word::Int(v, sequence);
  }
  char digits[24];
  const auto r = std::to_chars(digits, digits + sizeof(digits), v);
  const Bytes text{digits, static_cast<size_t>(r.ptr - digits)};
  return Word::Pointer(Kind::kString, Blob::Create(text));
}

Word MakeString(Bytes text, Word previous) {
  // Longest inline integer: twelve digits and a sign.
  if (text.size() <= 13) {
    const auto v = ParseCanonicalInteger(text);
    if (v && Word::FitsInt(*v)) return MakeInteger(*v, previous);
  }
  return Word::Pointer(Kind::kString, Blob::Create(text));
}

void FreeUnpublished(Word value) {
  if (value.kind() == Kind::kString) value.pointer<Blob>()->Unref();
}

void RetireWord(Word w, bool keep_inner) {
  if (w.kind() == Kind::kBox) {
    Box* box = w.pointer<Box>();
    if (!keep_inner) RetireWord(box->value, false);
    reclaim::Retire(
        box, [](void* p) { memory::Free(p); }, sizeof(Box));
    return;
  }
  if (keep_inner) return;
  if (w.kind() == Kind::kString) {
    Blob* blob = w.pointer<Blob>();
    reclaim::Retire(
        blob, [](void* p) { static_cast<Blob*>(p)->Unref(); }, blob->allocated_bytes());
  }
}

size_t WordBytes(Word w) {
  if (w.kind() == Kind::kBox) {
    const Box* box = w.pointer<Box>();
    return memory::UsableSize(box) + WordBytes(box->value);
  }
  return w.kind() == Kind::kString ? memory::UsableSize(w.pointer<Blob>()) : 0;
}

}  // namespace mantis
