// Bitmaps: strings read and changed bit by bit, counted, searched and combined. Integers of any
// width inside strings are in bitfield_commands.cc.

#include <array>
#include <utility>
#include <vector>

#include "engine/value/bits.h"
#include "server/commands/bit_offset.h"
#include "server/commands/string_patch.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

Outcome SetBit(CommandContext& c) {
  uint64_t bit = 0;
  if (!ParseBitOffset(c, c.args[2], 0, &bit)) return Done();
  const Bytes value = c.args[3];
  if (value != "0" && value != "1") return Fail(c, "ERR bit is not an integer or out of range");
  const bool on = value == "1";
  bool old = false;
  const Status s = c.db().Mutate(c.op, c.key(1), [&](const Current& now) -> Update {
    if (now.exists() && now.type() != ValueType::kString) return Update::Keep(Status::kWrongType);
    char digits[24];
    const Bytes text = TextOf(now, std::span<char, 24>(digits));
    const bool inside = bit / 8 < text.size();
    old = inside && bits::Test(text.data(), bit);
    if (inside && old == on) return Update::Keep(Status::kOk);
    const size_t size = std::max<size_t>(text.size(), bit / 8 + 1);
    return PatchString(c, now, size, "setbit", [&](char* data) {
      bits::Assign(data, bit, on);
      return true;
    });
  });
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Integer(old ? 1 : 0);
  return Done();
}

Outcome GetBit(CommandContext& c) {
  uint64_t bit = 0;
  if (!ParseBitOffset(c, c.args[2], 0, &bit)) return Done();
  bool on = false;
  const Status s = c.db().ReadString(c.op, c.key(1), [&](Bytes text) {
    on = bit / 8 < text.size() && bits::Test(text.data(), bit);
    return Status::kOk;
  });
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Integer(on ? 1 : 0);
  return Done();
}

// What BITCOUNT and BITPOS look at: both ends included, negative ones counted from the end.
struct BitRange {
  int64_t start = 0;
  int64_t end = -1;
  bool has_end = false;
  bool in_bits = false;

  // The same within `size` bytes, as bits; false if nothing is in it.
  bool Resolve(size_t size, uint64_t* first_bit, uint64_t* last_bit) const {
    const auto length = static_cast<int64_t>(in_bits ? size * 8 : size);
    const auto from_start = [length](int64_t at) {
      return at < 0 ? std::max<int64_t>(at + length, 0) : at;
    };
    const int64_t first = from_start(start);
    const int64_t last = std::min(from_start(end), length - 1);
    if (first > last) return false;
    const int64_t unit = in_bits ? 1 : 8;
    *first_bit = static_cast<uint64_t>(first * unit);
    *last_bit = static_cast<uint64_t>(last * unit + unit - 1);
    return true;
  }
};

bool ParseUnit(CommandContext& c, Bytes arg, BitRange* out) {
  out->in_bits = EqualsIgnoreCase(arg, "BIT");
  if (out->in_bits || EqualsIgnoreCase(arg, "BYTE")) return true;
  (void)SyntaxError(c);
  return false;
}

Outcome BitCount(CommandContext& c) {
  BitRange range;
  if (c.argc() == 3 || c.argc() > 5) return SyntaxError(c);
  if (c.argc() > 3) {
    if (!ParseInteger(c, c.args[2], &range.start) || !ParseInteger(c, c.args[3], &range.end)) {
      return Done();
    }
    if (c.argc() == 5 && !ParseUnit(c, c.args[4], &range)) return Done();
  }
  // Also where counting from the end of a short string would clamp both to its first bit.
  const bool empty = range.start < 0 && range.end < 0 && range.start > range.end;
  uint64_t ones = 0;
  const Status s = c.db().ReadString(c.op, c.key(1), [&](Bytes text) {
    uint64_t first = 0;
    uint64_t last = 0;
    if (empty || !range.Resolve(text.size(), &first, &last)) return Status::kOk;
    if (TooLongBytes(c, (last - first) / 8)) return Status::kTooLong;
    ones = bits::CountOnes(text, first, last);
    return Status::kOk;
  });
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Integer(static_cast<int64_t>(ones));
  return Done();
}

bool ParseBitPosRange(CommandContext& c, BitRange* out) {
  if (c.argc() > 6) {
    (void)SyntaxError(c);
    return false;
  }
  if (c.argc() > 3 && !ParseInteger(c, c.args[3], &out->start)) return false;
  if (c.argc() > 5 && !ParseUnit(c, c.args[5], out)) return false;
  out->has_end = c.argc() > 4;
  return !out->has_end || ParseInteger(c, c.args[4], &out->end);
}

Outcome BitPos(CommandContext& c) {
  int64_t wanted = 0;
  if (!ParseInteger(c, c.args[2], &wanted)) return Done();
  if (wanted != 0 && wanted != 1) return Fail(c, "ERR The bit argument must be 1 or 0.");
  BitRange range;
  if (!ParseBitPosRange(c, &range)) return Done();
  int64_t position = -1;
  const Status s = c.db().ReadString(c.op, c.key(1), [&](Bytes text) {
    uint64_t first = 0;
    uint64_t last = 0;
    if (!range.Resolve(text.size(), &first, &last)) return Status::kOk;
    if (TooLongBytes(c, (last - first) / 8)) return Status::kTooLong;
    const uint64_t found = bits::Find(text, wanted == 1, first, last);
    if (found != bits::kNone) {
      position = static_cast<int64_t>(found);
    } else if (wanted == 0 && !range.has_end) {
      // Without an end the string counts as followed by zeros.
      position = static_cast<int64_t>(text.size() * 8);
    }
    return Status::kOk;
  });
  if (s == Status::kNotFound) {
    position = wanted == 1 ? -1 : 0;
  } else if (s != Status::kOk) {
    return FailStatus(c, s);
  }
  c.reply.Integer(position);
  return Done();
}

bool ParseOp(Bytes arg, bits::Op* out) {
  constexpr std::pair<std::string_view, bits::Op> kOps[] = {{"AND", bits::Op::kAnd},
                                                            {"OR", bits::Op::kOr},
                                                            {"XOR", bits::Op::kXor},
                                                            {"NOT", bits::Op::kNot}};
  for (const auto& [word, op] : kOps) {
    if (!EqualsIgnoreCase(arg, word)) continue;
    *out = op;
    return true;
  }
  return false;
}

// Where the digits of an integer value are kept while it is a source.
struct Source {
  Bytes text;
  std::array<char, 24> digits;
};

// The sources' texts, which stand still while the locks are held.
Status ReadSources(CommandContext& c, std::span<const KeyLocks::Target> keys,
                   std::vector<Source>& out) {
  out.resize(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    Current now;
    const Status s = c.db().Get(c.op, keys[i].second, &now);
    if (s != Status::kOk && s != Status::kNotFound) return s;
    if (now.exists() && now.type() != ValueType::kString) return Status::kWrongType;
    out[i].text = TextOf(now, out[i].digits);
  }
  return Status::kOk;
}

Outcome BitOp(CommandContext& c) {
  bits::Op op = bits::Op::kAnd;
  if (!ParseOp(c.args[1], &op)) return SyntaxError(c);
  if (op == bits::Op::kNot && c.argc() != 4) {
    return Fail(c, "ERR BITOP NOT must be called with a single source key.");
  }
  std::vector<KeyLocks::Target> keys;
  for (size_t i = 2; i < c.argc(); ++i) keys.emplace_back(&c.db(), c.key(i));
  KeyLocks locks(c.op);
  if (locks.Acquire(keys) == Status::kBusy) return Outcome::kBusy;
  std::vector<Source> sources;
  const Status read = ReadSources(c, std::span(keys).subspan(1), sources);
  if (read != Status::kOk) return FailStatus(c, read);
  std::vector<Bytes> texts;
  size_t size = 0;
  size_t work = 0;
  for (const Source& s : sources) {
    texts.push_back(s.text);
    size = std::max(size, s.text.size());
    work += s.text.size();
  }
  if (TooLongBytes(c, work)) return Outcome::kOffload;
  const KeyRef& target = keys[0].second;
  if (size == 0) {
    const Status s = c.db().Remove(c.op, target);
    if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  } else {
    const auto unref = [](Blob* b) { b->Unref(); };
    const std::unique_ptr<Blob, decltype(unref)> made(Blob::CreateModified(size), unref);
    Blob* const blob = made.get();
    bits::Combine(op, texts, blob->data());
    // A reference for each attempt, which loses it if it fails.
    const Status s = c.db().Mutate(c.op, target, [blob](const Current&) {
      blob->Ref();
      return Update::Set(Word::Pointer(Kind::kString, blob), kNoDeadline, "set");
    });
    if (s != Status::kOk) return FailStatus(c, s);
  }
  c.reply.Integer(static_cast<int64_t>(size));
  return Done();
}

constexpr uint16_t kReadKey = kKeyRo | kKeyAccess;
constexpr uint16_t kUpdateKey = kKeyRw | kKeyAccess | kKeyUpdate;

constexpr CommandRow kRows[] = {
    {"setbit",
     4,
     kWrite | kDenyOom,
     {{{1, 1, 1, kUpdateKey}}},
     kAclBitmap,
     "2.2.0",
     "bitmap",
     "O(1)",
     "Sets or clears a bit of a string value, which grows with zeros up to it; returns what it "
     "was.",
     SetBit,
     "key offset value:integer"},
    {"getbit",
     3,
     kReadonly | kFast,
     {{{1, 1, 1, kReadKey}}},
     kAclBitmap,
     "2.2.0",
     "bitmap",
     "O(1)",
     "Returns a bit of a string value.",
     GetBit,
     "key offset"},
    {"bitcount",
     -2,
     kReadonly,
     {{{1, 1, 1, kReadKey}}},
     kAclBitmap,
     "2.6.0",
     "bitmap",
     "O(N) with N the number of bytes looked at",
     "Counts the ones in a string value or a part of it.",
     BitCount,
     "key [start end [BYTE | BIT]]"},
    {"bitpos",
     -3,
     kReadonly,
     {{{1, 1, 1, kReadKey}}},
     kAclBitmap,
     "2.8.7",
     "bitmap",
     "O(N) with N the number of bytes looked at",
     "Finds the first one or zero in a string value or a part of it.",
     BitPos,
     "key bit [start [end [BYTE | BIT]]]"},
    {"bitop",
     -4,
     kWrite | kDenyOom,
     {{{2, 2, 1, kKeyOw | kKeyUpdate}, {3, -1, 1, kReadKey}}},
     kAclBitmap,
     "2.6.0",
     "bitmap",
     "O(N) with N the total length of the values",
     "Combines string values bit by bit and stores the result.",
     BitOp,
     "operation destkey key ..."},
};

}  // namespace

std::span<const CommandRow> BitmapCommands() { return kRows; }

}  // namespace mantis::server
