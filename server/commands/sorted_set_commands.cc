// Sorted sets, member by member: adding, removing, scores, ranks, counts, iteration.

#include <absl/container/flat_hash_set.h>

#include <array>
#include <vector>

#include "engine/base/random.h"
#include "engine/base/sampling.h"
#include "protocol/number.h"
#include "server/commands/collection_scan.h"
#include "server/commands/random_count.h"
#include "server/commands/sorted_set_args.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

struct AddRequest {
  unsigned flags = SortedSet::kAlways;
  bool count_changed = false;
  size_t first_pair = 2;
};

// Writes the error and returns false if the options do not go together.
bool ParseAddOptions(CommandContext& c, AddRequest* out) {
  struct Option {
    std::string_view word;
    unsigned flag;
  };
  static constexpr auto kOptions = std::to_array<Option>({{"nx", SortedSet::kOnlyNew},
                                                          {"xx", SortedSet::kOnlyPresent},
                                                          {"gt", SortedSet::kOnlyGreater},
                                                          {"lt", SortedSet::kOnlyLess},
                                                          {"incr", SortedSet::kIncrement}});
  size_t i = 2;
  for (; i < c.argc(); ++i) {
    // Most often there is none.
    const Bytes arg = c.args[i];
    if (arg.empty() || static_cast<unsigned char>(arg[0]) < 'A') break;
    const auto* option = std::find_if(kOptions.begin(), kOptions.end(), [&](const Option& o) {
      return EqualsIgnoreCase(arg, o.word);
    });
    if (option != kOptions.end()) {
      out->flags |= option->flag;
    } else if (EqualsIgnoreCase(arg, "ch")) {
      out->count_changed = true;
    } else {
      break;
    }
  }
  out->first_pair = i;
  const auto has = [&](unsigned flag) { return (out->flags & flag) != 0; };
  const size_t rest = c.argc() - i;
  std::string_view problem;
  if (rest == 0 || rest % 2 != 0) {
    problem = "ERR syntax error";
  } else if (has(SortedSet::kOnlyNew) && has(SortedSet::kOnlyPresent)) {
    problem = "ERR XX and NX options at the same time are not compatible";
  } else if (has(SortedSet::kOnlyGreater) + has(SortedSet::kOnlyLess) + has(SortedSet::kOnlyNew) >
             1) {
    problem = "ERR GT, LT, and/or NX options at the same time are not compatible";
  } else if (has(SortedSet::kIncrement) && rest > 2) {
    problem = "ERR INCR option supports a single increment-element pair";
  }
  if (!problem.empty()) c.reply.Error(problem);
  return problem.empty();
}

struct AddCounts {
  size_t added = 0;
  size_t updated = 0;
  SortedSet::AddResult last = {SortedSet::Added::kSkipped, 0};
};

void ReplyAdded(CommandContext& c, const AddRequest& request, const AddCounts& counts) {
  if ((request.flags & SortedSet::kIncrement) == 0) {
    const size_t n = counts.added + (request.count_changed ? counts.updated : 0);
    c.reply.Integer(static_cast<int64_t>(n));
  } else if (counts.last.what == SortedSet::Added::kNaN) {
    c.reply.Error("ERR resulting score is not a number (NaN)");
  } else if (counts.last.what == SortedSet::Added::kSkipped) {
    c.reply.Null();
  } else {
    c.reply.Double(counts.last.score);
  }
}

Outcome AddPairs(CommandContext& c, const AddRequest& request) {
  const auto pairs = c.args.subspan(request.first_pair);
  thread_local std::vector<double> scores;
  scores.clear();
  for (size_t i = 0; i < pairs.size(); i += 2) {
    double score = 0;
    if (!ParseFloat(c, pairs[i], &score)) return Done();
    if (pairs[i + 1].size() > SortedSet::kMemberMax) return FailStatus(c, Status::kTooLarge);
    scores.push_back(score);
  }
  if (TooManyMembers(c, scores.size())) return Outcome::kOffload;
  const ValueLimits limits = LimitsOf(c.core.settings());
  AddCounts counts;
  const auto add = [&](SortedSet& set) -> Edited {
    for (size_t i = 0; i < scores.size(); ++i) {
      counts.last = set.Add(scores[i], pairs[2 * i + 1], request.flags, limits);
      counts.added += counts.last.what == SortedSet::Added::kNew;
      counts.updated += counts.last.what == SortedSet::Added::kUpdated;
    }
    if (counts.added + counts.updated == 0) return Edited::No();
    return Edited::Yes((request.flags & SortedSet::kIncrement) != 0 ? "zincr" : "zadd")
        .Counting(counts.added + counts.updated);
  };
  const bool only_present = (request.flags & SortedSet::kOnlyPresent) != 0;
  const Status s = only_present
                       ? c.db().Edit<SortedSet>(c.op, c.key(1), add)
                       : c.db().EditOrCreate<SortedSet>(
                             c.op, c.key(1), [] { return std::make_unique<SortedSet>(); }, add);
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  ReplyAdded(c, request, counts);
  return Done();
}

Outcome ZAdd(CommandContext& c) {
  AddRequest request;
  if (!ParseAddOptions(c, &request)) return Done();
  return AddPairs(c, request);
}

Outcome ZIncrBy(CommandContext& c) {
  return AddPairs(c, {.flags = SortedSet::kIncrement, .first_pair = 2});
}

Outcome ZRem(CommandContext& c) {
  const auto members = c.args.subspan(2);
  if (TooManyMembers(c, members.size())) return Outcome::kOffload;
  size_t removed = 0;
  const Status s = c.db().Edit<SortedSet>(c.op, c.key(1), [&](SortedSet& set) {
    for (const Bytes member : members) removed += set.Remove(member);
    return removed == 0 ? Edited::No() : Edited::Yes("zrem").Counting(removed);
  });
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Integer(static_cast<int64_t>(removed));
  return Done();
}

// Reads the sorted set of the first key: `f(const SortedSet&) -> Status` writes the reply, or
// `absent()` does where there is none.
template <class F, class Absent>
Outcome ReadSet(CommandContext& c, F&& f, Absent&& absent) {
  const Status s = c.db().Read<SortedSet>(c.op, c.key(1), f);
  if (s == Status::kNotFound) {
    absent();
    return Done();
  }
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

// The same for replies that are one number, 0 for an absent key.
template <class F>
Outcome ReplyCount(CommandContext& c, F&& count) {
  return ReadSet(
      c,
      [&](const SortedSet& set) {
        c.reply.Integer(static_cast<int64_t>(count(set)));
        return Status::kOk;
      },
      [&] { c.reply.Integer(0); });
}

Outcome ZCard(CommandContext& c) {
  return ReplyCount(c, [](const SortedSet& set) { return set.size(); });
}

Outcome ZCount(CommandContext& c) {
  ScoreRange range;
  if (!ParseScoreRange(c, c.args[2], c.args[3], &range)) return Done();
  return ReplyCount(c, [&](const SortedSet& set) { return set.Range(range).count; });
}

Outcome ZLexCount(CommandContext& c) {
  LexRange range;
  if (!ParseLexRange(c, c.args[2], c.args[3], &range)) return Done();
  return ReplyCount(c, [&](const SortedSet& set) { return set.Range(range).count; });
}

void ReplyScore(CommandContext& c, std::optional<double> score) {
  score ? c.reply.Double(*score) : c.reply.Null();
}

Outcome ZScore(CommandContext& c) {
  return ReadSet(
      c,
      [&](const SortedSet& set) {
        ReplyScore(c, set.Score(c.args[2]));
        return Status::kOk;
      },
      [&] { c.reply.Null(); });
}

Outcome ZMScore(CommandContext& c) {
  const auto members = c.args.subspan(2);
  if (TooManyMembers(c, members.size())) return Outcome::kOffload;
  return ReadSet(
      c,
      [&](const SortedSet& set) {
        c.reply.Array(members.size());
        for (const Bytes member : members) ReplyScore(c, set.Score(member));
        return Status::kOk;
      },
      [&] {
        c.reply.Array(members.size());
        for (size_t i = 0; i < members.size(); ++i) c.reply.Null();
      });
}

Outcome ReplyRank(CommandContext& c, bool reverse) {
  if (c.argc() > 4) {
    return Fail(c, reverse ? "ERR wrong number of arguments for 'zrevrank' command"
                           : "ERR wrong number of arguments for 'zrank' command");
  }
  const bool with_score = c.argc() == 4;
  if (with_score && !EqualsIgnoreCase(c.args[3], "withscore")) return SyntaxError(c);
  const auto absent = [&] { with_score ? c.reply.NullArray() : c.reply.Null(); };
  return ReadSet(
      c,
      [&](const SortedSet& set) {
        const auto found = set.Rank(c.args[2]);
        if (!found) {
          absent();
          return Status::kOk;
        }
        const size_t rank = reverse ? set.size() - 1 - found->rank : found->rank;
        if (with_score) c.reply.Array(2);
        c.reply.Integer(static_cast<int64_t>(rank));
        if (with_score) c.reply.Double(found->score);
        return Status::kOk;
      },
      absent);
}

Outcome ZRank(CommandContext& c) { return ReplyRank(c, false); }
Outcome ZRevRank(CommandContext& c) { return ReplyRank(c, true); }

// Calls `f(member, score)` for `count` different members, in no particular order.
template <class F>
void SampleMembers(const SortedSet& set, size_t count, uint64_t& random_state, F&& f) {
  // Drawing again what was drawn before becomes frequent beyond about a third.
  if (set.listpack() != nullptr || count >= set.size() / 3) {
    SelectionSampler sampler(set.size(), count, random_state);
    set.ForEachWhile(set.All(), false, [&](Bytes member, double score) {
      if (sampler.Take()) f(member, score);
      return !sampler.done();
    });
    return;
  }
  absl::flat_hash_set<size_t> ranks;
  while (ranks.size() < count) {
    const size_t rank = NextRandom(random_state) % set.size();
    if (ranks.insert(rank).second) set.ForEach({rank, 1}, false, f);
  }
}

Outcome ZRandMember(CommandContext& c) {
  RandomCount wanted;
  if (!ParseRandomCount(c, "withscores", &wanted)) return Done();
  uint64_t& random_state = c.op.random_state();
  const auto reply = [&](const SortedSet& set) {
    const auto next = [&] { return NextRandom(random_state); };
    if (!wanted.given) {
      set.Random(next, [&](Bytes member, double) { c.reply.Bulk(member); });
      return Status::kOk;
    }
    const size_t n = wanted.Drawn(set.size());
    if (TooManyMembers(c, n)) return Status::kTooLong;
    std::optional<ScoredReply> scored;
    wanted.with ? (void)scored.emplace(c, n) : c.reply.Array(n);
    const auto add = [&](Bytes member, double score) {
      scored ? scored->Add(member, score) : c.reply.Bulk(member);
    };
    if (!wanted.repeat) {
      SampleMembers(set, n, random_state, add);
    } else {
      for (size_t i = 0; i < n; ++i) set.Random(next, add);
    }
    return Status::kOk;
  };
  return ReadSet(c, reply, [&] { wanted.given ? c.reply.Array(0) : c.reply.Null(); });
}

Outcome ZScan(CommandContext& c) {
  return ScanCollection<SortedSet>(
      c, ScanExtra::kNone, [](const SortedSet& set, const ScanOptions& options, ScanPage& page) {
        return set.Scan(options.cursor, options.count, [&](Bytes member, double score) {
          if (!options.Matches(member)) return;
          page.AddCopy(member);
          char digits[protocol::kDoubleCharsMax];
          page.AddCopy({digits, protocol::FormatDouble(digits, score)});
        });
      });
}

constexpr uint32_t kReadFast = kReadonly | kFast;
constexpr std::string_view kLogarithmic = "O(log(N)) with N the size of the set";
constexpr std::string_view kRandomly = "nondeterministic_output";

constexpr CommandRow kRows[] = {
    SortedSetRow("zadd", -4, kWrite | kDenyOom | kFast | kElementAt3, kUpdatedKey, "1.2.0", ZAdd,
                 "key [NX | XX] [GT | LT] [CH] [INCR] <score member> ...",
                 "Adds members to a sorted set, which is created if it is absent, or changes their "
                 "scores.",
                 "O(log(N)) for each member, with N the size of the set"),
    SortedSetRow("zincrby", 4, kWrite | kDenyOom | kFast | kElementAt3, kReadAndUpdatedKey, "1.2.0",
                 ZIncrBy, "key increment member",
                 "Adds to the score of a member, which is added if it is absent.", kLogarithmic),
    SortedSetRow("zrem", -3, kWrite | kFast | kElementAt2, kDeletedFromKey, "1.2.0", ZRem,
                 "key member ...", "Removes members; the set goes with its last one.",
                 "O(M*log(N)) with N the size of the set and M the number of members to remove"),
    SortedSetRow("zcard", 2, kReadFast, kLookedAtKey, "1.2.0", ZCard, "key",
                 "Tells how many members a sorted set has.", "O(1)"),
    SortedSetRow("zscore", 3, kReadFast | kElementAt2, kReadKey, "1.2.0", ZScore, "key member",
                 "Returns the score of a member.", "O(1)"),
    SortedSetRow("zmscore", -3, kReadFast | kElementAt2, kReadKey, "6.2.0", ZMScore,
                 "key member ...", "Returns the scores of members, null for absent ones.",
                 "O(N) with N the number of members asked for"),
    SortedSetRow(
        "zrank", -3, kReadFast | kElementAt2, kReadKey, "2.0.0", ZRank, "key member [WITHSCORE]",
        "Returns how many members come before a member, and its score if asked for.", kLogarithmic),
    SortedSetRow("zrevrank", -3, kReadFast | kElementAt2, kReadKey, "2.0.0", ZRevRank,
                 "key member [WITHSCORE]",
                 "Returns how many members come after a member, and its score if asked for.",
                 kLogarithmic),
    SortedSetRow("zcount", 4, kReadFast, kReadKey, "2.0.0", ZCount, "key min:double max:double",
                 "Counts the members with scores in a range.", kLogarithmic),
    SortedSetRow("zlexcount", 4, kReadFast, kReadKey, "2.8.9", ZLexCount, "key min max",
                 "Counts the members in a range of byte order, all scores being the same.",
                 kLogarithmic),
    SortedSetRow("zrandmember", -2, kReadonly, kReadKey, "6.2.0", ZRandMember,
                 "key [count [WITHSCORES]]", "Returns random members of a sorted set.",
                 "O(M*log(N)) with N the size of the set and M the number of members returned",
                 kRandomly),
    SortedSetRow("zscan", -3, kReadonly, kReadKey, "2.8.0", ZScan,
                 "key cursor [MATCH pattern] [COUNT count]",
                 "Iterates over the members of a sorted set and their scores in steps.",
                 "O(COUNT) for a call, O(N) for a complete iteration; a compact set comes all at "
                 "once",
                 kRandomly),
};

}  // namespace

std::span<const CommandRow> SortedSetCommands() { return kRows; }

}  // namespace mantis::server
