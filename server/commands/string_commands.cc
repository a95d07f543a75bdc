// Strings: reading and writing. Numbers are in string_number_commands.cc, ranges and substrings in
// string_range_commands.cc.

#include <optional>
#include <string>

#include "engine/base/allocation_failure.h"
#include "server/commands/args.h"
#include "server/commands/key_inspect.h"
#include "server/commands/set_options.h"
#include "server/commands/string_patch.h"
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

// What a mutation saw, for the reply that follows it. A value that was replaced or deleted stands
// still from then on and lives as long as the read section, which therefore begins here where the
// batch has none; a string buffer that stays may be changed as soon as its lock is given back, so
// its text is copied.
class Seen {
 public:
  explicit Seen(CommandContext& c) : inside_(c.op) {}
  // Each time the mutation's function runs.
  void Look(const Current& now) {
    now_ = now;
    copied_ = false;
    // It is copied into the reply when it has been replaced already.
    if (now.value.kind() == Kind::kStringBuffer) memory::Ensure(StringRef(now.value).size());
  }
  // When it leaves the value there.
  void Stays() {
    copied_ = now_.value.kind() == Kind::kStringBuffer;
    char digits[24];
    if (copied_) text_ = StringRef(now_.value).Text(std::span<char, 24>(digits));
  }
  void Reply(CommandContext& c) const {
    if (copied_) {
      c.reply.Bulk(text_);
    } else {
      ReplyCurrent(c, now_);
    }
  }

 private:
  InsideSection inside_;
  Current now_;
  bool copied_ = false;
  std::string text_;
};

// The reply for a string that is changed in place, copied while its lock is held.
Outcome GetBuffer(CommandContext& c, Entry* entry) {
  const Status s = c.db().ReadEntryOutside(c.op, entry, [&](const Current& now) {
    if (now.type() != ValueType::kString) return Status::kWrongType;
    char digits[24];
    const Bytes text = StringRef(now.value).Text(std::span<char, 24>(digits));
    if (TooLongBytes(c, text.size())) return Status::kTooLong;
    c.reply.Bulk(text);
    return Status::kOk;
  });
  if (s == Status::kNotFound) c.reply.Null();
  return s == Status::kOk || s == Status::kNotFound ? Done() : FailStatus(c, s);
}

Outcome Get(CommandContext& c) {
  Current now;
  Entry* entry = nullptr;
  const Status s = c.db().Get(c.op, c.key(1), &now, Database::Access::kRead, &entry);
  if (s == Status::kNotFound) {
    c.reply.Null();
    return Done();
  }
  if (s != Status::kOk) return FailStatus(c, s);
  if (now.type() != ValueType::kString) return FailStatus(c, Status::kWrongType);
  if (now.value.kind() == Kind::kStringBuffer) return GetBuffer(c, entry);
  ReplyString(c, StringRef(now.value));
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
  Seen old(c);
  const auto access = options.get ? Database::Access::kRead : Database::Access::kPeek;
  const Status s = c.db().Mutate(
      c.op, c.key(1),
      [&](const Current& now) -> Update {
        if (options.get) old.Look(now);
        if (options.get && now.exists() && now.type() != ValueType::kString) {
          return Update::Keep(Status::kWrongType);
        }
        if (options.nx && now.exists()) {
          if (options.get) old.Stays();
          return Update::Keep(Status::kExists);
        }
        if (options.xx && !now.exists()) return Update::Keep(Status::kNotFound);
        const int64_t deadline = options.keep_ttl ? now.deadline_ms : options.deadline_ms;
        if (deadline <= c.op.now_ms()) return Update::Erase("del");
        return Update::Set(MakeString(c.args[2], now.value), deadline, "set");
      },
      access);
  if (s == Status::kBusy || s == Status::kWrongType) return FailStatus(c, s);
  if (options.get) {
    old.Reply(c);
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
  Seen old(c);
  const Status s = c.db().Mutate(
      c.op, c.key(1),
      [&](const Current& now) {
        old.Look(now);
        if (now.exists() && now.type() != ValueType::kString)
          return Update::Keep(Status::kWrongType);
        return Update::Set(MakeString(c.args[2], now.value), kNoDeadline, "set");
      },
      Database::Access::kRead);
  if (s != Status::kOk) return FailStatus(c, s);
  old.Reply(c);
  return Done();
}

Outcome GetDel(CommandContext& c) {
  Seen old(c);
  const Status s = c.db().Mutate(
      c.op, c.key(1),
      [&](const Current& now) {
        old.Look(now);
        if (!now.exists()) return Update::Keep(Status::kNotFound);
        if (now.type() != ValueType::kString) return Update::Keep(Status::kWrongType);
        return Update::Erase("del");
      },
      Database::Access::kRead);
  if (s == Status::kBusy || s == Status::kWrongType) return FailStatus(c, s);
  old.Reply(c);
  return Done();
}

// A wrong time is told only to those who ask for a string.
Outcome RefuseDeadline(CommandContext& c, const std::string& error) {
  Current now;
  const Status s = c.db().Get(c.op, c.key(1), &now, Database::Access::kRead);
  if (s == Status::kNotFound) {
    c.reply.Null();
    return Done();
  }
  if (s != Status::kOk) return FailStatus(c, s);
  if (now.type() != ValueType::kString) return FailStatus(c, Status::kWrongType);
  return Fail(c, error);
}

Outcome GetEx(CommandContext& c) {
  SetOptions options;
  if (!ParseSetOptions(c, 2, SetFamily::kGetEx, &options)) return Done();
  if (options.deadline_error) return RefuseDeadline(c, *options.deadline_error);
  if (!options.has_deadline && !options.persist) return Get(c);
  Seen old(c);
  const Status s = c.db().Mutate(
      c.op, c.key(1),
      [&](const Current& now) {
        old.Look(now);
        if (!now.exists()) return Update::Keep(Status::kNotFound);
        if (now.type() != ValueType::kString) return Update::Keep(Status::kWrongType);
        const bool stays = options.persist || options.deadline_ms > c.op.now_ms();
        if (stays) old.Stays();
        if (options.persist) {
          if (!now.has_deadline()) return Update::Keep(Status::kOk);
          return Update::SetDeadline(kNoDeadline, "persist");
        }
        if (!stays) return Update::Erase("del");
        return Update::SetDeadline(options.deadline_ms, "expire");
      },
      Database::Access::kRead);
  if (s == Status::kBusy || s == Status::kWrongType) return FailStatus(c, s);
  old.Reply(c);
  return Done();
}

std::vector<KeyRef>& KeptKeys() {
  thread_local std::vector<KeyRef> keys;
  return keys;
}

Outcome MGet(CommandContext& c) {
  thread_local std::vector<Current> kept;
  const Scratch<KeyRef> keys(KeptKeys());
  const Scratch<Current> values(kept);
  for (size_t i = 1; i < c.argc(); ++i) keys->push_back(c.key(i));
  const Status s = c.db().GetMany(c.op, *keys, *values);
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Array(values->size());
  for (const Current& v : *values) ReplyCurrent(c, v);
  return Done();
}

Status LockPairs(CommandContext& c, const std::vector<KeyRef>& keys, KeyLocks& locks) {
  // A single key is atomic by itself.
  if (keys.size() == 1) return Status::kOk;
  thread_local std::vector<KeyLocks::Target> kept;
  const Scratch<KeyLocks::Target> targets(kept);
  for (const KeyRef& key : keys) targets->emplace_back(&c.db(), key);
  return locks.Acquire(*targets);
}

Outcome SetPairs(CommandContext& c, bool only_if_none_exists) {
  if (c.argc() % 2 == 0) return ArityError(c);
  const Scratch<KeyRef> lent(KeptKeys());
  for (size_t i = 1; i < c.argc(); i += 2) lent->push_back(c.key(i));
  const std::vector<KeyRef>& keys = *lent;
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
  // All or none: the dispatcher has made sure of the memory for many.
  std::optional<memory::MustSucceed> must;
  if (keys.size() > 1) must.emplace();
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
};

}  // namespace

std::span<const CommandRow> StringCommands() { return kRows; }

}  // namespace mantis::server
