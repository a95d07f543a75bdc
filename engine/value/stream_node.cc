#include "engine/value/stream_node.h"

#include <algorithm>

namespace mantis {
namespace {

constexpr int64_t kDeleted = 1;
constexpr int64_t kSameFields = 2;
// Flags, two deltas; the count itself does not count.
constexpr int64_t kFixedElements = 3;

// Walks foreign elements that are well-formed one by one, but need not be a stream's node.
class Checker {
 public:
  explicit Checker(const Listpack& pack) : pack_(pack), at_(pack.First()) {}

  bool done() const { return at_ == Listpack::kEnd; }
  size_t read() const { return read_; }
  bool Integer(int64_t* out) {
    if (done()) return false;
    const Listpack::Item item = pack_.Get(at_);
    *out = item.integer;
    Step();
    return item.is_integer;
  }
  // A number of elements that cannot be more than there are.
  bool Count(int64_t* out) {
    return Integer(out) && *out >= 0 && static_cast<uint64_t>(*out) <= pack_.total();
  }
  bool Skip(int64_t n) {
    for (; n > 0 && !done(); --n) Step();
    return n == 0;
  }

 private:
  void Step() {
    at_ = pack_.Next(at_);
    ++read_;
  }

  const Listpack& pack_;
  Listpack::Pos at_;
  size_t read_ = 0;
};

struct CheckedEntry {
  StreamId id;
  bool deleted = false;
};

bool CheckEntry(Checker& checker, StreamId base, int64_t master_fields, CheckedEntry* out) {
  const size_t begin = checker.read();
  int64_t flags = 0;
  int64_t ms = 0;
  int64_t seq = 0;
  int64_t fields = master_fields;
  int64_t count = 0;
  if (!checker.Integer(&flags) || !checker.Integer(&ms) || !checker.Integer(&seq)) return false;
  if ((flags & ~(kDeleted | kSameFields)) != 0) return false;
  const bool same = (flags & kSameFields) != 0;
  if (!same && !checker.Count(&fields)) return false;
  if (!checker.Skip(same ? fields : 2 * fields)) return false;
  const auto elements = static_cast<int64_t>(checker.read() - begin);
  *out = {{base.ms + static_cast<uint64_t>(ms), base.seq + static_cast<uint64_t>(seq)},
          (flags & kDeleted) != 0};
  return checker.Integer(&count) && count == elements;
}

bool CheckNode(const Listpack& pack, StreamId base) {
  Checker checker(pack);
  int64_t live = 0;
  int64_t deleted = 0;
  int64_t fields = 0;
  int64_t zero = 0;
  if (!checker.Count(&live) || !checker.Count(&deleted) || !checker.Count(&fields)) return false;
  if (!checker.Skip(fields) || !checker.Integer(&zero) || zero != 0) return false;
  StreamId least = base;
  bool full = false;  // an entry has the greatest id there is
  while (!checker.done()) {
    CheckedEntry entry;
    if (!CheckEntry(checker, base, fields, &entry)) return false;
    --(entry.deleted ? deleted : live);
    if (entry.deleted) continue;
    if (full || entry.id < least) return false;
    least = entry.id;
    full = !least.Increment();
  }
  return live == 0 && deleted == 0;
}

}  // namespace

StreamNode::StreamNode(std::span<const Bytes> pairs) {
  pack_.Append(0);
  pack_.Append(0);
  pack_.Append(static_cast<int64_t>(pairs.size() / 2));
  for (size_t i = 0; i < pairs.size(); i += 2) pack_.Append(pairs[i]);
  pack_.Append(0);
}

std::optional<StreamNode> StreamNode::Parse(StreamId base, Bytes raw) {
  auto pack = Listpack::Parse(raw);
  if (!pack || !CheckNode(*pack, base)) return std::nullopt;
  return StreamNode(std::move(*pack));
}

size_t StreamNode::live() const { return static_cast<size_t>(pack_.Get(pack_.First()).integer); }

size_t StreamNode::deleted() const {
  return static_cast<size_t>(pack_.Get(pack_.Next(pack_.First())).integer);
}

StreamNode::Master StreamNode::master() const {
  const Pos at = pack_.Next(pack_.Next(pack_.First()));
  Master m{static_cast<size_t>(pack_.Get(at).integer), pack_.Next(at), kEnd};
  Pos p = m.first_field;
  for (size_t i = 0; i < m.fields; ++i) p = pack_.Next(p);
  m.first_entry = pack_.Next(p);  // behind the 0
  return m;
}

bool StreamNode::HasRoom(size_t text_bytes, size_t elements, size_t bytes_max,
                         size_t entries_max) const {
  if (entries_max != 0 && live() + deleted() >= entries_max) return false;
  if (bytes_max != 0 && pack_.total() + text_bytes >= bytes_max) return false;
  return pack_.Fits(BytesMax(text_bytes, elements));
}

bool StreamNode::HasFields(const Master& master, std::span<const Bytes> pairs) const {
  if (pairs.size() != 2 * master.fields) return false;
  Pos p = master.first_field;
  for (size_t i = 0; i < pairs.size(); i += 2, p = pack_.Next(p)) {
    if (!(pack_.Get(p) == pairs[i])) return false;
  }
  return true;
}

void StreamNode::AddToCounts(int64_t live_more, int64_t deleted_more) {
  const Pos first = pack_.First();
  if (live_more != 0) pack_.Replace(first, pack_.Get(first).integer + live_more);
  const Pos second = pack_.Next(first);
  if (deleted_more != 0) pack_.Replace(second, pack_.Get(second).integer + deleted_more);
}

void StreamNode::Append(StreamId base, StreamId id, std::span<const Bytes> pairs) {
  AddToCounts(1, 0);
  const bool same = HasFields(master(), pairs);
  const size_t fields = pairs.size() / 2;
  pack_.Append(same ? kSameFields : 0);
  // Differences wrap around, as Redis's do.
  pack_.Append(static_cast<int64_t>(id.ms - base.ms));
  pack_.Append(static_cast<int64_t>(id.seq - base.seq));
  if (!same) pack_.Append(static_cast<int64_t>(fields));
  for (size_t i = same ? 1 : 0; i < pairs.size(); i += same ? 2 : 1) pack_.Append(pairs[i]);
  pack_.Append(kFixedElements + static_cast<int64_t>(same ? fields : 2 * fields + 1));
}

void StreamNode::Erase(Pos at) {
  pack_.Replace(at, pack_.Get(at).integer | kDeleted);
  AddToCounts(-1, 1);
}

size_t StreamNode::EraseFront(StreamId base, size_t limit, StreamId end) {
  const Master m = master();
  size_t erased = 0;
  for (Pos p = m.first_entry; p != kEnd && erased < limit;) {
    const Entry entry = Read(base, m, p);
    p = After(entry);
    if (entry.deleted) continue;
    if (entry.id >= end) break;
    // The new flags take as much room as the old: positions stay good.
    pack_.Replace(entry.at, pack_.Get(entry.at).integer | kDeleted);
    ++erased;
  }
  AddToCounts(-static_cast<int64_t>(erased), static_cast<int64_t>(erased));
  return erased;
}

StreamNode::Entry StreamNode::Read(StreamId base, const Master& master, Pos at) const {
  const int64_t flags = pack_.Get(at).integer;
  const Pos ms = pack_.Next(at);
  const Pos seq = pack_.Next(ms);
  Entry entry{{base.ms + static_cast<uint64_t>(pack_.Get(ms).integer),
               base.seq + static_cast<uint64_t>(pack_.Get(seq).integer)},
              at,
              pack_.Next(seq),
              master.fields,
              (flags & kDeleted) != 0,
              (flags & kSameFields) != 0};
  if (!entry.same_fields) {
    entry.fields = static_cast<size_t>(pack_.Get(entry.content).integer);
    entry.content = pack_.Next(entry.content);
  }
  return entry;
}

StreamNode::Pos StreamNode::After(const Entry& entry) const {
  Pos p = entry.content;
  const size_t elements = entry.same_fields ? entry.fields : 2 * entry.fields;
  for (size_t i = 0; i < elements; ++i) p = pack_.Next(p);
  return pack_.Next(p);  // behind the count
}

StreamNode::Pos StreamNode::EntryEndingAt(Pos last_element) const {
  // The master ends in 0.
  const int64_t elements = pack_.Get(last_element).integer;
  if (elements == 0) return kEnd;
  Pos p = last_element;
  for (int64_t i = 0; i < elements; ++i) p = pack_.Prev(p);
  return p;
}

StreamId StreamNode::LastId(StreamId base) const {
  const Pos last = LastEntry();
  return last == kEnd ? base : Read(base, master(), last).id;
}

bool StreamNode::IsNearEnd(StreamId base, StreamId id) const {
  const StreamId last = LastId(base);
  if (last.ms != base.ms) return id.ms - base.ms > (last.ms - base.ms) / 2;
  return id.seq - base.seq > (last.seq - base.seq) / 2;
}

StreamNode::Entry StreamNode::Seek(StreamId base, const Master& master, StreamId id) const {
  Pos p = master.first_entry;
  if (id > base && IsNearEnd(base, id)) {
    // Back to the first entry there is or the last below the id, then forward as usual.
    for (Pos back = LastEntry(); back != kEnd; back = Before(back)) {
      p = back;
      const Entry entry = Read(base, master, back);
      if (!entry.deleted && entry.id < id) break;
    }
  }
  while (p != kEnd) {
    const Entry entry = Read(base, master, p);
    if (!entry.deleted && entry.id >= id) return entry;
    p = After(entry);
  }
  return {};
}

}  // namespace mantis
