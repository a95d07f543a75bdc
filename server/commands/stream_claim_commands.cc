// Streams: pending entries that change hands.

#include <algorithm>
#include <string>

#include "protocol/number.h"
#include "server/commands/args.h"
#include "server/commands/stream_args.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

bool ParseIntegerOr(CommandContext& c, Bytes arg, std::string_view error, int64_t* out) {
  const auto v = protocol::ParseInteger(arg);
  if (!v) {
    c.reply.Error(error);
    return false;
  }
  *out = *v;
  return true;
}

struct ClaimOptions {
  int64_t idle_min_ms = 0;
  int64_t delivered_ms = -1;
  int64_t deliveries = -1;  // -1: one more than before, unless only ids are asked for
  bool force = false;
  bool only_ids = false;
  StreamId last_id;
  StreamIds ids;
};

bool ParseClaimOption(CommandContext& c, size_t* i, ClaimOptions* out) {
  const Bytes word = c.args[*i];
  const bool more = *i + 1 < c.argc();
  if (EqualsIgnoreCase(word, "FORCE")) {
    out->force = true;
  } else if (EqualsIgnoreCase(word, "JUSTID")) {
    out->only_ids = true;
  } else if (EqualsIgnoreCase(word, "IDLE") && more) {
    if (!ParseIntegerOr(c, c.args[++*i], "ERR Invalid IDLE option argument for XCLAIM",
                        &out->delivered_ms)) {
      return false;
    }
    if (__builtin_sub_overflow(c.op.now_ms(), out->delivered_ms, &out->delivered_ms)) {
      out->delivered_ms = INT64_MAX;
    }
  } else if (EqualsIgnoreCase(word, "TIME") && more) {
    return ParseIntegerOr(c, c.args[++*i], "ERR Invalid TIME option argument for XCLAIM",
                          &out->delivered_ms);
  } else if (EqualsIgnoreCase(word, "RETRYCOUNT") && more) {
    return ParseIntegerOr(c, c.args[++*i], "ERR Invalid RETRYCOUNT option argument for XCLAIM",
                          &out->deliveries);
  } else if (EqualsIgnoreCase(word, "LASTID") && more) {
    return ParseStreamId(c, c.args[++*i], &out->last_id);
  } else {
    c.reply.Error("ERR Unrecognized XCLAIM option '" + std::string(word) + "'");
    return false;
  }
  return true;
}

bool ParseClaimOptions(CommandContext& c, ClaimOptions* out) {
  if (!ParseIntegerOr(c, c.args[4], "ERR Invalid min-idle-time argument for XCLAIM",
                      &out->idle_min_ms)) {
    return false;
  }
  size_t i = 5;
  StreamId id;
  for (; i < c.argc() && ReadStreamId(c.args[i], 0, &id); ++i) out->ids.push_back(id);
  for (; i < c.argc(); ++i) {
    if (!ParseClaimOption(c, &i, out)) return false;
  }
  // A time that cannot be, like one of a client whose clock is ahead, means now.
  if (out->delivered_ms < 0 || out->delivered_ms > c.op.now_ms()) {
    out->delivered_ms = c.op.now_ms();
  }
  return true;
}

StreamConsumer& ClaimingConsumer(CommandContext& c, StreamGroup& group, bool* created) {
  StreamConsumer* consumer = group.FindConsumer(c.args[3]);
  *created = consumer == nullptr;
  if (consumer == nullptr) consumer = group.AddConsumer(c.args[3], c.op.now_ms());
  consumer->seen_ms = c.op.now_ms();
  return *consumer;
}

// As Redis counts them: a consumer that was created for nothing is none.
size_t Changes(size_t entries, bool created) { return entries + (created && entries > 0 ? 1 : 0); }

bool IdleEnough(const CommandContext& c, const PendingEntry& entry, int64_t idle_min_ms) {
  return idle_min_ms <= 0 || c.op.now_ms() - entry.delivered_ms >= idle_min_ms;
}

// Claims the entry if it can be, and replies with it. False if not; `dropped` counts those that are
// not pending any more, as the stream has lost them.
bool ClaimOne(CommandContext& c, const ClaimOptions& options, const Stream& stream,
              StreamGroup& group, StreamConsumer& consumer, StreamId id, size_t* dropped) {
  PendingEntry* entry = group.FindPending(id);
  StreamCursor at(stream, id, id);
  if (!at.Next()) {
    // Deleted from the stream: nobody has to deal with it any more.
    if (entry != nullptr) *dropped += group.Acknowledge(id) ? 1 : 0;
    return false;
  }
  if (entry == nullptr) {
    if (!options.force) return false;
    group.AddPending(id, c.op.now_ms(), 1);
    entry = group.FindPending(id);
  } else if (!IdleEnough(c, *entry, options.idle_min_ms)) {
    return false;
  }
  group.Transfer(id, entry, &consumer);
  entry->delivered_ms = options.delivered_ms;
  if (options.deliveries >= 0) {
    entry->deliveries = static_cast<uint64_t>(options.deliveries);
  } else if (!options.only_ids) {
    ++entry->deliveries;
  }
  consumer.active_ms = c.op.now_ms();
  options.only_ids ? ReplyStreamId(c, id) : ReplyStreamEntry(c, at);
  return true;
}

Outcome XClaim(CommandContext& c) {
  return EndOfGroupCommand(
      c, c.db().Edit<Stream>(
             c.op, c.key(1),
             [&](Stream& stream) {
               StreamGroup* group = stream.FindGroup(c.args[2]);
               if (group == nullptr) return Edited::No(Status::kNotFound);
               constexpr size_t kStepsPerId = 10;
               if (TooLong(c, c.argc() * kStepsPerId)) return Edited::No(Status::kTooLong);
               ClaimOptions options;
               if (!ParseClaimOptions(c, &options)) return Edited::No();
               if (!options.only_ids) EnsureEntriesReply(stream, options.ids.size());
               group->last_id = std::max(group->last_id, options.last_id);
               bool created = false;
               StreamConsumer& consumer = ClaimingConsumer(c, *group, &created);
               const size_t mark = c.reply.DeferredArray();
               size_t n = 0;
               size_t dropped = 0;
               for (const StreamId id : options.ids) {
                 const bool claimed = ClaimOne(c, options, stream, *group, consumer, id, &dropped);
                 n += claimed ? 1 : 0;
               }
               c.reply.SetDeferredArray(mark, n);
               return Edited::Yes("xclaim").Counting(Changes(n, created) + dropped);
             },
             Database::Access::kRead));
}

struct AutoClaimOptions {
  int64_t idle_min_ms = 0;
  StreamId start;
  int64_t count = 100;
  bool only_ids = false;
};

bool ParseAutoClaimOptions(CommandContext& c, AutoClaimOptions* out) {
  if (!ParseIntegerOr(c, c.args[4], "ERR Invalid min-idle-time argument for XAUTOCLAIM",
                      &out->idle_min_ms)) {
    return false;
  }
  if (!ParseRangeStart(c, c.args[5], &out->start)) return false;
  for (size_t i = 6; i < c.argc(); ++i) {
    if (EqualsIgnoreCase(c.args[i], "COUNT") && i + 1 < c.argc()) {
      constexpr int64_t kCountMax = INT64_MAX / 16;
      constexpr std::string_view kBadCount = "ERR COUNT must be > 0";
      if (!ParseIntegerOr(c, c.args[++i], kBadCount, &out->count)) return false;
      if (out->count < 1 || out->count > kCountMax) {
        c.reply.Error(kBadCount);
        return false;
      }
    } else if (EqualsIgnoreCase(c.args[i], "JUSTID")) {
      out->only_ids = true;
    } else {
      (void)SyntaxError(c);
      return false;
    }
  }
  return true;
}

// Of the pending entries from `start` on.
struct Found {
  StreamIds claimed;
  StreamIds deleted;
  StreamId next;  // where to go on; 0-0 if the end was reached
};

Found ClaimIdle(CommandContext& c, const AutoClaimOptions& options, const Stream& stream,
                StreamGroup& group, StreamConsumer& consumer) {
  constexpr int64_t kAttemptsPerEntry = 10;
  Found found;
  int64_t attempts = options.count * kAttemptsPerEntry;
  int64_t count = options.count;
  auto it = group.pending().lower_bound(options.start);
  for (; it != group.pending().end() && count > 0 && attempts > 0; --attempts) {
    const StreamId id = it->first;
    if (!stream.Contains(id)) {
      group.Acknowledge(id);
      found.deleted.push_back(id);
      it = group.pending().lower_bound(id);
      --count;
      continue;
    }
    const bool idle = IdleEnough(c, it->second, options.idle_min_ms);
    ++it;
    if (!idle) continue;
    PendingEntry* entry = group.FindPending(id);
    group.Transfer(id, entry, &consumer);
    entry->delivered_ms = c.op.now_ms();
    if (!options.only_ids) ++entry->deliveries;
    consumer.active_ms = c.op.now_ms();
    found.claimed.push_back(id);
    --count;
  }
  if (it != group.pending().end()) found.next = it->first;
  return found;
}

void ReplyFound(CommandContext& c, const Stream& stream, bool only_ids, const Found& found) {
  c.reply.Array(3);
  ReplyStreamId(c, found.next);
  c.reply.Array(found.claimed.size());
  for (const StreamId id : found.claimed) {
    if (only_ids) {
      ReplyStreamId(c, id);
      continue;
    }
    StreamCursor at(stream, id, id);
    (void)at.Next();  // it is there: it was just claimed
    ReplyStreamEntry(c, at);
  }
  c.reply.Array(found.deleted.size());
  for (const StreamId id : found.deleted) ReplyStreamId(c, id);
}

Outcome XAutoClaim(CommandContext& c) {
  AutoClaimOptions options;
  if (!ParseAutoClaimOptions(c, &options)) return Done();
  return EndOfGroupCommand(
      c, c.db().Edit<Stream>(
             c.op, c.key(1),
             [&](Stream& stream) {
               StreamGroup* group = stream.FindGroup(c.args[2]);
               if (group == nullptr) return Edited::No(Status::kNotFound);
               const auto looked_at =
                   std::min(group->pending().size(), 10 * static_cast<size_t>(options.count));
               constexpr size_t kStepsPerEntry = 4;
               if (TooLong(c, looked_at * kStepsPerEntry)) return Edited::No(Status::kTooLong);
               const auto most = std::min(looked_at, static_cast<size_t>(options.count));
               if (!options.only_ids) EnsureEntriesReply(stream, most);
               bool created = false;
               StreamConsumer& consumer = ClaimingConsumer(c, *group, &created);
               const Found found = ClaimIdle(c, options, stream, *group, consumer);
               ReplyFound(c, stream, options.only_ids, found);
               const size_t n = found.claimed.size() + found.deleted.size();
               return Edited::Yes("xautoclaim").Counting(Changes(n, created));
             },
             Database::Access::kRead));
}

constexpr CommandRow kRows[] = {
    StreamRow("xclaim", -6, kWrite | kFast, kKeyRw | kKeyUpdate, "5.0.0", "O(log N) for each id",
              "Hands pending entries to another consumer.", XClaim,
              "key group consumer min-idle-time id ... [IDLE ms] [TIME unix-time-milliseconds] "
              "[RETRYCOUNT count] [FORCE] [JUSTID] [LASTID id]",
              kStreamAnyOutput),
    StreamRow("xautoclaim", -6, kWrite | kFast, kKeyRw | kKeyDelete, "6.2.0",
              "O(N) with N the entries looked at, ten times COUNT at most",
              "Hands the pending entries that nobody dealt with for a while to another consumer.",
              XAutoClaim, "key group consumer min-idle-time start:string [COUNT count] [JUSTID]",
              kStreamAnyOutput),
};

}  // namespace

std::span<const CommandRow> StreamClaimCommands() { return kRows; }

}  // namespace mantis::server
