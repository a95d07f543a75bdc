// Lists: pushing, popping, reading. What changes a list in its middle is in list_edit_commands.cc,
// what moves elements between keys and waits for them in list_move_commands.cc.

#include <algorithm>

#include "engine/base/allocation_failure.h"
#include "engine/value/list.h"
#include "server/commands/args.h"
#include "server/commands/list_reply.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

using End = List::End;

enum class PushTo : uint8_t { kAnyKey, kExistingKey };

template <End end, PushTo where>
Outcome Push(CommandContext& c) {
  if (TooLong(c, c.argc())) return Outcome::kOffload;
  const std::span<const Bytes> elements = c.args.subspan(2);
  if (!ElementsFit(elements)) return FailStatus(c, Status::kTooLarge);
  size_t length = 0;
  const auto push = [&](List& list) {
    for (const Bytes element : elements) list.Push(element, end);
    length = list.size();
    return Edited::Yes(PushEvent(end)).Counting(elements.size());
  };
  Status s;
  if constexpr (where == PushTo::kExistingKey) {
    s = c.db().Edit<List>(c.op, c.key(1), push);
  } else {
    s = c.db().EditOrCreate<List>(c.op, c.key(1), ListMaker(c), push);
  }
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Integer(static_cast<int64_t>(length));
  return Done();
}

template <End end>
Outcome PopOne(CommandContext& c) {
  const Status s = c.db().Edit<List>(c.op, c.key(1), [&c](List& list) {
    list.Pop(end, [&c](const List::Item& item) {
      const memory::NothingChangedYet yet;
      ReplyItem(c, item);
    });
    return Edited::Yes(PopEvent(end));
  });
  if (s == Status::kNotFound) {
    c.reply.Null();
  } else if (s != Status::kOk) {
    return FailStatus(c, s);
  }
  return Done();
}

template <End end>
Outcome Pop(CommandContext& c) {
  if (c.argc() == 2) return PopOne<end>(c);
  if (c.argc() > 3) return ArityError(c);
  int64_t count = 0;
  if (!ParseNumber(c, c.args[2], 0, "ERR value is out of range, must be positive", &count)) {
    return Done();
  }
  const Status s = c.db().Edit<List>(c.op, c.key(1), [&](List& list) {
    const size_t n = std::min(static_cast<size_t>(count), list.size());
    if (TooLong(c, ReplySteps(list, n))) return Edited::No(Status::kTooLong);
    PopToReply(c, list, n, end);
    return n == 0 ? Edited::No() : Edited::Yes(PopEvent(end)).Counting(n);
  });
  if (s == Status::kNotFound) {
    c.reply.NullArray();
  } else if (s != Status::kOk) {
    return FailStatus(c, s);
  }
  return Done();
}

Outcome LLen(CommandContext& c) {
  size_t length = 0;
  const Status s = c.db().Read<List>(c.op, c.key(1), [&length](const List& list) {
    length = list.size();
    return Status::kOk;
  });
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Integer(static_cast<int64_t>(length));
  return Done();
}

Outcome LRange(CommandContext& c) {
  int64_t start = 0;
  int64_t stop = 0;
  if (!ParseInteger(c, c.args[2], &start) || !ParseInteger(c, c.args[3], &stop)) return Done();
  const Status s = c.db().Read<List>(c.op, c.key(1), [&](const List& list) {
    const IndexRange range = IndexRange::Of(start, stop, list.size());
    if (TooLong(c, ReplySteps(list, range.count))) return Status::kTooLong;
    c.reply.Array(range.count);
    auto it = list.At(static_cast<int64_t>(range.first));
    for (size_t n = range.count; n > 0; --n, it.Next()) ReplyItem(c, it.item());
    return Status::kOk;
  });
  if (s == Status::kNotFound) {
    c.reply.Array(0);
  } else if (s != Status::kOk) {
    return FailStatus(c, s);
  }
  return Done();
}

Outcome LIndex(CommandContext& c) {
  // As in Redis, an absent key makes the index uninteresting.
  const Status s = c.db().Read<List>(c.op, c.key(1), [&c](const List& list) {
    int64_t index = 0;
    if (!ParseInteger(c, c.args[2], &index)) return Status::kOk;
    const auto it = list.At(index);
    it.valid() ? ReplyItem(c, it.item()) : c.reply.Null();
    return Status::kOk;
  });
  if (s == Status::kNotFound) {
    c.reply.Null();
  } else if (s != Status::kOk) {
    return FailStatus(c, s);
  }
  return Done();
}

constexpr CommandRow PushRow(std::string_view name, std::string_view since,
                             std::string_view summary, Handler handler) {
  return {name,
          -3,
          kWrite | kDenyOom | kFast,
          {{{1, 1, 1, kKeyRw | kKeyInsert}}},
          kAclList,
          since,
          "list",
          "O(N) with N the number of elements added",
          summary,
          handler,
          "key element ..."};
}

constexpr CommandRow PopRow(std::string_view name, std::string_view summary, Handler handler) {
  return {name,     -2,      kWrite | kFast, {{{1, 1, 1, kKeyRw | kKeyAccess | kKeyDelete}}},
          kAclList, "1.0.0", "list",         "O(N) with N the number of elements removed",
          summary,  handler, "key [count]"};
}

constexpr CommandRow kRows[] = {
    PushRow("lpush", "1.0.0", "Adds elements to the head of a list; creates the key if need be.",
            Push<End::kHead, PushTo::kAnyKey>),
    PushRow("rpush", "1.0.0", "Adds elements to the tail of a list; creates the key if need be.",
            Push<End::kTail, PushTo::kAnyKey>),
    PushRow("lpushx", "2.2.0", "Adds elements to the head of a list that exists.",
            Push<End::kHead, PushTo::kExistingKey>),
    PushRow("rpushx", "2.2.0", "Adds elements to the tail of a list that exists.",
            Push<End::kTail, PushTo::kExistingKey>),
    PopRow("lpop", "Removes and returns elements from the head of a list.", Pop<End::kHead>),
    PopRow("rpop", "Removes and returns elements from the tail of a list.", Pop<End::kTail>),
    {"llen",
     2,
     kReadonly | kFast,
     {{{1, 1, 1, kKeyRo}}},
     kAclList,
     "1.0.0",
     "list",
     "O(1)",
     "Returns the length of a list.",
     LLen,
     "key"},
    {"lrange",
     4,
     kReadonly,
     {{{1, 1, 1, kKeyRo | kKeyAccess}}},
     kAclList,
     "1.0.0",
     "list",
     "O(S+N) with S the nodes between the range and the nearer end, N the elements of the range",
     "Returns the elements of a list between two indices.",
     LRange,
     "key start stop"},
    {"lindex",
     3,
     kReadonly,
     {{{1, 1, 1, kKeyRo | kKeyAccess}}},
     kAclList,
     "1.0.0",
     "list",
     "O(N) with N the nodes between the index and the nearer end",
     "Returns the element of a list at an index.",
     LIndex,
     "key index"},
};

}  // namespace

std::span<const CommandRow> ListCommands() { return kRows; }

}  // namespace mantis::server
