#include "server/core/apply_settings.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "server/core/log.h"
#include "server/core/process_setup.h"
#include "server/core/shared_state.h"

namespace mantis::server {
namespace {

EvictionPolicy PolicyOf(config::MaxmemoryPolicy policy) {
  switch (policy) {
    case config::MaxmemoryPolicy::kVolatileLru:
      return EvictionPolicy::kVolatileLru;
    case config::MaxmemoryPolicy::kVolatileLfu:
      return EvictionPolicy::kVolatileLfu;
    case config::MaxmemoryPolicy::kVolatileRandom:
      return EvictionPolicy::kVolatileRandom;
    case config::MaxmemoryPolicy::kVolatileTtl:
      return EvictionPolicy::kVolatileTtl;
    case config::MaxmemoryPolicy::kAllkeysLru:
      return EvictionPolicy::kAllKeysLru;
    case config::MaxmemoryPolicy::kAllkeysLfu:
      return EvictionPolicy::kAllKeysLfu;
    case config::MaxmemoryPolicy::kAllkeysRandom:
      return EvictionPolicy::kAllKeysRandom;
    case config::MaxmemoryPolicy::kNoEviction:
      return EvictionPolicy::kNoEviction;
  }
  return EvictionPolicy::kNoEviction;
}

}  // namespace

CacheOptions CacheOptionsOf(const config::Settings& settings) {
  CacheOptions options;
  options.max_bytes = settings.maxmemory;
  options.policy = PolicyOf(settings.maxmemory_policy);
  options.samples = settings.maxmemory_samples;
  options.lfu_log_factor = settings.lfu_log_factor;
  options.lfu_decay_minutes = settings.lfu_decay_time;
  return options;
}

void FitClientsToDescriptors(config::ConfigStore& store) {
  const int64_t wanted = store.snapshot()->maxclients;
  const int64_t room = MakeRoomForClients(wanted);
  if (room >= wanted) return;
  LogWarning(
      fmt::format("maxclients has been reduced to {} from {}: the limit of open files "
                  "(ulimit -n) cannot be raised",
                  room, wanted));
  const std::string text = std::to_string(room);
  const std::pair<std::string_view, std::string_view> pair{"maxclients", text};
  if (const auto error = store.Set({&pair, 1})) LogWarning(*error);
}

void InstallApplyHook(SharedState& shared) {
  shared.config.SetApplyHook(
      [&shared](const config::Settings& before, const config::Settings& after,
                std::span<const std::string_view>) -> std::optional<std::string> {
        if (after.maxclients > before.maxclients &&
            MakeRoomForClients(after.maxclients) < after.maxclients) {
          return "The operating system is not able to handle the specified number of clients, "
                 "try with " +
                 std::to_string(MakeRoomForClients(after.maxclients));
        }
        shared.engine.cache().SetOptions(CacheOptionsOf(after));
        if (after.loglevel != before.loglevel) SetLogLevel(after.loglevel);
        return std::nullopt;
      });
}

}  // namespace mantis::server
