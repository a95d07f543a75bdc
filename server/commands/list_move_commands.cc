// Lists: moving elements from one to another, taking them from the first of several that has any,
// and waiting for them.

#include <string>
#include <vector>

#include "engine/base/allocation_failure.h"
#include "server/commands/list_reply.h"
#include "server/dispatch/blocking.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

using End = List::End;

// The same list on both sides. Nothing may be inserted that lies in the list itself.
Edited Rotate(CommandContext& c, List& list, End from, End to) {
  std::string element;
  list.Pop(from, [&](const List::Item& item) {
    const memory::NothingChangedYet yet;
    ReplyItem(c, item);
    char digits[24];
    element = item.View(std::span<char, 24>(digits));
    memory::Ensure(element.size());
  });
  list.Push(element, to);
  return Edited::Yes(PopEvent(from));
}

// The locks of both keys are held.
Edited MoveTo(CommandContext& c, List& source, const KeyRef& target, End from, End to) {
  const auto is_list = [](const Current& now) {
    return now.type() == ValueType::kList ? Status::kOk : Status::kWrongType;
  };
  const Status found = c.db().ReadValue(c.op, target, is_list);
  if (found != Status::kOk && found != Status::kNotFound) return Edited::No(found);
  Status pushed = Status::kOk;
  source.Pop(from, [&](const List::Item& item) {
    char digits[24];
    const Bytes element = item.View(std::span<char, 24>(digits));
    {
      const memory::NothingChangedYet yet;
      ReplyItem(c, item);
      memory::Ensure(element.size());
    }
    // Told before the removal, as Redis does.
    pushed = c.db().EditOrCreate<List>(c.op, target, ListMaker(c), [&](List& list) {
      list.Push(element, to);
      return Edited::Yes(PushEvent(to)).Counting(0);  // the two together are one change
    });
  });
  return Edited::Yes(PopEvent(from), pushed);
}

// Moves an element from args[1] to args[2] and replies with it. kNotFound: nothing to move.
Status Move(CommandContext& c, End from, End to) {
  const KeyRef source = c.key(1);
  const KeyRef target = c.key(2);
  bool is_list = false;
  Status s;
  if (source.bytes == target.bytes) {
    s = c.db().Edit<List>(c.op, source, [&](List& list) {
      is_list = true;
      return Rotate(c, list, from, to);
    });
  } else {
    const KeyLocks::Target targets[] = {{&c.db(), source}, {&c.db(), target}};
    KeyLocks locks(c.op);
    if (locks.Acquire(targets) != Status::kOk) return Status::kBusy;
    s = c.db().Edit<List>(c.op, source, [&](List& list) {
      is_list = true;
      return MoveTo(c, list, target, from, to);
    });
  }
  // To a client that waits for a list, anything else is no list yet.
  if (s == Status::kWrongType && !is_list && c.mode == RunMode::kServe) return Status::kNotFound;
  return s;
}

Outcome MoveOrNull(CommandContext& c, End from, End to) {
  const Status s = Move(c, from, to);
  if (s == Status::kNotFound) {
    c.reply.Null();
    return Done();
  }
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

Outcome MoveOrWait(CommandContext& c, End from, End to, int64_t timeout_ms) {
  const Status s = Move(c, from, to);
  if (s == Status::kOk) return Done();
  if (s != Status::kNotFound) return FailStatus(c, s);
  if (c.mode == RunMode::kTransaction) {
    // Not what a timeout gets.
    c.reply.Null();
    return Done();
  }
  return BlockOnKeys(c, c.args.subspan(1, 1), {.timeout_ms = timeout_ms});
}

bool ParseEnds(CommandContext& c, End* from, End* to) {
  return ParseEnd(c, c.args[3], from) && ParseEnd(c, c.args[4], to);
}

Outcome LMove(CommandContext& c) {
  End from{};
  End to{};
  if (!ParseEnds(c, &from, &to)) return Done();
  return MoveOrNull(c, from, to);
}

Outcome RPopLPush(CommandContext& c) { return MoveOrNull(c, End::kTail, End::kHead); }

Outcome BLMove(CommandContext& c) {
  End from{};
  End to{};
  int64_t timeout_ms = 0;
  if (!ParseEnds(c, &from, &to) || !ParseTimeout(c, c.args[5], &timeout_ms)) return Done();
  return MoveOrWait(c, from, to, timeout_ms);
}

Outcome BRPopLPush(CommandContext& c) {
  int64_t timeout_ms = 0;
  if (!ParseTimeout(c, c.args[3], &timeout_ms)) return Done();
  return MoveOrWait(c, End::kTail, End::kHead, timeout_ms);
}

// `edit(List&, Bytes key)` with the list of the first of these arguments that is one. kNotFound:
// none of them exists.
template <class F>
Status EditFirst(CommandContext& c, size_t first, size_t count, F&& edit) {
  const auto try_key = [&](size_t i) {
    const Status s = c.db().Edit<List>(c.op, c.key(i), [&](List& l) { return edit(l, c.args[i]); });
    // To a client that waits for a list, anything else is no list yet.
    return s == Status::kWrongType && c.mode == RunMode::kServe ? Status::kNotFound : s;
  };
  Status s = try_key(first);
  if (s != Status::kNotFound || count == 1) return s;
  // Which one is the first is to be said of one instant.
  thread_local std::vector<KeyLocks::Target> targets;
  targets.clear();
  for (size_t i = first; i < first + count; ++i) targets.emplace_back(&c.db(), c.key(i));
  KeyLocks locks(c.op);
  if (locks.Acquire(targets) != Status::kOk) return Status::kBusy;
  for (size_t i = first; i < first + count; ++i) {
    s = try_key(i);
    if (s != Status::kNotFound) return s;
  }
  return s;
}

template <End end>
Outcome BlockingPop(CommandContext& c) {
  int64_t timeout_ms = 0;
  if (!ParseTimeout(c, c.args.back(), &timeout_ms)) return Done();
  const size_t keys = c.argc() - 2;
  const Status s = EditFirst(c, 1, keys, [&c](List& list, Bytes key) {
    c.reply.Array(2);
    c.reply.Bulk(key);
    list.Pop(end, [&c](const List::Item& item) { ReplyItem(c, item); });
    return Edited::Yes(PopEvent(end));
  });
  if (s == Status::kOk) return Done();
  if (s != Status::kNotFound) return FailStatus(c, s);
  return BlockOnKeys(c, c.args.subspan(1, keys), {.timeout_ms = timeout_ms});
}

// numkeys key… LEFT|RIGHT [COUNT count], from argument `at` on.
struct PopMany {
  size_t first_key = 0;
  size_t keys = 0;
  End end = End::kHead;
  int64_t count = 1;
};

bool ParsePopMany(CommandContext& c, size_t at, PopMany* out) {
  int64_t keys = 0;
  if (!ParseNumber(c, c.args[at], 1, "ERR numkeys should be greater than 0", &keys)) return false;
  out->first_key = at + 1;
  out->keys = static_cast<size_t>(keys);
  if (out->keys >= c.argc() - out->first_key) {
    (void)SyntaxError(c);
    return false;
  }
  size_t i = out->first_key + out->keys;
  if (!ParseEnd(c, c.args[i], &out->end)) return false;
  for (++i; i < c.argc(); i += 2) {
    const bool again = i > out->first_key + out->keys + 1;
    if (again || i + 1 == c.argc() || !EqualsIgnoreCase(c.args[i], "COUNT")) {
      (void)SyntaxError(c);
      return false;
    }
    if (!ParseNumber(c, c.args[i + 1], 1, "ERR count should be greater than 0", &out->count)) {
      return false;
    }
  }
  return true;
}

Status PopFirst(CommandContext& c, const PopMany& options) {
  return EditFirst(c, options.first_key, options.keys, [&](List& list, Bytes key) {
    const size_t n = std::min(static_cast<size_t>(options.count), list.size());
    if (TooLong(c, ReplySteps(list, n))) return Edited::No(Status::kTooLong);
    c.reply.Array(2);
    c.reply.Bulk(key);
    PopToReply(c, list, n, options.end);
    return Edited::Yes(PopEvent(options.end)).Counting(n);
  });
}

Outcome LMPop(CommandContext& c) {
  PopMany options;
  if (!ParsePopMany(c, 1, &options)) return Done();
  const Status s = PopFirst(c, options);
  if (s == Status::kNotFound) {
    c.reply.NullArray();
    return Done();
  }
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

Outcome BLMPop(CommandContext& c) {
  PopMany options;
  int64_t timeout_ms = 0;
  if (!ParsePopMany(c, 2, &options) || !ParseTimeout(c, c.args[1], &timeout_ms)) return Done();
  const Status s = PopFirst(c, options);
  if (s == Status::kOk) return Done();
  if (s != Status::kNotFound) return FailStatus(c, s);
  return BlockOnKeys(c, c.args.subspan(options.first_key, options.keys),
                     {.timeout_ms = timeout_ms});
}

constexpr KeySpec kPopped{1, 1, 1, kKeyRw | kKeyAccess | kKeyDelete};
constexpr KeySpec kPushed{2, 2, 1, kKeyRw | kKeyInsert};
constexpr uint32_t kBlockingWrite = kWrite | kNoScript | kBlocking;

constexpr CommandRow kRows[] = {
    {"lmove",
     5,
     kWrite | kDenyOom,
     {{kPopped, kPushed}},
     kAclList,
     "6.2.0",
     "list",
     "O(1)",
     "Moves an element from one end of a list to an end of another and returns it.",
     LMove,
     "source destination <LEFT | RIGHT> <LEFT | RIGHT>"},
    {"rpoplpush",
     3,
     kWrite | kDenyOom,
     {{kPopped, kPushed}},
     kAclList,
     "1.2.0",
     "list",
     "O(1)",
     "Moves the last element of a list to the head of another and returns it.",
     RPopLPush,
     "source destination"},
    {"lmpop",
     -4,
     kWrite | kMovableKeys,
     {{{1, 0, 1, kKeyRw | kKeyAccess | kKeyDelete, KeyForm::kCounted}}},
     kAclList,
     "7.0.0",
     "list",
     "O(N+M) with N the number of keys and M of elements removed",
     "Removes and returns elements from the first of several lists that is not empty.",
     LMPop,
     "numkeys key ... <LEFT | RIGHT> [COUNT count]"},
    {"blpop",
     -3,
     kBlockingWrite,
     {{{1, -2, 1, kKeyRw | kKeyAccess | kKeyDelete}}},
     kAclList,
     "2.0.0",
     "list",
     "O(N) with N the number of keys",
     "Removes and returns the first element of the first list that has one, waiting for it if need "
     "be.",
     BlockingPop<End::kHead>,
     "key ... timeout:double"},
    {"brpop",
     -3,
     kBlockingWrite,
     {{{1, -2, 1, kKeyRw | kKeyAccess | kKeyDelete}}},
     kAclList,
     "2.0.0",
     "list",
     "O(N) with N the number of keys",
     "Removes and returns the last element of the first list that has one, waiting for it if need "
     "be.",
     BlockingPop<End::kTail>,
     "key ... timeout:double"},
    {"blmove",
     6,
     kBlockingWrite | kDenyOom,
     {{kPopped, kPushed}},
     kAclList,
     "6.2.0",
     "list",
     "O(1)",
     "Moves an element from one end of a list to an end of another, waiting for it if need be.",
     BLMove,
     "source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout:double"},
    {"brpoplpush",
     4,
     kBlockingWrite | kDenyOom,
     {{kPopped, kPushed}},
     kAclList,
     "2.2.0",
     "list",
     "O(1)",
     "Moves the last element of a list to the head of another, waiting for it if need be.",
     BRPopLPush,
     "source destination timeout:double"},
    {"blmpop",
     -5,
     kWrite | kBlocking | kMovableKeys,
     {{{2, 0, 1, kKeyRw | kKeyAccess | kKeyDelete, KeyForm::kCounted}}},
     kAclList,
     "7.0.0",
     "list",
     "O(N+M) with N the number of keys and M of elements removed",
     "Removes and returns elements from the first of several lists that is not empty, waiting for "
     "one if need be.",
     BLMPop,
     "timeout:double numkeys key ... <LEFT | RIGHT> [COUNT count]"},
};

}  // namespace

std::span<const CommandRow> ListMoveCommands() { return kRows; }

}  // namespace mantis::server
