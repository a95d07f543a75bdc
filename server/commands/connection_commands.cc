// Commands about the connection itself: greeting, authentication, database, end.

#include <array>
#include <limits>
#include <optional>
#include <string>

#include "protocol/number.h"
#include "server/commands/args.h"
#include "server/commands/client_name.h"
#include "server/core/core_context.h"
#include "server/core/shared_state.h"
#include "server/dispatch/command_table.h"
#include "server/info/version.h"
#include "server/net/client.h"
#include "server/net/core_loop.h"

namespace mantis::server {
namespace {

constexpr std::string_view kWrongPass =
    "WRONGPASS invalid username-password pair or user is disabled.";

// Looks at every byte whatever the first difference, so that the time taken tells nothing about
// the password but its length.
bool SameSecret(Bytes given, std::string_view wanted) {
  unsigned difference = given.size() == wanted.size() ? 0u : 1u;
  for (size_t i = 0; i < given.size(); ++i) {
    const char w = wanted.empty() ? '\0' : wanted[i % wanted.size()];
    difference |= static_cast<unsigned char>(given[i] ^ w);
  }
  return difference == 0;
}

bool Authenticate(CommandContext& c, Bytes user, Bytes password) {
  const auto settings = c.shared.config.snapshot();
  const bool open = settings->requirepass.empty();
  if (user != "default" || (!open && !SameSecret(password, settings->requirepass))) {
    c.core.stats.failed_logins.Add(1);
    return false;
  }
  c.client.authenticated = true;
  c.client.user = "default";
  return true;
}

Outcome Ping(CommandContext& c) {
  if (c.argc() > 2) {
    return Fail(c, "ERR wrong number of arguments for 'ping' command");
  }
  if (c.argc() == 2) {
    c.reply.Bulk(c.args[1]);
  } else {
    c.reply.SimpleString("PONG");
  }
  return Done();
}

Outcome Echo(CommandContext& c) {
  c.reply.Bulk(c.args[1]);
  return Done();
}

Outcome Quit(CommandContext& c) {
  c.reply.Ok();
  c.client.close_after_reply = true;
  return Done();
}

Outcome Reset(CommandContext& c) {
  Client& client = c.client;
  if (client.monitor) {
    client.monitor = false;
    c.core.loop->ForgetMonitor(client.connection);
    --c.core.monitors;
    c.shared.monitor_count.fetch_sub(1, std::memory_order_relaxed);
  }
  EndTransaction(c.core, client);
  client.db = 0;
  client.name.clear();
  client.user = "default";
  client.no_evict = false;
  client.no_touch = false;
  client.reply_mode = ReplyMode::kOn;
  client.authenticated = c.shared.config.snapshot()->requirepass.empty();
  client.reply.set_protocol(2);
  client.reply.SimpleString("RESET");
  return Done();
}

struct HelloOptions {
  std::optional<std::pair<Bytes, Bytes>> auth;  // user and password
  std::optional<Bytes> name;
};

// False: the error is written.
bool ParseHelloOptions(CommandContext& c, HelloOptions* out) {
  for (size_t i = 2; i < c.argc(); ++i) {
    const size_t more = c.argc() - 1 - i;
    if (EqualsIgnoreCase(c.args[i], "auth") && more >= 2) {
      out->auth.emplace(c.args[i + 1], c.args[i + 2]);
      i += 2;
    } else if (EqualsIgnoreCase(c.args[i], "setname") && more >= 1) {
      if (!CheckClientName(c, c.args[i + 1])) return false;
      out->name = c.args[++i];
    } else {
      Fail(c, "ERR Syntax error in HELLO option '" + std::string(c.args[i]) + "'");
      return false;
    }
  }
  return true;
}

void Greet(CommandContext& c) {
  protocol::ReplyWriter& reply = c.reply;
  reply.Map(7);
  reply.Bulk("server");
  reply.Bulk("redis");
  reply.Bulk("version");
  reply.Bulk(kRedisVersion);
  reply.Bulk("proto");
  reply.Integer(reply.protocol());
  reply.Bulk("id");
  reply.Integer(static_cast<int64_t>(c.client.id));
  reply.Bulk("mode");
  reply.Bulk("standalone");
  reply.Bulk("role");
  reply.Bulk("master");
  reply.Bulk("modules");
  reply.Array(0);
}

Outcome Hello(CommandContext& c) {
  std::optional<int64_t> version;
  if (c.argc() >= 2) {
    version = protocol::ParseInteger(c.args[1]);
    if (!version) return Fail(c, "ERR Protocol version is not an integer or out of range");
    if (*version < 2 || *version > 3) return Fail(c, "NOPROTO unsupported protocol version");
  }
  HelloOptions options;
  if (!ParseHelloOptions(c, &options)) return Done();
  if (options.auth && !Authenticate(c, options.auth->first, options.auth->second)) {
    return Fail(c, kWrongPass);
  }
  if (!c.client.authenticated) {
    return Fail(c,
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the "
                "HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client "
                "and select the RESP protocol version at the same time");
  }
  if (options.name) c.client.name = *options.name;
  if (version) c.reply.set_protocol(static_cast<int>(*version));
  Greet(c);
  return Done();
}

Outcome Auth(CommandContext& c) {
  if (c.argc() > 3) return SyntaxError(c);
  if (c.argc() == 2 && c.shared.config.snapshot()->requirepass.empty()) {
    return Fail(c,
                "ERR AUTH <password> called without any password configured for the default user. "
                "Are you sure your configuration is correct?");
  }
  const Bytes user = c.argc() == 3 ? c.args[1] : Bytes("default");
  if (!Authenticate(c, user, c.args[c.argc() - 1])) return Fail(c, kWrongPass);
  c.reply.Ok();
  return Done();
}

Outcome Select(CommandContext& c) {
  constexpr int64_t kMin = std::numeric_limits<int>::min();
  constexpr int64_t kMax = std::numeric_limits<int>::max();
  int64_t index = 0;
  if (!ParseIntegerInRange(c, c.args[1], kMin, kMax, &index)) return Done();
  if (index < 0 || index >= c.engine.database_count()) {
    return Fail(c, "ERR DB index is out of range");
  }
  c.client.db = static_cast<int>(index);
  c.reply.Ok();
  return Done();
}

constexpr uint32_t kSession = kNoScript | kLoading | kStale | kFast | kNoAuth | kAllowBusy;

constexpr auto kRows = std::to_array<CommandRow>({
    {.name = "ping",
     .arity = -1,
     .flags = kFast | kTellsSaveFailed,
     .acl = kAclConnection,
     .since = "1.0.0",
     .group = "connection",
     .complexity = "O(1)",
     .summary = "Answers PONG, or the message given.",
     .handler = Ping,
     .syntax = "[message]",
     .tips = "request_policy:all_shards,response_policy:all_succeeded"},
    {.name = "echo",
     .arity = 2,
     .flags = kLoading | kStale | kFast,
     .acl = kAclConnection,
     .since = "1.0.0",
     .group = "connection",
     .complexity = "O(1)",
     .summary = "Answers the message given.",
     .handler = Echo,
     .syntax = "message"},
    {.name = "quit",
     .arity = -1,
     .flags = kSession,
     .acl = kAclConnection,
     .since = "1.0.0",
     .group = "connection",
     .complexity = "O(1)",
     .summary = "Closes the connection once all replies are sent.",
     .handler = Quit},
    {.name = "reset",
     .arity = 1,
     .flags = kSession,
     .acl = kAclConnection,
     .since = "6.2.0",
     .group = "connection",
     .complexity = "O(1)",
     .summary = "Puts the connection back into the state of a new one.",
     .handler = Reset},
    {.name = "hello",
     .arity = -1,
     .flags = kSession,
     .acl = kAclConnection,
     .since = "6.0.0",
     .group = "connection",
     .complexity = "O(1)",
     .summary = "Chooses the protocol version and describes the server.",
     .handler = Hello,
     .syntax = "[protover [AUTH (username password)] [SETNAME clientname]]"},
    {.name = "auth",
     .arity = -2,
     .flags = kSession,
     .acl = kAclConnection,
     .since = "1.0.0",
     .group = "connection",
     .complexity = "O(1)",
     .summary = "Authenticates the connection.",
     .handler = Auth,
     .syntax = "[username] password"},
    {.name = "select",
     .arity = 2,
     .flags = kLoading | kStale | kFast,
     .acl = kAclConnection,
     .since = "1.0.0",
     .group = "connection",
     .complexity = "O(1)",
     .summary = "Chooses the database of this connection.",
     .handler = Select,
     .syntax = "index"},
});

}  // namespace

std::span<const CommandRow> ConnectionCommands() { return kRows; }

}  // namespace mantis::server
