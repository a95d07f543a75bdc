// Changing a part of a string value inside Database::Mutate: in place where the string is large, as
// a new blob where it is small.
//
// Thread safety: as CommandContext: one command, one core.
// Complexity: O(bytes patched) for a large string, once it has become a string buffer; O(size) for
// one of up to StringBuffer::kBlobMax bytes, and for the first change of a large one.
#pragma once

#include <algorithm>
#include <concepts>
#include <memory>

#include "server/commands/args.h"
#include "server/core/core_context.h"

namespace mantis::server {

// Longest string that a command may make. A blob's size has 31 bits, and a field may end a few
// bytes beyond its offset.
inline size_t StringBytesMax(const CommandContext& c) {
  constexpr int64_t kBlobBytesMax = (int64_t{1} << 31) - 64;
  return static_cast<size_t>(std::min(c.core.settings().proto_max_bulk_len, kBlobBytesMax));
}

// True if so many bytes are too much to be copied or looked at on an event loop. A kibibyte counts
// as a step: that is 0.1 to 0.3 us too.
inline bool TooLongBytes(const CommandContext& c, size_t bytes) { return TooLong(c, bytes / 1024); }

// The bytes of the string (or absent key) that a mutation is shown.
inline Bytes TextOf(const Current& now, std::span<char, 24> digits) {
  return now.exists() ? StringRef(now.value).Text(digits) : Bytes{};
}

inline StringBuffer* BufferOf(const Current& now) {
  return now.value.kind() == Kind::kStringBuffer ? static_cast<StringBuffer*>(ObjectOf(now.value))
                                                 : nullptr;
}

// The update that makes the string that `now` holds `size` bytes long, with zeros at its end, and
// applies `patch(char* data) -> bool`, which says whether it changed any byte. `now` holds a string
// of at most `size` bytes, or nothing. May answer Keep(Status::kTooLong).
template <std::invocable<char*> Patch>
Update PatchString(const CommandContext& c, const Current& now, size_t size, std::string_view event,
                   Patch&& patch) {
  char digits[24];
  const Bytes text = TextOf(now, std::span<char, 24>(digits));
  StringBuffer* buffer = BufferOf(now);
  const bool grows = size != text.size() || !now.exists();
  const bool moves = buffer == nullptr || size > buffer->capacity();
  if (moves && TooLongBytes(c, text.size())) return Update::Keep(Status::kTooLong);
  if (buffer != nullptr) {
    buffer->Resize(size);
    const bool patched = patch(buffer->data());
    return patched || grows ? Update::InPlace(event) : Update::Keep(Status::kOk);
  }
  Word value;
  bool patched = false;
  if (size > StringBuffer::kBlobMax) {
    auto fresh = std::make_unique<StringBuffer>(text, size);
    patched = patch(fresh->data());
    value = fresh.release()->ToWord();
  } else {
    Blob* blob = Blob::CreateModified(size);
    if (!text.empty()) std::memcpy(blob->data(), text.data(), text.size());
    std::memset(blob->data() + text.size(), 0, size - text.size());
    patched = patch(blob->data());
    value = Word::Pointer(Kind::kString, blob);
  }
  if (patched || grows) return Update::Set(value, now.deadline_ms, event);
  FreeUnpublished(value);
  return Update::Keep(Status::kOk);
}

// The update that applies `edit(StringBuffer&) -> bool`, which says whether it changed anything, to
// the string that `now` holds; for edits that find out the new length on their way.
template <std::invocable<StringBuffer&> Edit>
Update EditWhole(const Current& now, std::string_view event, Edit&& edit) {
  if (StringBuffer* buffer = BufferOf(now); buffer != nullptr) {
    return edit(*buffer) ? Update::InPlace(event) : Update::Keep(Status::kOk);
  }
  char digits[24];
  auto fresh = std::make_unique<StringBuffer>(TextOf(now, std::span<char, 24>(digits)));
  if (!edit(*fresh)) return Update::Keep(Status::kOk);
  if (fresh->size() > StringBuffer::kBlobMax) {
    return Update::Set(fresh.release()->ToWord(), now.deadline_ms, event);
  }
  Blob* blob = Blob::CreateModified(fresh->size());
  std::memcpy(blob->data(), fresh->data(), fresh->size());
  return Update::Set(Word::Pointer(Kind::kString, blob), now.deadline_ms, event);
}

}  // namespace mantis::server
