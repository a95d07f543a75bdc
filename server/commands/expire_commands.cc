// Deadlines: setting, asking for and removing them.

#include <string>

#include "server/commands/args.h"
#include "server/commands/key_inspect.h"
#include "server/commands/set_options.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

struct Conditions {
  bool nx = false;
  bool xx = false;
  bool gt = false;
  bool lt = false;

  // No deadline counts as one that never comes.
  bool Allow(const Current& now, int64_t deadline_ms) const {
    if (nx && now.has_deadline()) return false;
    if (xx && !now.has_deadline()) return false;
    if (gt && deadline_ms <= now.deadline_ms) return false;
    return !(lt && now.has_deadline() && deadline_ms >= now.deadline_ms);
  }
};

bool ParseConditions(CommandContext& c, Conditions* out) {
  for (size_t i = 3; i < c.argc(); ++i) {
    if (EqualsIgnoreCase(c.args[i], "NX")) {
      out->nx = true;
    } else if (EqualsIgnoreCase(c.args[i], "XX")) {
      out->xx = true;
    } else if (EqualsIgnoreCase(c.args[i], "GT")) {
      out->gt = true;
    } else if (EqualsIgnoreCase(c.args[i], "LT")) {
      out->lt = true;
    } else {
      c.reply.Error("ERR Unsupported option " + std::string(c.args[i]));
      return false;
    }
  }
  if (out->nx && (out->xx || out->gt || out->lt)) {
    c.reply.Error("ERR NX and XX, GT or LT options at the same time are not compatible");
    return false;
  }
  if (out->gt && out->lt) {
    c.reply.Error("ERR GT and LT options at the same time are not compatible");
    return false;
  }
  return true;
}

// Unlike SET's EX and its kin, these take any number: the past deletes the key.
bool ParseAnyDeadline(CommandContext& c, TimeUnit unit, TimeBase base, int64_t* deadline_ms) {
  int64_t v = 0;
  if (!ParseInteger(c, c.args[2], &v)) return false;
  if ((unit == TimeUnit::kSeconds && __builtin_mul_overflow(v, int64_t{1000}, &v)) ||
      (base == TimeBase::kRelative && __builtin_add_overflow(v, c.op.now_ms(), &v))) {
    c.reply.Error("ERR invalid expire time in '" + std::string(c.command->row->name) + "' command");
    return false;
  }
  // The largest number is our "never"; one millisecond less is as good.
  *deadline_ms = v == kNoDeadline ? v - 1 : v;
  return true;
}

Outcome ExpireKey(CommandContext& c, TimeUnit unit, TimeBase base) {
  Conditions conditions;
  int64_t deadline = 0;
  if (!ParseConditions(c, &conditions) || !ParseAnyDeadline(c, unit, base, &deadline)) {
    return Done();
  }
  const Status s = c.db().Mutate(c.op, c.key(1), [&](const Current& now) {
    if (!now.exists()) return Update::Keep(Status::kNotFound);
    if (!conditions.Allow(now, deadline)) return Update::Keep(Status::kExists);
    if (deadline <= c.op.now_ms()) return Update::Erase("del");
    return Update::SetDeadline(deadline, "expire");
  });
  if (s == Status::kBusy) return Outcome::kBusy;
  c.reply.Integer(s == Status::kOk ? 1 : 0);
  return Done();
}

Outcome Expire(CommandContext& c) { return ExpireKey(c, TimeUnit::kSeconds, TimeBase::kRelative); }
Outcome PExpire(CommandContext& c) {
  return ExpireKey(c, TimeUnit::kMilliseconds, TimeBase::kRelative);
}
Outcome ExpireAt(CommandContext& c) {
  return ExpireKey(c, TimeUnit::kSeconds, TimeBase::kAbsolute);
}
Outcome PExpireAt(CommandContext& c) {
  return ExpireKey(c, TimeUnit::kMilliseconds, TimeBase::kAbsolute);
}

Outcome ReplyDeadline(CommandContext& c, TimeUnit unit, TimeBase base) {
  Current now;
  const Status s = Inspect(c, c.key(1), &now);
  if (s == Status::kBusy) return Outcome::kBusy;
  if (s != Status::kOk) {
    c.reply.Integer(-2);
  } else if (!now.has_deadline()) {
    c.reply.Integer(-1);
  } else {
    // A live key's deadline lies ahead, so neither form is negative.
    const int64_t ms = now.deadline_ms - (base == TimeBase::kRelative ? c.op.now_ms() : 0);
    // Rounded half up, without a sum that could overflow.
    const int64_t seconds = ms / 1000 + (ms % 1000 >= 500 ? 1 : 0);
    c.reply.Integer(unit == TimeUnit::kSeconds ? seconds : ms);
  }
  return Done();
}

Outcome Ttl(CommandContext& c) { return ReplyDeadline(c, TimeUnit::kSeconds, TimeBase::kRelative); }
Outcome PTtl(CommandContext& c) {
  return ReplyDeadline(c, TimeUnit::kMilliseconds, TimeBase::kRelative);
}
Outcome ExpireTime(CommandContext& c) {
  return ReplyDeadline(c, TimeUnit::kSeconds, TimeBase::kAbsolute);
}
Outcome PExpireTime(CommandContext& c) {
  return ReplyDeadline(c, TimeUnit::kMilliseconds, TimeBase::kAbsolute);
}

Outcome Persist(CommandContext& c) {
  const Status s = c.db().Mutate(c.op, c.key(1), [](const Current& now) {
    if (!now.exists() || !now.has_deadline()) return Update::Keep(Status::kNotFound);
    return Update::SetDeadline(kNoDeadline, "persist");
  });
  if (s == Status::kBusy) return Outcome::kBusy;
  c.reply.Integer(s == Status::kOk ? 1 : 0);
  return Done();
}

constexpr uint32_t kWriteFast = kWrite | kFast;
constexpr uint32_t kReadFast = kReadonly | kFast;
constexpr KeySpec kUpdated{1, 1, 1, kKeyRw | kKeyUpdate};
constexpr KeySpec kRead{1, 1, 1, kKeyRo | kKeyAccess};
constexpr std::string_view kTtlTips = "nondeterministic_output";

constexpr CommandRow kRows[] = {
    {"expire",
     -3,
     kWriteFast,
     {{kUpdated}},
     kAclKeyspace,
     "1.0.0",
     "generic",
     "O(1)",
     "Sets a key's time to live, in seconds.",
     Expire,
     "key seconds [NX | XX | GT | LT]"},
    {"pexpire",
     -3,
     kWriteFast,
     {{kUpdated}},
     kAclKeyspace,
     "2.6.0",
     "generic",
     "O(1)",
     "Sets a key's time to live, in milliseconds.",
     PExpire,
     "key milliseconds [NX | XX | GT | LT]"},
    {"expireat",
     -3,
     kWriteFast,
     {{kUpdated}},
     kAclKeyspace,
     "1.2.0",
     "generic",
     "O(1)",
     "Sets the moment, as Unix time in seconds, at which a key goes.",
     ExpireAt,
     "key unix-time-seconds [NX | XX | GT | LT]"},
    {"pexpireat",
     -3,
     kWriteFast,
     {{kUpdated}},
     kAclKeyspace,
     "2.6.0",
     "generic",
     "O(1)",
     "Sets the moment, as Unix time in milliseconds, at which a key goes.",
     PExpireAt,
     "key unix-time-milliseconds [NX | XX | GT | LT]"},
    {"ttl",
     2,
     kReadFast,
     {{kRead}},
     kAclKeyspace,
     "1.0.0",
     "generic",
     "O(1)",
     "Tells how many seconds a key has left.",
     Ttl,
     "key",
     kTtlTips},
    {"pttl",
     2,
     kReadFast,
     {{kRead}},
     kAclKeyspace,
     "2.6.0",
     "generic",
     "O(1)",
     "Tells how many milliseconds a key has left.",
     PTtl,
     "key",
     kTtlTips},
    {"expiretime",
     2,
     kReadFast,
     {{kRead}},
     kAclKeyspace,
     "7.0.0",
     "generic",
     "O(1)",
     "Tells at which Unix time, in seconds, a key goes.",
     ExpireTime,
     "key"},
    {"pexpiretime",
     2,
     kReadFast,
     {{kRead}},
     kAclKeyspace,
     "7.0.0",
     "generic",
     "O(1)",
     "Tells at which Unix time, in milliseconds, a key goes.",
     PExpireTime,
     "key"},
    {"persist",
     2,
     kWriteFast,
     {{kUpdated}},
     kAclKeyspace,
     "2.2.0",
     "generic",
     "O(1)",
     "Takes a key's deadline away, so that it stays.",
     Persist,
     "key"},
};

}  // namespace

std::span<const CommandRow> ExpireCommands() { return kRows; }

}  // namespace mantis::server
