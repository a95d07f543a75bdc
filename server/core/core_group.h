// Work that crosses cores: posting to one, asking all.
//
// Thread safety: callable from any core's thread. The functions given run on the cores they are
// for, outside of any engine batch.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "server/core/shared_state.h"

namespace mantis::server {

// Runs `fn` on that core soon. Never runs it in place.
void PostTo(CoreContext& core, std::function<void(CoreContext&)> fn);

// Runs `ask` on every core (the origin included), then `done` on `origin` with the answers in core
// order.
void AskAll(CoreContext& origin, std::function<std::string(CoreContext&)> ask,
            std::function<void(CoreContext&, std::vector<std::string>)> done);

// Has every core and worker take back what other threads freed of its memory, and waits until they
// have, or for some milliseconds. Not to be called on one of them.
void TakeBackFreedOnAll(SharedState& shared);

// Begins an orderly stop of the whole server: stop accepting, answer what was received, end.
// Whatever is to be saved has been (Persistence::SaveBeforeStop). `exit_code` for the process.
enum class SaveOnStop : uint8_t { kByConfig, kSave, kNoSave };
void RequestStop(SharedState& shared, int exit_code);

}  // namespace mantis::server
