// System calls around sockets: opening listeners, options of accepted sockets, naming addresses.
//
// Thread safety: pure functions over descriptors.
// Ownership: returned descriptors belong to the caller.
#pragma once

#include <sys/socket.h>

#include <span>
#include <string>
#include <vector>

#include "config/settings.h"

namespace mantis::server {

struct ListenResult {
  std::vector<int> descriptors;  // non-blocking, listening
  std::string error;             // not empty: nothing was opened
  std::vector<std::string> warnings;
};

// Opens what bind, port and unixsocket ask for. A Unix socket that nobody listens on any more is
// replaced; any other file of its name, and another server's socket, is an error.
[[nodiscard]] ListenResult OpenListeners(const config::Settings& settings);

// What bind and port ask for now, of a server that listens on the TCP sockets `old`. Descriptors of
// `old` whose address is still wanted are among the result's; the others listen no more, but are
// still open. New sockets listen before old ones stop, except where their addresses exclude each
// other (0.0.0.0 and 127.0.0.1). After an error all of `old` listen as before.
[[nodiscard]] ListenResult ReopenTcpListeners(const config::Settings& settings,
                                              std::span<const int> old);

// TCP_NODELAY and keep-alive probes after `keepalive_s` seconds of silence (0: none).
void TuneTcpSocket(int fd, int keepalive_s);

// "127.0.0.1:5000", "[::1]:5000", or "path:0" for a unix socket.
[[nodiscard]] std::string AddressText(const sockaddr_storage& address, socklen_t length);
[[nodiscard]] bool IsLoopback(const sockaddr_storage& address);

}  // namespace mantis::server
