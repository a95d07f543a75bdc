#include "engine/value/value.h"

#include "engine/keyspace/lazy_free.h"
#include "engine/reclaim/rcu.h"

namespace mantis {

std::string_view TypeName(ValueType type) {
  switch (type) {
    case ValueType::kString:
      return "string";
    case ValueType::kList:
      return "list";
    case ValueType::kSet:
      return "set";
    case ValueType::kSortedSet:
      return "zset";
    case ValueType::kHash:
      return "hash";
    case ValueType::kStream:
      return "stream";
    case ValueType::kNone:
      break;
  }
  return "none";
}

size_t StringRef::size() const {
  if (is_buffer()) return buffer()->size();
  if (!is_integer()) return value_.pointer<Blob>()->size();
  char digits[24];
  return Text(std::span<char, 24>(digits)).size();
}

std::optional<int64_t> ParseCanonicalInteger(Bytes text) {
  if (text.empty() || text.size() > 20) return std::nullopt;
  const size_t digits_at = text[0] == '-' ? 1 : 0;
  if (digits_at == text.size()) return std::nullopt;
  // Most texts are told by that.
  if (text[digits_at] < '0' || text[digits_at] > '9') return std::nullopt;
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
  if (value.is_object()) {
    delete ObjectOf(value);
  } else if (value.kind() == Kind::kString) {
    value.pointer<Blob>()->Unref();
  }
}

namespace {

void RetireObject(Object* object, const std::shared_ptr<LazyFree>& lazy) {
  // Once out of the keyspace it stays as it is, so the lock is not needed to look at it; the one
  // who replaced the word had it.
  if (object->free_effort() <= LazyFree::kEffort) {
    reclaim::Retire(
        object, [](void* p) { delete static_cast<Object*>(p); }, object->bytes(1));
    return;
  }
  struct Handover {
    std::shared_ptr<LazyFree> lazy;
    Object* object;
    size_t bytes;
  };
  const size_t bytes = object->bytes(1);
  lazy->Announce(static_cast<int64_t>(bytes));
  reclaim::Retire(
      new Handover{lazy, object, bytes},
      [](void* p) {
        auto* h = static_cast<Handover*>(p);
        h->lazy->Take(std::unique_ptr<Object>(h->object), static_cast<int64_t>(h->bytes));
        delete h;
      },
      bytes);
}

}  // namespace

void RetireWord(Word w, bool keep_inner, const std::shared_ptr<LazyFree>& lazy) {
  if (w.kind() == Kind::kBox) {
    Box* box = w.pointer<Box>();
    if (!keep_inner) RetireWord(box->value, false, lazy);
    reclaim::Retire(
        box, [](void* p) { memory::Free(p); }, sizeof(Box));
    return;
  }
  if (keep_inner) return;
  if (w.is_object()) {
    RetireObject(ObjectOf(w), lazy);
  } else if (w.kind() == Kind::kString) {
    Blob* blob = w.pointer<Blob>();
    reclaim::Retire(
        blob, [](void* p) { static_cast<Blob*>(p)->Unref(); }, blob->allocated_bytes());
  }
}

size_t WordBytes(Word w, size_t samples) {
  if (w.kind() == Kind::kBox) {
    const Box* box = w.pointer<Box>();
    return memory::UsableSize(box) + WordBytes(box->value, samples);
  }
  if (w.is_object()) return ObjectOf(w)->bytes(samples);
  return w.kind() == Kind::kString ? memory::UsableSize(w.pointer<Blob>()) : 0;
}

}  // namespace mantis
