// Whether a client runs on this host, for what the configuration allows to "local" clients only.
//
// Thread safety: on the client's core.
#pragma once

#include "server/net/client.h"

namespace mantis::server {

inline bool IsLocalClient(const Client& client) {
  return client.unix_socket || client.address.starts_with("127.") ||
         client.address.starts_with("[::1]");
}

}  // namespace mantis::server
