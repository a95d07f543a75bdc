// BITFIELD: integers of 1 to 64 bits at any bit of a string value.

#include <optional>
#include <vector>

#include "engine/value/bits.h"
#include "protocol/number.h"
#include "server/commands/bit_offset.h"
#include "server/commands/string_patch.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

enum class Overflow : uint8_t { kWrap, kSaturate, kFail };
enum class Action : uint8_t { kGet, kSet, kAdd };

struct FieldType {
  bool is_signed = false;
  unsigned width = 0;  // in bits

  int64_t Min() const { return is_signed ? -Max() - 1 : 0; }
  int64_t Max() const {
    return static_cast<int64_t>((uint64_t{1} << (is_signed ? width - 1 : width)) - 1);
  }
  int64_t FromBits(uint64_t field) const {
    return is_signed ? bits::SignExtend(field, width) : static_cast<int64_t>(field);
  }
  // The low bits of a number as this type has them.
  int64_t Wrapped(int64_t v) const {
    const unsigned spare = bits::kFieldBitsMax - width;
    return FromBits(static_cast<uint64_t>(v) << spare >> spare);
  }
};

struct FieldOp {
  Action action = Action::kGet;
  Overflow overflow = Overflow::kWrap;
  FieldType type;
  uint64_t at = 0;      // first bit
  int64_t operand = 0;  // value or increment
};

// A reply each; nothing where the operation was refused.
using Results = std::vector<std::optional<int64_t>>;

bool ParseType(CommandContext& c, Bytes arg, FieldType* out) {
  out->is_signed = arg.starts_with('i');
  const auto width = arg.empty() ? std::nullopt : protocol::ParseInteger(arg.substr(1));
  // An unsigned integer of 64 bits would not fit an integer reply.
  const bool known = out->is_signed || arg.starts_with('u');
  if (!known || !width || *width < 1 || *width > (out->is_signed ? 64 : 63)) {
    c.reply.Error(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but "
        "i64 is.");
    return false;
  }
  out->width = static_cast<unsigned>(*width);
  return true;
}

bool ParseOverflow(CommandContext& c, Bytes arg, Overflow* out) {
  if (EqualsIgnoreCase(arg, "WRAP")) {
    *out = Overflow::kWrap;
  } else if (EqualsIgnoreCase(arg, "SAT")) {
    *out = Overflow::kSaturate;
  } else if (EqualsIgnoreCase(arg, "FAIL")) {
    *out = Overflow::kFail;
  } else {
    c.reply.Error("ERR Invalid OVERFLOW type specified");
    return false;
  }
  return true;
}

bool ParseOps(CommandContext& c, std::vector<FieldOp>* out) {
  Overflow overflow = Overflow::kWrap;
  size_t i = 2;
  while (i < c.argc()) {
    const Bytes word = c.args[i];
    const size_t left = c.argc() - i - 1;
    if (EqualsIgnoreCase(word, "OVERFLOW") && left >= 1) {
      if (!ParseOverflow(c, c.args[i + 1], &overflow)) return false;
      i += 2;
      continue;
    }
    FieldOp op;
    op.overflow = overflow;
    if (EqualsIgnoreCase(word, "GET") && left >= 2) {
      op.action = Action::kGet;
    } else if (EqualsIgnoreCase(word, "SET") && left >= 3) {
      op.action = Action::kSet;
    } else if (EqualsIgnoreCase(word, "INCRBY") && left >= 3) {
      op.action = Action::kAdd;
    } else {
      (void)SyntaxError(c);
      return false;
    }
    if (!ParseType(c, c.args[i + 1], &op.type)) return false;
    if (!ParseBitOffset(c, c.args[i + 2], op.type.width, &op.at)) return false;
    const bool reads = op.action == Action::kGet;
    if (!reads && !ParseInteger(c, c.args[i + 3], &op.operand)) return false;
    out->push_back(op);
    i += reads ? 3 : 4;
  }
  return true;
}

// What is to be stored; nothing if that is refused.
std::optional<int64_t> NewValue(const FieldOp& op, int64_t old) {
  const FieldType& type = op.type;
  int64_t v = 0;
  int64_t base = op.action == Action::kAdd ? old : 0;
  const bool beyond_64 = __builtin_add_overflow(base, op.operand, &v);
  bool above = beyond_64 ? op.operand > 0 : v > type.Max();
  bool below = !above && (beyond_64 || v < type.Min());
  // As Redis has it: a negative number to be set as unsigned is the large one of the same bits, and
  // one so low that its distance to the maximum overflows is too high.
  int64_t distance = 0;
  if (op.action == Action::kSet && below &&
      (!type.is_signed || __builtin_sub_overflow(type.Max(), v, &distance))) {
    std::swap(above, below);
  }
  if (!above && !below) return v;
  switch (op.overflow) {
    case Overflow::kWrap:
      return type.Wrapped(v);
    case Overflow::kSaturate:
      return above ? type.Max() : type.Min();
    case Overflow::kFail:
      break;
  }
  return std::nullopt;
}

int64_t GetField(const FieldOp& op, Bytes text) {
  return op.type.FromBits(bits::LoadField(text, op.at, op.type.width));
}

// Runs the operations on a string that is long enough for all that write. Returns how many of them
// changed it.
int64_t RunOps(const std::vector<FieldOp>& ops, char* data, size_t size, Results* results) {
  int64_t changed = 0;
  results->clear();
  for (const FieldOp& op : ops) {
    const int64_t old = GetField(op, {data, size});
    if (op.action == Action::kGet) {
      results->push_back(old);
      continue;
    }
    const auto fresh = NewValue(op, old);
    if (!fresh) {
      results->push_back(std::nullopt);
      continue;
    }
    results->push_back(op.action == Action::kSet ? old : *fresh);
    if (*fresh == old) continue;
    bits::StoreField(data, op.at, op.type.width, static_cast<uint64_t>(*fresh));
    ++changed;
  }
  return changed;
}

void Reply(CommandContext& c, const Results& results) {
  c.reply.Array(results.size());
  for (const auto& r : results) {
    if (r) {
      c.reply.Integer(*r);
    } else {
      c.reply.Null();
    }
  }
}

Outcome ReadFields(CommandContext& c, const std::vector<FieldOp>& ops) {
  Results results;
  const auto read = [&](Bytes text) {
    for (const FieldOp& op : ops) results.push_back(GetField(op, text));
    return Status::kOk;
  };
  Status s = c.db().ReadString(c.op, c.key(1), read);
  if (s == Status::kNotFound) s = read({});
  if (s != Status::kOk) return FailStatus(c, s);
  Reply(c, results);
  return Done();
}

Outcome WriteFields(CommandContext& c, const std::vector<FieldOp>& ops, size_t needed) {
  Results results;
  const Status s = c.db().Mutate(c.op, c.key(1), [&](const Current& now) -> Update {
    if (now.exists() && now.type() != ValueType::kString) return Update::Keep(Status::kWrongType);
    const size_t size = std::max(now.exists() ? StringRef(now.value).size() : 0, needed);
    int64_t changed = 0;
    const Update update = PatchString(c, now, size, "setbit", [&](char* data) {
      changed = RunOps(ops, data, size, &results);
      return changed != 0;
    });
    return update.Counting(std::max<int64_t>(changed, 1));
  });
  if (s != Status::kOk) return FailStatus(c, s);
  Reply(c, results);
  return Done();
}

Outcome RunFields(CommandContext& c, bool may_write) {
  std::vector<FieldOp> ops;
  if (!ParseOps(c, &ops)) return Done();
  size_t needed = 0;
  for (const FieldOp& op : ops) {
    if (op.action == Action::kGet) continue;
    needed = std::max<size_t>(needed, (op.at + op.type.width - 1) / 8 + 1);
  }
  if (needed != 0 && !may_write) {
    return Fail(c, "ERR BITFIELD_RO only supports the GET subcommand");
  }
  if (TooLong(c, ops.size())) return Outcome::kOffload;
  return needed == 0 ? ReadFields(c, ops) : WriteFields(c, ops, needed);
}

Outcome BitField(CommandContext& c) { return RunFields(c, true); }
Outcome BitFieldRo(CommandContext& c) { return RunFields(c, false); }

constexpr CommandRow kRows[] = {
    {"bitfield",
     -2,
     kWrite | kDenyOom,
     {{{1, 1, 1, kKeyRw | kKeyAccess | kKeyUpdate | kKeyVariableFlags}}},
     kAclBitmap,
     "3.2.0",
     "bitmap",
     "O(1) for each operation",
     "Reads, sets and increments integers of any width inside a string value.",
     BitField,
     "key [GET (encoding offset) | ([OVERFLOW <WRAP | SAT | FAIL>] <SET (encoding offset "
     "value:integer) | "
     "INCRBY (encoding offset increment)>)] ..."},
    {"bitfield_ro",
     -2,
     kReadonly | kFast,
     {{{1, 1, 1, kKeyRo | kKeyAccess}}},
     kAclBitmap,
     "6.0.0",
     "bitmap",
     "O(1) for each operation",
     "Reads integers of any width inside a string value.",
     BitFieldRo,
     "key [(GET (encoding offset)) ...]"},
};

}  // namespace

std::span<const CommandRow> BitfieldCommands() { return kRows; }

}  // namespace mantis::server
