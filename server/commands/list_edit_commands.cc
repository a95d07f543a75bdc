// Lists: searching, and changing what is in their middle.

#include <optional>

#include "server/commands/list_reply.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

using End = List::End;

Outcome LSet(CommandContext& c) {
  if (!ElementsFit(c.args.subspan(3))) return FailStatus(c, Status::kTooLarge);
  // As in Redis, the index is looked at only if there is a list.
  const Status s = c.db().Edit<List>(c.op, c.key(1), [&c](List& list) {
    int64_t index = 0;
    if (!ParseInteger(c, c.args[2], &index)) return Edited::No();
    if (!list.Set(index, c.args[3])) {
      c.reply.Error("ERR index out of range");
      return Edited::No();
    }
    c.reply.Ok();
    return Edited::Yes("lset");
  });
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

Outcome LInsert(CommandContext& c) {
  const bool after = EqualsIgnoreCase(c.args[2], "AFTER");
  if (!after && !EqualsIgnoreCase(c.args[2], "BEFORE")) return SyntaxError(c);
  if (!ElementsFit(c.args.subspan(4))) return FailStatus(c, Status::kTooLarge);
  int64_t length = 0;
  const Status s = c.db().Edit<List>(c.op, c.key(1), [&](List& list) {
    if (TooLong(c, SearchSteps(list, list.size()))) return Edited::No(Status::kTooLong);
    const List::Needle pivot(c.args[3]);
    auto it = list.First();
    while (it.valid() && !it.Is(pivot)) it.Next();
    if (!it.valid()) {
      length = -1;
      return Edited::No();
    }
    after ? list.InsertAfter(it, c.args[4]) : list.InsertBefore(it, c.args[4]);
    length = static_cast<int64_t>(list.size());
    return Edited::Yes("linsert");
  });
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Integer(length);
  return Done();
}

Outcome LRem(CommandContext& c) {
  int64_t count = 0;
  if (!ParseInteger(c, c.args[2], &count)) return Done();
  // The least integer has no positive counterpart but as an unsigned one.
  const auto magnitude =
      count < 0 ? size_t{0} - static_cast<size_t>(count) : static_cast<size_t>(count);
  size_t removed = 0;
  const Status s = c.db().Edit<List>(c.op, c.key(1), [&](List& list) {
    if (TooLong(c, SearchSteps(list, list.size()))) return Edited::No(Status::kTooLong);
    const size_t limit = count == 0 ? SIZE_MAX : magnitude;
    removed = list.Remove(c.args[3], limit, count < 0 ? End::kTail : End::kHead);
    return removed == 0 ? Edited::No() : Edited::Yes("lrem").Counting(removed);
  });
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Integer(static_cast<int64_t>(removed));
  return Done();
}

Outcome LTrim(CommandContext& c) {
  int64_t start = 0;
  int64_t stop = 0;
  if (!ParseInteger(c, c.args[2], &start) || !ParseInteger(c, c.args[3], &stop)) return Done();
  const Status s = c.db().Edit<List>(c.op, c.key(1), [&](List& list) {
    const IndexRange kept = IndexRange::Of(start, stop, list.size());
    const size_t nodes_gone = list.node_count() * (list.size() - kept.count) / list.size();
    if (TooLong(c, nodes_gone)) return Edited::No(Status::kTooLong);
    const size_t removed = list.size() - kept.count;
    list.Drop(list.size() - kept.first - kept.count, End::kTail);
    list.Drop(kept.first, End::kHead);
    return Edited::Yes("ltrim").Counting(removed);
  });
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Ok();
  return Done();
}

struct PosOptions {
  int64_t rank = 1;
  std::optional<int64_t> count;  // 0: all
  int64_t max_compared = 0;      // 0: no limit
};

bool ParsePosOptions(CommandContext& c, PosOptions* out) {
  for (size_t i = 3; i < c.argc(); ++i) {
    const Bytes word = c.args[i];
    if (++i == c.argc()) {
      (void)SyntaxError(c);
      return false;
    }
    if (EqualsIgnoreCase(word, "RANK")) {
      if (!ParseIntegerInRange(c, c.args[i], -INT64_MAX, INT64_MAX, &out->rank)) return false;
      if (out->rank == 0) {
        c.reply.Error(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or "
            "use negative to start from the end of the list");
        return false;
      }
    } else if (EqualsIgnoreCase(word, "COUNT")) {
      int64_t count = 0;
      if (!ParseNumber(c, c.args[i], 0, "ERR COUNT can't be negative", &count)) return false;
      out->count = count;
    } else if (EqualsIgnoreCase(word, "MAXLEN")) {
      if (!ParseNumber(c, c.args[i], 0, "ERR MAXLEN can't be negative", &out->max_compared)) {
        return false;
      }
    } else {
      (void)SyntaxError(c);
      return false;
    }
  }
  return true;
}

// Calls `found(index)` for the matches that the options ask for, until it returns false.
template <class F>
void FindMatches(const List& list, Bytes text, const PosOptions& options, size_t compared_max,
                 F&& found) {
  const List::Needle needle(text);
  const bool forward = options.rank > 0;
  int64_t skip = (forward ? options.rank : -options.rank) - 1;
  auto it = forward ? list.First() : list.Last();
  for (size_t n = 0; n < compared_max; ++n, forward ? it.Next() : it.Prev()) {
    if (!it.Is(needle)) continue;
    if (skip-- > 0) continue;
    skip = 0;
    if (!found(static_cast<int64_t>(forward ? n : list.size() - 1 - n))) return;
  }
}

Outcome LPos(CommandContext& c) {
  PosOptions options;
  if (!ParsePosOptions(c, &options)) return Done();
  const Status s = c.db().Read<List>(c.op, c.key(1), [&](const List& list) {
    const size_t limit = static_cast<size_t>(options.max_compared);
    const size_t compared = limit == 0 ? list.size() : std::min(limit, list.size());
    if (TooLong(c, SearchSteps(list, compared))) return Status::kTooLong;
    if (!options.count) {
      int64_t index = -1;
      FindMatches(list, c.args[2], options, compared, [&index](int64_t i) {
        index = i;
        return false;
      });
      index < 0 ? c.reply.Null() : c.reply.Integer(index);
      return Status::kOk;
    }
    const auto most = static_cast<size_t>(*options.count);
    const size_t mark = c.reply.DeferredArray();
    size_t n = 0;
    FindMatches(list, c.args[2], options, compared, [&](int64_t i) {
      c.reply.Integer(i);
      return ++n != most;
    });
    c.reply.SetDeferredArray(mark, n);
    return Status::kOk;
  });
  if (s == Status::kNotFound) {
    options.count ? c.reply.Array(0) : c.reply.Null();
  } else if (s != Status::kOk) {
    return FailStatus(c, s);
  }
  return Done();
}

constexpr CommandRow kRows[] = {
    {"lset",
     4,
     kWrite | kDenyOom,
     {{{1, 1, 1, kKeyRw | kKeyUpdate}}},
     kAclList,
     "1.0.0",
     "list",
     "O(N) with N the nodes between the index and the nearer end",
     "Replaces the element of a list at an index.",
     LSet,
     "key index element"},
    {"linsert",
     5,
     kWrite | kDenyOom,
     {{{1, 1, 1, kKeyRw | kKeyInsert}}},
     kAclList,
     "2.2.0",
     "list",
     "O(N) with N the number of elements up to the pivot",
     "Inserts an element before or after the first one that equals the pivot.",
     LInsert,
     "key <BEFORE | AFTER> pivot element"},
    {"lrem",
     4,
     kWrite,
     {{{1, 1, 1, kKeyRw | kKeyDelete}}},
     kAclList,
     "1.0.0",
     "list",
     "O(N) with N the length of the list",
     "Removes elements that equal a value: the first ones, the last ones or all.",
     LRem,
     "key count element"},
    {"ltrim",
     4,
     kWrite,
     {{{1, 1, 1, kKeyRw | kKeyDelete}}},
     kAclList,
     "1.0.0",
     "list",
     "O(N) with N the number of nodes removed",
     "Removes all elements of a list but those between two indices.",
     LTrim,
     "key start stop"},
    {"lpos",
     -3,
     kReadonly,
     {{{1, 1, 1, kKeyRo | kKeyAccess}}},
     kAclList,
     "6.0.6",
     "list",
     "O(N) with N the number of elements compared",
     "Returns the indices of elements that equal a value.",
     LPos,
     "key element [RANK rank] [COUNT num-matches] [MAXLEN len]"},
};

}  // namespace

std::span<const CommandRow> ListEditCommands() { return kRows; }

}  // namespace mantis::server
