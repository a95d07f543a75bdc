// Streams: consumer groups and their consumers.

#include <array>
#include <memory>
#include <string>

#include "server/commands/args.h"
#include "server/commands/help.h"
#include "server/commands/stream_args.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

Outcome FailMissingKey(CommandContext& c) {
  return Fail(c,
              "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may "
              "want to use the MKSTREAM option to create an empty stream automatically.");
}

// How the commands end that have written their reply where they found the key.
Outcome End(CommandContext& c, Status s) {
  if (s == Status::kOk) return Done();
  return s == Status::kNotFound ? FailMissingKey(c) : FailStatus(c, s);
}

// Lets `edit(stream, group)` change the group that the arguments name.
template <class F>
Outcome EditGroup(CommandContext& c, F&& edit) {
  return End(c, c.db().Edit<Stream>(c.op, c.key(2), [&](Stream& stream) -> Edited {
    StreamGroup* group = stream.FindGroup(c.args[3]);
    if (group != nullptr) return edit(stream, *group);
    (void)NoSuchGroup(c, c.args[2], c.args[3]);
    return Edited::No();
  }));
}

struct PlaceOptions {
  bool make_stream = false;
  int64_t entries_read = StreamGroup::kUnknown;
};

bool ParsePlaceOptions(CommandContext& c, bool create, PlaceOptions* out) {
  for (size_t i = 5; i < c.argc(); ++i) {
    if (create && EqualsIgnoreCase(c.args[i], "MKSTREAM")) {
      out->make_stream = true;
    } else if (EqualsIgnoreCase(c.args[i], "ENTRIESREAD") && i + 1 < c.argc()) {
      if (!ParseInteger(c, c.args[++i], &out->entries_read)) return false;
      if (out->entries_read >= 0 || out->entries_read == StreamGroup::kUnknown) continue;
      c.reply.Error("ERR value for ENTRIESREAD must be positive or -1");
      return false;
    } else {
      (void)UnknownSubcommandForm(c);
      return false;
    }
  }
  const size_t argc_max = create ? 8 : 7;
  if (c.argc() <= argc_max) return true;
  (void)UnknownSubcommandForm(c);
  return false;
}

Outcome Create(CommandContext& c) {
  PlaceOptions options;
  if (!ParsePlaceOptions(c, true, &options)) return Done();
  const auto create = [&](Stream& stream) -> Edited {
    StreamId last = stream.last_id();
    if (c.args[4] != "$" && !ParseStreamId(c, c.args[4], &last)) return Edited::No();
    if (stream.AddGroup(c.args[3], last, options.entries_read) == nullptr) {
      c.reply.Error("BUSYGROUP Consumer Group name already exists");
      return Edited::No();
    }
    c.reply.Ok();
    return Edited::Yes("xgroup-create");
  };
  return End(c, options.make_stream
                    ? c.db().EditOrCreate<Stream>(c.op, c.key(2), std::make_unique<Stream>, create)
                    : c.db().Edit<Stream>(c.op, c.key(2), create));
}

Outcome SetId(CommandContext& c) {
  PlaceOptions options;
  if (!ParsePlaceOptions(c, false, &options)) return Done();
  return EditGroup(c, [&](Stream& stream, StreamGroup& group) {
    StreamId last = stream.last_id();
    if (c.args[4] != "$" && !ParseStreamIdOrEnd(c, c.args[4], 0, &last)) return Edited::No();
    stream.SetGroupPlace(group, last, options.entries_read);
    c.reply.Ok();
    return Edited::Yes("xgroup-setid");
  });
}

Outcome Destroy(CommandContext& c) {
  // Freed here, not under the lock.
  std::unique_ptr<StreamGroup> gone;
  return End(c, c.db().Edit<Stream>(c.op, c.key(2), [&](Stream& stream) {
    const StreamGroup* group = stream.FindGroup(c.args[3]);
    if (group == nullptr) {
      c.reply.Integer(0);
      return Edited::No();
    }
    if (TooLong(c, group->pending().size())) return Edited::No(Status::kTooLong);
    gone = stream.TakeGroup(c.args[3]);
    c.reply.Integer(1);
    return Edited::Yes("xgroup-destroy");
  }));
}

Outcome CreateConsumer(CommandContext& c) {
  return EditGroup(c, [&](Stream&, StreamGroup& group) {
    const bool created = group.AddConsumer(c.args[4], c.op.now_ms()) != nullptr;
    c.reply.Integer(created ? 1 : 0);
    return created ? Edited::Yes("xgroup-createconsumer") : Edited::No();
  });
}

Outcome DelConsumer(CommandContext& c) {
  return EditGroup(c, [&](Stream&, StreamGroup& group) {
    StreamConsumer* consumer = group.FindConsumer(c.args[4]);
    const size_t pending = consumer == nullptr ? 0 : consumer->pending.size();
    if (TooLong(c, pending)) return Edited::No(Status::kTooLong);
    c.reply.Integer(static_cast<int64_t>(pending));
    if (consumer == nullptr) return Edited::No();
    group.DeleteConsumer(consumer);
    return Edited::Yes("xgroup-delconsumer");
  });
}

Outcome Help(CommandContext& c) {
  constexpr std::array<std::string_view, 14> kLines = {
      "CREATE <key> <groupname> <id|$> [option]",
      "    Make a consumer group that reads what comes after an id. Options are:",
      "    * MKSTREAM",
      "      Make an empty stream if there is no such key.",
      "    * ENTRIESREAD entries_read",
      "      Say how many entries the group has read, if that is known.",
      "CREATECONSUMER <key> <groupname> <consumer>",
      "    Add a consumer to a group.",
      "DELCONSUMER <key> <groupname> <consumer>",
      "    Remove a consumer from a group, with all that is pending for it.",
      "DESTROY <key> <groupname>",
      "    Remove a group.",
      "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
      "    Set the id after which a group reads.",
  };
  return ReplyHelp(c, "XGROUP", kLines);
}

constexpr CommandRow kRows[] = {
    StreamContainerRow("xgroup", "Holds the commands that change consumer groups."),
    StreamRow("xgroup|create", -5, kWrite | kDenyOom, kKeyRw | kKeyInsert, "5.0.0", "O(1)",
              "Creates a consumer group.", Create,
              "key groupname <id | $> [MKSTREAM] [ENTRIESREAD entries_read]"),
    StreamRow("xgroup|setid", -5, kWrite, kKeyRw | kKeyUpdate, "5.0.0", "O(1)",
              "Sets the id after which a consumer group reads.", SetId,
              "key groupname <id | $> [ENTRIESREAD entries_read]"),
    StreamRow("xgroup|destroy", 4, kWrite, kKeyRw | kKeyDelete, "5.0.0",
              "O(N) with N the entries pending in the group", "Deletes a consumer group.", Destroy,
              "key groupname"),
    StreamRow("xgroup|createconsumer", 5, kWrite | kDenyOom, kKeyRw | kKeyInsert, "6.2.0", "O(1)",
              "Creates a consumer in a group.", CreateConsumer, "key groupname consumername"),
    StreamRow("xgroup|delconsumer", 5, kWrite, kKeyRw | kKeyDelete, "5.0.0",
              "O(N) with N the entries pending for the consumer",
              "Deletes a consumer from a group.", DelConsumer, "key groupname consumername"),
    HelpRow("xgroup|help", "stream", kAclStream, "5.0.0", Help),
};

}  // namespace

std::span<const CommandRow> StreamGroupCommands() { return kRows; }

}  // namespace mantis::server
