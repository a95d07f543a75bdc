#include "engine/value/hyperloglog_sparse.h"

#include <cstring>

namespace mantis::hyperloglog {
namespace {

// A few runs being written one after the other.
class RunWriter {
 public:
  void Zeros(unsigned length) {
    if (length == 0) return;
    if (length <= Run::kShortMax) {
      bytes_[size_++] = static_cast<char>(length - 1);
      return;
    }
    bytes_[size_++] = static_cast<char>(0x40 | (length - 1) >> 8);
    bytes_[size_++] = static_cast<char>((length - 1) & 0xff);
  }
  void Value(unsigned value, unsigned length) {
    if (length != 0) bytes_[size_++] = Run::EncodedValue(value, length);
  }
  Bytes text() const { return {bytes_, size_}; }

 private:
  // At most zeros, a value, zeros.
  char bytes_[5];
  size_t size_ = 0;
};

// Replaces `old_bytes` bytes at `at`.
void Splice(StringBuffer& value, size_t at, size_t old_bytes, Bytes fresh) {
  const size_t size = value.size();
  const size_t rest = at + old_bytes;
  if (fresh.size() > old_bytes) value.Resize(size + fresh.size() - old_bytes);
  std::memmove(value.data() + at + fresh.size(), value.data() + rest, size - rest);
  if (fresh.size() < old_bytes) value.Resize(size + fresh.size() - old_bytes);
  std::memcpy(value.data() + at, fresh.data(), fresh.size());
}

// Joins neighbouring runs of the same value, as far as a run can hold them, among the five runs
// from `at` on: those that setting one register can have made neighbours.
void JoinRuns(StringBuffer& value, size_t at) {
  constexpr int kRuns = 5;
  for (int i = 0; i < kRuns && at < value.size(); ++i) {
    const auto run = Run::Parse(value.text(), at);
    if (!run) return;
    const size_t next_at = at + run->bytes;
    const auto next = run->value != 0 && next_at < value.size() ? Run::Parse(value.text(), next_at)
                                                                : std::nullopt;
    if (next && next->value == run->value && run->length + next->length <= Run::kValueRunMax) {
      const char joined = Run::EncodedValue(run->value, run->length + next->length);
      Splice(value, at, 2, {&joined, 1});
    } else {
      at = next_at;
    }
  }
}

}  // namespace

Set SetSparse(StringBuffer& value, unsigned index, unsigned rank, size_t sparse_bytes_max) {
  if (rank > Run::kValueMax) return Set::kNoRoom;
  const Bytes text = value.text();
  size_t at = kHeaderBytes;
  size_t previous_at = at;
  unsigned first = 0;
  std::optional<Run> run;
  while (true) {
    if (at >= text.size()) return Set::kDamaged;
    run = Run::Parse(text, at);
    if (!run) return Set::kDamaged;
    if (index < first + run->length) break;
    previous_at = at;
    at += run->bytes;
    first += run->length;
  }
  if (run->value >= rank) return Set::kUnchanged;
  const unsigned before = index - first;
  const unsigned after = run->length - before - 1;
  RunWriter fresh;
  if (run->value == 0) {
    fresh.Zeros(before);
    fresh.Value(rank, 1);
    fresh.Zeros(after);
  } else {
    fresh.Value(run->value, before);
    fresh.Value(rank, 1);
    fresh.Value(run->value, after);
  }
  const size_t size = text.size() - run->bytes + fresh.text().size();
  if (fresh.text().size() > run->bytes && size > sparse_bytes_max) return Set::kNoRoom;
  Splice(value, at, run->bytes, fresh.text());
  JoinRuns(value, previous_at);
  return Set::kChanged;
}

}  // namespace mantis::hyperloglog
