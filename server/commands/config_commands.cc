// CONFIG: settings of the running server.

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/counters.h"
#include "engine/base/cycle_clock.h"
#include "server/commands/args.h"
#include "server/commands/help.h"
#include "server/commands/later.h"
#include "server/commands/local_client.h"
#include "server/core/core_context.h"
#include "server/core/core_group.h"
#include "server/core/shared_state.h"
#include "server/dispatch/command_table.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

Outcome ConfigGet(CommandContext& c) {
  const auto found = c.shared.config.Get(c.args.subspan(2));
  c.reply.Map(found.size());
  for (const auto& [name, value] : found) {
    c.reply.Bulk(name);
    c.reply.Bulk(value);
  }
  return Done();
}

Outcome ConfigSet(CommandContext& c) {
  if (c.argc() % 2 != 0) return SyntaxError(c);
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  for (size_t i = 2; i < c.argc(); i += 2) pairs.emplace_back(c.args[i], c.args[i + 1]);
  const auto error = c.shared.config.Set(pairs, nullptr, IsLocalClient(c.client));
  if (error) return Fail(c, *error);
  c.reply.Ok();
  return Done();
}

Outcome ConfigRewrite(CommandContext& c) {
  const auto error = c.shared.config.Rewrite();
  if (error) return Fail(c, *error);
  c.reply.Ok();
  return Done();
}

// Every core resets its own numbers, as a Tally has one writer. The command itself counts after
// the reset, as in Redis.
Outcome ConfigResetStat(CommandContext& c) {
  Counters::Reset();
  const Later later(c);
  const size_t id = c.command->id;
  const uint64_t start = Ticks();
  for (CoreContext* counted : c.shared.counted) {
    PostTo(*counted, [](CoreContext& core) { core.stats.Reset(); });
  }
  AskAll(
      c.core,
      [](CoreContext& core) {
        core.stats.Reset();
        return std::string();
      },
      [later, id, start](CoreContext& core, const std::vector<std::string>&) {
        const uint64_t ns = TicksToNs(Ticks() - start);
        CommandStats& stats = core.stats.per_command[id];
        core.stats.commands_processed.Add(1);
        stats.calls.Add(1);
        stats.time_ns.Add(static_cast<int64_t>(ns));
        if (core.settings().latency_tracking) stats.RecordLatency(ns);
        later.Answer(core, [](Client& client) { client.reply.Ok(); });
      });
  return Outcome::kSuspended;
}

Outcome ConfigHelp(CommandContext& c) {
  static constexpr auto kLines = std::to_array<std::string_view>({
      "GET <pattern> [<pattern> ...]",
      "    Show the options whose names match a pattern, with their values.",
      "SET <option> <value> [<option> <value> ...]",
      "    Change options: all of them, or none if one is refused.",
      "RESETSTAT",
      "    Start the statistics of INFO again from zero.",
      "REWRITE",
      "    Write the present settings to the configuration file.",
  });
  return ReplyHelp(c, "CONFIG", kLines);
}

constexpr uint32_t kOperator = kAdmin | kNoScript | kLoading | kStale;

constexpr auto kRows = std::to_array<CommandRow>({
    {.name = "config",
     .arity = -2,
     .flags = 0,
     .since = "2.0.0",
     .group = "server",
     .complexity = "Depends on subcommand.",
     .summary = "A container for commands about the server's settings."},
    {.name = "config|get",
     .arity = -3,
     .flags = kOperator,
     .since = "2.0.0",
     .group = "server",
     .complexity = "O(N) where N is the number of options times the number of patterns",
     .summary = "Shows the options whose names match.",
     .handler = ConfigGet,
     .syntax = "parameter ..."},
    {.name = "config|set",
     .arity = -4,
     .flags = kOperator,
     .since = "2.0.0",
     .group = "server",
     .complexity = "O(N) where N is the number of options given",
     .summary = "Changes options while the server runs.",
     .handler = ConfigSet,
     .syntax = "(parameter value) ...",
     .tips = "request_policy:all_nodes,response_policy:all_succeeded"},
    {.name = "config|rewrite",
     .arity = 2,
     .flags = kOperator,
     .since = "2.8.0",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Writes the present settings to the configuration file.",
     .handler = ConfigRewrite},
    {.name = "config|resetstat",
     .arity = 2,
     .flags = kOperator | kAsksCores,
     .since = "2.0.0",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Starts the server's statistics again from zero.",
     .handler = ConfigResetStat},
    HelpRow("config|help", "server", 0, "5.0.0", ConfigHelp),
});

}  // namespace

std::span<const CommandRow> ConfigCommands() { return kRows; }

}  // namespace mantis::server
