// What is recorded of commands: statistics, latencies, slow log, monitors, errors.
//
// Thread safety: stateless functions over one core's objects, called on that core.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/core/core_context.h"
#include "server/core/shared_state.h"
#include "server/dispatch/command.h"
#include "server/net/client.h"

namespace mantis::server {

// One more error of its code in INFO's errorstats. `reply` is "-CODE text".
void CountError(CoreContext& core, std::string_view reply);

// What is to be done once a command of the client has run for `ns`: statistics, slow log, monitors.
// `error` is the reply if it was an error.
void CountExecuted(CoreContext& core, Client& client, const ParsedCommand& parsed, uint64_t ns,
                   std::string_view error);
// The same for the end of a command that was counted when it began to wait, having run for
// `begun_ns`; now it has run for `ns` more, 0 if it was not served.
void CountEnd(CoreContext& core, Client& client, const ParsedCommand& parsed, uint64_t begun_ns,
              uint64_t ns, std::string_view error);

namespace accounting {

// For a command that took long: slow log and latency monitor.
void NoteSlow(CoreContext& core, Client& client, const ParsedCommand& parsed, uint64_t ns);
// What is rare: monitors, a command that waits for keys, one that failed.
void NoteRare(CoreContext& core, Client& client, const ParsedCommand& parsed, uint64_t ns,
              std::string_view error);

// What is recorded of a command once it is over, which took `ns` in all, waiting for keys excepted.
inline void RecordDuration(CoreContext& core, Client& client, const ParsedCommand& parsed,
                           uint64_t ns) {
  if (core.settings().latency_tracking) {
    core.stats.per_command[parsed.command->id].RecordLatency(ns);
  }
  if (ns >= core.noted_from_ns()) [[unlikely]]
    NoteSlow(core, client, parsed, ns);
}

}  // namespace accounting

// CountExecuted where every command passes.
[[gnu::always_inline]] inline void CountExecutedInline(CoreContext& core, Client& client,
                                                       const ParsedCommand& parsed, uint64_t ns,
                                                       std::string_view error) {
  core.stats.commands_processed.Add(1);
  ++client.commands_executed;
  CommandStats& stats = core.stats.per_command[parsed.command->id];
  stats.calls.Add(1);
  stats.time_ns.Add(static_cast<int64_t>(ns));
  // One that waits for keys is not over: CountEnd says when it is.
  const bool over = client.blocked == nullptr;
  if (over) accounting::RecordDuration(core, client, parsed, ns);
  if (!over || !error.empty() || core.shared.monitor_count.load(std::memory_order_relaxed) != 0)
      [[unlikely]] {
    accounting::NoteRare(core, client, parsed, ns, error);
  }
}

}  // namespace mantis::server
