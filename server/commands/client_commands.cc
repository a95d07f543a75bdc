// CLIENT: connections as seen and steered by other connections. What concerns all cores is in
// client_registry.cc.

#include <algorithm>
#include <array>
#include <string>

#include "protocol/number.h"
#include "server/commands/args.h"
#include "server/commands/client_name.h"
#include "server/commands/client_registry.h"
#include "server/commands/help.h"
#include "server/core/core_context.h"
#include "server/core/shared_state.h"
#include "server/dispatch/blocked_clients.h"
#include "server/dispatch/command_table.h"
#include "server/info/client_info.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

Outcome ClientId(CommandContext& c) {
  c.reply.Integer(static_cast<int64_t>(c.client.id));
  return Done();
}

Outcome ClientInfo(CommandContext& c) {
  c.reply.Verbatim(DescribeClient(*c.client.connection, c.op.now_ms()) + "\n");
  return Done();
}

Outcome ClientSetName(CommandContext& c) {
  if (!CheckClientName(c, c.args[2])) return Done();
  c.client.name = c.args[2];
  c.reply.Ok();
  return Done();
}

Outcome ClientGetName(CommandContext& c) {
  if (c.client.name.empty()) {
    c.reply.Null();
  } else {
    c.reply.Bulk(c.client.name);
  }
  return Done();
}

Outcome ClientSetInfo(CommandContext& c) {
  const bool is_name = EqualsIgnoreCase(c.args[2], "lib-name");
  if (!is_name && !EqualsIgnoreCase(c.args[2], "lib-ver")) {
    return Fail(c, "ERR Unrecognized option '" + std::string(c.args[2]) + "'");
  }
  if (!IsPlainWord(c.args[3])) {
    return Fail(c, "ERR " + std::string(c.args[2]) +
                       " cannot contain spaces, newlines or special characters.");
  }
  (is_name ? c.client.lib_name : c.client.lib_version) = c.args[3];
  c.reply.Ok();
  return Done();
}

// ON or OFF into `flag`.
Outcome SetSwitch(CommandContext& c, bool* flag) {
  const bool on = EqualsIgnoreCase(c.args[2], "on");
  if (!on && !EqualsIgnoreCase(c.args[2], "off")) return SyntaxError(c);
  *flag = on;
  c.reply.Ok();
  return Done();
}

Outcome ClientNoEvict(CommandContext& c) { return SetSwitch(c, &c.client.no_evict); }
Outcome ClientNoTouch(CommandContext& c) { return SetSwitch(c, &c.client.no_touch); }

Outcome ClientReply(CommandContext& c) {
  if (EqualsIgnoreCase(c.args[2], "on")) {
    c.client.reply_mode = ReplyMode::kOn;
    c.client.reply_skip_now = false;
    c.reply.Ok();
  } else if (EqualsIgnoreCase(c.args[2], "off")) {
    c.client.reply_mode = ReplyMode::kOff;
  } else if (EqualsIgnoreCase(c.args[2], "skip")) {
    if (c.client.reply_mode == ReplyMode::kOn) c.client.reply_skip_armed = true;
  } else {
    return SyntaxError(c);
  }
  return Done();
}

// A pause in force is only ever made longer and stricter.
Outcome ClientPause(CommandContext& c) {
  PauseMode mode = PauseMode::kAll;
  if (c.argc() > 4) {
    return Fail(c, "ERR unknown subcommand or wrong number of arguments for '" +
                       std::string(c.args[1]) + "'. Try CLIENT HELP.");
  }
  if (c.argc() == 4) {
    if (EqualsIgnoreCase(c.args[3], "write")) {
      mode = PauseMode::kWrites;
    } else if (!EqualsIgnoreCase(c.args[3], "all")) {
      return Fail(c, "ERR CLIENT PAUSE mode must be WRITE or ALL");
    }
  }
  const auto timeout_ms = protocol::ParseInteger(c.args[2]);
  if (!timeout_ms) return Fail(c, "ERR timeout is not an integer or out of range");
  if (*timeout_ms < 0) return Fail(c, "ERR timeout is negative");
  const int64_t now_ms = c.op.now_ms();
  int64_t until_ms = 0;
  if (__builtin_add_overflow(now_ms, *timeout_ms, &until_ms)) {
    return Fail(c, "ERR timeout is out of range");
  }
  const int64_t former_ms = c.shared.pause_until_ms.load(std::memory_order_relaxed);
  if (former_ms > now_ms) {
    until_ms = std::max(until_ms, former_ms);
    mode = std::max(mode, c.shared.pause_mode.load(std::memory_order_relaxed));
  }
  // Relaxed: a core that sees one store before the other errs by one command at the pause's edge.
  c.shared.pause_until_ms.store(until_ms, std::memory_order_relaxed);
  c.shared.pause_mode.store(mode, std::memory_order_relaxed);
  c.engine.HoldExpiry(until_ms);
  c.reply.Ok();
  return Done();
}

Outcome ClientUnpause(CommandContext& c) {
  c.shared.pause_mode.store(PauseMode::kNone, std::memory_order_relaxed);
  c.shared.pause_until_ms.store(0, std::memory_order_relaxed);
  c.engine.HoldExpiry(0);
  c.reply.Ok();
  return Done();
}

Outcome ClientUnblock(CommandContext& c) {
  if (c.argc() > 4) {
    return Fail(c, "ERR unknown subcommand or wrong number of arguments for '" +
                       std::string(c.args[1]) + "'. Try CLIENT HELP.");
  }
  auto reason = BlockedClients::Reason::kTimeout;
  if (c.argc() == 4 && EqualsIgnoreCase(c.args[3], "error")) {
    reason = BlockedClients::Reason::kError;
  } else if (c.argc() == 4 && !EqualsIgnoreCase(c.args[3], "timeout")) {
    return Fail(c, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  int64_t id = 0;
  if (!ParseInteger(c, c.args[2], &id)) return Done();
  bool done = false;
  for (const auto& core : c.shared.cores) {
    done = done || core->blocked->Unblock(c.op, static_cast<uint64_t>(id), reason);
  }
  c.reply.Integer(done ? 1 : 0);
  return Done();
}

Outcome ClientGetRedir(CommandContext& c) {
  c.reply.Integer(-1);
  return Done();
}

Outcome ClientTrackingInfo(CommandContext& c) {
  c.reply.Map(3);
  c.reply.Bulk("flags");
  c.reply.Set(1);
  c.reply.Bulk("off");
  c.reply.Bulk("redirect");
  c.reply.Integer(-1);
  c.reply.Bulk("prefixes");
  c.reply.Array(0);
  return Done();
}

Outcome ClientHelp(CommandContext& c) {
  static constexpr auto kLines = std::to_array<std::string_view>({
      "GETNAME",
      "    Show this connection's name.",
      "GETREDIR",
      "    Show the client that invalidation messages are sent to; -1 for none.",
      "ID",
      "    Show this connection's id.",
      "INFO",
      "    Describe this connection.",
      "KILL <ip:port>",
      "    Close the connection from this address.",
      "KILL <option> <value> [<option> <value> ...]",
      "    Close the connections that fit all of these options:",
      "    * ADDR <ip:port>, LADDR <ip:port>: the client's or the server's address.",
      "    * ID <id>, USER <name>, TYPE (normal|master|replica|pubsub).",
      "    * MAXAGE <seconds>: connected for at least so long.",
      "    * SKIPME (yes|no): spare this connection (the default).",
      "LIST [TYPE (normal|master|replica|pubsub) | ID <id> [<id> ...]]",
      "    Describe connections, one a line.",
      "NO-EVICT (on|off)",
      "    Keep this connection when clients are evicted.",
      "NO-TOUCH (on|off)",
      "    Do not count this connection's commands as use of the keys.",
      "PAUSE <milliseconds> [WRITE | ALL]",
      "    Let commands wait for a time; all of them, or those that write.",
      "REPLY (on|off|skip)",
      "    Choose whether this connection gets replies.",
      "SETINFO (LIB-NAME <name> | LIB-VER <version>)",
      "    Tell the client library's name or version.",
      "SETNAME <name>",
      "    Name this connection.",
      "TRACKINGINFO",
      "    Show how this connection tracks keys.",
      "UNBLOCK <id> [TIMEOUT | ERROR]",
      "    Wake a client that waits in a blocking command.",
      "UNPAUSE",
      "    End a pause.",
  });
  return ReplyHelp(c, "CLIENT", kLines);
}

constexpr uint32_t kOwn = kNoScript | kLoading | kStale;
constexpr uint32_t kOperator = kAdmin | kOwn;

// The rows differ in few things: group, complexity and categories are the family's.
constexpr CommandRow Row(std::string_view name, int arity, uint32_t flags, std::string_view since,
                         Handler handler, std::string_view syntax, std::string_view summary,
                         std::string_view complexity = "O(1)", std::string_view tips = {}) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .acl = kAclConnection,
          .since = since,
          .group = "connection",
          .complexity = complexity,
          .summary = summary,
          .handler = handler,
          .syntax = syntax,
          .tips = tips};
}

constexpr std::string_view kPerClient = "O(N) where N is the number of client connections";

constexpr auto kRows = std::to_array<CommandRow>({
    {.name = "client",
     .arity = -2,
     .flags = 0,
     .since = "2.4.0",
     .group = "connection",
     .complexity = "Depends on subcommand.",
     .summary = "A container for commands about connections."},
    Row("client|getname", 2, kOwn, "2.6.9", ClientGetName, "", "Shows this connection's name."),
    Row("client|getredir", 2, kOwn, "6.0.0", ClientGetRedir, "",
        "Shows the client that invalidation messages are sent to."),
    HelpRow("client|help", "connection", kAclConnection, "5.0.0", ClientHelp),
    Row("client|id", 2, kOwn, "5.0.0", ClientId, "", "Shows this connection's id."),
    Row("client|info", 2, kOwn, "6.2.0", ClientInfo, "", "Describes this connection.", "O(1)",
        "nondeterministic_output"),
    Row("client|kill", -3, kOperator | kAsksCores, "2.4.0", ClientKill,
        "<ip-port | <ID client-id | TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB> | "
        "USER username | ADDR addr | LADDR laddr | SKIPME <YES | NO> | MAXAGE maxage> ...>",
        "Closes connections.", kPerClient),
    Row("client|list", -2, kOperator | kAsksCores, "2.4.0", ClientList,
        "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id ...]", "Describes connections.",
        kPerClient, "nondeterministic_output"),
    Row("client|no-evict", 3, kOperator, "7.0.0", ClientNoEvict, "<ON | OFF>",
        "Keeps this connection when clients are evicted."),
    Row("client|no-touch", 3, kOwn, "7.2.0", ClientNoTouch, "<ON | OFF>",
        "Chooses whether this connection's commands count as use of the keys."),
    Row("client|pause", -3, kOperator, "3.0.0", ClientPause, "timeout [WRITE | ALL]",
        "Lets commands wait for a time."),
    // In a transaction it would leave out replies whose number EXEC has told.
    Row("client|reply", 3, kOwn | kNoMulti, "3.2.0", ClientReply, "<ON | OFF | SKIP>",
        "Chooses whether this connection gets replies."),
    Row("client|setinfo", 4, kOwn, "7.2.0", ClientSetInfo, "<LIB-NAME libname | LIB-VER libver>",
        "Tells the client library's name or version.", "O(1)",
        "request_policy:all_nodes,response_policy:all_succeeded"),
    Row("client|setname", 3, kOwn, "2.6.9", ClientSetName, "connection-name",
        "Names this connection.", "O(1)", "request_policy:all_nodes,response_policy:all_succeeded"),
    Row("client|trackinginfo", 2, kOwn, "6.2.0", ClientTrackingInfo, "",
        "Shows how this connection tracks keys."),
    Row("client|unblock", -3, kOperator, "5.0.0", ClientUnblock, "client-id [TIMEOUT | ERROR]",
        "Wakes a client that waits in a blocking command.",
        "O(log N) where N is the number of client connections"),
    Row("client|unpause", 2, kOperator | kRunsInPause, "6.2.0", ClientUnpause, "", "Ends a pause."),
});

}  // namespace

std::span<const CommandRow> ClientCommands() { return kRows; }

}  // namespace mantis::server
