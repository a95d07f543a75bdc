// DEBUG: what test suites and client libraries call on a server under test.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "config/glob.h"
#include "engine/keyspace/entry.h"
#include "engine/value/blob.h"
#include "server/commands/args.h"
#include "server/commands/debug_values.h"
#include "server/commands/help.h"
#include "server/commands/local_client.h"
#include "server/core/core_context.h"
#include "server/core/log.h"
#include "server/core/shared_state.h"
#include "server/dispatch/command_table.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

constexpr double kSleepSecondsMax = 3600;

Outcome UnknownSubcommand(CommandContext& c) {
  return Fail(c, "ERR unknown subcommand or wrong number of arguments for '" +
                     std::string(c.args[1].substr(0, 128)) + "'. Try DEBUG HELP.");
}

// Holds this core up, as it holds Redis up.
Outcome Sleep(CommandContext& c) {
  const double seconds = std::strtod(std::string(c.args[2]).c_str(), nullptr);
  if (seconds > 0) {
    // Outside of the read section: no other core waits for this one's sleep to end.
    if (!c.op.holds_locks()) c.op.End();
    std::this_thread::sleep_for(std::chrono::duration<double>(std::min(seconds, kSleepSecondsMax)));
    while (!c.op.in_batch() && !c.op.TryBegin()) std::this_thread::yield();
  }
  // Commands of the same batch see the time that has passed.
  c.op.RefreshClock();
  c.reply.Ok();
  return Done();
}

Outcome SetActiveExpire(CommandContext& c) {
  const bool on = std::strtol(std::string(c.args[2]).c_str(), nullptr, 10) != 0;
  c.shared.active_expire.store(on, std::memory_order_relaxed);
  c.reply.Ok();
  return Done();
}

void ReplyThreeNumbers(protocol::ReplyWriter& reply) {
  for (int i = 0; i < 3; ++i) reply.Integer(i);
}

Outcome WriteAttribute(CommandContext& c) {
  if (c.reply.protocol() == 3) {
    c.reply.Raw("|1\r\n");
    c.reply.Bulk("key-popularity");
    c.reply.Array(2);
    c.reply.Bulk("key:123");
    c.reply.Integer(90);
  }
  // An attribute belongs to the reply that follows it.
  c.reply.Bulk("Some real reply following the attribute");
  return Done();
}

Outcome WritePush(CommandContext& c) {
  if (c.reply.protocol() < 3) return Fail(c, "ERR RESP2 is not supported by this command");
  c.reply.Push(2);
  c.reply.Bulk("server-cpu-usage");
  c.reply.Integer(42);
  c.reply.Bulk("Some real reply following the push reply");
  return Done();
}

// One reply of each type. The values are Redis's: client libraries' tests expect them.
Outcome Protocol(CommandContext& c) {
  const Bytes type = c.args[2];
  protocol::ReplyWriter& reply = c.reply;
  if (EqualsIgnoreCase(type, "attrib")) return WriteAttribute(c);
  if (EqualsIgnoreCase(type, "push")) return WritePush(c);
  if (EqualsIgnoreCase(type, "string")) {
    reply.Bulk("Hello World");
  } else if (EqualsIgnoreCase(type, "integer")) {
    reply.Integer(12345);
  } else if (EqualsIgnoreCase(type, "double")) {
    reply.Double(3.141);
  } else if (EqualsIgnoreCase(type, "bignum")) {
    reply.BigNumber("1234567999999999999999999999999999999");
  } else if (EqualsIgnoreCase(type, "null")) {
    reply.Null();
  } else if (EqualsIgnoreCase(type, "array")) {
    reply.Array(3);
    ReplyThreeNumbers(reply);
  } else if (EqualsIgnoreCase(type, "set")) {
    reply.Set(3);
    ReplyThreeNumbers(reply);
  } else if (EqualsIgnoreCase(type, "map")) {
    reply.Map(3);
    for (int i = 0; i < 3; ++i) {
      reply.Integer(i);
      reply.Boolean(i == 1);
    }
  } else if (EqualsIgnoreCase(type, "true")) {
    reply.Boolean(true);
  } else if (EqualsIgnoreCase(type, "false")) {
    reply.Boolean(false);
  } else if (EqualsIgnoreCase(type, "verbatim")) {
    reply.Verbatim("This is a verbatim\nstring");
  } else {
    return Fail(c,
                "ERR Wrong protocol type name. Please use one of the following: "
                "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
  }
  return Done();
}

Outcome StringMatch(CommandContext& c) {
  c.reply.Integer(config::GlobPattern(c.args[2]).Matches(c.args[3]) ? 1 : 0);
  return Done();
}

Outcome WriteLog(CommandContext& c) {
  LogWarning("DEBUG LOG: " + std::string(c.args[2]));
  c.reply.Ok();
  return Done();
}

// An error of the caller's text, code and all. A reply of one line cannot hold breaks.
Outcome ReplyAnError(CommandContext& c) {
  std::string text(c.args[2]);
  std::replace_if(
      text.begin(), text.end(), [](char ch) { return ch == '\r' || ch == '\n'; }, ' ');
  return Fail(c, text);
}

// Makes strings `prefix:0`, `prefix:1`… where there are no such keys.
Outcome Populate(CommandContext& c) {
  int64_t count = 0;
  int64_t size = 0;
  constexpr std::string_view kOutOfRange = "ERR value is out of range, must be positive";
  if (!ParseNumber(c, c.args[2], 0, kOutOfRange, &count)) return Done();
  if (c.argc() == 5 && !ParseNumber(c, c.args[4], 0, kOutOfRange, &size)) return Done();
  if (size > c.core.settings().proto_max_bulk_len) return Fail(c, kOutOfRange);
  if (TooLong(c, static_cast<size_t>(count))) return Outcome::kOffload;
  const std::string prefix(c.argc() >= 4 ? c.args[3] : "key");
  for (int64_t i = 0; i < count; ++i) {
    const std::string key = prefix + ":" + std::to_string(i);
    std::string value = "value:" + std::to_string(i);
    if (c.argc() == 5) value.resize(static_cast<size_t>(size), '\0');
    const Status s = c.db().Mutate(c.op, KeyRef::Of(key), [&value](const Current& now) {
      if (now.exists()) return Update::Keep(Status::kExists);
      return Update::Set(MakeString(value, now.value), kNoDeadline, "set");
    });
    // What was made so far stays, so that coming back goes on from there.
    if (s == Status::kBusy) return Outcome::kBusy;
  }
  c.reply.Ok();
  return Done();
}

// REPLYBUFFER: how Redis sizes its output buffers. There is nothing of the kind here to steer.
Outcome ReplyBuffer(CommandContext& c) {
  const bool peak = EqualsIgnoreCase(c.args[2], "peak-reset-time");
  if (!peak && !EqualsIgnoreCase(c.args[2], "resizing")) return UnknownSubcommand(c);
  const Bytes value = c.args[3];
  int64_t ms = 0;
  if (peak && !EqualsIgnoreCase(value, "never") && !EqualsIgnoreCase(value, "reset") &&
      !ParseInteger(c, value, &ms)) {
    return Done();
  }
  c.reply.Ok();
  return Done();
}

// Keeps a copy of the text that is never freed: what tests of memory reports ask for. It stays
// reachable, so that it is no finding of a leak checker.
Outcome Leak(CommandContext& c) {
  static std::mutex mutex;
  static auto& leaked = *new std::vector<std::string>();
  const std::lock_guard lock(mutex);
  leaked.emplace_back(c.args[2]);
  c.reply.Ok();
  return Done();
}

Outcome StructSize(CommandContext& c) {
  const auto size = [](const char* name, size_t bytes) {
    return " " + std::string(name) + ":" + std::to_string(bytes);
  };
  c.reply.SimpleString("bits:" + std::to_string(8 * sizeof(void*)) + size("word", sizeof(Word)) +
                       size("entry", sizeof(Entry)) + size("blob", sizeof(Blob)));
  return Done();
}

// Steers something this server does not have; accepted so that test suites go on.
Outcome Accept(CommandContext& c) {
  c.reply.Ok();
  return Done();
}

Outcome Help(CommandContext& c) {
  static constexpr auto kLines = std::to_array<std::string_view>({
      "CHANGE-REPL-ID",
      "    Accepted; there is no replication to disturb.",
      "DIGEST",
      "    Show a hash of all that is stored; it is Redis's for the same content.",
      "DIGEST-VALUE <key> [<key> ...]",
      "    Show a hash of each key's value.",
      "ERROR <text>",
      "    Reply with this error.",
      "HTSTATS <db>",
      "    Show how many keys a database has.",
      "HTSTATS-KEY <key>",
      "    Show how many elements a collection has that is kept as a hash table.",
      "LEAK <text>",
      "    Keep a copy of the text that is never freed.",
      "LISTPACK <key>",
      "    Show the size of a compact collection.",
      "LOG <message>",
      "    Write <message> to the log.",
      "OBJECT <key>",
      "    Show how a key's value is held.",
      "PAUSE-CRON <0|1>",
      "    Accepted; does nothing.",
      "POPULATE <count> [<prefix> [<size>]]",
      "    Make <count> strings with keys of that prefix, \"key\" if there is none.",
      "PROTOCOL <type>",
      "    Reply with an example of string, integer, double, bignum, null, array, set, map,",
      "    attrib, push, verbatim, true or false.",
      "QUICKLIST-PACKED-THRESHOLD <size>",
      "    Accepted; does nothing.",
      "RELOAD [NOSAVE] [NOFLUSH] [MERGE]",
      "    Save a snapshot, delete everything, and load the snapshot. NOSAVE loads the one that",
      "    is there, NOFLUSH deletes nothing but what is loaded anew.",
      "REPLICATE <string>",
      "    Accepted; there is no replica to send it to.",
      "REPLYBUFFER PEAK-RESET-TIME <NEVER|RESET|milliseconds>",
      "REPLYBUFFER RESIZING <0|1>",
      "    Accepted; output buffers are sized in another way.",
      "SDSLEN <key>",
      "    Show the lengths of a key and of its string, and the memory they take.",
      "SET-ACTIVE-EXPIRE <0|1>",
      "    Stop or resume deleting expired keys in the background.",
      "SET-DISABLE-DENY-SCRIPTS <0|1>",
      "    Accepted; does nothing.",
      "SLEEP <seconds>",
      "    Hold this connection's core up.",
      "STRINGMATCH-LEN <pattern> <string>",
      "    Tell whether the glob-style pattern matches the string: 1 or 0.",
      "STRUCTSIZE",
      "    Show the size of this server's basic structures in bytes.",
  });
  return ReplyHelp(c, "DEBUG", kLines);
}

struct Subcommand {
  std::string_view name;
  size_t argc_min;
  size_t argc_max;
  Handler handler;
};

constexpr size_t kAny = std::numeric_limits<size_t>::max();

constexpr auto kSubcommands = std::to_array<Subcommand>({
    {"sleep", 3, 3, Sleep},
    {"set-active-expire", 3, 3, SetActiveExpire},
    {"object", 3, 3, DebugObject},
    {"listpack", 3, 3, DebugListpack},
    {"sdslen", 3, 3, DebugStringLength},
    {"htstats", 3, 3, DebugHashTable},
    {"htstats-key", 3, 3, DebugHashTableOfKey},
    {"digest", 2, 2, DebugDigest},
    {"digest-value", 2, kAny, DebugDigestValue},
    {"reload", 2, kAny, DebugReload},
    {"stringmatch-len", 4, 4, StringMatch},
    {"log", 3, 3, WriteLog},
    {"protocol", 3, 3, Protocol},
    {"error", 3, 3, ReplyAnError},
    {"populate", 3, 5, Populate},
    {"pause-cron", 3, 3, Accept},
    {"replybuffer", 4, 4, ReplyBuffer},
    {"leak", 3, 3, Leak},
    {"structsize", 2, 2, StructSize},
    {"change-repl-id", 2, 2, Accept},
    {"quicklist-packed-threshold", 3, 3, Accept},
    {"replicate", 3, kAny, Accept},
    {"set-disable-deny-scripts", 3, 3, Accept},
    {"help", 2, 2, Help},
});

bool Allowed(const CommandContext& c) {
  switch (c.core.settings().enable_debug_command) {
    case config::GuardedAction::kYes:
      return true;
    case config::GuardedAction::kLocal:
      return IsLocalClient(c.client);
    case config::GuardedAction::kNo:
      break;
  }
  return false;
}

// One command to clients, as in Redis: its subcommands are no commands of their own.
Outcome Debug(CommandContext& c) {
  if (!Allowed(c)) {
    return Fail(c,
                "ERR DEBUG command not allowed. If the enable-debug-command option is set to "
                "\"local\", you can run it from a local connection, otherwise you need to set this "
                "option in the configuration file, and then restart the server.");
  }
  for (const Subcommand& sub : kSubcommands) {
    if (c.argc() < sub.argc_min || c.argc() > sub.argc_max) continue;
    if (EqualsIgnoreCase(c.args[1], sub.name)) return sub.handler(c);
  }
  return UnknownSubcommand(c);
}

constexpr auto kRows = std::to_array<CommandRow>({
    {.name = "debug",
     .arity = -2,
     .flags = kAdmin | kNoScript | kLoading | kStale | kAnyKeys,
     .since = "1.0.0",
     .group = "server",
     .complexity = "Depends on subcommand.",
     .summary = "A container for commands that help to test the server.",
     .handler = Debug},
});

}  // namespace

std::span<const CommandRow> DebugCommands() { return kRows; }

}  // namespace mantis::server
