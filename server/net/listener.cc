#include "server/net/listener.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <system_error>

#include "engine/base/clock.h"
#include "server/core/core_group.h"
#include "server/core/log.h"
#include "server/core/shared_state.h"
#include "server/net/connection.h"
#include "server/net/core_loop.h"
#include "server/net/socket_setup.h"

namespace mantis::server {
namespace {

// Accepted at most per turn, so that a storm of connections does not hold up core 0's clients.
constexpr int kAcceptsPerTurn = 64;
constexpr auto kAcceptPause = std::chrono::milliseconds(50);

constexpr std::string_view kTooManyClients = "-ERR max number of clients reached\r\n";
constexpr std::string_view kProtected =
    "-DENIED MantisDB is running in protected mode because protected mode is enabled and no "
    "password is set for the default user. In this mode connections are only accepted from the "
    "loopback interface. If you want to connect from external computers to MantisDB you may adopt "
    "one of the following solutions: 1) Disable protected mode by sending the command 'CONFIG SET "
    "protected-mode no' from the loopback interface, having made sure that the server cannot be "
    "reached from the internet; CONFIG REWRITE makes the change permanent. 2) Set protected-mode "
    "to 'no' in the configuration file and restart the server. 3) If you started the server by "
    "hand just for testing, start it with '--protected-mode no'. 4) Set a password for the "
    "default user (requirepass). NOTE: one of these is enough for the server to accept "
    "connections from the outside.\r\n";

void SendAndClose(int fd, std::string_view text) {
  // Best effort: a peer that does not take one line gets none.
  (void)::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::close(fd);
}

}  // namespace

Listener::Door::Door(Listener& l, boost::asio::io_context& io)
    : listener(l),
      socket(
          io, this,
          [](void* self) {
            auto* door = static_cast<Door*>(self);
            door->listener.Accept(*door);
          },
          [](void*) {}) {}

Listener::Listener(CoreContext& core, std::vector<int> descriptors)
    : core_(core), descriptors_(std::move(descriptors)), pause_(core.io) {
  for (const int fd : descriptors_) {
    sockaddr_storage address{};
    socklen_t length = sizeof(address);
    (void)::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
    if (address.ss_family != AF_UNIX) tcp_.push_back(fd);
  }
}

Listener::~Listener() {
  for (const int fd : descriptors_) ::close(fd);
}

void Listener::Start() {
  for (const int fd : descriptors_) OpenDoor(fd);
  descriptors_.clear();
}

void Listener::OpenDoor(int fd) {
  doors_.push_back(std::make_unique<Door>(*this, core_.io));
  if (doors_.back()->socket.Open(fd)) {
    doors_.back()->socket.WaitReadable();
  } else {
    LogWarning(
        fmt::format("Cannot watch a listening socket: {}", std::generic_category().message(errno)));
  }
}

void Listener::CloseDoor(int fd) {
  const auto is_it = [fd](const auto& door) { return door->socket.fd() == fd; };
  const auto found = std::find_if(doors_.begin(), doors_.end(), is_it);
  if (found == doors_.end()) return;
  (*found)->socket.Close();
  // The loop may have calls for it queued.
  boost::asio::post(core_.io, [door = std::shared_ptr<Door>(std::move(*found))] {});
  doors_.erase(found);
}

std::optional<std::string> Listener::Relisten(const config::Settings& settings) {
  const std::lock_guard lock(tcp_mutex_);
  const ListenResult result = ReopenTcpListeners(settings, tcp_);
  for (const std::string& warning : result.warnings) LogWarning("WARNING: " + warning);
  if (!result.error.empty()) return result.error;
  std::vector<int> opened;
  std::vector<int> closed;
  const auto missing_in = [](const std::vector<int>& all) {
    return [&all](int fd) { return std::find(all.begin(), all.end(), fd) == all.end(); };
  };
  std::copy_if(result.descriptors.begin(), result.descriptors.end(), std::back_inserter(opened),
               missing_in(tcp_));
  std::copy_if(tcp_.begin(), tcp_.end(), std::back_inserter(closed),
               missing_in(result.descriptors));
  tcp_ = result.descriptors;
  // In one order for everybody, as the lock is held: a number is not used again before it is
  // closed.
  PostTo(core_, [this, opened, closed](CoreContext&) {
    for (const int fd : closed) CloseDoor(fd);
    for (const int fd : opened) {
      if (stopped_) {
        ::close(fd);
      } else {
        OpenDoor(fd);
      }
    }
  });
  return std::nullopt;
}

void Listener::Stop() {
  stopped_ = true;
  pause_.cancel();
  for (const auto& door : doors_) door->socket.Close();
}

void Listener::Accept(Door& door) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    if (stopped_ || !door.socket.is_open()) return;
    sockaddr_storage peer{};
    socklen_t length = sizeof(peer);
    const int fd = ::accept4(door.socket.fd(), reinterpret_cast<sockaddr*>(&peer), &length,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      Admit(fd, peer, length);
    } else if (errno == EAGAIN || errno == EINVAL) {
      // EINVAL: it gave way to another socket, which did not come to be, or it is about to be
      // closed.
      return door.socket.WaitReadable();
    } else if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO) {
      // Out of descriptors or memory, most likely. The others mean that one connection is gone.
      return PauseAccepting(errno);
    }
  }
  boost::asio::post(core_.io, [this, &door] { Accept(door); });
}

void Listener::PauseAccepting(int error) {
  const int64_t now_ms = WallClockMs();
  if (now_ms - last_warning_ms_ >= 1000) {
    last_warning_ms_ = now_ms;
    LogWarning(fmt::format("Cannot accept a connection: {}; serving the {} clients there are",
                           std::generic_category().message(error),
                           core_.shared.client_count.load()));
  }
  if (paused_) return;
  paused_ = true;
  pause_.expires_after(kAcceptPause);
  pause_.async_wait([this](const boost::system::error_code& ec) {
    paused_ = false;
    if (ec || stopped_) return;
    for (const auto& door : doors_) {
      if (!door->socket.waiting_readable()) Accept(*door);
    }
  });
}

bool Listener::Refused(int fd, const sockaddr_storage& peer) {
  core_.RefreshSettings();
  const config::Settings& settings = core_.settings();
  if (core_.shared.client_count.load(std::memory_order_relaxed) >=
      static_cast<size_t>(settings.maxclients)) {
    SendAndClose(fd, kTooManyClients);
    core_.stats.connections_rejected.Add(1);
    return true;
  }
  if (settings.protected_mode && settings.requirepass.empty() && !IsLoopback(peer)) {
    SendAndClose(fd, kProtected);
    core_.stats.connections_rejected.Add(1);
    return true;
  }
  return false;
}

void Listener::Admit(int fd, const sockaddr_storage& peer, unsigned peer_length) {
  if (Refused(fd, peer)) return;
  AcceptedSocket accepted;
  accepted.fd = fd;
  accepted.unix_socket = peer.ss_family == AF_UNIX;
  sockaddr_storage local{};
  socklen_t local_length = sizeof(local);
  (void)::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &local_length);
  accepted.local_address = AddressText(local, local_length);
  // A unix client has no address of its own; Redis shows the server's path.
  accepted.address = accepted.unix_socket ? accepted.local_address : AddressText(peer, peer_length);
  if (!accepted.unix_socket) TuneTcpSocket(fd, core_.settings().tcp_keepalive);

  SharedState& shared = core_.shared;
  const size_t clients = shared.client_count.fetch_add(1, std::memory_order_relaxed) + 1;
  if (clients > shared.clients_peak.load(std::memory_order_relaxed)) {
    shared.clients_peak.store(clients, std::memory_order_relaxed);  // only this thread raises it
  }
  CoreContext& target = LeastLoaded();
  target.load.fetch_add(1, std::memory_order_relaxed);
  if (&target == &core_) {
    AdoptSocket(core_, accepted);
  } else {
    PostTo(target, [accepted](CoreContext& core) { AdoptSocket(core, accepted); });
  }
}

CoreContext& Listener::LeastLoaded() const {
  CoreContext* best = nullptr;
  for (const auto& core : core_.shared.cores) {
    if (best == nullptr ||
        core->load.load(std::memory_order_relaxed) < best->load.load(std::memory_order_relaxed)) {
      best = core.get();
    }
  }
  return *best;
}

void AdoptSocket(CoreContext& core, const AcceptedSocket& socket) {
  SharedState& shared = core.shared;
  core.stats.connections_received.Add(1);
  core.now_ms = WallClockMs();
  core.RefreshSettings();
  const uint64_t id = shared.next_client_id.fetch_add(1, std::memory_order_relaxed);
  auto connection = std::make_shared<Connection>(core, socket, id);
  core.connections.emplace(id, connection);
  if (!connection->Start()) {
    LogWarning(
        fmt::format("Cannot watch a connection: {}", std::generic_category().message(errno)));
    core.connections.erase(id);
    core.load.fetch_sub(1, std::memory_order_relaxed);
    shared.client_count.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  if (LogEnabled(config::LogLevel::kVerbose)) {
    LogVerbose(
        fmt::format("Accepted {} as client id={} on core {}", socket.address, id, core.index));
  }
  if (shared.stopping.load(std::memory_order_relaxed)) connection->Drain();
}

}  // namespace mantis::server
