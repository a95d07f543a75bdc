// Streams: what was handed to consumers and is not acknowledged yet.

#include <algorithm>

#include "server/commands/args.h"
#include "server/commands/stream_args.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

Outcome XAck(CommandContext& c) {
  int64_t acknowledged = 0;
  bool parsed = true;
  const Status s = c.db().Edit<Stream>(
      c.op, c.key(1),
      [&](Stream& stream) {
        StreamGroup* group = stream.FindGroup(c.args[2]);
        if (group == nullptr) return Edited::No();
        if (TooLong(c, c.argc())) return Edited::No(Status::kTooLong);
        StreamIds ids;
        parsed = ParseStreamIds(c, 3, &ids);
        if (!parsed) return Edited::No();
        for (const StreamId id : ids) acknowledged += group->Acknowledge(id) ? 1 : 0;
        return acknowledged != 0 ? Edited::Yes("xack").Counting(acknowledged) : Edited::No();
      },
      Database::Access::kRead);
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  if (parsed) c.reply.Integer(acknowledged);
  return Done();
}

struct PendingOptions {
  int64_t idle_min_ms = 0;
  StreamId start;
  StreamId end;
  size_t count = 0;
  Bytes consumer;
  bool has_consumer = false;
};

bool ParsePendingOptions(CommandContext& c, PendingOptions* out) {
  size_t at = 3;
  if (EqualsIgnoreCase(c.args[at], "IDLE")) {
    if (!ParseInteger(c, c.args[at + 1], &out->idle_min_ms)) return false;
    if (c.argc() < 8) {
      (void)SyntaxError(c);
      return false;
    }
    at += 2;
  }
  int64_t count = 0;
  if (!ParseInteger(c, c.args[at + 2], &count)) return false;
  out->count = static_cast<size_t>(std::max<int64_t>(count, 0));
  out->has_consumer = at + 3 < c.argc();
  if (out->has_consumer) out->consumer = c.args[at + 3];
  return ParseRangeStart(c, c.args[at], &out->start) && ParseRangeEnd(c, c.args[at + 1], &out->end);
}

void ReplySummary(CommandContext& c, const StreamGroup& group) {
  const StreamGroup::Pending& pending = group.pending();
  c.reply.Array(4);
  c.reply.Integer(static_cast<int64_t>(pending.size()));
  if (pending.empty()) {
    c.reply.Null();
    c.reply.Null();
    c.reply.NullArray();
    return;
  }
  ReplyStreamId(c, pending.begin()->first);
  ReplyStreamId(c, pending.rbegin()->first);
  const size_t mark = c.reply.DeferredArray();
  size_t n = 0;
  for (const auto& [name, consumer] : group.consumers()) {
    if (consumer->pending.empty()) continue;
    c.reply.Array(2);
    c.reply.Bulk(name);
    c.reply.BulkInteger(static_cast<int64_t>(consumer->pending.size()));
    ++n;
  }
  c.reply.SetDeferredArray(mark, n);
}

// False if the entry is not idle long enough.
bool ReplyPending(CommandContext& c, int64_t idle_min_ms, StreamId id, const PendingEntry& entry) {
  const int64_t idle_ms = c.op.now_ms() - entry.delivered_ms;
  if (idle_min_ms != 0 && idle_ms < idle_min_ms) return false;
  c.reply.Array(4);
  ReplyStreamId(c, id);
  c.reply.Bulk(entry.owner->name);
  c.reply.Integer(std::max<int64_t>(idle_ms, 0));
  c.reply.Integer(static_cast<int64_t>(entry.deliveries));
  return true;
}

Status ReplyPendingRange(CommandContext& c, const StreamGroup& group,
                         const PendingOptions& options) {
  const StreamConsumer* consumer =
      options.has_consumer ? group.FindConsumer(options.consumer) : nullptr;
  if (options.has_consumer && consumer == nullptr) {
    c.reply.Array(0);
    return Status::kOk;
  }
  const size_t all = consumer == nullptr ? group.pending().size() : consumer->pending.size();
  if (TooLong(c, options.idle_min_ms != 0 ? all : std::min(all, options.count))) {
    return Status::kTooLong;
  }
  const size_t mark = c.reply.DeferredArray();
  size_t n = 0;
  if (consumer == nullptr) {
    const auto& pending = group.pending();
    for (auto it = pending.lower_bound(options.start);
         it != pending.end() && n < options.count && it->first <= options.end; ++it) {
      n += ReplyPending(c, options.idle_min_ms, it->first, it->second) ? 1 : 0;
    }
  } else {
    for (auto it = consumer->pending.lower_bound(options.start);
         it != consumer->pending.end() && n < options.count && *it <= options.end; ++it) {
      n += ReplyPending(c, options.idle_min_ms, *it, group.pending().at(*it)) ? 1 : 0;
    }
  }
  c.reply.SetDeferredArray(mark, n);
  return Status::kOk;
}

Outcome XPending(CommandContext& c) {
  const bool summary = c.argc() == 3;
  if (!summary && (c.argc() < 6 || c.argc() > 9)) return SyntaxError(c);
  PendingOptions options;
  if (!summary && !ParsePendingOptions(c, &options)) return Done();
  return EndOfGroupCommand(c, c.db().Read<Stream>(c.op, c.key(1), [&](const Stream& stream) {
    const StreamGroup* group = stream.FindGroup(c.args[2]);
    if (group == nullptr) return Status::kNotFound;
    if (!summary) return ReplyPendingRange(c, *group, options);
    if (TooLong(c, group->consumers().size())) return Status::kTooLong;
    ReplySummary(c, *group);
    return Status::kOk;
  }));
}

constexpr CommandRow kRows[] = {
    StreamRow("xack", -4, kWrite | kFast, kKeyRw | kKeyUpdate, "5.0.0", "O(log N) for each id",
              "Tells that a consumer is done with entries: they are pending no more.", XAck,
              "key group id ..."),
    StreamRow(
        "xpending", -3, kReadonly, kKeyRo | kKeyAccess, "5.0.0",
        "O(N) with N the entries returned, or looked at with IDLE; without a range the consumers",
        "Shows the entries that consumers have and did not acknowledge.", XPending,
        "key group [[IDLE min-idle-time:integer] start:string end:string count [consumer]]",
        kStreamAnyOutput),
};

}  // namespace

std::span<const CommandRow> StreamPendingCommands() { return kRows; }

}  // namespace mantis::server
