#include "server/net/socket_setup.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <system_error>

namespace mantis::server {
namespace {

void SetOption(int fd, int level, int option, int value) {
  // Best effort: a socket without the option still serves.
  (void)::setsockopt(fd, level, option, &value, sizeof(value));
}

int StreamSocket(int family) {
  return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// -1 with errno on failure.
int ListenOn(const sockaddr* address, socklen_t length, int backlog) {
  const int fd = StreamSocket(address->sa_family);
  if (fd < 0) return -1;
  SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  // 0.0.0.0 and :: are separate addresses, whatever the system's default.
  if (address->sa_family == AF_INET6) SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (::bind(fd, address, length) == 0 && ::listen(fd, backlog) == 0) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

bool FamilyIsMissing(int error) {
  return error == ENOPROTOOPT || error == EPROTONOSUPPORT || error == ESOCKTNOSUPPORT ||
         error == EPFNOSUPPORT || error == EAFNOSUPPORT;
}

struct AddressList {
  addrinfo* first = nullptr;
  ~AddressList() {
    if (first != nullptr) ::freeaddrinfo(first);
  }
};

struct LocalAddress {
  explicit LocalAddress(int fd) {
    (void)::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  }
  explicit LocalAddress(const addrinfo& info) : length(info.ai_addrlen) {
    std::memcpy(&storage, info.ai_addr, length);
  }
  std::string Text() const { return AddressText(storage, length); }
  std::string Port() const { return Text().substr(Text().rfind(':')); }
  bool IsWildcard() const { return Text().starts_with("0.0.0.0:") || Text().starts_with("[::]:"); }
  // Whether the kernel lets only one of both listen.
  bool Excludes(const LocalAddress& other) const {
    return storage.ss_family == other.storage.ss_family && Port() == other.Port() &&
           (IsWildcard() || other.IsWildcard() || Text() == other.Text());
  }

  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
};

// The TCP sockets of a server, on their way from the old addresses to the new ones.
class TcpSockets {
 public:
  TcpSockets(const config::Settings& settings, std::span<const int> old)
      : settings_(settings), old_(old.begin(), old.end()) {}

  ListenResult Open() {
    for (const std::string& name : settings_.bind) {
      if (result_.error.empty()) OpenOne(name);
    }
    const bool wanted = settings_.port != 0 && !settings_.bind.empty();
    if (wanted && result_.error.empty() && result_.descriptors.empty()) {
      result_.error = "None of the addresses to bind is available";
    }
    if (result_.error.empty()) {
      for (const int fd : old_) {
        if (!Has(result_.descriptors, fd)) StopListening(fd);
      }
      return std::move(result_);
    }
    for (const int fd : result_.descriptors) {
      if (!Has(old_, fd)) ::close(fd);
    }
    result_.descriptors.clear();
    // They are still bound.
    for (const int fd : stopped_) (void)::listen(fd, settings_.tcp_backlog);
    return std::move(result_);
  }

 private:
  static bool Has(const std::vector<int>& all, int fd) {
    return std::find(all.begin(), all.end(), fd) != all.end();
  }

  void StopListening(int fd) {
    (void)::shutdown(fd, SHUT_RD);
    stopped_.push_back(fd);
  }

  // -1 with errno on failure.
  int ListenAt(const LocalAddress& address) {
    for (const int fd : old_) {
      if (!Has(stopped_, fd) && LocalAddress(fd).Text() == address.Text()) return fd;
    }
    const auto listen = [&] {
      return ListenOn(reinterpret_cast<const sockaddr*>(&address.storage), address.length,
                      settings_.tcp_backlog);
    };
    const int fd = listen();
    if (fd >= 0 || errno != EADDRINUSE) return fd;
    bool gave_way = false;
    for (const int other : old_) {
      if (Has(stopped_, other) || Has(result_.descriptors, other)) continue;
      if (!LocalAddress(other).Excludes(address)) continue;
      StopListening(other);
      gave_way = true;
    }
    if (gave_way) return listen();
    errno = EADDRINUSE;
    return -1;
  }

  // Appends to the descriptors; sets the error where the address is not optional.
  void OpenOne(const std::string& configured) {
    const bool optional = configured.starts_with('-');
    const std::string name = configured.substr(optional ? 1 : 0);
    const std::string host = name == "*" ? "0.0.0.0" : name == "::*" ? "::" : name;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    AddressList list;
    const int failure =
        ::getaddrinfo(host.c_str(), std::to_string(settings_.port).c_str(), &hints, &list.first);
    std::string why = failure == 0 ? "" : ::gai_strerror(failure);
    bool may_be_missing = failure != 0;
    if (failure == 0) {
      const int fd = ListenAt(LocalAddress(*list.first));
      if (fd >= 0) return result_.descriptors.push_back(fd);
      may_be_missing = errno == EADDRNOTAVAIL || FamilyIsMissing(errno);
      why = std::generic_category().message(errno);
    }
    const std::string text = fmt::format("Could not create server TCP listening socket {}:{}: {}",
                                         name, settings_.port, why);
    if (optional && may_be_missing) {
      result_.warnings.push_back(text + " (optional, left out)");
    } else {
      result_.error = text;
    }
  }

  const config::Settings& settings_;
  const std::vector<int> old_;
  std::vector<int> stopped_;  // of old_
  ListenResult result_;
};

// Makes room for a socket at that path: takes a socket away on which nobody listens, left behind by
// a server that was killed. Returns why that cannot be; nothing else is ever taken away.
std::string ClearPath(const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(address.sun_path, &status) != 0) {
    return errno == ENOENT ? "" : std::generic_category().message(errno);
  }
  if (!S_ISSOCK(status.st_mode)) return "a file of that name exists and is no socket";
  const int fd = StreamSocket(AF_UNIX);
  if (fd < 0) return std::generic_category().message(errno);
  const int error =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
  ::close(fd);
  // EAGAIN: its queue is full.
  if (error == 0 || error == EAGAIN) return "another server is listening there";
  if (error != ECONNREFUSED) return std::generic_category().message(error);
  if (::unlink(address.sun_path) == 0 || errno == ENOENT) return "";
  return std::generic_category().message(errno);
}

// The mode comes between bind and listen, so that nobody gets in whom it excludes. -1 with errno
// on failure.
int ListenOnPath(const sockaddr_un& address, const config::Settings& settings) {
  const int fd = StreamSocket(AF_UNIX);
  if (fd < 0) return -1;
  const auto mode = static_cast<mode_t>(settings.unixsocketperm);
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  if (bound && (mode == 0 || ::chmod(address.sun_path, mode) == 0) &&
      ::listen(fd, settings.tcp_backlog) == 0) {
    return fd;
  }
  const int error = errno;
  if (bound) ::unlink(address.sun_path);
  ::close(fd);
  errno = error;
  return -1;
}

void OpenUnix(const config::Settings& settings, ListenResult& result) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& path = settings.unixsocket;
  std::string why = std::generic_category().message(ENAMETOOLONG);
  if (path.size() < sizeof(address.sun_path)) {
    std::memcpy(address.sun_path, path.data(), path.size());
    why = ClearPath(address);
  }
  if (why.empty()) {
    const int fd = ListenOnPath(address, settings);
    if (fd >= 0) return result.descriptors.push_back(fd);
    why = std::generic_category().message(errno);
  }
  result.error = fmt::format("Failed opening Unix socket {}: {}", path, why);
}

void CheckBacklog(const config::Settings& settings, ListenResult& result) {
  std::ifstream file("/proc/sys/net/core/somaxconn");
  int most = 0;
  if (file >> most && most > 0 && most < settings.tcp_backlog) {
    result.warnings.push_back(
        fmt::format("The TCP backlog setting of {} cannot be enforced because "
                    "/proc/sys/net/core/somaxconn is set to the lower value of {}.",
                    settings.tcp_backlog, most));
  }
}

}  // namespace

ListenResult ReopenTcpListeners(const config::Settings& settings, std::span<const int> old) {
  if (settings.port != 0) return TcpSockets(settings, old).Open();
  config::Settings none = settings;
  none.bind.clear();
  return TcpSockets(none, old).Open();
}

ListenResult OpenListeners(const config::Settings& settings) {
  ListenResult result = ReopenTcpListeners(settings, {});
  if (!result.descriptors.empty()) CheckBacklog(settings, result);
  if (result.error.empty() && !settings.unixsocket.empty()) OpenUnix(settings, result);
  if (result.error.empty() && result.descriptors.empty()) {
    result.error = "Configured to not listen anywhere, exiting.";
  }
  if (!result.error.empty()) {
    for (const int fd : result.descriptors) ::close(fd);
    result.descriptors.clear();
  }
  return result;
}

void TuneTcpSocket(int fd, int keepalive_s) {
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (keepalive_s <= 0) return;
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_s);
  // Three probes within one more interval.
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, keepalive_s / 3));
  SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

std::string AddressText(const sockaddr_storage& address, socklen_t length) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
    return fmt::format("{}:{}", text, ntohs(in.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof(text));
    return fmt::format("[{}]:{}", text, ntohs(in.sin6_port));
  }
  const auto& un = reinterpret_cast<const sockaddr_un&>(address);
  const size_t room =
      length > offsetof(sockaddr_un, sun_path) ? length - offsetof(sockaddr_un, sun_path) : 0;
  return std::string(un.sun_path, ::strnlen(un.sun_path, room)) + ":0";
}

bool IsLoopback(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    return (ntohl(in.sin_addr.s_addr) >> 24) == 127;
  }
  if (address.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
    return IN6_IS_ADDR_LOOPBACK(&in.sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr) && in.sin6_addr.s6_addr[12] == 127);
  }
  return address.ss_family == AF_UNIX;
}

}  // namespace mantis::server
