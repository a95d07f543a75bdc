#include "server/core/shared_state.h"

#include "server/core/persistence.h"
#include "server/core/worker_pool.h"
#include "server/dispatch/cursor_table.h"

namespace mantis::server {

SharedState::SharedState(Engine& e, config::ConfigStore& c)
    : engine(e),
      config(c),
      cursors(std::make_unique<CursorTable>()),
      persistence(std::make_unique<Persistence>(*this)) {}

SharedState::~SharedState() = default;

}  // namespace mantis::server
