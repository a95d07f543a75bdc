// Strings as byte sequences: parts of them, changes in place, comparison.

#include <algorithm>
#include <string>

#include "server/commands/args.h"
#include "server/commands/longest_common.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

size_t SizeLimit(const CommandContext& c) {
  return static_cast<size_t>(c.core.settings().proto_max_bulk_len);
}

Outcome Strlen(CommandContext& c) {
  StringRef value;
  const Status s = c.db().GetString(c.op, c.key(1), &value);
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Integer(s == Status::kOk ? static_cast<int64_t>(value.size()) : 0);
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
    char digits[24];
    const Bytes head = StringRef(now.value).Text(std::span<char, 24>(digits));
    length = head.size() + tail.size();
    if (length > SizeLimit(c)) return Update::Keep(Status::kTooLarge);
    if (tail.empty()) return Update::Keep(Status::kOk);
    Blob* blob = Blob::CreateModified(length);
    std::memcpy(blob->data(), head.data(), head.size());
    std::memcpy(blob->data() + head.size(), tail.data(), tail.size());
    return Update::Set(Word::Pointer(Kind::kString, blob), now.deadline_ms, "append");
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
    char digits[24];
    const Bytes old =
        now.exists() ? StringRef(now.value).Text(std::span<char, 24>(digits)) : Bytes{};
    length = old.size();
    if (patch.empty()) return Update::Keep(Status::kOk);
    if (at > SizeLimit(c) || at + patch.size() > SizeLimit(c)) {
      return Update::Keep(Status::kTooLarge);
    }
    length = std::max(old.size(), at + patch.size());
    Blob* blob = Blob::CreateModified(length);
    if (!old.empty()) std::memcpy(blob->data(), old.data(), old.size());
    if (at > old.size()) std::memset(blob->data() + old.size(), 0, at - old.size());
    std::memcpy(blob->data() + at, patch.data(), patch.size());
    return Update::Set(Word::Pointer(Kind::kString, blob), now.deadline_ms, "setrange");
  });
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Integer(static_cast<int64_t>(length));
  return Done();
}

Outcome GetRange(CommandContext& c) {
  int64_t start = 0;
  int64_t end = 0;
  if (!ParseInteger(c, c.args[2], &start) || !ParseInteger(c, c.args[3], &end)) return Done();
  StringRef value;
  const Status s = c.db().GetString(c.op, c.key(1), &value);
  if (s == Status::kNotFound) {
    c.reply.Bulk({});
    return Done();
  }
  if (s != Status::kOk) return FailStatus(c, s);
  char digits[24];
  const Bytes text = value.Text(std::span<char, 24>(digits));
  const auto size = static_cast<int64_t>(text.size());
  if (start < 0 && end < 0 && start > end) {
    c.reply.Bulk({});
    return Done();
  }
  if (start < 0) start = std::max<int64_t>(0, start + size);
  if (end < 0) end = std::max<int64_t>(0, end + size);
  end = std::min(end, size - 1);
  if (start > end || size == 0) {
    c.reply.Bulk({});
  } else {
    c.reply.Bulk(text.substr(static_cast<size_t>(start), static_cast<size_t>(end - start + 1)));
  }
  return Done();
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
  const auto lcs = FindLongestCommon(text[0], text[1], SizeLimit(c));
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
     "O(N) with N the length of the result",
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
     "O(N) with N the length of the result",
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
