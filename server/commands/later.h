// The reply of a command that had to ask other cores: the handler returns kSuspended and a Later
// writes the reply when the answers are in.
//
// Thread safety: made and used on the client's core.
// Ownership: remembers the client by its id, as the client may be gone when the answers come.
#pragma once

#include <cstdint>
#include <functional>

#include "server/dispatch/command.h"

namespace mantis::server {

class Later {
 public:
  explicit Later(const CommandContext& c);

  // Lets `write` write the reply, drops it if the client wants none (CLIENT REPLY), and goes on
  // with the client's next commands. Does nothing if the client is gone. Once.
  void Answer(CoreContext& core, const std::function<void(Client&)>& write) const;

 private:
  uint64_t client_id_;
  bool silent_;
};

}  // namespace mantis::server
