// Strings: reading, writing, counting. Ranges and substrings are in string_range_commands.cc.

#include <charconv>
#include <cmath>
#include <string>

#include "protocol/number.h"
#include "server/commands/args.h"
#include "server/commands/set_options.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

void ReplyCurrent(CommandContext& c, const Current& v) {
  if (v.type() == ValueType::kString) {
    ReplyString(c, StringRef(v.value));
  } else {
    c.reply.Null();
  }
}

Outcome Get(CommandContext& c) {
  StringRef value;
  const Status s = c.db().GetString(c.op, c.key(1), &value);
  if (s == Status::kOk) {
    ReplyString(c, value);
    return Done();
  }
  if (s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Null();
  return Done();
}

// Sets the value, with whatever deadline; the plain forms of SET share this.
Status Store(CommandContext& c, const KeyRef& key, Bytes value, int64_t deadline_ms) {
  return c.db().Mutate(c.op, key, [&](const Current& now) {
    return Update::Set(MakeString(value, now.value), deadline_ms, "set");
  });
}

Outcome SetWithOptions(CommandContext& c) {
  SetOptions options;
  if (!ParseSetOptions(c, 3, SetFamily::kSet, &options)) return Done();
  Current old;
  const Status s = c.db().Mutate(c.op, c.key(1), [&](const Current& now) -> Update {
    old = now;
    if (options.get && now.exists() && now.type() != ValueType::kString) {
      return Update::Keep(Status::kWrongType);
    }
    if (options.nx && now.exists()) return Update::Keep(Status::kExists);
    if (options.xx && !now.exists()) return Update::Keep(Status::kNotFound);
    const int64_t deadline = options.keep_ttl ? now.deadline_ms : options.deadline_ms;
    if (deadline <= c.op.now_ms()) return Update::Erase("del");
    return Update::Set(MakeString(c.args[2], now.value), deadline, "set");
  });
  if (s == Status::kBusy || s == Status::kWrongType) return FailStatus(c, s);
  if (options.get) {
    ReplyCurrent(c, old);
  } else if (s == Status::kOk) {
    c.reply.Ok();
  } else {
    c.reply.Null();
  }
  return Done();
}

Outcome Set(CommandContext& c) {
  if (c.argc() != 3) return SetWithOptions(c);
  const Status s = Store(c, c.key(1), c.args[2], kNoDeadline);
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Ok();
  return Done();
}

Outcome SetNx(CommandContext& c) {
  const Status s = c.db().Mutate(c.op, c.key(1), [&](const Current& now) {
    if (now.exists()) return Update::Keep(Status::kExists);
    return Update::Set(MakeString(c.args[2], now.value), kNoDeadline, "set");
  });
  if (s == Status::kBusy) return Outcome::kBusy;
  c.reply.Integer(s == Status::kOk ? 1 : 0);
  return Done();
}

Outcome SetWithTime(CommandContext& c, TimeUnit unit) {
  int64_t deadline = 0;
  if (!ParseDeadline(c, c.args[2], unit, TimeBase::kRelative, &deadline)) return Done();
  const Status s = Store(c, c.key(1), c.args[3], deadline);
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Ok();
  return Done();
}

Outcome SetEx(CommandContext& c) { return SetWithTime(c, TimeUnit::kSeconds); }
Outcome PSetEx(CommandContext& c) { return SetWithTime(c, TimeUnit::kMilliseconds); }

Outcome GetSet(CommandContext& c) {
  Current old;
  const Status s = c.db().Mutate(c.op, c.key(1), [&](const Current& now) {
    old = now;
    if (now.exists() && now.type() != ValueType::kString) return Update::Keep(Status::kWrongType);
    return Update::Set(MakeString(c.args[2], now.value), kNoDeadline, "set");
  });
  if (s != Status::kOk) return FailStatus(c, s);
  ReplyCurrent(c, old);
  return Done();
}

Outcome GetDel(CommandContext& c) {
  Current old;
  const Status s = c.db().Mutate(c.op, c.key(1), [&](const Current& now) {
    old = now;
    if (!now.exists()) return Update::Keep(Status::kNotFound);
    if (now.type() != ValueType::kString) return Update::Keep(Status::kWrongType);
    return Update::Erase("del");
  });
  if (s == Status::kBusy || s == Status::kWrongType) return FailStatus(c, s);
  ReplyCurrent(c, old);
  return Done();
}

Outcome GetEx(CommandContext& c) {
  SetOptions options;
  if (!ParseSetOptions(c, 2, SetFamily::kGetEx, &options)) return Done();
  if (!options.has_deadline && !options.persist) return Get(c);
  Current old;
  const Status s = c.db().Mutate(c.op, c.key(1), [&](const Current& now) {
    old = now;
    if (!now.exists()) return Update::Keep(Status::kNotFound);
    if (now.type() != ValueType::kString) return Update::Keep(Status::kWrongType);
    if (options.persist) {
      if (!now.has_deadline()) return Update::Keep(Status::kOk);
      return Update::SetDeadline(kNoDeadline, "persist");
    }
    if (options.deadline_ms <= c.op.now_ms()) return Update::Erase("del");
    return Update::SetDeadline(options.deadline_ms, "expire");
  });
  if (s == Status::kBusy || s == Status::kWrongType) return FailStatus(c, s);
  ReplyCurrent(c, old);
  return Done();
}

std::vector<KeyRef>& KeysOf(CommandContext& c, size_t from, size_t step) {
  thread_local std::vector<KeyRef> keys;
  keys.clear();
  for (size_t i = from; i < c.argc(); i += step) keys.push_back(c.key(i));
  return keys;
}

Outcome MGet(CommandContext& c) {
  thread_local std::vector<Current> values;
  const Status s = c.db().GetMany(c.op, KeysOf(c, 1, 1), values);
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Array(values.size());
  for (const Current& v : values) ReplyCurrent(c, v);
  return Done();
}

Status LockPairs(CommandContext& c, const std::vector<KeyRef>& keys, KeyLocks& locks) {
  // A single key is atomic by itself.
  if (keys.size() == 1) return Status::kOk;
  thread_local std::vector<KeyLocks::Target> targets;
  targets.clear();
  for (const KeyRef& key : keys) targets.emplace_back(&c.db(), key);
  return locks.Acquire(targets);
}

Outcome SetPairs(CommandContext& c, bool only_if_none_exists) {
  if (c.argc() % 2 == 0) {
    return Fail(
        c, "ERR wrong number of arguments for '" + std::string(c.command->row->name) + "' command");
  }
  const std::vector<KeyRef>& keys = KeysOf(c, 1, 2);
  KeyLocks locks(c.op);
  if (LockPairs(c, keys, locks) == Status::kBusy) return Outcome::kBusy;
  if (only_if_none_exists && keys.size() > 1) {
    for (const KeyRef& key : keys) {
      Current now;
      const Status s = c.db().Get(c.op, key, &now, Database::Access::kPeek);
      if (s == Status::kOk) {
        c.reply.Integer(0);
        return Done();
      }
    }
  } else if (only_if_none_exists) {
    return SetNx(c);
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    // With one key no lock is held, so it may be busy; with several it cannot.
    if (Store(c, keys[i], c.args[2 + 2 * i], kNoDeadline) == Status::kBusy) return Outcome::kBusy;
  }
  if (only_if_none_exists) {
    c.reply.Integer(1);
  } else {
    c.reply.Ok();
  }
  return Done();
}

Outcome MSet(CommandContext& c) { return SetPairs(c, false); }
Outcome MSetNx(CommandContext& c) { return SetPairs(c, true); }

Outcome Add(CommandContext& c, int64_t delta) {
  int64_t result = 0;
  const Status s = c.db().Mutate(c.op, c.key(1), [&](const Current& now) -> Update {
    int64_t v = 0;
    if (now.exists()) {
      if (now.type() != ValueType::kString) return Update::Keep(Status::kWrongType);
      const StringRef text(now.value);
      if (text.is_integer()) {
        v = text.integer();
      } else {
        const auto parsed = ParseCanonicalInteger(text.blob()->bytes());
        if (!parsed) return Update::Keep(Status::kNotInteger);
        v = *parsed;
      }
    }
    if (__builtin_add_overflow(v, delta, &result)) return Update::Keep(Status::kOverflow);
    return Update::Set(MakeInteger(result, now.value), now.deadline_ms, "incrby");
  });
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Integer(result);
  return Done();
}

Outcome Incr(CommandContext& c) { return Add(c, 1); }
Outcome Decr(CommandContext& c) { return Add(c, -1); }

Outcome IncrBy(CommandContext& c) {
  int64_t delta = 0;
  if (!ParseInteger(c, c.args[2], &delta)) return Done();
  return Add(c, delta);
}

Outcome DecrBy(CommandContext& c) {
  int64_t delta = 0;
  if (!ParseInteger(c, c.args[2], &delta)) return Done();
  if (delta == INT64_MIN) return Fail(c, "ERR decrement would overflow");
  return Add(c, -delta);
}

// As printf's %.17Lf with the zeros at the end cut off, Redis's form for INCRBYFLOAT.
std::string FormatLongDouble(long double v) {
  char text[5 * 1024];
  const int n = std::snprintf(text, sizeof(text), "%.17Lf", v);
  std::string s(text, static_cast<size_t>(n));
  if (s.find('.') != std::string::npos) {
    s.erase(s.find_last_not_of('0') + 1);
    if (s.back() == '.') s.pop_back();
  }
  return s == "-0" ? "0" : s;
}

Outcome IncrByFloat(CommandContext& c) {
  const auto delta = protocol::ParseLongDouble(c.args[2]);
  std::string result;
  const Status s = c.db().Mutate(c.op, c.key(1), [&](const Current& now) -> Update {
    long double v = 0;
    if (now.exists()) {
      if (now.type() != ValueType::kString) return Update::Keep(Status::kWrongType);
      char digits[24];
      const auto parsed =
          protocol::ParseLongDouble(StringRef(now.value).Text(std::span<char, 24>(digits)));
      if (!parsed) return Update::Keep(Status::kNotFloat);
      v = *parsed;
    }
    if (!delta) return Update::Keep(Status::kNotFloat);
    v += *delta;
    if (std::isnan(v) || std::isinf(v)) return Update::Keep(Status::kNotFinite);
    result = FormatLongDouble(v);
    return Update::Set(MakeString(result, now.value), now.deadline_ms, "incrbyfloat");
  });
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Bulk(result);
  return Done();
}

constexpr uint16_t kReadKey = kKeyRo | kKeyAccess;
constexpr uint16_t kOverwriteKey = kKeyOw | kKeyUpdate;
constexpr uint16_t kUpdateKey = kKeyRw | kKeyAccess | kKeyUpdate;

constexpr CommandRow kRows[] = {
    {"get",
     2,
     kReadonly | kFast,
     {{{1, 1, 1, kReadKey}}},
     kAclString,
     "1.0.0",
     "string",
     "O(1)",
     "Returns the string value of a key.",
     Get,
     "key"},
    {"set",
     -3,
     kWrite | kDenyOom,
     {{{1, 1, 1, kUpdateKey | kKeyVariableFlags}}},
     kAclString,
     "1.0.0",
     "string",
     "O(1)",
     "Sets the string value of a key, whatever it held before; creates the key if need be.",
     Set,
     "key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT "
     "unix-time-milliseconds | KEEPTTL]"},
    {"setnx",
     3,
     kWrite | kDenyOom | kFast,
     {{{1, 1, 1, kKeyOw | kKeyInsert}}},
     kAclString,
     "1.0.0",
     "string",
     "O(1)",
     "Sets the string value of a key only when the key is absent.",
     SetNx,
     "key value"},
    {"setex",
     4,
     kWrite | kDenyOom,
     {{{1, 1, 1, kOverwriteKey}}},
     kAclString,
     "2.0.0",
     "string",
     "O(1)",
     "Sets the string value and the time to live, in seconds, of a key.",
     SetEx,
     "key seconds value"},
    {"psetex",
     4,
     kWrite | kDenyOom,
     {{{1, 1, 1, kOverwriteKey}}},
     kAclString,
     "2.6.0",
     "string",
     "O(1)",
     "Sets the string value and the time to live, in milliseconds, of a key.",
     PSetEx,
     "key milliseconds value"},
    {"getset",
     3,
     kWrite | kDenyOom | kFast,
     {{{1, 1, 1, kUpdateKey}}},
     kAclString,
     "1.0.0",
     "string",
     "O(1)",
     "Returns the string value of a key and replaces it.",
     GetSet,
     "key value"},
    {"getdel",
     2,
     kWrite | kFast,
     {{{1, 1, 1, kKeyRw | kKeyAccess | kKeyDelete}}},
     kAclString,
     "6.2.0",
     "string",
     "O(1)",
     "Returns the string value of a key and deletes the key.",
     GetDel,
     "key"},
    {"getex",
     -2,
     kWrite | kFast,
     {{{1, 1, 1, kUpdateKey}}},
     kAclString,
     "6.2.0",
     "string",
     "O(1)",
     "Returns the string value of a key and sets or removes its time to live.",
     GetEx,
     "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | "
     "PERSIST]"},
    {"mget",
     -2,
     kReadonly | kFast,
     {{{1, -1, 1, kReadKey}}},
     kAclString,
     "1.0.0",
     "string",
     "O(N) with N the number of keys",
     "Returns the string values of several keys as they were at one moment.",
     MGet,
     "key ..."},
    {"mset",
     -3,
     kWrite | kDenyOom,
     {{{1, -1, 2, kOverwriteKey}}},
     kAclString,
     "1.0.1",
     "string",
     "O(N) with N the number of keys",
     "Sets the string values of several keys at once.",
     MSet,
     "(key value) ..."},
    {"msetnx",
     -3,
     kWrite | kDenyOom,
     {{{1, -1, 2, kKeyOw | kKeyInsert}}},
     kAclString,
     "1.0.1",
     "string",
     "O(N) with N the number of keys",
     "Sets the string values of several keys at once, only when all of them are absent.",
     MSetNx,
     "(key value) ..."},
    {"incr",
     2,
     kWrite | kDenyOom | kFast,
     {{{1, 1, 1, kUpdateKey}}},
     kAclString,
     "1.0.0",
     "string",
     "O(1)",
     "Adds one to the integer a key holds; an absent key counts as 0.",
     Incr,
     "key"},
    {"decr",
     2,
     kWrite | kDenyOom | kFast,
     {{{1, 1, 1, kUpdateKey}}},
     kAclString,
     "1.0.0",
     "string",
     "O(1)",
     "Subtracts one from the integer a key holds; an absent key counts as 0.",
     Decr,
     "key"},
    {"incrby",
     3,
     kWrite | kDenyOom | kFast,
     {{{1, 1, 1, kUpdateKey}}},
     kAclString,
     "1.0.0",
     "string",
     "O(1)",
     "Adds a number to the integer a key holds; an absent key counts as 0.",
     IncrBy,
     "key increment"},
    {"decrby",
     3,
     kWrite | kDenyOom | kFast,
     {{{1, 1, 1, kUpdateKey}}},
     kAclString,
     "1.0.0",
     "string",
     "O(1)",
     "Subtracts a number from the integer a key holds; an absent key counts as 0.",
     DecrBy,
     "key decrement"},
    {"incrbyfloat",
     3,
     kWrite | kDenyOom | kFast,
     {{{1, 1, 1, kUpdateKey}}},
     kAclString,
     "2.6.0",
     "string",
     "O(1)",
     "Adds a number to the float a key holds; an absent key counts as 0.",
     IncrByFloat,
     "key increment-float"},
};

}  // namespace

std::span<const CommandRow> StringCommands() { return kRows; }

}  // namespace mantis::server
