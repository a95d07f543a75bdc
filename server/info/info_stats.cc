// INFO's sections of counts: stats, commandstats, errorstats, latencystats, keyspace, mantis.

#include <algorithm>
#include <map>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/counters.h"
#include "protocol/number.h"
#include "server/core/core_context.h"
#include "server/core/shared_state.h"
#include "server/dispatch/command_table.h"
#include "server/info/info_text.h"
#include "server/info/latency_report.h"
#include "server/info/version.h"

namespace mantis::server {
namespace {

int64_t Sum(const SharedState& shared, Tally CoreStats::*tally) {
  int64_t sum = 0;
  for (CoreContext* const core : shared.counted) sum += (core->stats.*tally).Get();
  return sum;
}

double Rate(const SharedState& shared, RateMeter CoreStats::*meter) {
  double sum = 0;
  for (CoreContext* const core : shared.counted) sum += (core->stats.*meter).per_second();
  return sum;
}

std::map<std::string, int64_t> SumErrors(const SharedState& shared) {
  std::map<std::string, int64_t> sums;
  for (CoreContext* const core : shared.counted) {
    const std::lock_guard lock(core->stats.errors_mutex);
    for (const auto& [code, count] : core->stats.errors) sums[code] += count;
  }
  return sums;
}

int64_t SumErrorReplies(const SharedState& shared) {
  int64_t sum = 0;
  for (const auto& [code, count] : SumErrors(shared)) sum += count;
  return sum;
}

struct CommandSum {
  int64_t calls = 0;
  int64_t time_ns = 0;
  int64_t rejected = 0;
  int64_t failed = 0;
};

CommandSum SumCommand(const SharedState& shared, size_t id) {
  CommandSum sum;
  for (CoreContext* const core : shared.counted) {
    const CommandStats& stats = core->stats.per_command[id];
    sum.calls += stats.calls.Get();
    sum.time_ns += stats.time_ns.Get();
    sum.rejected += stats.rejected.Get();
    sum.failed += stats.failed.Get();
  }
  return sum;
}

std::string PercentText(double percent) {
  char digits[protocol::kDoubleCharsMax];
  return {digits, protocol::FormatDouble(digits, percent)};
}

double Share(int64_t part, int64_t other) {
  const int64_t all = part + other;
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

}  // namespace

void InfoStats(SharedState& shared, InfoText& text) {
  text.Section("Stats");
  text.Field("total_connections_received", Sum(shared, &CoreStats::connections_received));
  text.Field("total_commands_processed", Sum(shared, &CoreStats::commands_processed));
  text.Fixed("instantaneous_ops_per_sec", Rate(shared, &CoreStats::command_rate), 0);
  text.Field("total_net_input_bytes", Sum(shared, &CoreStats::bytes_in));
  text.Field("total_net_output_bytes", Sum(shared, &CoreStats::bytes_out));
  text.Zeros({"total_net_repl_input_bytes", "total_net_repl_output_bytes"});
  text.Fixed("instantaneous_input_kbps", Rate(shared, &CoreStats::input_rate) / 1024, 2);
  text.Fixed("instantaneous_output_kbps", Rate(shared, &CoreStats::output_rate) / 1024, 2);
  text.Field("instantaneous_input_repl_kbps", "0.00");
  text.Field("instantaneous_output_repl_kbps", "0.00");
  text.Field("rejected_connections", Sum(shared, &CoreStats::connections_rejected));
  text.Zeros({"sync_full", "sync_partial_ok", "sync_partial_err"});
  text.Field("expired_subkeys", Counters::Sum(Counter::kExpiredFields));
  text.Field("expired_keys", Counters::Sum(Counter::kExpiredKeys));
  text.Field("expired_time_cap_reached_count", Counters::Sum(Counter::kExpireCyclesCut));
  text.Field("expire_cycle_cpu_milliseconds", Counters::Sum(Counter::kExpireCycleUs) / 1000);
  text.Field("evicted_keys", Counters::Sum(Counter::kEvictedKeys));
  const Cache::Exceeded exceeded = shared.engine.cache().exceeded();
  text.Field("evicted_clients", Sum(shared, &CoreStats::clients_evicted));
  text.Field("total_eviction_exceeded_time", exceeded.total_ms);
  text.Field("current_eviction_exceeded_time", exceeded.present_ms);
  text.Field("keyspace_hits", Counters::Sum(Counter::kHits));
  text.Field("keyspace_misses", Counters::Sum(Counter::kMisses));
  text.Zeros({"pubsub_channels", "pubsub_patterns", "pubsubshard_channels", "latest_fork_usec",
              "total_forks", "migrate_cached_sockets", "slave_expires_tracked_keys",
              "active_defrag_hits", "active_defrag_misses", "active_defrag_key_hits",
              "active_defrag_key_misses", "total_active_defrag_time", "current_active_defrag_time",
              "tracking_total_keys", "tracking_total_items", "tracking_total_prefixes"});
  text.Field("unexpected_error_replies", 0);  // of a log that is replayed, or of a primary
  text.Field("total_error_replies", SumErrorReplies(shared));
  text.Field("total_reads_processed", Sum(shared, &CoreStats::reads_processed));
  text.Field("total_writes_processed", Sum(shared, &CoreStats::writes_processed));
  text.Zeros({"io_threaded_reads_processed", "io_threaded_writes_processed"});
  text.Field("client_query_buffer_limit_disconnections",
             Sum(shared, &CoreStats::query_limit_disconnects));
  text.Field("client_output_buffer_limit_disconnections",
             Sum(shared, &CoreStats::output_limit_disconnects));
  text.Field("acl_access_denied_auth", Sum(shared, &CoreStats::failed_logins));
  text.Zeros({"acl_access_denied_cmd", "acl_access_denied_key", "acl_access_denied_channel"});
}

void InfoCommandStats(SharedState& shared, InfoText& text) {
  text.Section("Commandstats");
  const CommandTable& table = CommandTable::Instance();
  for (size_t id = 0; id < table.size(); ++id) {
    const CommandSum sum = SumCommand(shared, id);
    if (sum.calls == 0 && sum.rejected == 0 && sum.failed == 0) continue;
    const int64_t us = sum.time_ns / 1000;
    const double each =
        sum.calls == 0 ? 0 : static_cast<double>(us) / static_cast<double>(sum.calls);
    text.Field("cmdstat_" + std::string(table.row(id).name),
               std::string_view("calls=" + std::to_string(sum.calls) + ",usec=" +
                                std::to_string(us) + ",usec_per_call=" + FixedText(each, 2) +
                                ",rejected_calls=" + std::to_string(sum.rejected) +
                                ",failed_calls=" + std::to_string(sum.failed)));
  }
}

void InfoErrorStats(SharedState& shared, InfoText& text) {
  text.Section("Errorstats");
  for (const auto& [code, count] : SumErrors(shared)) {
    text.Field("errorstat_" + code, std::string_view("count=" + std::to_string(count)));
  }
}

void InfoLatencyStats(SharedState& shared, InfoText& text) {
  text.Section("Latencystats");
  const auto settings = shared.config.snapshot();
  if (!settings->latency_tracking) return;
  const CommandTable& table = CommandTable::Instance();
  for (size_t id = 0; id < table.size(); ++id) {
    const HistogramSum sum = SumHistograms(shared, id);
    if (sum.total == 0) continue;
    std::string value;
    for (const double percent : settings->latency_tracking_info_percentiles) {
      if (!value.empty()) value += ',';
      value += "p" + PercentText(percent) + "=" + FixedText(PercentileUs(sum, percent), 3);
    }
    text.Field("latency_percentiles_usec_" + std::string(table.row(id).name),
               std::string_view(value));
  }
}

void InfoKeyspace(SharedState& shared, InfoText& text) {
  text.Section("Keyspace");
  const int64_t now_ms = WallClockMs();
  for (int i = 0; i < shared.engine.database_count(); ++i) {
    const Database& db = shared.engine.database(i);
    const size_t keys = db.size();
    if (keys == 0) continue;
    text.Field("db" + std::to_string(i),
               std::string_view("keys=" + std::to_string(keys) +
                                ",expires=" + std::to_string(std::min(keys, db.deadlines())) +
                                ",avg_ttl=" + std::to_string(db.AverageTtlMs(now_ms))));
  }
}

void InfoMantis(SharedState& shared, InfoText& text) {
  text.Section("Mantis");
  text.Field("mantis_version", kMantisVersion);
  text.Field("threads", shared.cores.size());
  for (const auto& core : shared.cores) {
    const CoreStats& stats = core->stats;
    text.Field("core_" + std::to_string(core->index),
               std::string_view(
                   "connections=" + std::to_string(core->load.load(std::memory_order_relaxed)) +
                   ",commands=" + std::to_string(stats.commands_processed.Get()) +
                   ",bytes_in=" + std::to_string(stats.bytes_in.Get()) +
                   ",bytes_out=" + std::to_string(stats.bytes_out.Get())));
  }
  const int64_t hits = Counters::Sum(Counter::kHits);
  const int64_t misses = Counters::Sum(Counter::kMisses);
  text.Field("engine_reads", hits + misses);
  text.Field("engine_writes", Counters::Sum(Counter::kWrites));
  text.Field("engine_deletes", Counters::Sum(Counter::kDeletes));
  text.Field("engine_hits", hits);
  text.Field("engine_misses", misses);
  // The hash index is the cache's directory: a key that is there is a hit of the cache.
  text.Field("cache_hits", hits);
  text.Field("cache_misses", misses);
  text.Field("cache_inserts", Counters::Sum(Counter::kCacheInserts));
  text.Field("cache_evictions", Counters::Sum(Counter::kEvictedKeys));
  text.Fixed("cache_hit_rate", Share(hits, misses), 4);
  size_t blocks = 0;
  size_t keys = 0;
  size_t buckets = 0;
  for (int i = 0; i < shared.engine.database_count(); ++i) {
    Database& db = shared.engine.database(i);
    if (db.index().size() == 0) continue;
    blocks += db.ordered().blocks();
    keys += db.ordered().size();
    buckets += db.index().bucket_count();
  }
  text.Field("ordered_index_blocks", blocks);
  text.Field("ordered_index_keys", keys);
  text.Field("hash_index_buckets", buckets);
  text.Field("retired_objects_pending",
             Counters::Sum(Counter::kRetiredObjects) - Counters::Sum(Counter::kReclaimedObjects));
  text.Field("retired_bytes_pending",
             Counters::Sum(Counter::kRetiredBytes) - Counters::Sum(Counter::kReclaimedBytes));
  text.Field("busy_retries",
             Counters::Sum(Counter::kBusyRetries) + Sum(shared, &CoreStats::busy_retries));
  text.Field("commands_gathered", Sum(shared, &CoreStats::commands_gathered));
}

}  // namespace mantis::server
