// Accepts connections and hands each to the core with the fewest.
//
// Thread safety: lives on core 0's thread between Start() and Stop(); Relisten() may be called from
// any core.
// Ownership: owns the listening descriptors. What runs out of descriptors or clients is refused or
// waits; the server goes on serving those it has.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "server/net/reactor_socket.h"

namespace mantis::server {

struct AcceptedSocket;
struct CoreContext;

class Listener {
 public:
  // Takes the listening descriptors over.
  Listener(CoreContext& core, std::vector<int> descriptors);
  ~Listener();

  // Both on the core's thread. After Stop() the object must live until the loop has run once more.
  void Start();
  void Stop();

  // Listens where bind and port say now, and nowhere else over TCP. Returns what is wrong, and then
  // nothing has changed. What is open already stays as it is, its waiting connections included.
  [[nodiscard]] std::optional<std::string> Relisten(const config::Settings& settings);

 private:
  struct Door {
    Door(Listener& l, boost::asio::io_context& io);
    Listener& listener;
    ReactorSocket socket;
  };

  void OpenDoor(int fd);
  void CloseDoor(int fd);
  void Accept(Door& door);
  void Admit(int fd, const struct sockaddr_storage& peer, unsigned peer_length);
  bool Refused(int fd, const struct sockaddr_storage& peer);
  void PauseAccepting(int error);
  CoreContext& LeastLoaded() const;

  CoreContext& core_;
  std::vector<int> descriptors_;
  std::vector<std::unique_ptr<Door>> doors_;
  boost::asio::steady_timer pause_;
  bool paused_ = false;
  bool stopped_ = false;
  int64_t last_warning_ms_ = 0;

  std::mutex tcp_mutex_;
  std::vector<int> tcp_;  // guarded by tcp_mutex_: what listens over TCP
};

// Makes the connection and starts it, on its core's thread; the socket is closed on failure.
void AdoptSocket(CoreContext& core, const AcceptedSocket& socket);

}  // namespace mantis::server
