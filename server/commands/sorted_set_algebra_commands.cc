// Sorted sets and sets: union, intersection and difference of several, as a reply or stored.

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "engine/keyspace/key_locks.h"
#include "engine/value/sorted_set_algebra.h"
#include "protocol/number.h"
#include "server/commands/sorted_set_args.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

enum class Operation : uint8_t { kUnite, kIntersect, kSubtract };

// How the command line goes: [destination] numkeys key… [options].
struct Form {
  Operation operation;
  bool stores = false;
  bool counts = false;  // ZINTERCARD
  std::string_view event = {};

  size_t numkeys_at() const { return stores ? 2 : 1; }
};

struct Request {
  std::span<const Bytes> keys;
  std::vector<double> weights;  // empty: 1 each
  Aggregate aggregate = Aggregate::kSum;
  bool with_scores = false;
  size_t limit = 0;  // 0: none
  // Of the options; told only after the keys' types were looked at.
  std::string_view error;
};

bool ParseKeys(CommandContext& c, const Form& form, Request* out) {
  const size_t at = form.numkeys_at();
  int64_t numkeys = 0;
  if (!ParseInteger(c, c.args[at], &numkeys)) return false;
  if (numkeys < 1) {
    c.reply.Error("ERR at least 1 input key is needed for '" + std::string(c.command->row->name) +
                  "' command");
    return false;
  }
  const auto rest = c.args.subspan(at + 1);
  if (static_cast<uint64_t>(numkeys) > rest.size()) {
    (void)SyntaxError(c);
    return false;
  }
  out->keys = rest.first(static_cast<size_t>(numkeys));
  return true;
}

std::string_view ParseWeights(std::span<const Bytes> args, std::vector<double>* out) {
  out->clear();
  for (const Bytes arg : args) {
    const auto weight = protocol::ParseDouble(arg);
    if (!weight) return "ERR weight value is not a float";
    out->push_back(*weight);
  }
  return {};
}

bool ParseAggregate(Bytes arg, Aggregate* out) {
  if (EqualsIgnoreCase(arg, "sum")) {
    *out = Aggregate::kSum;
  } else if (EqualsIgnoreCase(arg, "min")) {
    *out = Aggregate::kMin;
  } else if (EqualsIgnoreCase(arg, "max")) {
    *out = Aggregate::kMax;
  } else {
    return false;
  }
  return true;
}

// The error there is, if any.
std::string_view ParseOptions(std::span<const Bytes> args, const Form& form, Request* out) {
  constexpr std::string_view kSyntax = "ERR syntax error";
  const bool aggregates = form.operation != Operation::kSubtract && !form.counts;
  const size_t keys = out->keys.size();
  while (!args.empty()) {
    size_t used = 2;
    if (aggregates && args.size() > keys && EqualsIgnoreCase(args[0], "weights")) {
      const auto error = ParseWeights(args.subspan(1, keys), &out->weights);
      if (!error.empty()) return error;
      used = 1 + keys;
    } else if (aggregates && args.size() > 1 && EqualsIgnoreCase(args[0], "aggregate")) {
      if (!ParseAggregate(args[1], &out->aggregate)) return kSyntax;
    } else if (!form.stores && !form.counts && EqualsIgnoreCase(args[0], "withscores")) {
      out->with_scores = true;
      used = 1;
    } else if (form.counts && args.size() > 1 && EqualsIgnoreCase(args[0], "limit")) {
      const auto limit = protocol::ParseInteger(args[1]);
      if (!limit || *limit < 0) return "ERR LIMIT can't be negative";
      out->limit = static_cast<size_t>(*limit);
    } else {
      return kSyntax;
    }
    args = args.subspan(used);
  }
  return {};
}

// What the keys hold; they are locked.
Status FindSources(CommandContext& c, const Request& request, std::vector<ScoredSource>* out) {
  for (size_t i = 0; i < request.keys.size(); ++i) {
    ScoredSource source;
    if (i < request.weights.size()) source.weight = request.weights[i];
    const Status s = c.db().ReadValue(
        c.op, KeyRef::Of(request.keys[i]),
        [&](const Current& now) {
          if (now.type() == ValueType::kSortedSet) {
            source.scored = static_cast<const SortedSet*>(ObjectOf(now.value));
          } else if (now.type() == ValueType::kSet) {
            source.plain = static_cast<const Set*>(ObjectOf(now.value));
          } else {
            return Status::kWrongType;
          }
          return Status::kOk;
        },
        Database::Access::kRead);
    if (s != Status::kOk && s != Status::kNotFound) return s;
    out->push_back(source);
  }
  return Status::kOk;
}

size_t Steps(Operation operation, std::span<const ScoredSource> sources) {
  switch (operation) {
    case Operation::kUnite:
      return UniteSteps(sources);
    case Operation::kIntersect:
      return IntersectSteps(sources);
    case Operation::kSubtract:
      break;
  }
  return SubtractSteps(sources);
}

void Compute(const Form& form, const Request& request, std::span<const ScoredSource> sources,
             ScoredResult* out) {
  constexpr size_t kAll = std::numeric_limits<size_t>::max();
  switch (form.operation) {
    case Operation::kUnite:
      return Unite(sources, request.aggregate, out);
    case Operation::kIntersect:
      return Intersect(sources, request.aggregate, request.limit == 0 ? kAll : request.limit, out);
    case Operation::kSubtract:
      return Subtract(sources, out);
  }
}

void ReplyMembers(CommandContext& c, bool with_scores, std::vector<SortedSet::Pair>& pairs) {
  std::sort(pairs.begin(), pairs.end(), SortedSet::Before);
  if (with_scores) {
    ScoredReply reply(c, pairs.size());
    for (const SortedSet::Pair& p : pairs) reply.Add(p.member, p.score);
  } else {
    c.reply.Array(pairs.size());
    for (const SortedSet::Pair& p : pairs) c.reply.Bulk(p.member);
  }
}

Outcome Run(CommandContext& c, const Form& form) {
  Request request;
  if (!ParseKeys(c, form, &request)) return Done();
  request.error =
      ParseOptions(c.args.subspan(form.numkeys_at() + 1 + request.keys.size()), form, &request);
  std::vector<KeyLocks::Target> targets;
  for (const Bytes key : request.keys) targets.emplace_back(&c.db(), KeyRef::Of(key));
  if (form.stores) targets.emplace_back(&c.db(), c.key(1));
  KeyLocks locks(c.op);
  if (locks.Acquire(targets) != Status::kOk) return Outcome::kBusy;
  std::vector<ScoredSource> sources;
  const Status found = FindSources(c, request, &sources);
  if (found != Status::kOk) return FailStatus(c, found);
  if (!request.error.empty()) return Fail(c, request.error);
  if (TooManyMembers(c, Steps(form.operation, sources))) return Outcome::kOffload;
  ScoredResult result;
  Compute(form, request, sources, &result);
  if (form.stores) {
    auto set = SortedSet::FromPairs(result.pairs, LimitsOf(c.core.settings()));
    const Status s = c.db().Replace(c.op, c.key(1), std::move(set), form.event);
    if (s != Status::kOk) return FailStatus(c, s);
  }
  if (form.stores || form.counts) {
    c.reply.Integer(static_cast<int64_t>(result.pairs.size()));
  } else {
    ReplyMembers(c, request.with_scores, result.pairs);
  }
  return Done();
}

Outcome ZUnion(CommandContext& c) { return Run(c, {.operation = Operation::kUnite}); }
Outcome ZInter(CommandContext& c) { return Run(c, {.operation = Operation::kIntersect}); }
Outcome ZDiff(CommandContext& c) { return Run(c, {.operation = Operation::kSubtract}); }
Outcome ZInterCard(CommandContext& c) {
  return Run(c, {.operation = Operation::kIntersect, .counts = true});
}
Outcome ZUnionStore(CommandContext& c) {
  return Run(c, {.operation = Operation::kUnite, .stores = true, .event = "zunionstore"});
}
Outcome ZInterStore(CommandContext& c) {
  return Run(c, {.operation = Operation::kIntersect, .stores = true, .event = "zinterstore"});
}
Outcome ZDiffStore(CommandContext& c) {
  return Run(c, {.operation = Operation::kSubtract, .stores = true, .event = "zdiffstore"});
}

constexpr uint32_t kReads = kReadonly | kMovableKeys;
constexpr uint32_t kStores = kWrite | kDenyOom | kMovableKeys;
constexpr std::array<KeySpec, 3> kSources{{{1, 0, 1, kReadKey, KeyForm::kCounted}}};
constexpr std::array<KeySpec, 3> kDestinationAndSources{
    {{1, 1, 1, kStoredKey}, {2, 0, 1, kReadKey, KeyForm::kCounted}}};
constexpr std::string_view kUniteCost =
    "O(N)+O(M*log(M)) with N the sum of the sizes of the sets and M the size of the result";
constexpr std::string_view kIntersectCost =
    "O(N*K)+O(M*log(M)) with N the size of the smallest set, K the number of sets and M the size "
    "of the result";
constexpr std::string_view kSubtractCost =
    "O(N*K)+O(M*log(M)) with N the size of the first set, K the number of sets and M the size of "
    "the result";

constexpr CommandRow kRows[] = {
    SortedSetRow("zunion", -3, kReads, kSources, "6.2.0", ZUnion,
                 "numkeys key ... [WEIGHTS weight ...] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]",
                 "Returns the union of sorted sets.", kUniteCost),
    SortedSetRow("zinter", -3, kReads, kSources, "6.2.0", ZInter,
                 "numkeys key ... [WEIGHTS weight ...] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]",
                 "Returns the intersection of sorted sets.", kIntersectCost),
    SortedSetRow("zdiff", -3, kReads, kSources, "6.2.0", ZDiff, "numkeys key ... [WITHSCORES]",
                 "Returns the members of a sorted set that are in no other.", kSubtractCost),
    SortedSetRow("zintercard", -3, kReads, kSources, "7.0.0", ZInterCard,
                 "numkeys key ... [LIMIT limit]",
                 "Counts the members of the intersection of sorted sets, up to a limit.",
                 "O(N*K) with N the size of the smallest set and K the number of sets"),
    SortedSetRow("zunionstore", -4, kStores, kDestinationAndSources, "2.0.0", ZUnionStore,
                 "destination numkeys key ... [WEIGHTS weight ...] [AGGREGATE <SUM | MIN | MAX>]",
                 "Stores the union of sorted sets under a key.", kUniteCost),
    SortedSetRow("zinterstore", -4, kStores, kDestinationAndSources, "2.0.0", ZInterStore,
                 "destination numkeys key ... [WEIGHTS weight ...] [AGGREGATE <SUM | MIN | MAX>]",
                 "Stores the intersection of sorted sets under a key.", kIntersectCost),
    SortedSetRow("zdiffstore", -4, kStores, kDestinationAndSources, "6.2.0", ZDiffStore,
                 "destination numkeys key ...",
                 "Stores the members of a sorted set that are in no other under a key.",
                 kSubtractCost),
};

}  // namespace

std::span<const CommandRow> SortedSetAlgebraCommands() { return kRows; }

}  // namespace mantis::server
