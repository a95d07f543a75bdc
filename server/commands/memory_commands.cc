// MEMORY: what the data and the server's own structures cost.

#include <array>
#include <string>
#include <vector>

#include "engine/base/memory.h"
#include "engine/reclaim/rcu.h"
#include "server/commands/args.h"
#include "server/commands/help.h"
#include "server/commands/later.h"
#include "server/core/core_group.h"
#include "server/core/shared_state.h"
#include "server/dispatch/command_table.h"
#include "server/info/memory_report.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

// Elements of a collection whose size is measured, from which that of the others is estimated.
constexpr int64_t kSamplesDefault = 5;

Outcome MemoryUsage(CommandContext& c) {
  int64_t samples = kSamplesDefault;
  for (size_t i = 3; i < c.argc(); i += 2) {
    if (!EqualsIgnoreCase(c.args[i], "samples") || i + 1 == c.argc()) return SyntaxError(c);
    if (!ParseInteger(c, c.args[i + 1], &samples)) return Done();
    if (samples < 0) return SyntaxError(c);
  }
  const KeyRef key = c.key(2);
  const Status status = c.db().ReadValue(c.op, key, [&](const Current& now) {
    // 0 asks for a look at every element.
    if (samples == 0 && now.value.is_object() && TooLong(c, ObjectOf(now.value)->size())) {
      return Status::kTooLong;
    }
    const InsideSection inside(c.op);
    const Entry* entry = c.db().index().Find(key.bytes, key.hash);
    c.reply.Integer(static_cast<int64_t>(
        memory::UsableSize(entry) +
        WordBytes(entry->word().WithoutFlags(), static_cast<size_t>(samples)) + kIndexBytesPerKey));
    return Status::kOk;
  });
  if (status == Status::kNotFound) {
    c.reply.Null();
    return Done();
  }
  return status == Status::kOk ? Done() : FailStatus(c, status);
}

void Number(protocol::ReplyWriter& reply, std::string_view name, int64_t value) {
  reply.Bulk(name);
  reply.Integer(value);
}

void Fraction(protocol::ReplyWriter& reply, std::string_view name, double value) {
  reply.Bulk(name);
  reply.Double(value);
}

Outcome MemoryStats(CommandContext& c) {
  const MemoryReport m = MakeMemoryReport(c.shared);
  protocol::ReplyWriter& reply = c.reply;
  reply.Map(27 + m.databases.size());
  Number(reply, "peak.allocated", m.peak);
  Number(reply, "total.allocated", m.used);
  Number(reply, "startup.allocated", m.startup);
  Number(reply, "replication.backlog", 0);
  Number(reply, "clients.slaves", 0);
  Number(reply, "clients.normal", m.clients);
  Number(reply, "cluster.links", 0);
  Number(reply, "aof.buffer", 0);
  Number(reply, "lua.caches", 0);
  Number(reply, "functions.caches", 0);
  for (const auto& db : m.databases) {
    reply.Bulk("db." + std::to_string(db.index));
    reply.Map(3);
    Number(reply, "overhead.hashtable.main", db.key_overhead);
    Number(reply, "overhead.hashtable.expires", db.deadline_overhead);
    Number(reply, "overhead.hashtable.slot-to-keys", 0);
  }
  Number(reply, "overhead.total", m.overhead);
  Number(reply, "keys.count", m.keys);
  Number(reply, "keys.bytes-per-key", m.keys == 0 ? 0 : m.net() / m.keys);
  Number(reply, "dataset.bytes", m.dataset);
  Fraction(reply, "dataset.percentage", m.dataset_percent());
  Fraction(reply, "peak.percentage", m.peak_percent());
  Number(reply, "allocator.allocated", m.allocated());
  Number(reply, "allocator.active", m.resident);
  Number(reply, "allocator.resident", m.resident);
  Fraction(reply, "allocator-fragmentation.ratio", m.allocator_fragmentation());
  Number(reply, "allocator-fragmentation.bytes", m.resident - m.allocated());
  Fraction(reply, "allocator-rss.ratio", 1);
  Number(reply, "allocator-rss.bytes", 0);
  Fraction(reply, "rss-overhead.ratio", 1);
  Number(reply, "rss-overhead.bytes", 0);
  Fraction(reply, "fragmentation", m.fragmentation());
  Number(reply, "fragmentation.bytes", m.resident - m.used);
  return Done();
}

Outcome MemoryDoctor(CommandContext& c) {
  c.reply.Verbatim(DiagnoseMemory(MakeMemoryReport(c.shared)));
  return Done();
}

// Each thread has free pages and retired objects of its own. A worker is not waited for: it comes
// to it at once, or when its command has ended.
Outcome MemoryPurge(CommandContext& c) {
  const Later later(c);
  for (CoreContext* context : c.shared.counted) {
    if (context->index < c.shared.cores.size()) continue;
    PostTo(*context, [](CoreContext&) {
      reclaim::Poll(true);
      memory::Purge();
    });
  }
  AskAll(
      c.core,
      [](CoreContext&) {
        reclaim::Poll(true);
        memory::Purge();
        return std::string();
      },
      [later](CoreContext& core, const std::vector<std::string>&) {
        later.Answer(core, [](Client& client) { client.reply.Ok(); });
      });
  return Outcome::kSuspended;
}

Outcome MemoryMallocStats(CommandContext& c) {
  const MemoryReport m = MakeMemoryReport(c.shared);
  c.reply.Verbatim(std::string("allocator: ") + memory::AllocatorName() +
                   "\nallocated: " + std::to_string(m.allocated()) + "\nallocated at most: " +
                   std::to_string(m.peak) + "\nresident: " + std::to_string(m.resident) + "\n");
  return Done();
}

Outcome MemoryHelp(CommandContext& c) {
  static constexpr auto kLines = std::to_array<std::string_view>({
      "DOCTOR",
      "    Look for memory problems and describe them.",
      "MALLOC-STATS",
      "    Show the allocator's own numbers.",
      "PURGE",
      "    Hand memory that is free back to the system.",
      "STATS",
      "    Show where the server's memory goes.",
      "USAGE <key> [SAMPLES <count>]",
      "    Show how many bytes a key and its value take, indexes included.",
  });
  return ReplyHelp(c, "MEMORY", kLines);
}

constexpr std::string_view kReportTips =
    "nondeterministic_output,request_policy:all_shards,response_policy:special";

constexpr auto kRows = std::to_array<CommandRow>({
    {.name = "memory",
     .arity = -2,
     .flags = 0,
     .since = "4.0.0",
     .group = "server",
     .complexity = "Depends on subcommand.",
     .summary = "A container for commands about memory."},
    {.name = "memory|usage",
     .arity = -3,
     .flags = kReadonly,
     .keys = {{{2, 2, 1, kKeyRo}}},
     .since = "4.0.0",
     .group = "server",
     .complexity = "O(N) where N is the number of samples.",
     .summary = "Shows how many bytes a key takes.",
     .handler = MemoryUsage,
     .syntax = "key [SAMPLES count]"},
    {.name = "memory|stats",
     .arity = 2,
     .flags = 0,
     .since = "4.0.0",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Shows where the server's memory goes.",
     .handler = MemoryStats,
     .tips = kReportTips},
    {.name = "memory|doctor",
     .arity = 2,
     .flags = 0,
     .since = "4.0.0",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Looks for memory problems and describes them.",
     .handler = MemoryDoctor,
     .tips = kReportTips},
    {.name = "memory|purge",
     .arity = 2,
     .flags = kAsksCores,
     .since = "4.0.0",
     .group = "server",
     .complexity = "Depends on how much memory is allocated",
     .summary = "Hands memory that is free back to the system.",
     .handler = MemoryPurge,
     .tips = "request_policy:all_shards,response_policy:all_succeeded"},
    {.name = "memory|malloc-stats",
     .arity = 2,
     .flags = 0,
     .since = "4.0.0",
     .group = "server",
     .complexity = "O(1)",
     .summary = "Shows the allocator's own numbers.",
     .handler = MemoryMallocStats,
     .tips = kReportTips},
    HelpRow("memory|help", "server", 0, "4.0.0", MemoryHelp),
});

}  // namespace

std::span<const CommandRow> MemoryCommands() { return kRows; }

}  // namespace mantis::server
