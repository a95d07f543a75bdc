// Takes settings into effect that live outside of the settings' snapshot: cache policy, log level,
// the descriptors for maxclients.
//
// Thread safety: the hook runs on whichever core executes CONFIG SET, under the store's lock.
#pragma once

#include <optional>
#include <string>

#include "config/store.h"
#include "engine/cache/eviction.h"

namespace mantis::server {

struct SharedState;

[[nodiscard]] CacheOptions CacheOptionsOf(const config::Settings& settings);

// Raises the limit of open files for maxclients, or lowers maxclients to what fits. Returns what is
// wrong if nothing fits.
[[nodiscard]] std::optional<std::string> FitClientsToDescriptors(SharedState& shared);
void InstallApplyHook(SharedState& shared);

}  // namespace mantis::server
