// Streams: adding, reading ranges, deleting and trimming entries.

#include <algorithm>

#include "server/commands/args.h"
#include "server/commands/stream_args.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

StreamNodeLimits NodeLimits(const CommandContext& c) {
  const config::Settings& settings = c.core.settings();
  return {static_cast<size_t>(settings.stream_node_max_bytes),
          static_cast<size_t>(settings.stream_node_max_entries)};
}

// The id of the entry to add. False: it would not be above all others.
bool ChooseId(const CommandContext& c, const StreamAddOptions& options, StreamId last,
              StreamId* out) {
  if (options.id_given && options.seq_given) {
    *out = options.id;
    return *out > last;
  }
  const auto now_ms = static_cast<uint64_t>(c.op.now_ms());
  const uint64_t ms = options.id_given ? options.id.ms : std::max(now_ms, last.ms);
  *out = {ms, 0};
  if (ms > last.ms) return true;
  *out = last;
  // `*` may go on to the next millisecond, `ms-*` may not.
  return ms == last.ms && out->Increment() && (!options.id_given || out->ms == ms);
}

Edited AddEntry(CommandContext& c, Stream& stream, const StreamAddOptions& options) {
  const auto pairs = c.args.subspan(options.next);
  if (options.trim.by != StreamTrim::By::kNothing &&
      TooLong(c, stream.NodesToTrim(options.trim, kStreamWorkMax))) {
    return Edited::No(Status::kTooLong);
  }
  StreamId id;
  if (stream.last_id() == StreamId::Max()) {
    c.reply.Error("ERR The stream has exhausted the last possible ID, unable to add more items");
    return Edited::No();
  }
  if (!ChooseId(c, options, stream.last_id(), &id)) {
    c.reply.Error(
        "ERR The ID specified in XADD is equal or smaller than the target stream top item");
    return Edited::No();
  }
  if (!Stream::Storable(pairs)) {
    c.reply.Error("ERR Elements are too large to be stored");
    return Edited::No();
  }
  stream.Append(id, pairs, NodeLimits(c));
  stream.Trim(options.trim);
  ReplyStreamId(c, id);
  return Edited::Yes("xadd");
}

Outcome XAdd(CommandContext& c) {
  StreamAddOptions options;
  if (!ParseAddOptions(c, &options)) return Done();
  const size_t texts = c.argc() - std::min(c.argc(), options.next);
  if (texts == 0 || texts % 2 != 0) {
    return Fail(c, "ERR wrong number of arguments for 'xadd' command");
  }
  if (options.id_given && options.seq_given && options.id == StreamId{}) {
    return Fail(c, "ERR The ID specified in XADD must be greater than 0-0");
  }
  const auto add = [&](Stream& stream) { return AddEntry(c, stream, options); };
  const Status s = options.no_create
                       ? c.db().Edit<Stream>(c.op, c.key(1), add)
                       : c.db().EditOrCreate<Stream>(c.op, c.key(1), std::make_unique<Stream>, add);
  if (s == Status::kNotFound) {
    c.reply.Null();
    return Done();
  }
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

Outcome XLen(CommandContext& c) {
  size_t n = 0;
  const Status s = c.db().Read<Stream>(c.op, c.key(1), [&](const Stream& stream) {
    n = stream.size();
    return Status::kOk;
  });
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Integer(static_cast<int64_t>(n));
  return Done();
}

Outcome Range(CommandContext& c, bool reverse) {
  StreamId start;
  StreamId end;
  if (!ParseRangeStart(c, c.args[reverse ? 3 : 2], &start)) return Done();
  if (!ParseRangeEnd(c, c.args[reverse ? 2 : 3], &end)) return Done();
  size_t count = SIZE_MAX;
  for (size_t i = 4; i < c.argc(); i += 2) {
    if (!EqualsIgnoreCase(c.args[i], "COUNT") || i + 1 == c.argc()) return SyntaxError(c);
    int64_t n = 0;
    if (!ParseInteger(c, c.args[i + 1], &n)) return Done();
    count = static_cast<size_t>(std::max<int64_t>(n, 0));
  }
  const Status s = c.db().Read<Stream>(c.op, c.key(1), [&](const Stream& stream) {
    if (count == 0) {
      c.reply.NullArray();
      return Status::kOk;
    }
    constexpr size_t kFew = 1000;
    if (count > kFew && TooLong(c, std::min(count, stream.CountUpTo(start, end, kStreamWorkMax)))) {
      return Status::kTooLong;
    }
    StreamCursor at(stream, start, end, reverse);
    ReplyStreamEntries(c, at, count);
    return Status::kOk;
  });
  if (s == Status::kNotFound) {
    c.reply.Array(0);
    return Done();
  }
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

Outcome XRange(CommandContext& c) { return Range(c, false); }
Outcome XRevRange(CommandContext& c) { return Range(c, true); }

Outcome XDel(CommandContext& c) {
  int64_t erased = 0;
  bool parsed = true;
  const Status s = c.db().Edit<Stream>(c.op, c.key(1), [&](Stream& stream) {
    constexpr size_t kStepsPerId = 10;
    if (TooLong(c, c.argc() * kStepsPerId)) return Edited::No(Status::kTooLong);
    StreamIds ids;
    parsed = ParseStreamIds(c, 2, &ids);
    if (!parsed) return Edited::No();
    for (const StreamId id : ids) erased += stream.Erase(id) ? 1 : 0;
    return erased != 0 ? Edited::Yes("xdel").Counting(erased) : Edited::No();
  });
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  if (parsed) c.reply.Integer(erased);
  return Done();
}

Outcome XTrim(CommandContext& c) {
  StreamAddOptions options;
  if (!ParseTrimOptions(c, &options)) return Done();
  size_t removed = 0;
  const Status s = c.db().Edit<Stream>(c.op, c.key(1), [&](Stream& stream) {
    if (TooLong(c, stream.NodesToTrim(options.trim, kStreamWorkMax)))
      return Edited::No(Status::kTooLong);
    removed = stream.Trim(options.trim);
    return removed != 0 ? Edited::Yes("xtrim").Counting(removed) : Edited::No();
  });
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Integer(static_cast<int64_t>(removed));
  return Done();
}

struct SetIdOptions {
  StreamId last;
  int64_t entries_added = -1;
  StreamId max_deleted;
};

bool ParseSetIdOptions(CommandContext& c, SetIdOptions* out) {
  if (!ParseStreamId(c, c.args[2], &out->last)) return false;
  for (size_t i = 3; i < c.argc(); i += 2) {
    const bool more = i + 1 < c.argc();
    if (more && EqualsIgnoreCase(c.args[i], "ENTRIESADDED")) {
      if (!ParseInteger(c, c.args[i + 1], &out->entries_added)) return false;
      if (out->entries_added < 0) {
        c.reply.Error("ERR entries_added must be positive");
        return false;
      }
    } else if (more && EqualsIgnoreCase(c.args[i], "MAXDELETEDID")) {
      if (!ParseStreamId(c, c.args[i + 1], &out->max_deleted)) return false;
      if (out->last < out->max_deleted) {
        c.reply.Error(
            "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
        return false;
      }
    } else {
      (void)SyntaxError(c);
      return false;
    }
  }
  return true;
}

Outcome XSetId(CommandContext& c) {
  SetIdOptions options;
  if (!ParseSetIdOptions(c, &options)) return Done();
  std::string_view error;
  const Status s = c.db().Edit<Stream>(c.op, c.key(1), [&](Stream& stream) {
    if (options.last < stream.max_deleted_id()) {
      error = "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id";
      return Edited::No();
    }
    if (stream.size() != 0 && options.last < stream.LastLiveId()) {
      error = "ERR The ID specified in XSETID is smaller than the target stream top item";
      return Edited::No();
    }
    if (options.entries_added != -1 &&
        stream.size() > static_cast<uint64_t>(options.entries_added)) {
      error = "ERR The entries_added specified in XSETID is smaller than the target stream length";
      return Edited::No();
    }
    stream.SetLastId(options.last);
    if (options.entries_added != -1) {
      stream.SetEntriesAdded(static_cast<uint64_t>(options.entries_added));
    }
    if (options.max_deleted != StreamId{}) stream.SetMaxDeletedId(options.max_deleted);
    return Edited::Yes("xsetid");
  });
  if (s != Status::kOk) return FailStatus(c, s);
  if (!error.empty()) return Fail(c, error);
  c.reply.Ok();
  return Done();
}

constexpr std::string_view kTrimSyntax = "key (<MAXLEN | MINID> [= | ~] threshold [LIMIT count])";
constexpr std::string_view kRangeCost =
    "O(log(S)+N) with N the entries returned, S those there are";

constexpr CommandRow kRows[] = {
    StreamRow("xadd", -5, kWrite | kDenyOom | kFast, kKeyRw | kKeyUpdate, "5.0.0",
              "O(1); O(N) more with N the entries that trimming removes",
              "Adds an entry to the end of a stream; creates the key if need be.", XAdd,
              "key [NOMKSTREAM] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] "
              "<* | id> (field value) ...",
              kStreamAnyOutput),
    StreamRow("xlen", 2, kReadonly | kFast, kKeyRo, "5.0.0", "O(1)",
              "Counts the entries of a stream.", XLen, "key"),
    StreamRow("xrange", -4, kReadonly, kKeyRo | kKeyAccess, "5.0.0", kRangeCost,
              "Returns the entries between two ids.", XRange,
              "key start:string end:string [COUNT count]"),
    StreamRow("xrevrange", -4, kReadonly, kKeyRo | kKeyAccess, "5.0.0", kRangeCost,
              "Returns the entries between two ids, newest first.", XRevRange,
              "key end:string start:string [COUNT count]"),
    StreamRow("xdel", -3, kWrite | kFast, kKeyRw | kKeyDelete, "5.0.0", "O(1) for each id",
              "Deletes entries of a stream by id.", XDel, "key id ..."),
    StreamRow("xtrim", -4, kWrite, kKeyRw | kKeyDelete, "5.0.0", "O(N) with N the entries removed",
              "Removes the oldest entries of a stream, down to a length or up to an id.", XTrim,
              kTrimSyntax, kStreamAnyOutput),
    StreamRow("xsetid", -3, kWrite | kDenyOom | kFast, kKeyRw | kKeyUpdate, "5.0.0", "O(1)",
              "Sets what a stream remembers of its past: the last id, how many entries it had.",
              XSetId,
              "key last-id [ENTRIESADDED entries_added] [MAXDELETEDID max_deleted_entry_id]"),
};

}  // namespace

std::span<const CommandRow> StreamCommands() { return kRows; }

}  // namespace mantis::server
