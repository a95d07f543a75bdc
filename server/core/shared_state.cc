#include "server/core/shared_state.h"

#include "server/core/memory_limit.h"
#include "server/core/persistence.h"
#include "server/core/worker_pool.h"
#include "server/dispatch/cursor_table.h"
#include "server/dispatch/interest_table.h"
#include "server/net/client_eviction.h"

namespace mantis::server {

SharedState::SharedState(Engine& e, config::ConfigStore& c)
    : engine(e),
      config(c),
      client_eviction(std::make_unique<ClientEviction>(*this, UsableMemory())),
      cursors(std::make_unique<CursorTable>()),
      interests(std::make_unique<InterestTable>()),
      persistence(std::make_unique<Persistence>(*this)) {
  client_eviction->Configure(*c.snapshot());
  engine.set_observer(interests.get());
}

SharedState::~SharedState() { engine.set_observer(nullptr); }

}  // namespace mantis::server
