#include "server/core/apply_settings.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "engine/base/memory.h"
#include "server/core/collation.h"
#include "server/core/log.h"
#include "server/core/process_setup.h"
#include "server/core/runtime.h"
#include "server/core/shared_state.h"
#include "server/core/worker_pool.h"
#include "server/net/client_eviction.h"

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

// Descriptors beside clients: three for every event loop and worker, the listeners, standard
// streams, the log, a snapshot and its folder, and some to spare. Few, as each is a client less.
int64_t OwnDescriptors(const SharedState& shared) {
  constexpr size_t kPerLoop = 3;
  constexpr size_t kOthers = 12;
  const size_t loops = shared.cores.size() + shared.workers->size();
  return static_cast<int64_t>(kPerLoop * loops + shared.config.snapshot()->bind.size() + kOthers);
}

// A number without its unit is an easy mistake.
void WarnOfTinyLimit(int64_t maxmemory) {
  constexpr int64_t kTooLittle = 1024 * 1024;
  if (maxmemory == 0 || maxmemory >= kTooLittle) return;
  LogWarning(
      fmt::format("WARNING: You specified a maxmemory value that is less than 1MB (current value "
                  "is {} bytes). Are you sure this is what you really want?",
                  maxmemory));
}

// CONFIG SET maxmemory.
void WarnOfNewLimit(int64_t maxmemory) {
  WarnOfTinyLimit(maxmemory);
  const int64_t used = memory::UsedBytes();
  if (maxmemory == 0 || maxmemory >= used) return;
  LogWarning(
      fmt::format("WARNING: the new maxmemory value set via CONFIG SET ({}) is smaller than the "
                  "current memory usage ({}). Keys will be evicted, or commands that need memory "
                  "refused, as maxmemory-policy says",
                  maxmemory, used));
}

using ApplyError = config::ConfigStore::ApplyError;

// What can fail, undone again if a later one does.
std::optional<ApplyError> ApplyFallible(SharedState& shared, const config::Settings& before,
                                        const config::Settings& after) {
  if (after.maxclients > before.maxclients) {
    const int64_t room = MakeRoomForClients(after.maxclients, OwnDescriptors(shared));
    if (room < after.maxclients) {
      return ApplyError{"maxclients",
                        "The operating system is not able to handle the specified number of "
                        "clients, try with " +
                            std::to_string(room)};
    }
  }
  if (after.locale_collate != before.locale_collate && !SetCollation(after.locale_collate)) {
    return ApplyError{"locale-collate", "Invalid locale name"};
  }
  std::optional<ApplyError> failed;
  if (after.dir != before.dir) {
    if (const int error = EnterDirectory(after.dir)) {
      failed = ApplyError{"dir", std::generic_category().message(error)};
    }
  }
  if (!failed && (after.port != before.port || after.bind != before.bind)) {
    if (const auto error = shared.runtime->Relisten(after)) {
      LogWarning(*error);
      failed = after.bind != before.bind
                   ? ApplyError{"bind", "Failed to bind to specified addresses."}
                   : ApplyError{"port", "Unable to listen on this port. Check server logs."};
      if (after.dir != before.dir) (void)EnterDirectory(before.dir);
    }
  }
  if (failed && after.locale_collate != before.locale_collate)
    (void)SetCollation(before.locale_collate);
  return failed;
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

std::optional<std::string> FitClientsToDescriptors(SharedState& shared) {
  const int64_t wanted = shared.config.snapshot()->maxclients;
  const int64_t own = OwnDescriptors(shared);
  const int64_t room = MakeRoomForClients(wanted, own);
  if (room >= wanted) return std::nullopt;
  if (room < 1) {
    return fmt::format(
        "The limit of open files (ulimit -n) is too low for the server to start: it has to be {} "
        "at least, and {} for maxclients {}",
        own + 1, own + wanted, wanted);
  }
  LogWarning(
      fmt::format("maxclients has been reduced to {} from {}: the limit of open files "
                  "(ulimit -n) is {} and cannot be raised to the {} that takes",
                  room, wanted, room + own, wanted + own));
  const std::string text = std::to_string(room);
  const std::pair<std::string_view, std::string_view> pair{"maxclients", text};
  return shared.config.Set({&pair, 1});
}

void InstallApplyHook(SharedState& shared) {
  WarnOfTinyLimit(shared.config.snapshot()->maxmemory);
  shared.config.SetApplyHook([&shared](const config::Settings& before,
                                       const config::Settings& after,
                                       std::span<const std::string_view>) {
    auto error = ApplyFallible(shared, before, after);
    if (error) return error;
    shared.engine.cache().SetOptions(CacheOptionsOf(after));
    if (after.maxmemory != before.maxmemory) WarnOfNewLimit(after.maxmemory);
    shared.client_eviction->Configure(after);
    if (after.loglevel != before.loglevel) SetLogLevel(after.loglevel);
    return error;
  });
}

}  // namespace mantis::server
