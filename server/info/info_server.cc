// INFO's sections about the process: server, clients, memory, persistence, replication, cpu.

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/counters.h"
#include "engine/base/memory.h"
#include "server/core/core_context.h"
#include "server/core/persistence.h"
#include "server/core/shared_state.h"
#include "server/dispatch/blocked_clients.h"
#include "server/dispatch/interest_table.h"
#include "server/info/info_text.h"
#include "server/info/memory_report.h"
#include "server/info/version.h"

namespace mantis::server {
namespace {

constexpr std::string_view kNoReplicationId = "0000000000000000000000000000000000000000";

std::string OperatingSystem() {
  utsname name{};
  if (::uname(&name) != 0) return "unknown";
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

std::string CompilerVersion() {
#ifdef __clang__
  return std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__) + "." +
         std::to_string(__clang_patchlevel__);
#else
  return std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__) + "." +
         std::to_string(__GNUC_PATCHLEVEL__);
#endif
}

std::string_view PolicyName(config::MaxmemoryPolicy policy) {
  switch (policy) {
    case config::MaxmemoryPolicy::kVolatileLru:
      return "volatile-lru";
    case config::MaxmemoryPolicy::kVolatileLfu:
      return "volatile-lfu";
    case config::MaxmemoryPolicy::kVolatileRandom:
      return "volatile-random";
    case config::MaxmemoryPolicy::kVolatileTtl:
      return "volatile-ttl";
    case config::MaxmemoryPolicy::kAllkeysLru:
      return "allkeys-lru";
    case config::MaxmemoryPolicy::kAllkeysLfu:
      return "allkeys-lfu";
    case config::MaxmemoryPolicy::kAllkeysRandom:
      return "allkeys-random";
    case config::MaxmemoryPolicy::kNoEviction:
      break;
  }
  return "noeviction";
}

std::string Listener(const config::Settings& settings) {
  std::string text = "name=tcp";
  for (const std::string& address : settings.bind) text += ",bind=" + address;
  return text + ",port=" + std::to_string(settings.port);
}

int64_t SystemMemory() {
  const int64_t pages = ::sysconf(_SC_PHYS_PAGES);
  return std::max<int64_t>(0, pages * ::sysconf(_SC_PAGESIZE));
}

double Seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

}  // namespace

void InfoServer(SharedState& shared, InfoText& text) {
  const auto settings = shared.config.snapshot();
  const int64_t now_us = WallClockUs();
  const int64_t uptime = std::max<int64_t>(0, now_us / 1000 - shared.start_ms) / 1000;
  constexpr int64_t kClockMask = (int64_t{1} << 24) - 1;
  text.Section("Server");
  text.Field("redis_version", kRedisVersion);
  text.Field("redis_git_sha1", "00000000");
  text.Field("redis_git_dirty", 0);
  text.Field("redis_build_id", "0");
  text.Field("mantis_version", kMantisVersion);
  text.Field("redis_mode", "standalone");
  text.Field("os", std::string_view(OperatingSystem()));
  text.Field("arch_bits", 8 * sizeof(void*));
  text.Field("monotonic_clock", "POSIX clock_gettime");
  text.Field("multiplexing_api", "epoll");
  text.Field("atomicvar_api", "c++-atomic");
  text.Field("gcc_version", std::string_view(CompilerVersion()));
  text.Field("process_id", ::getpid());
  text.Field("process_supervised", "no");
  text.Field("run_id", std::string_view(shared.run_id));
  text.Field("tcp_port", settings->port);
  text.Field("server_time_usec", now_us);
  text.Field("uptime_in_seconds", uptime);
  text.Field("uptime_in_days", uptime / 86400);
  text.Field("hz", settings->hz);
  text.Field("configured_hz", settings->hz);
  text.Field("lru_clock", now_us / 1000000 & kClockMask);
  text.Field("executable", std::string_view(shared.executable));
  text.Field("config_file", std::string_view(shared.config_file));
  text.Field("io_threads_active", 0);
  if (settings->port != 0 && !settings->bind.empty()) {
    text.Field("listener0", std::string_view(Listener(*settings)));
  }
}

void InfoClients(SharedState& shared, InfoText& text) {
  int64_t input_max = 0;
  int64_t output_max = 0;
  for (const auto& core : shared.cores) {
    input_max = std::max(input_max, core->stats.input_buffer_max.load(std::memory_order_relaxed));
    output_max =
        std::max(output_max, core->stats.output_buffer_max.load(std::memory_order_relaxed));
  }
  text.Section("Clients");
  text.Field("connected_clients", shared.client_count.load(std::memory_order_relaxed));
  text.Field("cluster_connections", 0);
  text.Field("maxclients", shared.config.snapshot()->maxclients);
  text.Field("client_recent_max_input_buffer", input_max);
  text.Field("client_recent_max_output_buffer", output_max);
  text.Field("blocked_clients", shared.blocked_clients.load(std::memory_order_relaxed));
  const InterestTable::KeysWaitedFor keys = shared.interests->CountKeysWaitedFor();
  size_t with_timeout = 0;
  for (const auto& core : shared.cores) with_timeout += core->blocked->CountTimeouts();
  text.Field("tracking_clients", 0);
  text.Field("clients_in_timeout_table", with_timeout);
  text.Field("total_blocking_keys", keys.all);
  text.Field("total_blocking_keys_on_nokey", keys.also_when_gone);
}

void InfoMemory(SharedState& shared, InfoText& text) {
  const auto settings = shared.config.snapshot();
  const MemoryReport m = MakeMemoryReport(shared);
  text.Section("Memory");
  text.Bytes("used_memory", m.used);
  text.Bytes("used_memory_rss", m.resident);
  text.Bytes("used_memory_peak", m.peak);
  text.Fixed("used_memory_peak_perc", m.peak_percent(), 2, "%");
  text.Field("used_memory_overhead", m.overhead);
  text.Field("used_memory_startup", m.startup);
  text.Field("used_memory_dataset", m.dataset);
  text.Fixed("used_memory_dataset_perc", m.dataset_percent(), 2, "%");
  text.Field("allocator_allocated", m.allocated());
  text.Field("allocator_active", m.resident);
  text.Field("allocator_resident", m.resident);
  text.Bytes("total_system_memory", SystemMemory());
  text.Field("used_memory_lua", 0);
  text.Field("used_memory_vm_eval", 0);
  text.Field("used_memory_lua_human", "0B");
  text.Zeros({"used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions",
              "number_of_libraries", "used_memory_vm_functions"});
  text.Bytes("used_memory_vm_total", 0);
  text.Field("used_memory_functions", 0);
  text.Bytes("used_memory_scripts", 0);
  text.Bytes("maxmemory", settings->maxmemory);
  text.Field("maxmemory_policy", PolicyName(settings->maxmemory_policy));
  text.Fixed("allocator_frag_ratio", m.allocator_fragmentation(), 2);
  text.Field("allocator_frag_bytes", m.resident - m.allocated());
  text.Fixed("mem_fragmentation_ratio", m.fragmentation(), 2);
  text.Field("mem_fragmentation_bytes", m.resident - m.used);
  text.Zeros({"mem_not_counted_for_evict", "mem_replication_backlog",
              "mem_total_replication_buffers", "mem_clients_slaves"});
  text.Field("mem_clients_normal", m.clients);
  text.Zeros({"mem_cluster_links", "mem_aof_buffer"});
  text.Field("mem_allocator", memory::AllocatorName());
  text.Field("active_defrag_running", 0);
  text.Field("lazyfree_pending_objects", shared.engine.LazyFreePending());
  text.Field("lazyfreed_objects", Counters::Sum(Counter::kLazyFreed));
}

void InfoPersistence(SharedState& shared, InfoText& text) {
  const PersistenceInfo info = shared.persistence->info();
  text.Section("Persistence");
  text.Field("loading", info.loading ? 1 : 0);
  text.Field("async_loading", 0);
  if (info.loading) {
    text.Field("loading_start_time", info.loading_start_at);
    text.Field("loading_total_bytes", info.loading_total_bytes);
    text.Field("loading_rdb_used_mem", 0);
    text.Field("loading_loaded_bytes", info.loading_loaded_bytes);
    text.Fixed("loading_loaded_perc", info.loading_loaded_perc, 2);
    text.Field("loading_eta_seconds", info.loading_eta_seconds);
  }
  text.Zeros({"current_cow_peak", "current_cow_size", "current_cow_size_age"});
  text.Field("current_fork_perc", "0.00");
  text.Field("current_save_keys_processed", info.current_save_keys);
  text.Field("current_save_keys_total", info.current_save_keys_total);
  text.Field("rdb_changes_since_last_save", info.changes_since_last_save);
  text.Field("rdb_bgsave_in_progress", info.bgsave_in_progress ? 1 : 0);
  text.Field("rdb_last_save_time", info.last_save_at);
  text.Field("rdb_last_bgsave_status", info.last_bgsave_ok ? "ok" : "err");
  text.Field("rdb_last_bgsave_time_sec", info.last_bgsave_sec);
  text.Field("rdb_current_bgsave_time_sec", info.current_bgsave_sec);
  text.Field("rdb_saves", info.saves);
  text.Field("rdb_last_cow_size", 0);
  text.Field("rdb_last_load_keys_expired", info.last_load_keys_expired);
  text.Field("rdb_last_load_keys_loaded", info.last_load_keys_loaded);
  text.Zeros({"aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled"});
  text.Field("aof_last_rewrite_time_sec", -1);
  text.Field("aof_current_rewrite_time_sec", -1);
  text.Field("aof_last_bgrewrite_status", "ok");
  text.Zeros({"aof_rewrites", "aof_rewrites_consecutive_failures"});
  text.Field("aof_last_write_status", "ok");
  text.Zeros({"aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"});
}

void InfoReplication(SharedState& shared, InfoText& text) {
  text.Section("Replication");
  text.Field("role", "master");
  text.Field("connected_slaves", 0);
  text.Field("master_failover_state", "no-failover");
  text.Field("master_replid", std::string_view(shared.run_id));
  text.Field("master_replid2", kNoReplicationId);
  text.Field("master_repl_offset", 0);
  text.Field("second_repl_offset", -1);
  text.Zeros({"repl_backlog_active", "repl_backlog_size", "repl_backlog_first_byte_offset",
              "repl_backlog_histlen"});
}

void InfoCpu(SharedState& /*shared*/, InfoText& text) {
  rusage process{};
  rusage children{};
  ::getrusage(RUSAGE_SELF, &process);
  ::getrusage(RUSAGE_CHILDREN, &children);
  text.Section("CPU");
  text.Fixed("used_cpu_sys", Seconds(process.ru_stime), 6);
  text.Fixed("used_cpu_user", Seconds(process.ru_utime), 6);
  text.Fixed("used_cpu_sys_children", Seconds(children.ru_stime), 6);
  text.Fixed("used_cpu_user_children", Seconds(children.ru_utime), 6);
}

void InfoModules(SharedState& /*shared*/, InfoText& text) { text.Section("Modules"); }

void InfoCluster(SharedState& /*shared*/, InfoText& text) {
  text.Section("Cluster");
  text.Field("cluster_enabled", 0);
}

}  // namespace mantis::server
