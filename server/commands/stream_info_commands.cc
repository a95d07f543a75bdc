// XINFO: what a stream, its groups and their consumers are made of.

#include <algorithm>
#include <array>

#include "server/commands/args.h"
#include "server/commands/help.h"
#include "server/commands/stream_args.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

void Field(CommandContext& c, std::string_view name, size_t n) {
  c.reply.Bulk(name);
  c.reply.Integer(static_cast<int64_t>(n));
}

void Field(CommandContext& c, std::string_view name, StreamId id) {
  c.reply.Bulk(name);
  ReplyStreamId(c, id);
}

void OptionalField(CommandContext& c, std::string_view name, std::optional<int64_t> n) {
  c.reply.Bulk(name);
  n ? c.reply.Integer(*n) : c.reply.Null();
}

void TimeField(CommandContext& c, std::string_view name, int64_t ms) {
  c.reply.Bulk(name);
  c.reply.Integer(ms);
}

std::optional<int64_t> EntriesRead(const StreamGroup& group) {
  if (group.entries_read == StreamGroup::kUnknown) return std::nullopt;
  return group.entries_read;
}

void ReplyStreamFields(CommandContext& c, const Stream& stream) {
  Field(c, "length", stream.size());
  // Redis has one key for each of its nodes too; its tree then takes one node more.
  Field(c, "radix-tree-keys", stream.nodes().size());
  Field(c, "radix-tree-nodes", stream.nodes().size() + 1);
  Field(c, "last-generated-id", stream.last_id());
  Field(c, "max-deleted-entry-id", stream.max_deleted_id());
  Field(c, "entries-added", stream.entries_added());
  Field(c, "recorded-first-entry-id", stream.first_id());
}

void ReplyEdgeEntry(CommandContext& c, std::string_view name, const Stream& stream, bool last) {
  c.reply.Bulk(name);
  StreamCursor at(stream, StreamId{}, StreamId::Max(), last);
  at.Next() ? ReplyStreamEntry(c, at) : c.reply.Null();
}

void ReplyOwnPending(CommandContext& c, const StreamGroup& group, const StreamConsumer& consumer,
                     size_t count) {
  size_t left = std::min(count, consumer.pending.size());
  c.reply.Bulk("pending");
  c.reply.Array(left);
  for (auto it = consumer.pending.begin(); left != 0; ++it, --left) {
    const PendingEntry& entry = group.pending().at(*it);
    c.reply.Array(3);
    ReplyStreamId(c, *it);
    c.reply.Integer(entry.delivered_ms);
    c.reply.Integer(static_cast<int64_t>(entry.deliveries));
  }
}

void ReplyGroupPending(CommandContext& c, const StreamGroup& group, size_t count) {
  size_t left = std::min(count, group.pending().size());
  c.reply.Bulk("pending");
  c.reply.Array(left);
  for (auto it = group.pending().begin(); left != 0; ++it, --left) {
    c.reply.Array(4);
    ReplyStreamId(c, it->first);
    c.reply.Bulk(it->second.owner->name);
    c.reply.Integer(it->second.delivered_ms);
    c.reply.Integer(static_cast<int64_t>(it->second.deliveries));
  }
}

void ReplyGroupFull(CommandContext& c, const Stream& stream, const StreamGroup& group,
                    size_t count) {
  c.reply.Map(7);
  c.reply.Bulk("name");
  c.reply.Bulk(group.name());
  Field(c, "last-delivered-id", group.last_id);
  OptionalField(c, "entries-read", EntriesRead(group));
  OptionalField(c, "lag", stream.Lag(group));
  Field(c, "pel-count", group.pending().size());
  ReplyGroupPending(c, group, count);
  c.reply.Bulk("consumers");
  c.reply.Array(group.consumers().size());
  for (const auto& [name, consumer] : group.consumers()) {
    c.reply.Map(5);
    c.reply.Bulk("name");
    c.reply.Bulk(name);
    TimeField(c, "seen-time", consumer->seen_ms);
    TimeField(c, "active-time", consumer->active_ms);
    Field(c, "pel-count", consumer->pending.size());
    ReplyOwnPending(c, group, *consumer, count);
  }
}

// What is listed in full; 0 means all of it.
size_t WorkOfFull(const Stream& stream, size_t count) {
  size_t work = std::min(count, stream.size());
  for (const auto& [name, group] : stream.groups()) {
    work += 1 + group->consumers().size() + 2 * std::min(count, group->pending().size());
  }
  return work;
}

void ReplyFull(CommandContext& c, const Stream& stream, size_t count) {
  c.reply.Map(9);
  ReplyStreamFields(c, stream);
  c.reply.Bulk("entries");
  StreamCursor at(stream, StreamId{}, StreamId::Max());
  ReplyStreamEntries(c, at, count);
  c.reply.Bulk("groups");
  c.reply.Array(stream.groups().size());
  for (const auto& [name, group] : stream.groups()) ReplyGroupFull(c, stream, *group, count);
}

void ReplyShort(CommandContext& c, const Stream& stream) {
  c.reply.Map(10);
  ReplyStreamFields(c, stream);
  Field(c, "groups", stream.groups().size());
  ReplyEdgeEntry(c, "first-entry", stream, false);
  ReplyEdgeEntry(c, "last-entry", stream, true);
}

// How many elements of each list FULL shows; 0 shows all.
bool ParseFull(CommandContext& c, size_t* count) {
  constexpr int64_t kDefault = 10;
  int64_t n = kDefault;
  const size_t argc = c.argc();
  const bool fits = (argc == 4 || argc == 6) && EqualsIgnoreCase(c.args[3], "FULL") &&
                    (argc == 4 || EqualsIgnoreCase(c.args[4], "COUNT"));
  if (!fits) {
    (void)UnknownSubcommandForm(c);
    return false;
  }
  if (argc == 6 && !ParseInteger(c, c.args[5], &n)) return false;
  if (n < 0) n = kDefault;
  *count = n == 0 ? SIZE_MAX : static_cast<size_t>(n);
  return true;
}

Outcome InfoStream(CommandContext& c) {
  const Status s = c.db().Read<Stream>(c.op, c.key(2), [&](const Stream& stream) {
    if (c.argc() == 3) {
      ReplyShort(c, stream);
      return Status::kOk;
    }
    size_t count = 0;
    if (!ParseFull(c, &count)) return Status::kOk;
    if (TooLong(c, WorkOfFull(stream, count))) return Status::kTooLong;
    ReplyFull(c, stream, count);
    return Status::kOk;
  });
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

Outcome InfoGroups(CommandContext& c) {
  const Status s = c.db().Read<Stream>(c.op, c.key(2), [&](const Stream& stream) {
    if (TooLong(c, stream.groups().size())) return Status::kTooLong;
    c.reply.Array(stream.groups().size());
    for (const auto& [name, group] : stream.groups()) {
      c.reply.Map(6);
      c.reply.Bulk("name");
      c.reply.Bulk(name);
      Field(c, "consumers", group->consumers().size());
      Field(c, "pending", group->pending().size());
      Field(c, "last-delivered-id", group->last_id);
      OptionalField(c, "entries-read", EntriesRead(*group));
      OptionalField(c, "lag", stream.Lag(*group));
    }
    return Status::kOk;
  });
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

Outcome InfoConsumers(CommandContext& c) {
  const Status s = c.db().Read<Stream>(c.op, c.key(2), [&](const Stream& stream) {
    const StreamGroup* group = stream.FindGroup(c.args[3]);
    if (group == nullptr) {
      (void)NoSuchGroup(c, c.args[2], c.args[3]);
      return Status::kOk;
    }
    if (TooLong(c, group->consumers().size())) return Status::kTooLong;
    const auto since = [&](int64_t ms) { return std::max<int64_t>(0, c.op.now_ms() - ms); };
    c.reply.Array(group->consumers().size());
    for (const auto& [name, consumer] : group->consumers()) {
      c.reply.Map(4);
      c.reply.Bulk("name");
      c.reply.Bulk(name);
      Field(c, "pending", consumer->pending.size());
      TimeField(c, "idle", since(consumer->seen_ms));
      const bool never = consumer->active_ms == StreamConsumer::kNever;
      TimeField(c, "inactive", never ? StreamConsumer::kNever : since(consumer->active_ms));
    }
    return Status::kOk;
  });
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

Outcome Help(CommandContext& c) {
  constexpr std::array<std::string_view, 6> kLines = {
      "CONSUMERS <key> <groupname>",
      "    Show the consumers of a group.",
      "GROUPS <key>",
      "    Show the consumer groups of a stream.",
      "STREAM <key> [FULL [COUNT <count>]]",
      "    Show what a stream holds; with FULL also its entries, groups and consumers.",
  };
  return ReplyHelp(c, "XINFO", kLines);
}

constexpr CommandRow kRows[] = {
    StreamContainerRow("xinfo", "Holds the commands that look into streams."),
    StreamRow("xinfo|stream", -3, kReadonly, kKeyRo | kKeyAccess, "5.0.0",
              "O(1); with FULL O(N) with N the elements shown", "Shows what a stream holds.",
              InfoStream, "key [FULL [COUNT count]]"),
    StreamRow("xinfo|groups", 3, kReadonly, kKeyRo | kKeyAccess, "5.0.0", "O(N) with N the groups",
              "Shows the consumer groups of a stream.", InfoGroups, "key"),
    StreamRow("xinfo|consumers", 4, kReadonly, kKeyRo | kKeyAccess, "5.0.0",
              "O(N) with N the consumers", "Shows the consumers of a group.", InfoConsumers,
              "key groupname", kStreamAnyOutput),
    HelpRow("xinfo|help", "stream", kAclStream, "5.0.0", Help),
};

}  // namespace

std::span<const CommandRow> StreamInfoCommands() { return kRows; }

}  // namespace mantis::server
