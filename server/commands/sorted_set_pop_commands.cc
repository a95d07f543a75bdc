// Taking the least or greatest members out of sorted sets, waiting for some to come if need be.

#include <algorithm>
#include <vector>

#include "engine/base/allocation_failure.h"
#include "engine/keyspace/key_locks.h"
#include "server/commands/sorted_set_args.h"
#include "server/dispatch/blocking.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

enum class End : uint8_t { kMin, kMax };

// What is written of the members taken.
enum class PopReply : uint8_t {
  kOne,          // member, score (ZPOPMIN)
  kScored,       // members with scores (ZPOPMIN with a count)
  kKeyAndOne,    // key, member, score (BZPOPMIN)
  kKeyAndPairs,  // key, array of pairs, in RESP2 as well (ZMPOP)
};

struct Pop {
  End end = End::kMin;
  size_t count = 1;
  PopReply reply = PopReply::kOne;
};

void WritePopped(CommandContext& c, Bytes key, const SortedSet& set, SortedSet::RankRange ranks,
                 const Pop& pop) {
  const bool reverse = pop.end == End::kMax;
  if (pop.reply == PopReply::kScored) {
    ScoredReply reply(c, ranks.count);
    set.ForEach(ranks, reverse, [&](Bytes member, double score) { reply.Add(member, score); });
    return;
  }
  const bool pairs = pop.reply == PopReply::kKeyAndPairs;
  if (pairs) {
    c.reply.Array(2);
    c.reply.Bulk(key);
    c.reply.Array(ranks.count);
  } else if (pop.reply == PopReply::kKeyAndOne) {
    c.reply.Array(3);
    c.reply.Bulk(key);
  } else {
    c.reply.Array(2);
  }
  set.ForEach(ranks, reverse, [&](Bytes member, double score) {
    if (pairs) c.reply.Array(2);
    c.reply.Bulk(member);
    c.reply.Double(score);
  });
}

// Takes from one key and writes the reply; kNotFound if there is nothing.
Status PopFrom(CommandContext& c, const KeyRef& key, const Pop& pop) {
  return c.db().Edit<SortedSet>(c.op, key, [&](SortedSet& set) {
    SortedSet::RankRange ranks{0, std::min(pop.count, set.size())};
    if (TooManyMembers(c, ranks.count)) return Edited::No(Status::kTooLong);
    if (pop.end == End::kMax) ranks = Mirrored(ranks, set.size());
    {
      const memory::NothingChangedYet yet;
      WritePopped(c, key.bytes, set, ranks, pop);
    }
    set.RemoveRange(ranks);
    if (ranks.count == 0) return Edited::No();
    return Edited::Yes(pop.end == End::kMin ? "zpopmin" : "zpopmax").Counting(ranks.count);
  });
}

// Takes from the first of the keys that has something; kNotFound if none has.
Status PopFromFirst(CommandContext& c, std::span<const Bytes> keys, const Pop& pop) {
  KeyLocks locks(c.op);
  if (keys.size() > 1) {
    std::vector<KeyLocks::Target> targets;
    for (const Bytes key : keys) targets.emplace_back(&c.db(), KeyRef::Of(key));
    const Status s = locks.Acquire(targets);
    if (s != Status::kOk) return s;
  }
  for (const Bytes key : keys) {
    const Status s = PopFrom(c, KeyRef::Of(key), pop);
    // To a client that waits for a sorted set, a key of another type is one that has none yet.
    if (s == Status::kWrongType && c.mode == RunMode::kServe) continue;
    if (s != Status::kNotFound) return s;
  }
  return Status::kNotFound;
}

Outcome PopOne(CommandContext& c, End end) {
  if (c.argc() > 3) return SyntaxError(c);
  Pop pop{.end = end};
  if (c.argc() == 3) {
    int64_t count = 0;
    if (!ParseNumber(c, c.args[2], 0, "ERR value is out of range, must be positive", &count)) {
      return Done();
    }
    pop.count = static_cast<size_t>(count);
    pop.reply = PopReply::kScored;
  }
  const Status s = PopFrom(c, c.key(1), pop);
  if (s == Status::kNotFound) c.reply.Array(0);
  return s == Status::kOk || s == Status::kNotFound ? Done() : FailStatus(c, s);
}

Outcome ZPopMin(CommandContext& c) { return PopOne(c, End::kMin); }
Outcome ZPopMax(CommandContext& c) { return PopOne(c, End::kMax); }

// key… timeout
Outcome PopOneOrWait(CommandContext& c, End end) {
  int64_t timeout_ms = 0;
  if (!ParseTimeout(c, c.args.back(), &timeout_ms)) return Done();
  const auto keys = c.args.subspan(1, c.argc() - 2);
  const Status s = PopFromFirst(c, keys, {.end = end, .reply = PopReply::kKeyAndOne});
  if (s == Status::kNotFound) return BlockOnKeys(c, keys, {.timeout_ms = timeout_ms});
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

Outcome BZPopMin(CommandContext& c) { return PopOneOrWait(c, End::kMin); }
Outcome BZPopMax(CommandContext& c) { return PopOneOrWait(c, End::kMax); }

// numkeys key… MIN|MAX [COUNT count], from argument `at` on.
struct PopMany {
  std::span<const Bytes> keys;
  Pop pop{.reply = PopReply::kKeyAndPairs};
};

// Writes the error and returns false if the arguments do not parse.
bool ParsePopMany(CommandContext& c, size_t at, PopMany* out) {
  int64_t numkeys = 0;
  if (!ParseNumber(c, c.args[at], 1, "ERR numkeys should be greater than 0", &numkeys)) {
    return false;
  }
  const auto rest = c.args.subspan(at + 1);
  const auto n = static_cast<size_t>(numkeys);
  const bool min = n < rest.size() && EqualsIgnoreCase(rest[n], "min");
  const bool max = n < rest.size() && EqualsIgnoreCase(rest[n], "max");
  if (!min && !max) {
    (void)SyntaxError(c);
    return false;
  }
  out->keys = rest.first(n);
  out->pop.end = min ? End::kMin : End::kMax;
  const auto options = rest.subspan(n + 1);
  if (options.empty()) return true;
  if (options.size() < 2 || !EqualsIgnoreCase(options[0], "count")) {
    (void)SyntaxError(c);
    return false;
  }
  int64_t count = 0;
  if (!ParseNumber(c, options[1], 1, "ERR count should be greater than 0", &count)) return false;
  out->pop.count = static_cast<size_t>(count);
  if (options.size() == 2) return true;
  (void)SyntaxError(c);
  return false;
}

Outcome ZMPop(CommandContext& c) {
  PopMany request;
  if (!ParsePopMany(c, 1, &request)) return Done();
  const Status s = PopFromFirst(c, request.keys, request.pop);
  if (s == Status::kNotFound) c.reply.NullArray();
  return s == Status::kOk || s == Status::kNotFound ? Done() : FailStatus(c, s);
}

Outcome BZMPop(CommandContext& c) {
  int64_t timeout_ms = 0;
  PopMany request;
  if (!ParsePopMany(c, 2, &request) || !ParseTimeout(c, c.args[1], &timeout_ms)) return Done();
  const Status s = PopFromFirst(c, request.keys, request.pop);
  if (s == Status::kNotFound) return BlockOnKeys(c, request.keys, {.timeout_ms = timeout_ms});
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

constexpr std::string_view kPerMember =
    "O(M*log(N)) with N the size of the set and M the number of members taken";
constexpr std::string_view kPerKeyAndMember =
    "O(K+M*log(N)) with K the number of keys, N the size of the set and M the number of members "
    "taken";
constexpr std::array<KeySpec, 3> kAllButLast{{{1, -2, 1, kTakenFromKey}}};
constexpr std::array<KeySpec, 3> CountedAt(int16_t at) {
  return {{{at, 0, 1, kTakenFromKey, KeyForm::kCounted}}};
}

constexpr CommandRow kRows[] = {
    SortedSetRow("zpopmin", -2, kWrite | kFast, kTakenFromKey, "5.0.0", ZPopMin, "key [count]",
                 "Takes the members with the least scores out of a sorted set.", kPerMember),
    SortedSetRow("zpopmax", -2, kWrite | kFast, kTakenFromKey, "5.0.0", ZPopMax, "key [count]",
                 "Takes the members with the greatest scores out of a sorted set.", kPerMember),
    SortedSetRow("zmpop", -4, kWrite | kMovableKeys, CountedAt(1), "7.0.0", ZMPop,
                 "numkeys key ... <MIN | MAX> [COUNT count]",
                 "Takes members from an end of the first of some sorted sets that has any.",
                 kPerKeyAndMember),
    SortedSetRow("bzpopmin", -3, kWrite | kNoScript | kBlocking | kFast, kAllButLast, "5.0.0",
                 BZPopMin, "key ... timeout:double",
                 "Takes the member with the least score from the first of some sorted sets that "
                 "has any, or waits for one to come.",
                 kPerKeyAndMember),
    SortedSetRow("bzpopmax", -3, kWrite | kNoScript | kBlocking | kFast, kAllButLast, "5.0.0",
                 BZPopMax, "key ... timeout:double",
                 "Takes the member with the greatest score from the first of some sorted sets that "
                 "has any, or waits for one to come.",
                 kPerKeyAndMember),
    SortedSetRow(
        "bzmpop", -5, kWrite | kBlocking | kMovableKeys, CountedAt(2), "7.0.0", BZMPop,
        "timeout:double numkeys key ... <MIN | MAX> [COUNT count]",
        "Takes members from an end of the first of some sorted sets that has any, or waits "
        "for some to come.",
        kPerKeyAndMember),
};

}  // namespace

std::span<const CommandRow> SortedSetPopCommands() { return kRows; }

}  // namespace mantis::server
