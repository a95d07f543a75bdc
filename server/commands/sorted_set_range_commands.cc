// Sorted sets by range of rank, score or byte order: returned, stored, removed.

#include <algorithm>
#include <array>

#include "engine/keyspace/key_locks.h"
#include "server/commands/sorted_set_args.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

enum class By : uint8_t { kRank, kScore, kLex };

// Which members of a set are meant, and in which order.
struct RangeQuery {
  By by = By::kRank;
  bool reverse = false;
  bool with_scores = false;
  int64_t offset = 0;
  int64_t limit = -1;
  int64_t start = 0;
  int64_t stop = 0;
  ScoreRange scores;
  LexRange lex;

  SortedSet::RankRange RanksIn(const SortedSet& set) const;
};

// As far as a command's name says already what ZRANGE has options for.
struct RangeForm {
  size_t first = 2;  // argument with the lower bound
  By by = By::kRank;
  bool any_by = false;
  bool reverse = false;
  bool any_order = false;
  bool stores = false;
};

SortedSet::RankRange RangeQuery::RanksIn(const SortedSet& set) const {
  if (by == By::kRank) {
    const auto ranks = RanksOfIndexes(start, stop, set.size());
    return reverse && ranks.count != 0 ? Mirrored(ranks, set.size()) : ranks;
  }
  auto ranks = by == By::kScore ? set.Range(scores) : set.Range(lex);
  // Redis counts a negative offset down for ever.
  if (offset < 0 || static_cast<uint64_t>(offset) >= ranks.count) return {};
  const auto skipped = static_cast<size_t>(offset);
  size_t count = ranks.count - skipped;
  if (limit >= 0) count = std::min(count, static_cast<size_t>(limit));
  ranks.first += reverse ? ranks.count - skipped - count : skipped;
  ranks.count = count;
  return ranks;
}

// Each writes the error and returns false if the arguments do not parse.
bool ParseRangeOptions(CommandContext& c, const RangeForm& form, RangeQuery* out) {
  bool limited = false;
  out->by = form.by;
  out->reverse = form.reverse;
  for (size_t i = form.first + 2; i < c.argc(); ++i) {
    const Bytes arg = c.args[i];
    if (!form.stores && EqualsIgnoreCase(arg, "withscores")) {
      out->with_scores = true;
    } else if (EqualsIgnoreCase(arg, "limit") && i + 2 < c.argc()) {
      if (!ParseInteger(c, c.args[i + 1], &out->offset)) return false;
      if (!ParseInteger(c, c.args[i + 2], &out->limit)) return false;
      limited = out->limit != -1;
      i += 2;
    } else if (form.any_order && !out->reverse && EqualsIgnoreCase(arg, "rev")) {
      out->reverse = true;
    } else if (form.any_by && out->by == By::kRank && EqualsIgnoreCase(arg, "bylex")) {
      out->by = By::kLex;
    } else if (form.any_by && out->by == By::kRank && EqualsIgnoreCase(arg, "byscore")) {
      out->by = By::kScore;
    } else {
      (void)SyntaxError(c);
      return false;
    }
  }
  if (limited && out->by == By::kRank) {
    c.reply.Error(
        "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    return false;
  }
  if (out->with_scores && out->by == By::kLex) {
    c.reply.Error("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    return false;
  }
  return true;
}

bool ParseRange(CommandContext& c, const RangeForm& form, RangeQuery* out) {
  if (!ParseRangeOptions(c, form, out)) return false;
  Bytes min = c.args[form.first];
  Bytes max = c.args[form.first + 1];
  if (out->by == By::kRank) {
    return ParseInteger(c, min, &out->start) && ParseInteger(c, max, &out->stop);
  }
  if (out->reverse) std::swap(min, max);
  return out->by == By::kScore ? ParseScoreRange(c, min, max, &out->scores)
                               : ParseLexRange(c, min, max, &out->lex);
}

Outcome ReplyRange(CommandContext& c, const RangeForm& form) {
  RangeQuery query;
  if (!ParseRange(c, form, &query)) return Done();
  const Status s = c.db().Read<SortedSet>(c.op, c.key(1), [&](const SortedSet& set) {
    const auto ranks = query.RanksIn(set);
    if (TooLong(c, ranks.count)) return Status::kTooLong;
    if (query.with_scores) {
      ScoredReply reply(c, ranks.count);
      set.ForEach(ranks, query.reverse,
                  [&](Bytes member, double score) { reply.Add(member, score); });
    } else {
      c.reply.Array(ranks.count);
      set.ForEach(ranks, query.reverse, [&](Bytes member, double) { c.reply.Bulk(member); });
    }
    return Status::kOk;
  });
  if (s == Status::kNotFound) c.reply.Array(0);
  return s == Status::kOk || s == Status::kNotFound ? Done() : FailStatus(c, s);
}

Outcome ZRange(CommandContext& c) { return ReplyRange(c, {.any_by = true, .any_order = true}); }
Outcome ZRevRange(CommandContext& c) { return ReplyRange(c, {.reverse = true}); }
Outcome ZRangeByScore(CommandContext& c) { return ReplyRange(c, {.by = By::kScore}); }
Outcome ZRevRangeByScore(CommandContext& c) {
  return ReplyRange(c, {.by = By::kScore, .reverse = true});
}
Outcome ZRangeByLex(CommandContext& c) { return ReplyRange(c, {.by = By::kLex}); }
Outcome ZRevRangeByLex(CommandContext& c) {
  return ReplyRange(c, {.by = By::kLex, .reverse = true});
}

Outcome ZRangeStore(CommandContext& c) {
  RangeQuery query;
  const RangeForm form{.first = 3, .any_by = true, .any_order = true, .stores = true};
  if (!ParseRange(c, form, &query)) return Done();
  const KeyRef to = c.key(1);
  const KeyRef from = c.key(2);
  KeyLocks locks(c.op);
  const std::array<KeyLocks::Target, 2> targets{{{&c.db(), to}, {&c.db(), from}}};
  if (locks.Acquire(targets) != Status::kOk) return Outcome::kBusy;
  std::unique_ptr<SortedSet> part;
  Status s = c.db().Read<SortedSet>(c.op, from, [&](const SortedSet& set) {
    const auto ranks = query.RanksIn(set);
    if (TooManyMembers(c, ranks.count)) return Status::kTooLong;
    part = set.Slice(ranks, LimitsOf(c.core.settings()));
    return Status::kOk;
  });
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  const size_t stored = part == nullptr ? 0 : part->size();
  s = c.db().Replace(c.op, to, std::move(part), "zrangestore");
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Integer(static_cast<int64_t>(stored));
  return Done();
}

Outcome RemoveRange(CommandContext& c, By by, std::string_view event) {
  RangeQuery query;
  if (!ParseRange(c, {.by = by}, &query)) return Done();
  size_t removed = 0;
  const Status s = c.db().Edit<SortedSet>(c.op, c.key(1), [&](SortedSet& set) {
    const auto ranks = query.RanksIn(set);
    if (TooManyMembers(c, ranks.count)) return Edited::No(Status::kTooLong);
    set.RemoveRange(ranks);
    removed = ranks.count;
    return removed == 0 ? Edited::No() : Edited::Yes(event).Counting(removed);
  });
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Integer(static_cast<int64_t>(removed));
  return Done();
}

Outcome ZRemRangeByRank(CommandContext& c) { return RemoveRange(c, By::kRank, "zremrangebyrank"); }
Outcome ZRemRangeByScore(CommandContext& c) {
  return RemoveRange(c, By::kScore, "zremrangebyscore");
}
Outcome ZRemRangeByLex(CommandContext& c) { return RemoveRange(c, By::kLex, "zremrangebylex"); }

constexpr std::string_view kReturned =
    "O(log(N)+M) with N the size of the set and M the number of members returned";
constexpr std::string_view kRemoved =
    "O(log(N)+M) with N the size of the set and M the number of members removed";

constexpr CommandRow kRows[] = {
    SortedSetRow(
        "zrange", -4, kReadonly, kReadKey, "1.2.0", ZRange,
        "key start:string stop:string [BYSCORE | BYLEX] [REV] [LIMIT (offset count)] [WITHSCORES]",
        "Returns the members in a range of rank, score or byte order.", kReturned),
    SortedSetRow("zrevrange", -4, kReadonly, kReadKey, "1.2.0", ZRevRange,
                 "key start stop [WITHSCORES]",
                 "Returns the members in a range of rank, counted from the greatest.", kReturned),
    SortedSetRow("zrangebyscore", -4, kReadonly, kReadKey, "1.0.5", ZRangeByScore,
                 "key min:double max:double [WITHSCORES] [LIMIT (offset count)]",
                 "Returns the members with scores in a range.", kReturned),
    SortedSetRow("zrevrangebyscore", -4, kReadonly, kReadKey, "2.2.0", ZRevRangeByScore,
                 "key max:double min:double [WITHSCORES] [LIMIT (offset count)]",
                 "Returns the members with scores in a range, from the greatest down.", kReturned),
    SortedSetRow("zrangebylex", -4, kReadonly, kReadKey, "2.8.9", ZRangeByLex,
                 "key min max [LIMIT (offset count)]",
                 "Returns the members in a range of byte order, all scores being the same.",
                 kReturned),
    SortedSetRow("zrevrangebylex", -4, kReadonly, kReadKey, "2.8.9", ZRevRangeByLex,
                 "key max min [LIMIT (offset count)]",
                 "Returns the members in a range of byte order, from the greatest down.",
                 kReturned),
    SortedSetRow("zrangestore", -5, kWrite | kDenyOom,
                 {{{1, 1, 1, kStoredKey}, {2, 2, 1, kReadKey}}}, "6.2.0", ZRangeStore,
                 "dst src min max [BYSCORE | BYLEX] [REV] [LIMIT (offset count)]",
                 "Stores the members in a range under another key.",
                 "O(log(N)+M) with N the size of the set and M the number of members stored"),
    SortedSetRow("zremrangebyrank", 4, kWrite, kDeletedFromKey, "2.0.0", ZRemRangeByRank,
                 "key start stop", "Removes the members in a range of rank.", kRemoved),
    SortedSetRow("zremrangebyscore", 4, kWrite, kDeletedFromKey, "1.2.0", ZRemRangeByScore,
                 "key min:double max:double", "Removes the members with scores in a range.",
                 kRemoved),
    SortedSetRow(
        "zremrangebylex", 4, kWrite, kDeletedFromKey, "2.8.9", ZRemRangeByLex, "key min max",
        "Removes the members in a range of byte order, all scores being the same.", kRemoved),
};

}  // namespace

std::span<const CommandRow> SortedSetRangeCommands() { return kRows; }

}  // namespace mantis::server
