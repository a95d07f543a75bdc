#include "server/core/shared_state.h"

#include "server/core/persistence.h"
#include "server/core/worker_pool.h"
#include "server/dispatch/cursor_table.h"
#include "server/dispatch/interest_table.h"

namespace mantis::server {

SharedState::SharedState(Engine& e, config::ConfigStore& c)
    : engine(e),
      config(c),
      cursors(std::make_unique<CursorTable>()),
      interests(std::make_unique<InterestTable>()),
      persistence(std::make_unique<Persistence>(*this)) {
  engine.set_observer(interests.get());
}

SharedState::~SharedState() { engine.set_observer(nullptr); }

}  // namespace mantis::server
