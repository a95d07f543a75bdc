// Sets: members of one set, and moving a member to another.

#include <algorithm>
#include <array>
#include <memory>

#include "engine/base/allocation_failure.h"
#include "engine/value/set.h"
#include "protocol/number.h"
#include "server/commands/args.h"
#include "server/commands/collection_scan.h"
#include "server/commands/random_count.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

std::unique_ptr<Set> NewSet() { return std::make_unique<Set>(); }

// `read(const Set&)` writes the reply, `absent()` does where there is no key.
template <class F, class Absent>
Outcome ReadSet(CommandContext& c, F&& read, Absent&& absent) {
  const Status s = c.db().Read<Set>(c.op, c.key(1), [&](const Set& set) {
    read(set);
    return Status::kOk;
  });
  if (s == Status::kNotFound) {
    absent();
  } else if (s != Status::kOk) {
    return FailStatus(c, s);
  }
  return Done();
}

Outcome SAdd(CommandContext& c) {
  if (TooLong(c, c.argc())) return Outcome::kOffload;
  const auto members = c.args.subspan(2);
  for (const Bytes member : members) {
    if (member.size() > Set::kMemberBytesMax) return FailStatus(c, Status::kTooLarge);
  }
  const ValueLimits limits = LimitsOf(c.core.settings());
  int64_t added = 0;
  const Status s = c.db().EditOrCreate<Set>(c.op, c.key(1), NewSet, [&](Set& set) {
    set.Expect(members.size(), members[0], limits);
    for (const Bytes member : members) added += set.Add(member, limits) ? 1 : 0;
    return added != 0 ? Edited::Yes("sadd").Counting(added) : Edited::No();
  });
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Integer(added);
  return Done();
}

Outcome SRem(CommandContext& c) {
  if (TooLong(c, c.argc())) return Outcome::kOffload;
  int64_t removed = 0;
  const Status s = c.db().Edit<Set>(c.op, c.key(1), [&](Set& set) {
    for (const Bytes member : c.args.subspan(2)) removed += set.Erase(member) ? 1 : 0;
    return removed != 0 ? Edited::Yes("srem").Counting(removed) : Edited::No();
  });
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Integer(removed);
  return Done();
}

Outcome SMembers(CommandContext& c) {
  const Status s = c.db().Read<Set>(c.op, c.key(1), [&](const Set& set) {
    if (TooLong(c, set.size())) return Status::kTooLong;
    c.reply.Set(set.size());
    set.ForEach([&c](const Set::Member& m) { ReplyItem(c, m); });
    return Status::kOk;
  });
  if (s == Status::kNotFound) {
    c.reply.Set(0);
    return Done();
  }
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

Outcome SIsMember(CommandContext& c) {
  return ReadSet(
      c, [&c](const Set& set) { c.reply.Integer(set.Contains(c.args[2]) ? 1 : 0); },
      [&c] { c.reply.Integer(0); });
}

Outcome SMIsMember(CommandContext& c) {
  if (TooLong(c, c.argc())) return Outcome::kOffload;
  const auto members = c.args.subspan(2);
  return ReadSet(
      c,
      [&](const Set& set) {
        c.reply.Array(members.size());
        for (const Bytes member : members) c.reply.Integer(set.Contains(member) ? 1 : 0);
      },
      [&] {
        c.reply.Array(members.size());
        for (size_t i = 0; i < members.size(); ++i) c.reply.Integer(0);
      });
}

Outcome SCard(CommandContext& c) {
  return ReadSet(
      c, [&c](const Set& set) { c.reply.Integer(static_cast<int64_t>(set.size())); },
      [&c] { c.reply.Integer(0); });
}

// Members are replied with while they are removed, so the memory for it must be there before. As
// much as these many take on average, and as much again.
void EnsureReplyOf(const Set& set, size_t members) {
  const memory::NothingChangedYet yet;
  if (members == 0) return;
  memory::Ensure(2 * (set.bytes(5) / set.size() + 1) * members);
}

Outcome PopOne(CommandContext& c) {
  const Status s = c.db().Edit<Set>(c.op, c.key(1), [&](Set& set) {
    set.Pop(c.op.random_state(), [&c](const Set::Member& m) {
      const memory::NothingChangedYet yet;
      ReplyItem(c, m);
    });
    return Edited::Yes("spop");
  });
  if (s == Status::kNotFound) {
    c.reply.Null();
    return Done();
  }
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

Outcome SPop(CommandContext& c) {
  if (c.argc() == 2) return PopOne(c);
  if (c.argc() > 3) return SyntaxError(c);
  const auto count = protocol::ParseInteger(c.args[2]);
  if (!count || *count < 0) return Fail(c, "ERR value is out of range, must be positive");
  const ValueLimits limits = LimitsOf(c.core.settings());
  const Status s = c.db().Edit<Set>(c.op, c.key(1), [&](Set& set) {
    const size_t popped = std::min(static_cast<size_t>(*count), set.size());
    if (TooLong(c, popped)) return Edited::No(Status::kTooLong);
    EnsureReplyOf(set, popped);
    c.reply.Set(popped);
    if (popped == 0) return Edited::No();
    set.PopMany(popped, limits, c.op.random_state(),
                [&c](const Set::Member& m) { ReplyItem(c, m); });
    return Edited::Yes("spop").Counting(popped);
  });
  if (s == Status::kNotFound) {
    c.reply.Set(0);
    return Done();
  }
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

// SRANDMEMBER with a count. Different members are no more than the set has, but repeated ones are
// as many as were asked for: a reply that no memory would hold is refused when it becomes too big.
void ReplyRandomMembers(CommandContext& c, const Set& set, const RandomCount& random) {
  constexpr size_t kReplyBytesMax = size_t{1} << 30;
  constexpr size_t kAtOnce = 10'000;
  auto& buffer = c.reply.buffer();
  const size_t begin = buffer.size();
  const auto reply = [&c](const Set::Member& m) { ReplyItem(c, m); };
  size_t left = random.Drawn(set.size());
  c.reply.Array(left);
  if (!random.repeat) {
    set.Sample(left, c.op.random_state(), reply);
    return;
  }
  while (left > 0) {
    const size_t n = std::min(left, kAtOnce);
    set.Draw(n, c.op.random_state(), reply);
    left -= n;
    if (left > 0 && buffer.size() - begin > kReplyBytesMax) {
      buffer.Truncate(begin);
      c.reply.Error("ERR value is out of range");
      return;
    }
  }
}

Outcome SRandMember(CommandContext& c) {
  RandomCount random;
  if (!ParseRandomCount(c, {}, &random)) return Done();
  const Status s = c.db().Read<Set>(c.op, c.key(1), [&](const Set& set) {
    if (TooLong(c, random.Drawn(set.size()))) return Status::kTooLong;
    if (random.given) {
      ReplyRandomMembers(c, set, random);
    } else {
      ReplyItem(c, set.Random(c.op.random_state()));
    }
    return Status::kOk;
  });
  if (s == Status::kNotFound) {
    random.given ? c.reply.Array(0) : c.reply.Null();
    return Done();
  }
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

// Both keys are locked. *moved says whether there was such a member.
Status MoveMember(CommandContext& c, bool* moved) {
  Database& db = c.db();
  const Bytes member = c.args[3];
  const Status from = db.Read<Set>(
      c.op, c.key(1),
      [&](const Set& set) {
        *moved = set.Contains(member);
        return Status::kOk;
      },
      Database::Access::kPeek);
  // Nobody looks at the target where there is no source.
  if (from != Status::kOk) return from;
  const Status to = db.Read<Set>(
      c.op, c.key(2), [](const Set&) { return Status::kOk; }, Database::Access::kPeek);
  if (to == Status::kWrongType) return to;
  if (!*moved || c.args[1] == c.args[2]) return Status::kOk;
  const Status taken = db.Edit<Set>(c.op, c.key(1), [&](Set& set) {
    set.Erase(member);
    return Edited::Yes("srem");
  });
  if (taken != Status::kOk) return taken;
  const ValueLimits limits = LimitsOf(c.core.settings());
  return db.EditOrCreate<Set>(c.op, c.key(2), NewSet, [&](Set& set) {
    set.Expect(1, member, limits);
    return set.Add(member, limits) ? Edited::Yes("sadd") : Edited::No();
  });
}

Outcome SMove(CommandContext& c) {
  const std::array<KeyLocks::Target, 2> targets{KeyLocks::Target{&c.db(), c.key(1)},
                                                KeyLocks::Target{&c.db(), c.key(2)}};
  KeyLocks locks(c.op);
  if (locks.Acquire(targets) == Status::kBusy) return Outcome::kBusy;
  bool moved = false;
  const Status s = MoveMember(c, &moved);
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Integer(moved ? 1 : 0);
  return Done();
}

Outcome SScan(CommandContext& c) {
  return ScanCollection<Set>(
      c, ScanExtra::kNone, [](const Set& set, const ScanOptions& options, ScanPage& page) {
        return set.Scan(options.cursor, options.count, [&](const Set::Member& m) {
          std::array<char, 24> digits;
          const Bytes text = m.View(digits);
          if (!options.Matches(text)) return;
          m.is_integer ? page.AddCopy(text) : page.Add(text);
        });
      });
}

constexpr KeySpec kRead{1, 1, 1, kKeyRo | kKeyAccess};
constexpr KeySpec kCounted{1, 1, 1, kKeyRo};
constexpr KeySpec kTaken{1, 1, 1, kKeyRw | kKeyAccess | kKeyDelete};

constexpr CommandRow kRows[] = {
    {"sadd",
     -3,
     kWrite | kDenyOom | kFast | kElementAt2,
     {{{1, 1, 1, kKeyRw | kKeyInsert}}},
     kAclSet,
     "1.0.0",
     "set",
     "O(N) with N the number of members given",
     "Adds members to a set; creates the key if need be.",
     SAdd,
     "key member ..."},
    {"srem",
     -3,
     kWrite | kFast | kElementAt2,
     {{{1, 1, 1, kKeyRw | kKeyDelete}}},
     kAclSet,
     "1.0.0",
     "set",
     "O(N) with N the number of members given",
     "Removes members from a set; the key goes with the last one.",
     SRem,
     "key member ..."},
    {"smembers",
     2,
     kReadonly,
     {{kRead}},
     kAclSet,
     "1.0.0",
     "set",
     "O(N) with N the number of members",
     "Returns all members of a set.",
     SMembers,
     "key",
     "nondeterministic_output_order"},
    {"sismember",
     3,
     kReadonly | kFast | kElementAt2,
     {{kCounted}},
     kAclSet,
     "1.0.0",
     "set",
     "O(1)",
     "Tells whether a member is in a set.",
     SIsMember,
     "key member"},
    {"smismember",
     -3,
     kReadonly | kFast | kElementAt2,
     {{kRead}},
     kAclSet,
     "6.2.0",
     "set",
     "O(N) with N the number of members given",
     "Tells for each of several members whether it is in a set.",
     SMIsMember,
     "key member ..."},
    {"scard",
     2,
     kReadonly | kFast,
     {{kCounted}},
     kAclSet,
     "1.0.0",
     "set",
     "O(1)",
     "Returns the number of members of a set.",
     SCard,
     "key"},
    {"spop",
     -2,
     kWrite | kFast,
     {{kTaken}},
     kAclSet,
     "1.0.0",
     "set",
     "O(N) with N the number of members returned",
     "Removes random members from a set and returns them.",
     SPop,
     "key [count]",
     "nondeterministic_output"},
    {"srandmember",
     -2,
     kReadonly,
     {{kRead}},
     kAclSet,
     "1.0.0",
     "set",
     "O(N) with N the number of members returned",
     "Returns random members of a set: different ones for a positive count, any for a negative "
     "one.",
     SRandMember,
     "key [count]",
     "nondeterministic_output"},
    {"smove",
     4,
     kWrite | kFast,
     {{kTaken, {2, 2, 1, kKeyRw | kKeyInsert}}},
     kAclSet,
     "1.0.0",
     "set",
     "O(1)",
     "Moves a member from one set to another.",
     SMove,
     "source destination member"},
    {"sscan",
     -3,
     kReadonly,
     {{kRead}},
     kAclSet,
     "2.8.0",
     "set",
     "O(COUNT) for a call, O(N) for a complete iteration over N members",
     "Iterates over the members of a set in steps.",
     SScan,
     "key cursor [MATCH pattern] [COUNT count]",
     "nondeterministic_output"},
};

}  // namespace

std::span<const CommandRow> SetCommands() { return kRows; }

}  // namespace mantis::server
