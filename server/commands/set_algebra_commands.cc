// Sets: intersection, union and difference of several, as a reply or stored in a key.

#include <memory>
#include <vector>

#include "engine/value/set.h"
#include "engine/value/set_algebra.h"
#include "protocol/number.h"
#include "server/commands/args.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

struct Operation {
  void (*run)(Operands sets, MemberSink emit);
  size_t (*steps)(Operands sets);
  std::string_view store_event;
};
constexpr Operation kIntersect{Intersect, IntersectSteps, "sinterstore"};
constexpr Operation kUnite{Unite, UniteSteps, "sunionstore"};
constexpr Operation kSubtract{Subtract, SubtractSteps, "sdiffstore"};

// The sets of some keys, which stand still as long as this lives.
class LockedSets {
 public:
  explicit LockedSets(CommandContext& c) : c_(c), locks_(c.op) {}

  // Locks the keys of the arguments [first, end), and also the destination's if it is not 0, and
  // finds the sets of the former. kBusy, kWrongType: nothing can be done with them.
  Status Find(size_t first, size_t end, size_t destination) {
    std::vector<KeyLocks::Target> targets;
    targets.reserve(end - first + 1);
    for (size_t i = first; i < end; ++i) targets.emplace_back(&c_.db(), c_.key(i));
    if (destination != 0) targets.emplace_back(&c_.db(), c_.key(destination));
    const Status s = locks_.Acquire(targets);
    if (s != Status::kOk) return s;
    for (size_t i = 0; i < end - first; ++i) {
      const Set* found = nullptr;
      const Status read = c_.db().Read<Set>(c_.op, targets[i].second, [&found](const Set& set) {
        found = &set;
        return Status::kOk;
      });
      if (read != Status::kOk && read != Status::kNotFound) return read;
      sets_.push_back(found);
    }
    return Status::kOk;
  }
  Operands sets() const { return sets_; }

 private:
  CommandContext& c_;
  KeyLocks locks_;
  std::vector<const Set*> sets_;  // nullptr for an absent key
};

Outcome Reply(CommandContext& c, const Operation& operation) {
  LockedSets operands(c);
  const Status s = operands.Find(1, c.argc(), 0);
  if (s != Status::kOk) return FailStatus(c, s);
  if (TooLong(c, operation.steps(operands.sets()))) return Outcome::kOffload;
  const size_t mark = c.reply.DeferredSet();
  size_t found = 0;
  operation.run(operands.sets(), [&](const Set::Member& m) {
    ReplyItem(c, m);
    ++found;
    return true;
  });
  c.reply.SetDeferredSet(mark, found);
  return Done();
}

Outcome Store(CommandContext& c, const Operation& operation) {
  LockedSets operands(c);
  const Status found = operands.Find(2, c.argc(), 1);
  if (found != Status::kOk) return FailStatus(c, found);
  if (TooLong(c, operation.steps(operands.sets()))) return Outcome::kOffload;
  const ValueLimits limits = LimitsOf(c.core.settings());
  auto result = std::make_unique<Set>();
  operation.run(operands.sets(), [&](const Set::Member& m) {
    result->Add(m, limits);
    return true;
  });
  const auto size = static_cast<int64_t>(result->size());
  const Status s = c.db().Replace(c.op, c.key(1), std::move(result), operation.store_event);
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Integer(size);
  return Done();
}

Outcome SInter(CommandContext& c) { return Reply(c, kIntersect); }
Outcome SInterStore(CommandContext& c) { return Store(c, kIntersect); }
Outcome SUnion(CommandContext& c) { return Reply(c, kUnite); }
Outcome SUnionStore(CommandContext& c) { return Store(c, kUnite); }
Outcome SDiff(CommandContext& c) { return Reply(c, kSubtract); }
Outcome SDiffStore(CommandContext& c) { return Store(c, kSubtract); }

// SINTERCARD's arguments behind the keys. Writes the error and returns false if they do not parse.
bool ParseLimit(CommandContext& c, size_t first, size_t* limit) {
  for (size_t i = first; i < c.argc(); i += 2) {
    if (i + 1 == c.argc() || !EqualsIgnoreCase(c.args[i], "LIMIT")) {
      (void)SyntaxError(c);
      return false;
    }
    const auto n = protocol::ParseInteger(c.args[i + 1]);
    if (!n || *n < 0) {
      c.reply.Error("ERR LIMIT can't be negative");
      return false;
    }
    *limit = static_cast<size_t>(*n);
  }
  return true;
}

Outcome SInterCard(CommandContext& c) {
  const auto keys = protocol::ParseInteger(c.args[1]);
  if (!keys || *keys < 1) return Fail(c, "ERR numkeys should be greater than 0");
  const auto count = static_cast<size_t>(*keys);
  if (count > c.argc() - 2) {
    return Fail(c, "ERR Number of keys can't be greater than number of args");
  }
  size_t limit = 0;
  if (!ParseLimit(c, 2 + count, &limit)) return Done();
  LockedSets operands(c);
  const Status s = operands.Find(2, 2 + count, 0);
  if (s != Status::kOk) return FailStatus(c, s);
  if (TooLong(c, IntersectSteps(operands.sets()))) return Outcome::kOffload;
  size_t found = 0;
  Intersect(operands.sets(), [&](const Set::Member&) { return ++found != limit; });
  c.reply.Integer(static_cast<int64_t>(found));
  return Done();
}

constexpr KeySpec kRead{1, -1, 1, kKeyRo | kKeyAccess};
constexpr KeySpec kSources{2, -1, 1, kKeyRo | kKeyAccess};
constexpr KeySpec kTarget{1, 1, 1, kKeyOw | kKeyUpdate};

constexpr CommandRow kRows[] = {
    {"sinter",
     -2,
     kReadonly,
     {{kRead}},
     kAclSet,
     "1.0.0",
     "set",
     "O(N*M) with N the size of the smallest set and M the number of sets",
     "Returns the members that several sets have in common.",
     SInter,
     "key ...",
     "nondeterministic_output_order"},
    {"sintercard",
     -3,
     kReadonly | kMovableKeys,
     {{{1, 0, 1, kKeyRo | kKeyAccess, KeyForm::kCounted}}},
     kAclSet,
     "7.0.0",
     "set",
     "O(N*M) with N the size of the smallest set and M the number of sets",
     "Returns the number of members that several sets have in common.",
     SInterCard,
     "numkeys key ... [LIMIT limit]"},
    {"sinterstore",
     -3,
     kWrite | kDenyOom,
     {{{1, 1, 1, kKeyRw | kKeyUpdate}, kSources}},
     kAclSet,
     "1.0.0",
     "set",
     "O(N*M) with N the size of the smallest set and M the number of sets",
     "Stores the members that several sets have in common in a key.",
     SInterStore,
     "destination key ..."},
    {"sunion",
     -2,
     kReadonly,
     {{kRead}},
     kAclSet,
     "1.0.0",
     "set",
     "O(N) with N the number of members of all sets",
     "Returns the members of several sets.",
     SUnion,
     "key ...",
     "nondeterministic_output_order"},
    {"sunionstore",
     -3,
     kWrite | kDenyOom,
     {{kTarget, kSources}},
     kAclSet,
     "1.0.0",
     "set",
     "O(N) with N the number of members of all sets",
     "Stores the members of several sets in a key.",
     SUnionStore,
     "destination key ..."},
    {"sdiff",
     -2,
     kReadonly,
     {{kRead}},
     kAclSet,
     "1.0.0",
     "set",
     "O(N) with N the number of members of all sets",
     "Returns the members of a set that are in none of several others.",
     SDiff,
     "key ...",
     "nondeterministic_output_order"},
    {"sdiffstore",
     -3,
     kWrite | kDenyOom,
     {{kTarget, kSources}},
     kAclSet,
     "1.0.0",
     "set",
     "O(N) with N the number of members of all sets",
     "Stores the members of a set that are in none of several others in a key.",
     SDiffStore,
     "destination key ..."},
};

}  // namespace

std::span<const CommandRow> SetAlgebraCommands() { return kRows; }

}  // namespace mantis::server
