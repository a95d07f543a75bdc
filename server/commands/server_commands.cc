// Commands about the server as a whole: databases, flushing, INFO, time, role, shutdown.

#include <array>
#include <limits>
#include <string>

#include "protocol/number.h"
#include "server/commands/args.h"
#include "server/commands/later.h"
#include "server/core/core_context.h"
#include "server/core/core_group.h"
#include "server/core/log.h"
#include "server/core/persistence.h"
#include "server/core/shared_state.h"
#include "server/dispatch/command_table.h"
#include "server/info/info.h"
#include "server/info/version.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

Outcome DbSize(CommandContext& c) {
  c.reply.Integer(static_cast<int64_t>(c.db().size()));
  return Done();
}

// SYNC, ASYNC or nothing, which are all the same here: the keys are gone at once, their memory
// follows in the background.
bool CheckFlushMode(CommandContext& c) {
  if (c.argc() == 1) return true;
  if (c.argc() == 2 &&
      (EqualsIgnoreCase(c.args[1], "sync") || EqualsIgnoreCase(c.args[1], "async"))) {
    return true;
  }
  SyntaxError(c);
  return false;
}

Outcome FlushDb(CommandContext& c) {
  if (!CheckFlushMode(c)) return Done();
  c.engine.Flush(c.op, c.client.db);
  c.reply.Ok();
  return Done();
}

// Replies once a crash cannot bring the old data back, which is for the disk to say: outside of a
// transaction others go on meanwhile.
Outcome FlushAll(CommandContext& c) {
  if (!CheckFlushMode(c)) return Done();
  c.engine.FlushAll(c.op);
  Persistence& persistence = *c.shared.persistence;
  if (persistence.SavesByItself() && c.mode == RunMode::kNormal) {
    persistence.SaveFlushed([later = Later(c), &home = c.core] {
      PostTo(home, [later](CoreContext& core) {
        later.Answer(core, [](Client& client) { client.reply.Ok(); });
      });
    });
    return Outcome::kSuspended;
  }
  if (persistence.SavesByItself()) persistence.SaveFlushed();
  c.reply.Ok();
  return Done();
}

Outcome SwapDb(CommandContext& c) {
  constexpr int64_t kMin = std::numeric_limits<int>::min();
  constexpr int64_t kMax = std::numeric_limits<int>::max();
  const auto first = protocol::ParseInteger(c.args[1]);
  if (!first || *first < kMin || *first > kMax) return Fail(c, "ERR invalid first DB index");
  const auto second = protocol::ParseInteger(c.args[2]);
  if (!second || *second < kMin || *second > kMax) return Fail(c, "ERR invalid second DB index");
  const int64_t count = c.engine.database_count();
  if (*first < 0 || *first >= count || *second < 0 || *second >= count) {
    return Fail(c, "ERR DB index is out of range");
  }
  c.engine.SwapDatabases(c.op, static_cast<int>(*first), static_cast<int>(*second));
  c.reply.Ok();
  return Done();
}

Outcome Info(CommandContext& c) {
  c.reply.Verbatim(MakeInfo(c.shared, ChooseSections(c.args.subspan(1))));
  return Done();
}

Outcome Time(CommandContext& c) {
  const int64_t now_us = WallClockUs();
  c.reply.Array(2);
  c.reply.BulkInteger(now_us / 1000000);
  c.reply.BulkInteger(now_us % 1000000);
  return Done();
}

Outcome Role(CommandContext& c) {
  c.reply.Array(3);
  c.reply.Bulk("master");
  c.reply.Integer(0);
  c.reply.Array(0);
  return Done();
}

Outcome Lolwut(CommandContext& c) {
  if (c.argc() >= 3 && EqualsIgnoreCase(c.args[1], "version")) {
    int64_t version = 0;
    if (!ParseInteger(c, c.args[2], &version)) return Done();
  }
  static constexpr std::string_view kMantis =
      "        _   _\n"
      "       ( \\_/ )\n"
      "        (o o)\n"
      "         \\v/       every key in order,\n"
      "     _/\\_|_|_/\\_   nobody in line\n"
      "    /    | |    \\\n"
      "         | |__________\n"
      "        / /  /  /  /  \\\n"
      "       / /  /  /  /    \\\n"
      "\n";
  c.reply.Verbatim(std::string(kMantis) + "MantisDB " + std::string(kMantisVersion) +
                   ", Redis ver. " + std::string(kRedisVersion) + "\n");
  return Done();
}

struct ShutdownOptions {
  SaveOnStop save = SaveOnStop::kByConfig;
  bool abort = false;
  bool force = false;
  bool other = false;  // anything but ABORT was given
};

bool ParseShutdown(CommandContext& c, ShutdownOptions* out) {
  bool save = false;
  bool nosave = false;
  for (const Bytes arg : c.args.subspan(1)) {
    if (EqualsIgnoreCase(arg, "abort")) {
      out->abort = true;
      continue;
    }
    out->other = true;
    if (EqualsIgnoreCase(arg, "save")) {
      save = true;
    } else if (EqualsIgnoreCase(arg, "nosave")) {
      nosave = true;
    } else if (EqualsIgnoreCase(arg, "force")) {
      out->force = true;
    } else if (!EqualsIgnoreCase(arg, "now")) {  // NOW skips waiting for replicas: there are none
      return false;
    }
  }
  if (save) out->save = SaveOnStop::kSave;
  if (nosave) out->save = SaveOnStop::kNoSave;
  return !(save && nosave) && !(out->abort && out->other);
}

// Runs alone, so that what it saves is one instant, and nothing is changed after it. The client
// gets no reply, only the end of its connection.
Outcome Shutdown(CommandContext& c) {
  ShutdownOptions options;
  if (!ParseShutdown(c, &options)) return SyntaxError(c);
  if (options.abort) return Fail(c, "ERR No shutdown in progress.");
  LogNotice("User requested shutdown...");
  const auto error = c.shared.persistence->SaveBeforeStop(c.op, options.save);
  if (error) {
    LogWarning(options.force ? "Error trying to save the DB. Exit anyway."
                             : "Error trying to save the DB, can't exit.");
  }
  if (error && !options.force) return Fail(c, "ERR Errors trying to SHUTDOWN. Check logs.");
  RequestStop(c.shared, 0);
  return Done();
}

Outcome Wait(CommandContext& c) {
  int64_t replicas = 0;
  if (!ParseInteger(c, c.args[1], &replicas)) return Done();
  const auto timeout_ms = protocol::ParseInteger(c.args[2]);
  if (!timeout_ms) return Fail(c, "ERR timeout is not an integer or out of range");
  if (*timeout_ms < 0) return Fail(c, "ERR timeout is negative");
  c.reply.Integer(0);
  return Done();
}

Outcome Monitor(CommandContext& c) {
  if (c.mode == RunMode::kTransaction) {
    return Fail(c, "ERR MONITOR isn't allowed for DENY BLOCKING client");
  }
  if (!c.client.monitor) {
    c.client.monitor = true;
    ++c.core.monitors;
    c.shared.monitor_count.fetch_add(1, std::memory_order_relaxed);
  }
  c.reply.Ok();
  return Done();
}

constexpr std::string_view kAllSucceeded =
    "request_policy:all_shards,response_policy:all_succeeded";

constexpr auto kRows = std::to_array<CommandRow>({
    {.name = "dbsize",
     .arity = 1,
     .flags = kReadonly | kFast | kAnyKeys,
     .acl = kAclKeyspace,
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Counts the keys of the database.",
     .handler = DbSize,
     .tips = "request_policy:all_shards,response_policy:agg_sum"},
    {.name = "flushdb",
     .arity = -1,
     .flags = kWrite | kGlobal,
     .acl = kAclKeyspace | kAclDangerous,
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(1); memory is freed in the background in O(N)",
     .summary = "Deletes all keys of the database.",
     .handler = FlushDb,
     .syntax = "[ASYNC | SYNC]",
     .tips = kAllSucceeded},
    {.name = "flushall",
     .arity = -1,
     .flags = kWrite | kGlobal,
     .acl = kAclKeyspace | kAclDangerous,
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(1); memory is freed in the background in O(N)",
     .summary = "Deletes all keys of all databases.",
     .handler = FlushAll,
     .syntax = "[ASYNC | SYNC]",
     .tips = kAllSucceeded},
    {.name = "swapdb",
     .arity = 3,
     .flags = kWrite | kFast | kGlobal,
     .acl = kAclKeyspace | kAclDangerous,
     .since = "4.0.0",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Exchanges the content of two databases.",
     .handler = SwapDb,
     .syntax = "index1 index2"},
    {.name = "info",
     .arity = -1,
     .flags = kLoading | kStale,
     .acl = kAclDangerous,
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Shows the server's state and statistics.",
     .handler = Info,
     .syntax = "[section ...]",
     .tips = "nondeterministic_output,request_policy:all_shards,response_policy:special"},
    {.name = "time",
     .arity = 1,
     .flags = kLoading | kStale | kFast,
     .since = "2.6.0",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Shows the server's clock.",
     .handler = Time,
     .tips = "nondeterministic_output"},
    {.name = "role",
     .arity = 1,
     .flags = kNoScript | kLoading | kStale | kFast,
     .acl = kAclAdmin | kAclDangerous,
     .since = "2.8.12",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Shows the server's role in replication.",
     .handler = Role},
    {.name = "lolwut",
     .arity = -1,
     .flags = kReadonly | kFast,
     .since = "5.0.0",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Draws something and shows the version.",
     .handler = Lolwut,
     .syntax = "[VERSION version]"},
    {.name = "shutdown",
     .arity = -1,
     .flags = kAdmin | kNoScript | kLoading | kStale | kNoMulti | kAllowBusy | kGlobal,
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(N) when saving, where N is the number of keys, else O(1)",
     .summary = "Stops the server.",
     .handler = Shutdown,
     .syntax = "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]"},
    {.name = "wait",
     .arity = 3,
     .flags = kNoScript,
     .acl = kAclConnection,
     .since = "3.0.0",
     .group = "generic",
     .complexity = "O(1)",
     .summary = "Waits until replicas have the connection's writes.",
     .handler = Wait,
     .syntax = "numreplicas timeout",
     .tips = "request_policy:all_shards,response_policy:agg_min"},
    {.name = "monitor",
     .arity = 1,
     .flags = kAdmin | kNoScript | kLoading | kStale,
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Shows every command the server executes.",
     .handler = Monitor},
});

}  // namespace

std::span<const CommandRow> ServerCommands() { return kRows; }

}  // namespace mantis::server
