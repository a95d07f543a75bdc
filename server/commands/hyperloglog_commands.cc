// HyperLogLog: counting different elements in little memory, over strings in Redis's format.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/random.h"
#include "engine/value/hyperloglog.h"
#include "server/commands/string_patch.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

namespace hll = hyperloglog;

// What is wrong with a string as a HyperLogLog.
enum class Problem : uint8_t { kNone, kForeign, kDamaged };

Outcome FailProblem(CommandContext& c, Problem problem) {
  return problem == Problem::kDamaged
             ? Fail(c, "INVALIDOBJ Corrupted HLL object detected")
             : Fail(c, "WRONGTYPE Key is not a valid HyperLogLog string value.");
}

size_t SparseBytesMax(const CommandContext& c) {
  return LimitsOf(c.core.settings()).hll_sparse_max_bytes;
}

// What is done with an absent key: edited as an empty value, or left alone (kNotFound).
enum class Absent : uint8_t { kCreate, kFail };

// A value being edited.
struct Editing {
  StringBuffer& value;
  bool fresh;  // of an absent key
  Problem problem = Problem::kNone;
  int64_t changes = 1;  // what the edit counts as, if it changes anything

  // As the function below wants it of its edit.
  bool Note(hll::Outcome outcome) {
    if (outcome == hll::Outcome::kDamaged) problem = Problem::kDamaged;
    return outcome == hll::Outcome::kChanged;
  }
};

// Applies `edit(Editing&) -> bool`, which says whether it changed anything, to the value of the
// key. May run it several times, each time on the value as it was.
template <class F>
Status EditValue(CommandContext& c, const KeyRef& key, std::string_view event, Absent absent,
                 Problem* problem, F&& edit) {
  return c.db().Mutate(c.op, key, [&](const Current& now) -> Update {
    *problem = Problem::kNone;
    if (!now.exists() && absent == Absent::kFail) return Update::Keep(Status::kNotFound);
    if (now.exists() && now.type() != ValueType::kString) return Update::Keep(Status::kWrongType);
    int64_t changes = 1;
    const Update update = EditWhole(now, event, [&](StringBuffer& value) {
      Editing editing{value, !now.exists()};
      if (editing.fresh) hll::Initialize(value);
      if (!hll::IsValid(value.text())) {
        *problem = Problem::kForeign;
        return false;
      }
      const bool changed = edit(editing);
      *problem = editing.problem;
      changes = editing.changes;
      return changed;
    });
    return update.Counting(changes);
  });
}

// Shows `f(Bytes) -> Problem` the value of the key.
template <class F>
Status ReadValue(CommandContext& c, const KeyRef& key, Problem* problem, F&& f) {
  return c.db().ReadString(c.op, key, [&](Bytes text) {
    *problem = hll::IsValid(text) ? f(text) : Problem::kForeign;
    return Status::kOk;
  });
}

Outcome PfAdd(CommandContext& c) {
  if (TooLong(c, c.argc())) return Outcome::kOffload;
  const size_t sparse_bytes_max = SparseBytesMax(c);
  bool changed = false;
  Problem problem = Problem::kNone;
  const auto add = [&](Editing& e) {
    e.changes = e.fresh ? 1 : 0;
    for (const Bytes element : c.args.subspan(2)) {
      e.changes += e.Note(hll::Add(e.value, element, sparse_bytes_max)) ? 1 : 0;
      if (e.problem != Problem::kNone) break;
    }
    changed = e.changes != 0;
    if (changed) hll::InvalidateCount(e.value);
    return changed;
  };
  const Status s = EditValue(c, c.key(1), "pfadd", Absent::kCreate, &problem, add);
  if (s != Status::kOk) return FailStatus(c, s);
  if (problem != Problem::kNone) return FailProblem(c, problem);
  c.reply.Integer(changed ? 1 : 0);
  return Done();
}

Outcome CountOne(CommandContext& c) {
  std::optional<uint64_t> count;
  Problem problem = Problem::kNone;
  Status s = ReadValue(c, c.key(1), &problem, [&](Bytes text) {
    count = hll::CachedCount(text);
    return Problem::kNone;
  });
  if (s == Status::kOk && problem == Problem::kNone && !count) {
    // The value remembers its count; that is no change anybody is told of.
    s = EditValue(c, c.key(1), {}, Absent::kFail, &problem, [&](Editing& e) {
      count = hll::Count(e.value.text());
      if (!count) e.problem = Problem::kDamaged;
      if (count) hll::SetCachedCount(e.value, *count);
      return count.has_value();
    });
  }
  if (s == Status::kNotFound) {
    problem = Problem::kNone;
    count = 0;
  } else if (s != Status::kOk) {
    return FailStatus(c, s);
  }
  if (problem != Problem::kNone) return FailProblem(c, problem);
  c.reply.Integer(static_cast<int64_t>(*count));
  return Done();
}

// The keys from argument 1 on, locked together; they may be many.
std::vector<KeyLocks::Target> Targets(CommandContext& c) {
  std::vector<KeyLocks::Target> targets;
  for (size_t i = 1; i < c.argc(); ++i) targets.emplace_back(&c.db(), c.key(i));
  return targets;
}

// A dense value takes about as long as fifty elements of a collection.
bool TooManyValues(const CommandContext& c) { return TooLong(c, (c.argc() - 1) * 50); }

// Merges the values of the keys. kNotFound does not happen: an absent key is an empty value.
Status MergeAll(CommandContext& c, std::span<const KeyLocks::Target> keys, hll::Registers& into,
                bool* any_dense, Problem* problem) {
  for (const auto& [db, key] : keys) {
    const Status s = ReadValue(c, key, problem, [&](Bytes text) {
      *any_dense |= hll::IsDense(text);
      return hll::Merge(text, into) ? Problem::kNone : Problem::kDamaged;
    });
    if (s == Status::kNotFound) continue;
    if (s != Status::kOk || *problem != Problem::kNone) return s;
  }
  return Status::kOk;
}

Outcome PfCount(CommandContext& c) {
  if (c.argc() == 2) return CountOne(c);
  if (TooManyValues(c)) return Outcome::kOffload;
  const std::vector<KeyLocks::Target> targets = Targets(c);
  KeyLocks locks(c.op);
  if (locks.Acquire(targets) == Status::kBusy) return Outcome::kBusy;
  const auto merged = std::make_unique<hll::Registers>();
  bool any_dense = false;
  Problem problem = Problem::kNone;
  const Status s = MergeAll(c, targets, *merged, &any_dense, &problem);
  locks.Release();
  if (s != Status::kOk) return FailStatus(c, s);
  if (problem != Problem::kNone) return FailProblem(c, problem);
  c.reply.Integer(static_cast<int64_t>(hll::Count(*merged)));
  return Done();
}

Outcome PfMerge(CommandContext& c) {
  if (TooManyValues(c)) return Outcome::kOffload;
  // The target, argument 1, is one of the values merged.
  const std::vector<KeyLocks::Target> targets = Targets(c);
  KeyLocks locks(c.op);
  if (locks.Acquire(targets) == Status::kBusy) return Outcome::kBusy;
  const auto merged = std::make_unique<hll::Registers>();
  bool any_dense = false;
  Problem problem = Problem::kNone;
  Status s = MergeAll(c, targets, *merged, &any_dense, &problem);
  if (s == Status::kOk && problem == Problem::kNone) {
    const auto raise = [&](Editing& e) {
      if (any_dense) (void)e.Note(hll::MakeDense(e.value));
      (void)e.Note(hll::Raise(e.value, *merged, SparseBytesMax(c)));
      hll::InvalidateCount(e.value);
      return true;
    };
    s = EditValue(c, targets[0].second, "pfadd", Absent::kCreate, &problem, raise);
  }
  if (s != Status::kOk) return FailStatus(c, s);
  if (problem != Problem::kNone) return FailProblem(c, problem);
  c.reply.Ok();
  return Done();
}

void ReplyRegisters(CommandContext& c, const hll::Registers& registers) {
  c.reply.Array(registers.size());
  for (const uint8_t r : registers) c.reply.Integer(r);
}

// GETREG and TODENSE, which make the value dense.
Outcome DebugDense(CommandContext& c, bool show_registers) {
  hll::Outcome outcome = hll::Outcome::kUnchanged;
  const auto registers = std::make_unique<hll::Registers>();
  Problem problem = Problem::kNone;
  const Status s = EditValue(c, c.key(2), "pfdebug", Absent::kFail, &problem, [&](Editing& e) {
    registers->fill(0);
    outcome = hll::MakeDense(e.value);
    const bool changed = e.Note(outcome);
    if (e.problem == Problem::kNone) (void)hll::Merge(e.value.text(), *registers);
    return changed;
  });
  if (s == Status::kNotFound) return Fail(c, "ERR The specified key does not exist");
  if (s != Status::kOk) return FailStatus(c, s);
  if (problem != Problem::kNone) return FailProblem(c, problem);
  if (show_registers) {
    ReplyRegisters(c, *registers);
  } else {
    c.reply.Integer(outcome == hll::Outcome::kChanged ? 1 : 0);
  }
  return Done();
}

// DECODE and ENCODING, and words that are neither.
Outcome DebugShow(CommandContext& c) {
  bool dense = false;
  const bool decode = EqualsIgnoreCase(c.args[1], "DECODE");
  std::optional<std::string> runs;
  Problem problem = Problem::kNone;
  const Status s = ReadValue(c, c.key(2), &problem, [&](Bytes text) {
    dense = hll::IsDense(text);
    if (!decode || dense) return Problem::kNone;
    runs = hll::Describe(text);
    return runs ? Problem::kNone : Problem::kDamaged;
  });
  if (s == Status::kNotFound) return Fail(c, "ERR The specified key does not exist");
  if (s != Status::kOk) return FailStatus(c, s);
  if (problem != Problem::kNone) return FailProblem(c, problem);
  if (EqualsIgnoreCase(c.args[1], "ENCODING")) {
    c.reply.SimpleString(dense ? "dense" : "sparse");
  } else if (!decode) {
    return Fail(c, "ERR Unknown PFDEBUG subcommand '" + std::string(c.args[1]) + "'");
  } else if (dense) {
    return Fail(c, "ERR HLL encoding is not sparse");
  } else {
    c.reply.Bulk(*runs);
  }
  return Done();
}

Outcome PfDebug(CommandContext& c) {
  if (EqualsIgnoreCase(c.args[1], "GETREG")) return DebugDense(c, true);
  if (EqualsIgnoreCase(c.args[1], "TODENSE")) return DebugDense(c, false);
  return DebugShow(c);
}

Outcome PfSelfTest(CommandContext& c) {
  constexpr size_t kElements = 10'000'000;
  if (TooLong(c, kElements)) return Outcome::kOffload;
  const std::string problem = hll::SelfTest(NextRandom(c.op.random_state()), SparseBytesMax(c));
  if (!problem.empty()) return Fail(c, "ERR TESTFAILED " + problem);
  c.reply.Ok();
  return Done();
}

constexpr CommandRow kRows[] = {
    {"pfadd",
     -2,
     kWrite | kDenyOom | kFast,
     {{{1, 1, 1, kKeyRw | kKeyInsert}}},
     kAclHyperLogLog,
     "2.8.9",
     "hyperloglog",
     "O(1) for each element",
     "Adds elements to a HyperLogLog; creates the key if need be.",
     PfAdd,
     "key [element ...]"},
    {"pfcount",
     -2,
     kReadonly | kMayReplicate,
     {{{1, -1, 1, kKeyRw | kKeyAccess}}},
     kAclHyperLogLog,
     "2.8.9",
     "hyperloglog",
     "O(1), with a larger constant after a change; O(N) with N keys, if more than one",
     "Estimates how many different elements were added to HyperLogLogs, taken together.",
     PfCount,
     "key ..."},
    {"pfmerge",
     -2,
     kWrite | kDenyOom,
     {{{1, 1, 1, kKeyRw | kKeyAccess | kKeyInsert}, {2, -1, 1, kKeyRo | kKeyAccess}}},
     kAclHyperLogLog,
     "2.8.9",
     "hyperloglog",
     "O(N) with N the number of keys",
     "Merges HyperLogLogs into one.",
     PfMerge,
     "destkey [sourcekey ...]"},
    {"pfdebug",
     3,
     kWrite | kDenyOom | kAdmin,
     {{{2, 2, 1, kKeyRw | kKeyAccess}}},
     kAclHyperLogLog,
     "2.8.9",
     "hyperloglog",
     "O(N) with N the number of registers",
     "Shows or changes the inner form of a HyperLogLog.",
     PfDebug,
     "subcommand key"},
    {"pfselftest",
     1,
     kAdmin,
     {},
     kAclHyperLogLog,
     "2.8.9",
     "hyperloglog",
     "O(1), about a second",
     "Tests the HyperLogLog implementation.",
     PfSelfTest},
};

}  // namespace

std::span<const CommandRow> HyperLogLogCommands() { return kRows; }

}  // namespace mantis::server
