// Deadlines of single hash fields, as Redis 7.4 has them: every command takes a list of fields and
// answers for each by a number.

#include <string>

#include "engine/value/hash.h"
#include "protocol/number.h"
#include "server/commands/args.h"
#include "server/commands/set_options.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

// Redis keeps deadlines of fields in 46 bits.
constexpr int64_t kDeadlineMaxMs = (int64_t{1} << 46) - 1;

enum Answer : int8_t { kNoField = -2, kNoneSet = -1, kNotMet = 0, kDone = 1, kRemoved = 2 };
enum class Condition : uint8_t { kAlways, kNx, kXx, kGt, kLt };

// Arguments that are parsed before the key is looked at, while the key's type is complained of
// first: `error` waits for that.
struct FieldList {
  std::span<const Bytes> names;
  std::string error;
};

// `FIELDS count field…` from argument `at` on.
void ParseFieldList(const CommandContext& c, size_t at, std::string_view bad_count,
                    FieldList* out) {
  if (!EqualsIgnoreCase(c.args[at], "FIELDS")) {
    out->error = "ERR Mandatory argument FIELDS is missing or not at the right position";
    return;
  }
  const auto count = protocol::ParseInteger(c.args[at + 1]);
  out->names = c.args.subspan(at + 2);
  if (!count || *count < 1) {
    out->error = bad_count;
  } else if (static_cast<size_t>(*count) != out->names.size()) {
    out->error = "ERR The `numfields` parameter must match the number of arguments";
  }
}

constexpr std::string_view kBadCount = "ERR Number of fields must be a positive integer";

// Answers for each field by `answer(hash, name) -> int64_t`, for all alike where there is no key.
template <class H, class F>
void ReplyAnswers(CommandContext& c, H& hash, const FieldList& list, F&& answer) {
  c.reply.Array(list.names.size());
  for (const Bytes name : list.names) c.reply.Integer(answer(hash, name));
}

Outcome Finish(CommandContext& c, const FieldList& list, Status s) {
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  if (!list.error.empty()) return Fail(c, list.error);
  if (s == Status::kNotFound) {
    c.reply.Array(list.names.size());
    for (size_t i = 0; i < list.names.size(); ++i) c.reply.Integer(kNoField);
  }
  return Done();
}

struct ExpireOptions {
  int64_t deadline_ms = 0;
  Condition condition = Condition::kAlways;
  FieldList list;
};

// Reads the time into options->deadline_ms, or sets the error.
void ParseDeadline(const CommandContext& c, TimeUnit unit, TimeBase base, ExpireOptions* options) {
  const auto given = protocol::ParseInteger(c.args[2]);
  std::string& error = options->list.error;
  if (!given) {
    error = "ERR value is not an integer or out of range";
    return;
  }
  if (*given < 0) {
    error = "ERR invalid expire time, must be >= 0";
    return;
  }
  const int64_t scale = unit == TimeUnit::kSeconds ? 1000 : 1;
  const int64_t from_ms = base == TimeBase::kRelative ? c.op.now_ms() : 0;
  if (*given > kDeadlineMaxMs / scale || *given * scale > kDeadlineMaxMs - from_ms) {
    error = "ERR invalid expire time in '" + std::string(c.command->row->name) + "' command";
    return;
  }
  options->deadline_ms = *given * scale + from_ms;
}

ExpireOptions ParseExpireOptions(const CommandContext& c, TimeUnit unit, TimeBase base) {
  ExpireOptions options;
  ParseDeadline(c, unit, base, &options);
  if (!options.list.error.empty()) return options;
  const Bytes word = c.args[3];
  if (EqualsIgnoreCase(word, "NX")) options.condition = Condition::kNx;
  if (EqualsIgnoreCase(word, "XX")) options.condition = Condition::kXx;
  if (EqualsIgnoreCase(word, "GT")) options.condition = Condition::kGt;
  if (EqualsIgnoreCase(word, "LT")) options.condition = Condition::kLt;
  ParseFieldList(c, options.condition == Condition::kAlways ? 3 : 4,
                 "ERR Parameter `numFields` should be greater than 0", &options.list);
  return options;
}

// No deadline (kNoDeadline) is later than any.
bool Allows(Condition condition, int64_t before_ms, int64_t deadline_ms) {
  switch (condition) {
    case Condition::kNx:
      return before_ms == kNoDeadline;
    case Condition::kXx:
      return before_ms != kNoDeadline;
    case Condition::kGt:
      return deadline_ms > before_ms;
    case Condition::kLt:
      return deadline_ms < before_ms;
    case Condition::kAlways:
      break;
  }
  return true;
}

Answer ExpireField(Hash& hash, Bytes name, const ExpireOptions& options, int64_t now_ms) {
  const auto before = hash.DeadlineOf(name, now_ms);
  if (!before) return kNoField;
  if (!Allows(options.condition, *before, options.deadline_ms)) return kNotMet;
  if (options.deadline_ms <= now_ms) {
    hash.Erase(name, now_ms);
    return kRemoved;
  }
  hash.SetDeadline(name, options.deadline_ms);
  return kDone;
}

Outcome ExpireFields(CommandContext& c, TimeUnit unit, TimeBase base) {
  if (TooLong(c, c.argc())) return Outcome::kOffload;
  const ExpireOptions options = ParseExpireOptions(c, unit, base);
  const Status s = c.db().Edit<Hash>(c.op, c.key(1), [&](Hash& object) {
    bool changed = false;
    bool removed = false;
    if (!options.list.error.empty()) return Edited::No();
    ReplyAnswers(c, object, options.list, [&](Hash& hash, Bytes name) {
      const Answer answer = ExpireField(hash, name, options, c.op.now_ms());
      removed |= answer == kRemoved;
      changed |= answer == kDone;
      return answer;
    });
    if (!changed && !removed) return Edited::No();
    return Edited::Yes(removed ? "hdel" : "hexpire");
  });
  return Finish(c, options.list, s);
}

Outcome HExpire(CommandContext& c) {
  return ExpireFields(c, TimeUnit::kSeconds, TimeBase::kRelative);
}
Outcome HPExpire(CommandContext& c) {
  return ExpireFields(c, TimeUnit::kMilliseconds, TimeBase::kRelative);
}
Outcome HExpireAt(CommandContext& c) {
  return ExpireFields(c, TimeUnit::kSeconds, TimeBase::kAbsolute);
}
Outcome HPExpireAt(CommandContext& c) {
  return ExpireFields(c, TimeUnit::kMilliseconds, TimeBase::kAbsolute);
}

Outcome ReplyDeadlines(CommandContext& c, TimeUnit unit, TimeBase base) {
  if (TooLong(c, c.argc())) return Outcome::kOffload;
  FieldList list;
  ParseFieldList(c, 2, kBadCount, &list);
  const int64_t from_ms = base == TimeBase::kRelative ? c.op.now_ms() : 0;
  const Status s = c.db().Read<Hash>(c.op, c.key(1), [&](const Hash& object) {
    if (!list.error.empty()) return Status::kOk;
    ReplyAnswers(c, object, list, [&](const Hash& hash, Bytes name) -> int64_t {
      const auto deadline_ms = hash.DeadlineOf(name, c.op.now_ms());
      if (!deadline_ms) return kNoField;
      if (*deadline_ms == kNoDeadline) return kNoneSet;
      const int64_t ms = *deadline_ms - from_ms;
      // Seconds are rounded up, unlike those of keys.
      return unit == TimeUnit::kSeconds ? (ms + 999) / 1000 : ms;
    });
    return Status::kOk;
  });
  return Finish(c, list, s);
}

Outcome HTtl(CommandContext& c) {
  return ReplyDeadlines(c, TimeUnit::kSeconds, TimeBase::kRelative);
}
Outcome HPTtl(CommandContext& c) {
  return ReplyDeadlines(c, TimeUnit::kMilliseconds, TimeBase::kRelative);
}
Outcome HExpireTime(CommandContext& c) {
  return ReplyDeadlines(c, TimeUnit::kSeconds, TimeBase::kAbsolute);
}
Outcome HPExpireTime(CommandContext& c) {
  return ReplyDeadlines(c, TimeUnit::kMilliseconds, TimeBase::kAbsolute);
}

Outcome HPersist(CommandContext& c) {
  if (TooLong(c, c.argc())) return Outcome::kOffload;
  FieldList list;
  ParseFieldList(c, 2, kBadCount, &list);
  const Status s = c.db().Edit<Hash>(c.op, c.key(1), [&](Hash& object) {
    bool changed = false;
    if (!list.error.empty()) return Edited::No();
    ReplyAnswers(c, object, list, [&](Hash& hash, Bytes name) {
      const auto deadline_ms = hash.DeadlineOf(name, c.op.now_ms());
      if (!deadline_ms) return kNoField;
      if (*deadline_ms == kNoDeadline) return kNoneSet;
      hash.SetDeadline(name, kNoDeadline);
      changed = true;
      return kDone;
    });
    return changed ? Edited::Yes("hpersist") : Edited::No();
  });
  return Finish(c, list, s);
}

constexpr uint32_t kExpireFlags = kWrite | kDenyOom | kFast;
constexpr uint32_t kReadFast = kReadonly | kFast;
constexpr KeySpec kUpdated{1, 1, 1, kKeyRw | kKeyUpdate};
constexpr KeySpec kRead{1, 1, 1, kKeyRo | kKeyAccess};
constexpr std::string_view kPerField = "O(N) with N the number of fields named";

constexpr CommandRow kRows[] = {
    {"hexpire",
     -6,
     kExpireFlags,
     {{kUpdated}},
     kAclHash,
     "7.4.0",
     "hash",
     kPerField,
     "Sets the time to live of fields, in seconds.",
     HExpire,
     "key seconds [NX | XX | GT | LT] FIELDS numfields field ..."},
    {"hpexpire",
     -6,
     kExpireFlags,
     {{kUpdated}},
     kAclHash,
     "7.4.0",
     "hash",
     kPerField,
     "Sets the time to live of fields, in milliseconds.",
     HPExpire,
     "key milliseconds [NX | XX | GT | LT] FIELDS numfields field ..."},
    {"hexpireat",
     -6,
     kExpireFlags,
     {{kUpdated}},
     kAclHash,
     "7.4.0",
     "hash",
     kPerField,
     "Sets the moment, as Unix time in seconds, at which fields go.",
     HExpireAt,
     "key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field ..."},
    {"hpexpireat",
     -6,
     kExpireFlags,
     {{kUpdated}},
     kAclHash,
     "7.4.0",
     "hash",
     kPerField,
     "Sets the moment, as Unix time in milliseconds, at which fields go.",
     HPExpireAt,
     "key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field ..."},
    {"httl",
     -5,
     kReadFast,
     {{kRead}},
     kAclHash,
     "7.4.0",
     "hash",
     kPerField,
     "Tells how many seconds fields have left.",
     HTtl,
     "key FIELDS numfields field ..."},
    {"hpttl",
     -5,
     kReadFast,
     {{kRead}},
     kAclHash,
     "7.4.0",
     "hash",
     kPerField,
     "Tells how many milliseconds fields have left.",
     HPTtl,
     "key FIELDS numfields field ..."},
    {"hexpiretime",
     -5,
     kReadFast,
     {{kRead}},
     kAclHash,
     "7.4.0",
     "hash",
     kPerField,
     "Tells at which Unix time, in seconds, fields go.",
     HExpireTime,
     "key FIELDS numfields field ..."},
    {"hpexpiretime",
     -5,
     kReadFast,
     {{kRead}},
     kAclHash,
     "7.4.0",
     "hash",
     kPerField,
     "Tells at which Unix time, in milliseconds, fields go.",
     HPExpireTime,
     "key FIELDS numfields field ..."},
    {"hpersist",
     -5,
     kWrite | kFast,
     {{kUpdated}},
     kAclHash,
     "7.4.0",
     "hash",
     kPerField,
     "Takes the deadlines of fields away, so that they stay.",
     HPersist,
     "key FIELDS numfields field ..."},
};

}  // namespace

std::span<const CommandRow> HashExpireCommands() { return kRows; }

}  // namespace mantis::server
