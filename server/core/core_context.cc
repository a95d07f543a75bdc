#include "server/core/core_context.h"

#include <boost/asio/detail/concurrency_hint.hpp>

#include "engine/base/clock.h"
#include "server/core/shared_state.h"
#include "server/dispatch/blocked_clients.h"
#include "server/net/connection.h"
#include "server/net/core_loop.h"

namespace mantis::server {

// The loop runs on one thread, others only post to it: the queue needs its lock, I/O does not.
CoreContext::CoreContext(size_t the_index, SharedState& the_shared, size_t commands)
    : index(the_index),
      shared(the_shared),
      io(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      stats(commands),
      now_ms(WallClockMs()),
      config_(the_shared.config) {
  ReloadSettings();
  loop = std::make_unique<CoreLoop>(*this);
  blocked = std::make_unique<BlockedClients>(*this);
}

CoreContext::~CoreContext() = default;

void CoreContext::ReloadSettings() {
  // The version first: should a change come in between, it is noticed next time.
  settings_version_ = config_.version();
  settings_ = config_.snapshot();
}

}  // namespace mantis::server
