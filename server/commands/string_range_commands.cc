// Strings as byte sequences: parts of them, changes in place, comparison.

#include <algorithm>
#include <string>

#include "server/commands/args.h"
#include "server/commands/longest_common.h"
#include "server/commands/string_patch.h"
#include "server/dispatch/command_table.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

Outcome Strlen(CommandContext& c) {
  size_t size = 0;
  const Status s = c.db().ReadString(c.op, c.key(1), [&](Bytes text) {
    size = text.size();
    return Status::kOk;
  });
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Integer(static_cast<int64_t>(size));
  return Done();
}

Outcome Append(CommandContext& c) {
  const Bytes tail = c.args[2];
  size_t length = 0;
  const Status s = c.db().Mutate(c.op, c.key(1), [&](const Current& now) -> Update {
    if (!now.exists()) {
      length = tail.size();
      return Update::Set(MakeString(tail, now.value), kNoDeadline, "append");
    }
    if (now.type() != ValueType::kString) return Update::Keep(Status::kWrongType);
    const size_t head = StringRef(now.value).size();
    length = head + tail.size();
    if (length > StringBytesMax(c)) return Update::Keep(Status::kTooLarge);
    StringBuffer* buffer = BufferOf(now);
    if (buffer != nullptr && length <= buffer->capacity()) {
      buffer->Append(tail);
      return Update::InPlace("append");
    }
    return PatchString(c, now, length, "append", [&](char* data) {
      std::memcpy(data + head, tail.data(), tail.size());
      return true;
    });
  });
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Integer(static_cast<int64_t>(length));
  return Done();
}

Outcome SetRange(CommandContext& c) {
  int64_t offset = 0;
  if (!ParseInteger(c, c.args[2], &offset)) return Done();
  if (offset < 0) return Fail(c, "ERR offset is out of range");
  const auto at = static_cast<size_t>(offset);
  const Bytes patch = c.args[3];
  size_t length = 0;
  const Status s = c.db().Mutate(c.op, c.key(1), [&](const Current& now) -> Update {
    if (now.exists() && now.type() != ValueType::kString) return Update::Keep(Status::kWrongType);
    length = now.exists() ? StringRef(now.value).size() : 0;
    if (patch.empty()) return Update::Keep(Status::kOk);
    if (at > StringBytesMax(c) || at + patch.size() > StringBytesMax(c)) {
      return Update::Keep(Status::kTooLarge);
    }
    length = std::max(length, at + patch.size());
    return PatchString(c, now, length, "setrange", [&](char* data) {
      std::memcpy(data + at, patch.data(), patch.size());
      return true;
    });
  });
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Integer(static_cast<int64_t>(length));
  return Done();
}

// The part of `text` from `start` to `end`, both included, negative ones counted from the end.
Bytes PartOf(Bytes text, int64_t start, int64_t end) {
  const auto size = static_cast<int64_t>(text.size());
  if (start < 0 && end < 0 && start > end) return {};
  if (start < 0) start = std::max<int64_t>(0, start + size);
  if (end < 0) end = std::max<int64_t>(0, end + size);
  end = std::min(end, size - 1);
  if (start > end || size == 0) return {};
  return text.substr(static_cast<size_t>(start), static_cast<size_t>(end - start + 1));
}

Outcome GetRange(CommandContext& c) {
  int64_t start = 0;
  int64_t end = 0;
  if (!ParseInteger(c, c.args[2], &start) || !ParseInteger(c, c.args[3], &end)) return Done();
  const Status s = c.db().ReadString(c.op, c.key(1), [&](Bytes text) {
    const Bytes part = PartOf(text, start, end);
    if (TooLongBytes(c, part.size())) return Status::kTooLong;
    c.reply.Bulk(part);
    return Status::kOk;
  });
  if (s == Status::kNotFound) {
    c.reply.Bulk({});
    return Done();
  }
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

struct LcsOptions {
  bool length_only = false;
  bool indexes = false;
  bool with_match_length = false;
  int64_t min_match = 0;
};

bool ParseLcsOptions(CommandContext& c, LcsOptions* out) {
  for (size_t i = 3; i < c.argc(); ++i) {
    if (EqualsIgnoreCase(c.args[i], "LEN")) {
      out->length_only = true;
    } else if (EqualsIgnoreCase(c.args[i], "IDX")) {
      out->indexes = true;
    } else if (EqualsIgnoreCase(c.args[i], "WITHMATCHLEN")) {
      out->with_match_length = true;
    } else if (EqualsIgnoreCase(c.args[i], "MINMATCHLEN") && i + 1 < c.argc()) {
      if (!ParseInteger(c, c.args[++i], &out->min_match)) return false;
      out->min_match = std::max<int64_t>(out->min_match, 0);
    } else {
      (void)SyntaxError(c);
      return false;
    }
  }
  if (out->length_only && out->indexes) {
    c.reply.Error("ERR If you want both the length and indexes, please just use IDX.");
    return false;
  }
  return true;
}

void ReplyMatches(CommandContext& c, const LongestCommon& lcs, const LcsOptions& options) {
  c.reply.Map(2);
  c.reply.Bulk("matches");
  const size_t mark = c.reply.DeferredArray();
  size_t shown = 0;
  for (const LongestCommon::Match& m : lcs.matches) {
    if (static_cast<int64_t>(m.length) < options.min_match) continue;
    ++shown;
    c.reply.Array(options.with_match_length ? 3 : 2);
    for (const size_t begin : {m.a_begin, m.b_begin}) {
      c.reply.Array(2);
      c.reply.Integer(static_cast<int64_t>(begin));
      c.reply.Integer(static_cast<int64_t>(begin + m.length - 1));
    }
    if (options.with_match_length) c.reply.Integer(static_cast<int64_t>(m.length));
  }
  c.reply.SetDeferredArray(mark, shown);
  c.reply.Bulk("len");
  c.reply.Integer(static_cast<int64_t>(lcs.length));
}

Outcome Lcs(CommandContext& c) {
  const std::array<KeyRef, 2> keys{c.key(1), c.key(2)};
  thread_local std::vector<Current> values;
  const Status s = c.db().GetMany(c.op, keys, values);
  if (s != Status::kOk) return FailStatus(c, s);
  for (const Current& v : values) {
    if (v.exists() && v.type() != ValueType::kString) {
      return Fail(c, "ERR The specified keys must contain string values");
    }
  }
  LcsOptions options;
  if (!ParseLcsOptions(c, &options)) return Done();
  char digits[2][24];
  std::array<Bytes, 2> text;
  for (size_t i = 0; i < 2; ++i) {
    if (values[i].exists()) {
      text[i] = StringRef(values[i].value).Text(std::span<char, 24>(digits[i]));
    }
  }
  // Sixteen cells of the table take about as long as a step.
  if (TooLong(c, text[0].size() * text[1].size() / 16)) return Outcome::kOffload;
  for (const Current& v : values) {
    if (v.value.kind() == Kind::kString) c.op.Keep(v.value.pointer<Blob>());
  }
  const OutsideSection outside(c.op);
  const auto lcs = FindLongestCommon(text[0], text[1], StringBytesMax(c));
  if (!lcs) {
    return Fail(c, "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  }
  if (options.indexes) {
    ReplyMatches(c, *lcs, options);
  } else if (options.length_only) {
    c.reply.Integer(static_cast<int64_t>(lcs->length));
  } else {
    c.reply.Bulk(lcs->text);
  }
  return Done();
}

constexpr uint16_t kReadKey = kKeyRo | kKeyAccess;

constexpr CommandRow kRows[] = {
    {"strlen",
     2,
     kReadonly | kFast,
     {{{1, 1, 1, kKeyRo}}},
     kAclString,
     "2.2.0",
     "string",
     "O(1)",
     "Returns the length of a string value.",
     Strlen,
     "key"},
    {"append",
     3,
     kWrite | kDenyOom | kFast,
     {{{1, 1, 1, kKeyRw | kKeyInsert}}},
     kAclString,
     "2.0.0",
     "string",
     "O(N) with N the number of bytes appended, amortised",
     "Appends bytes to a string value; creates the key if need be.",
     Append,
     "key value"},
    {"setrange",
     4,
     kWrite | kDenyOom,
     {{{1, 1, 1, kKeyRw | kKeyUpdate}}},
     kAclString,
     "2.2.0",
     "string",
     "O(N) with N the number of bytes written, amortised",
     "Overwrites a part of a string value, padding with zero bytes up to the offset.",
     SetRange,
     "key offset value"},
    {"getrange",
     4,
     kReadonly,
     {{{1, 1, 1, kReadKey}}},
     kAclString,
     "2.4.0",
     "string",
     "O(N) with N the length of the part",
     "Returns a part of a string value.",
     GetRange,
     "key start end"},
    {"substr",
     4,
     kReadonly,
     {{{1, 1, 1, kReadKey}}},
     kAclString,
     "1.0.0",
     "string",
     "O(N) with N the length of the part",
     "Returns a part of a string value (old name of GETRANGE).",
     GetRange,
     "key start end"},
    {"lcs",
     -3,
     kReadonly,
     {{{1, 2, 1, kReadKey}}},
     kAclString,
     "7.0.0",
     "string",
     "O(N*M) with N and M the lengths of the values",
     "Finds the longest common subsequence of two string values.",
     Lcs,
     "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]"},
};

}  // namespace

std::span<const CommandRow> StringRangeCommands() { return kRows; }

}  // namespace mantis::server
