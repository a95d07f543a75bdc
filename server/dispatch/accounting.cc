#include "server/dispatch/accounting.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <vector>

#include "config/option_table.h"
#include "server/commands/args.h"
#include "server/core/monitor_feed.h"
#include "server/dispatch/blocked_clients.h"

namespace mantis::server {
namespace {

// Which arguments hold a password: of CONFIG SET, the values of the options whose row says so.
void HideConfigSecrets(std::vector<Bytes>& args, Bytes hidden) {
  for (size_t i = 2; i + 1 < args.size(); i += 2) {
    const auto match = config::FindOption(args[i]);
    if (!match || !match->option().Has(config::kSecret)) continue;
    args[i + 1] = hidden;
    // A password with a blank in it that was not quoted: its rest may be anywhere behind.
    if (args.size() % 2 != 0) {
      std::fill(args.begin() + static_cast<ptrdiff_t>(i + 1), args.end(), hidden);
      return;
    }
  }
}

// What others may see of a command: passwords are replaced.
std::span<const Bytes> Redacted(const ParsedCommand& parsed, std::vector<Bytes>& storage) {
  constexpr Bytes kHidden = "(redacted)";
  const std::string_view name = parsed.command->row->name;
  if (name != "auth" && name != "hello" && name != "config|set") return parsed.args;
  storage.assign(parsed.args.begin(), parsed.args.end());
  if (name == "auth") {
    std::fill(storage.begin() + 1, storage.end(), kHidden);
  } else if (name == "config|set") {
    HideConfigSecrets(storage, kHidden);
  } else {
    const auto is_auth = [](Bytes arg) { return EqualsIgnoreCase(arg, "AUTH"); };
    // Of commands that are refused, too: the first AUTH may be a client's name.
    for (size_t i = 1; i < storage.size(); ++i) {
      if (!is_auth(parsed.args[i])) continue;
      for (size_t j = i + 1; j < std::min(i + 3, storage.size()); ++j) storage[j] = kHidden;
    }
  }
  return storage;
}

void CountFailure(CoreContext& core, const ParsedCommand& parsed, std::string_view error) {
  core.stats.per_command[parsed.command->id].failed.Add(1);
  CountError(core, error);
}

}  // namespace

void CountError(CoreContext& core, std::string_view reply) {
  const std::string_view code = reply.substr(1, reply.find_first_of(" \r") - 1);
  const std::lock_guard lock(core.stats.errors_mutex);
  auto it = core.stats.errors.find(code);
  if (it == core.stats.errors.end()) it = core.stats.errors.emplace(std::string(code), 0).first;
  ++it->second;
}

namespace accounting {

void NoteSlow(CoreContext& core, Client& client, const ParsedCommand& parsed, uint64_t ns) {
  const CommandRow& row = *parsed.command->row;
  const config::Settings& settings = core.settings();
  const auto us = static_cast<int64_t>(ns / 1000);
  const int64_t slower_than = settings.slowlog_log_slower_than;
  if (slower_than >= 0 && us >= slower_than && (row.flags & kSkipSlowlog) == 0) {
    std::vector<Bytes> storage;
    core.shared.slow_log.Add(core.op->now_ms() / 1000, us, Redacted(parsed, storage),
                             client.address, client.name,
                             static_cast<size_t>(settings.slowlog_max_len));
  }
  const int64_t threshold = settings.latency_monitor_threshold;
  if (threshold > 0 && us / 1000 >= threshold) {
    core.shared.latency_monitor.Add((row.flags & kFast) != 0 ? "fast-command" : "command",
                                    core.op->now_ms() / 1000, us / 1000);
  }
}

void NoteRare(CoreContext& core, Client& client, const ParsedCommand& parsed, uint64_t ns,
              std::string_view error) {
  if (core.shared.monitor_count.load(std::memory_order_relaxed) != 0 &&
      (parsed.command->row->flags & (kSkipMonitor | kAdmin)) == 0) {
    std::vector<Bytes> storage;
    FeedMonitors(core.shared, client, Redacted(parsed, storage));
  }
  if (client.blocked != nullptr) client.blocked->command().set_begun_ns(ns);
  if (!error.empty()) CountFailure(core, parsed, error);
}

}  // namespace accounting

void CountExecuted(CoreContext& core, Client& client, const ParsedCommand& parsed, uint64_t ns,
                   std::string_view error) {
  CountExecutedInline(core, client, parsed, ns, error);
}

void CountEnd(CoreContext& core, Client& client, const ParsedCommand& parsed, uint64_t begun_ns,
              uint64_t ns, std::string_view error) {
  core.stats.per_command[parsed.command->id].time_ns.Add(static_cast<int64_t>(ns));
  // Nothing ran for one whose time was over, or that was sent home.
  if (ns != 0) accounting::RecordDuration(core, client, parsed, begun_ns + ns);
  if (!error.empty()) CountFailure(core, parsed, error);
}

}  // namespace mantis::server
