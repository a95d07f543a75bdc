// What a server answers that stands alone: it has no modules, belongs to no cluster, and is
// nobody's replica. Clients and tools probe for these by the replies.

#include <array>
#include <string>

#include "server/commands/args.h"
#include "server/commands/help.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

// Each of these commands is for nodes of a cluster.
Outcome NoCluster(CommandContext& c) {
  return Fail(c, "ERR This instance has cluster support disabled");
}

Outcome ModuleList(CommandContext& c) {
  c.reply.Array(0);
  return Done();
}

// As a Redis does whose enable-module-command is at its default.
Outcome NoModules(CommandContext& c) {
  return Fail(c,
              "ERR MODULE command not allowed. If the enable-module-command option is set to "
              "\"local\", you can run it from a local connection, otherwise you need to set this "
              "option in the configuration file, and then restart the server.");
}

Outcome ModuleHelp(CommandContext& c) {
  static constexpr auto kLines = std::to_array<std::string_view>({
      "LIST",
      "    Show the loaded modules: none, as this server takes none.",
      "LOAD <path> [<arg> ...]",
      "    Fails.",
      "LOADEX <path> [CONFIG <name> <value> ...] [ARGS <arg> ...]",
      "    Fails.",
      "UNLOAD <name>",
      "    Fails.",
  });
  return ReplyHelp(c, "MODULE", kLines);
}

// NO ONE makes a master of a server; this one always is.
Outcome ReplicaOf(CommandContext& c) {
  if (!EqualsIgnoreCase(c.args[1], "no") || !EqualsIgnoreCase(c.args[2], "one")) {
    return Fail(c, "ERR this server cannot be a replica");
  }
  c.reply.Ok();
  return Done();
}

Outcome Failover(CommandContext& c) {
  if (c.argc() == 2 && EqualsIgnoreCase(c.args[1], "abort")) {
    return Fail(c, "ERR No failover in progress.");
  }
  return Fail(c, "ERR FAILOVER requires connected replicas.");
}

constexpr uint32_t kChange = kAdmin | kStale | kNoAsyncLoading;

constexpr CommandRow ClusterRow(std::string_view name, int arity, uint32_t flags,
                                std::string_view syntax = {}, std::string_view tips = {},
                                std::string_view since = "3.0.0") {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .since = since,
          .group = "cluster",
          .complexity = "O(1)",
          .summary = "Fails, as this server is no node of a cluster.",
          .handler = NoCluster,
          .syntax = syntax,
          .tips = tips};
}

constexpr CommandRow NodeRow(std::string_view name, uint32_t flags) {
  CommandRow row = ClusterRow(name, 1, flags);
  row.acl = kAclConnection;
  return row;
}

constexpr CommandRow ModuleRow(std::string_view name, int arity, uint32_t flags,
                               std::string_view since, std::string_view summary, Handler handler,
                               std::string_view syntax = {}, std::string_view tips = {}) {
  return {.name = name,
          .arity = arity,
          .flags = kAdmin | kNoScript | flags,
          .since = since,
          .group = "server",
          .complexity = "O(1)",
          .summary = summary,
          .handler = handler,
          .syntax = syntax,
          .tips = tips};
}

constexpr CommandRow ReplicationRow(std::string_view name, int arity, uint32_t flags,
                                    std::string_view since, std::string_view summary,
                                    Handler handler, std::string_view syntax) {
  return {.name = name,
          .arity = arity,
          .flags = kAdmin | kNoScript | kStale | flags,
          .since = since,
          .group = "server",
          .complexity = "O(1)",
          .summary = summary,
          .handler = handler,
          .syntax = syntax};
}

constexpr std::string_view kAnyOutput = "nondeterministic_output";
constexpr std::string_view kReplicaOf = "Makes the server a master, which it is; no replica.";
constexpr std::string_view kReplicaOfSyntax = "<(host port) | (NO ONE)>";

constexpr auto kRows = std::to_array<CommandRow>({
    {.name = "cluster",
     .arity = -2,
     .flags = 0,
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "Depends on subcommand.",
     .summary = "A container for commands of clusters."},
    ClusterRow("cluster|addslots", -3, kChange, "slot ..."),
    ClusterRow("cluster|addslotsrange", -4, kChange, "(start-slot end-slot) ...", {}, "7.0.0"),
    ClusterRow("cluster|bumpepoch", 2, kChange, {}, kAnyOutput),
    ClusterRow("cluster|count-failure-reports", 3, kAdmin | kStale, "node-id", kAnyOutput),
    ClusterRow("cluster|countkeysinslot", 3, kStale, "slot"),
    ClusterRow("cluster|delslots", -3, kChange, "slot ..."),
    ClusterRow("cluster|delslotsrange", -4, kChange, "(start-slot end-slot) ...", {}, "7.0.0"),
    ClusterRow("cluster|failover", -2, kChange, "[FORCE | TAKEOVER]"),
    ClusterRow("cluster|flushslots", 2, kChange),
    ClusterRow("cluster|forget", 3, kChange, "node-id"),
    ClusterRow("cluster|getkeysinslot", 4, kStale, "slot count", kAnyOutput),
    ClusterRow("cluster|help", 2, kLoading | kStale, {}, {}, "5.0.0"),
    ClusterRow("cluster|info", 2, kStale, {}, kAnyOutput),
    ClusterRow("cluster|keyslot", 3, kStale, "key:string"),
    ClusterRow("cluster|links", 2, kStale, {}, kAnyOutput, "7.0.0"),
    ClusterRow("cluster|meet", -4, kChange, "ip port [cluster_bus_port]"),
    ClusterRow("cluster|myid", 2, kStale),
    ClusterRow("cluster|nodes", 2, kStale, {}, kAnyOutput),
    ClusterRow("cluster|replicas", 3, kAdmin | kStale, "node-id", kAnyOutput, "5.0.0"),
    ClusterRow("cluster|replicate", 3, kChange, "node-id"),
    ClusterRow("cluster|reset", -2, kAdmin | kNoScript | kStale, "[HARD | SOFT]"),
    ClusterRow("cluster|saveconfig", 2, kChange),
    ClusterRow("cluster|set-config-epoch", 3, kChange, "config-epoch"),
    ClusterRow("cluster|setslot", -4, kChange,
               "slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>"),
    ClusterRow("cluster|shards", 2, kStale, {}, kAnyOutput, "7.0.0"),
    ClusterRow("cluster|slaves", 3, kAdmin | kStale, "node-id", kAnyOutput),
    ClusterRow("cluster|slots", 2, kStale, {}, kAnyOutput),
    NodeRow("asking", kFast),
    NodeRow("readonly", kLoading | kStale | kFast),
    NodeRow("readwrite", kLoading | kStale | kFast),
    {.name = "module",
     .arity = -2,
     .flags = 0,
     .since = "4.0.0",
     .group = "server",
     .complexity = "Depends on subcommand.",
     .summary = "A container for commands about modules."},
    HelpRow("module|help", "server", 0, "5.0.0", ModuleHelp),
    ModuleRow("module|list", 2, 0, "4.0.0", "Shows the loaded modules: none.", ModuleList, {},
              "nondeterministic_output_order"),
    ModuleRow("module|load", -3, kNoAsyncLoading, "4.0.0", "Fails, as no modules are taken.",
              NoModules, "path [arg ...]"),
    ModuleRow("module|loadex", -3, kNoAsyncLoading, "7.0.0", "Fails, as no modules are taken.",
              NoModules, "path [CONFIG (name value) ...] [ARGS arg ...]"),
    ModuleRow("module|unload", 3, kNoAsyncLoading, "4.0.0", "Fails, as no modules are taken.",
              NoModules, "name"),
    ReplicationRow("replicaof", 3, kNoAsyncLoading, "5.0.0", kReplicaOf, ReplicaOf,
                   kReplicaOfSyntax),
    ReplicationRow("slaveof", 3, kNoAsyncLoading, "1.0.0", kReplicaOf, ReplicaOf, kReplicaOfSyntax),
    ReplicationRow("failover", -1, 0, "6.2.0", "Fails, as there are no replicas.", Failover,
                   "[TO (host port [FORCE])] [ABORT] [TIMEOUT milliseconds]"),
});

}  // namespace

std::span<const CommandRow> StandaloneCommands() { return kRows; }

}  // namespace mantis::server
