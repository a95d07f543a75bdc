// SLOWLOG and LATENCY: what took long, and how long commands take.

#include <array>
#include <string>
#include <vector>

#include "protocol/number.h"
#include "server/commands/args.h"
#include "server/commands/help.h"
#include "server/core/core_context.h"
#include "server/core/shared_state.h"
#include "server/dispatch/command_table.h"
#include "server/info/latency_report.h"

namespace mantis::server {
namespace {

Outcome SlowlogGet(CommandContext& c) {
  int64_t count = 10;
  if (c.argc() > 3) {
    return Fail(c, "ERR unknown subcommand or wrong number of arguments for '" +
                       std::string(c.args[1]) + "'. Try SLOWLOG HELP.");
  }
  if (c.argc() == 3) {
    const auto given = protocol::ParseInteger(c.args[2]);
    if (!given || *given < -1) {
      return Fail(c, "ERR count should be greater than or equal to -1");
    }
    count = *given;
  }
  const auto items = c.shared.slow_log.Latest(count);
  c.reply.Array(items.size());
  for (const SlowLog::Item& item : items) {
    c.reply.Array(6);
    c.reply.Integer(item.id);
    c.reply.Integer(item.unix_seconds);
    c.reply.Integer(item.duration_us);
    c.reply.Array(item.args.size());
    for (const std::string& arg : item.args) c.reply.Bulk(arg);
    c.reply.Bulk(item.client_address);
    c.reply.Bulk(item.client_name);
  }
  return Done();
}

Outcome SlowlogLen(CommandContext& c) {
  c.reply.Integer(static_cast<int64_t>(c.shared.slow_log.size()));
  return Done();
}

Outcome SlowlogReset(CommandContext& c) {
  c.shared.slow_log.Reset();
  c.reply.Ok();
  return Done();
}

Outcome SlowlogHelp(CommandContext& c) {
  static constexpr auto kLines = std::to_array<std::string_view>({
      "GET [<count>]",
      "    Show the latest <count> slow commands (10 by default, -1 for all): id, Unix time,",
      "    microseconds, arguments, address and name of the client.",
      "LEN",
      "    Show how many slow commands are kept.",
      "RESET",
      "    Forget them.",
  });
  return ReplyHelp(c, "SLOWLOG", kLines);
}

Outcome LatencyLatest(CommandContext& c) {
  const auto all = c.shared.latency_monitor.LatestAll();
  c.reply.Array(all.size());
  for (const auto& latest : all) {
    c.reply.Array(4);
    c.reply.Bulk(latest.event);
    c.reply.Integer(latest.unix_seconds);
    c.reply.Integer(latest.latest_ms);
    c.reply.Integer(latest.max_ms);
  }
  return Done();
}

Outcome LatencyHistory(CommandContext& c) {
  const auto samples = c.shared.latency_monitor.History(c.args[2]);
  c.reply.Array(samples.size());
  for (const auto& [second, ms] : samples) {
    c.reply.Array(2);
    c.reply.Integer(second);
    c.reply.Integer(ms);
  }
  return Done();
}

Outcome LatencyReset(CommandContext& c) {
  c.reply.Integer(static_cast<int64_t>(c.shared.latency_monitor.Reset(c.args.subspan(2))));
  return Done();
}

Outcome LatencyGraph(CommandContext& c) {
  const auto samples = c.shared.latency_monitor.History(c.args[2]);
  if (samples.empty()) {
    return Fail(c, "ERR No samples available for event '" + std::string(c.args[2]) + "'");
  }
  c.reply.Verbatim(DrawLatencyGraph(c.args[2], samples, c.op.now_ms() / 1000));
  return Done();
}

Outcome LatencyDoctor(CommandContext& c) {
  const auto settings = c.shared.config.snapshot();
  c.reply.Verbatim(DiagnoseLatency(c.shared.latency_monitor, settings->latency_monitor_threshold));
  return Done();
}

// Writes one command's name and histogram; false if it was never timed.
bool WriteHistogram(CommandContext& c, const Command& command) {
  const HistogramSum sum = SumHistograms(c.shared, command.id);
  if (sum.total == 0) return false;
  c.reply.Bulk(command.row->name);
  c.reply.Map(2);
  c.reply.Bulk("calls");
  c.reply.Integer(sum.total);
  c.reply.Bulk("histogram_usec");
  const auto steps = CumulativeByPowers(sum);
  c.reply.Map(steps.size());
  for (const auto& [us, count] : steps) {
    c.reply.Integer(us);
    c.reply.Integer(count);
  }
  return true;
}

size_t WriteHistograms(CommandContext& c, const Command& command) {
  size_t written = WriteHistogram(c, command) ? 1 : 0;
  for (const Command& child : command.children) written += WriteHistogram(c, child) ? 1 : 0;
  return written;
}

Outcome LatencyHistogramOf(CommandContext& c) {
  const CommandTable& table = CommandTable::Instance();
  const size_t mark = c.reply.DeferredMap();
  size_t written = 0;
  if (c.argc() == 2) {
    for (const Command& command : table.commands()) written += WriteHistograms(c, command);
  }
  for (const Bytes name : c.args.subspan(2)) {
    const Command* command = table.FindFullName(name);
    if (command != nullptr) written += WriteHistograms(c, *command);
  }
  c.reply.SetDeferredMap(mark, written);
  return Done();
}

Outcome LatencyHelp(CommandContext& c) {
  static constexpr auto kLines = std::to_array<std::string_view>({
      "DOCTOR",
      "    Describe what the latency monitor saw.",
      "GRAPH <event>",
      "    Draw the samples of an event.",
      "HISTORY <event>",
      "    Show the samples of an event as pairs of Unix time and milliseconds.",
      "LATEST",
      "    Show every event's latest and longest sample.",
      "RESET [<event> ...]",
      "    Forget the samples of these events, of all if none is named.",
      "HISTOGRAM [<command> ...]",
      "    Show cumulative histograms of command durations in microseconds.",
  });
  return ReplyHelp(c, "LATENCY", kLines);
}

constexpr uint32_t kSlowlogFlags = kAdmin | kLoading | kStale;
constexpr uint32_t kLatencyFlags = kAdmin | kNoScript | kLoading | kStale;
constexpr std::string_view kLatencyTips =
    "nondeterministic_output,request_policy:all_nodes,response_policy:special";

constexpr auto kRows = std::to_array<CommandRow>({
    {.name = "slowlog",
     .arity = -2,
     .flags = 0,
     .since = "2.2.12",
     .group = "server",
     .complexity = "Depends on subcommand.",
     .summary = "A container for commands about the slow log."},
    {.name = "slowlog|get",
     .arity = -2,
     .flags = kSlowlogFlags,
     .since = "2.2.12",
     .group = "server",
     .complexity = "O(N) where N is the number of entries returned",
     .summary = "Shows the latest slow commands.",
     .handler = SlowlogGet,
     .syntax = "[count]",
     .tips = "request_policy:all_nodes,nondeterministic_output"},
    {.name = "slowlog|len",
     .arity = 2,
     .flags = kSlowlogFlags,
     .since = "2.2.12",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Counts the entries of the slow log.",
     .handler = SlowlogLen,
     .tips = "request_policy:all_nodes,response_policy:agg_sum,nondeterministic_output"},
    {.name = "slowlog|reset",
     .arity = 2,
     .flags = kSlowlogFlags,
     .since = "2.2.12",
     .group = "server",
     .complexity = "O(N) where N is the number of entries in the slow log",
     .summary = "Empties the slow log.",
     .handler = SlowlogReset,
     .tips = "request_policy:all_nodes,response_policy:all_succeeded"},
    HelpRow("slowlog|help", "server", 0, "6.2.0", SlowlogHelp),
    {.name = "latency",
     .arity = -2,
     .flags = 0,
     .since = "2.8.13",
     .group = "server",
     .complexity = "Depends on subcommand.",
     .summary = "A container for commands about latency."},
    {.name = "latency|latest",
     .arity = 2,
     .flags = kLatencyFlags,
     .since = "2.8.13",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Shows every event's latest and longest sample.",
     .handler = LatencyLatest,
     .tips = kLatencyTips},
    {.name = "latency|history",
     .arity = 3,
     .flags = kLatencyFlags,
     .since = "2.8.13",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Shows the samples of an event.",
     .handler = LatencyHistory,
     .syntax = "event",
     .tips = kLatencyTips},
    {.name = "latency|reset",
     .arity = -2,
     .flags = kLatencyFlags,
     .since = "2.8.13",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Forgets the samples of events.",
     .handler = LatencyReset,
     .syntax = "[event ...]",
     .tips = "request_policy:all_nodes,response_policy:all_succeeded"},
    {.name = "latency|graph",
     .arity = 3,
     .flags = kLatencyFlags,
     .since = "2.8.13",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Draws the samples of an event.",
     .handler = LatencyGraph,
     .syntax = "event",
     .tips = kLatencyTips},
    {.name = "latency|doctor",
     .arity = 2,
     .flags = kLatencyFlags,
     .since = "2.8.13",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Describes what the latency monitor saw.",
     .handler = LatencyDoctor,
     .tips = kLatencyTips},
    {.name = "latency|histogram",
     .arity = -2,
     .flags = kLatencyFlags,
     .since = "7.0.0",
     .group = "server",
     .complexity = "O(N) where N is the number of commands with latency information",
     .summary = "Shows cumulative histograms of command durations.",
     .handler = LatencyHistogramOf,
     .syntax = "[command ...]",
     .tips = kLatencyTips},
    HelpRow("latency|help", "server", 0, "2.8.13", LatencyHelp),
});

}  // namespace

std::span<const CommandRow> LatencyCommands() { return kRows; }

}  // namespace mantis::server
