#include "server/core/health_probe.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "engine/base/clock.h"
#include "protocol/output_buffer.h"
#include "protocol/reply_writer.h"

namespace mantis::server {
namespace {

constexpr int64_t kTimeoutUs = 2'000'000;
constexpr size_t kLineMax = 4096;

class Probe {
 public:
  Probe() = default;
  ~Probe() {
    if (fd_ >= 0) ::close(fd_);
  }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  bool Connect(const sockaddr* address, socklen_t length) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = ::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return false;
    if (::connect(fd_, address, length) == 0) return true;
    if (errno != EINPROGRESS || !Await(POLLOUT)) return false;
    int error = 0;
    socklen_t size = sizeof(error);
    (void)::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    return error == 0;
  }

  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0) {
        bytes.remove_prefix(static_cast<size_t>(n));
      } else if (errno != EAGAIN || !Await(POLLOUT)) {
        return false;
      }
    }
    return true;
  }

  // One line without its end.
  bool ReceiveLine(std::string* line) {
    line->clear();
    while (line->size() < kLineMax) {
      char c;
      const ssize_t n = ::recv(fd_, &c, 1, 0);
      if (n == 1) {
        line->push_back(c);
        if (!line->ends_with("\r\n")) continue;
        line->resize(line->size() - 2);
        return true;
      }
      if (n == 0 || errno != EAGAIN || !Await(POLLIN)) return false;
    }
    return false;
  }

 private:
  bool Await(short events) {
    const int64_t left_us = deadline_us_ - MonotonicUs();
    pollfd wait{fd_, events, 0};
    const int ready = left_us <= 0 ? 0 : ::poll(&wait, 1, static_cast<int>(left_us / 1000 + 1));
    if (ready == 0) errno = ETIMEDOUT;
    return ready > 0;
  }

  int fd_ = -1;
  const int64_t deadline_us_ = MonotonicUs() + kTimeoutUs;
};

bool ConnectUnix(Probe& probe, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    errno = ENAMETOOLONG;
    return false;
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return probe.Connect(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

// Where a server bound to `bind` can be reached from here.
std::string ReachableHost(std::string name) {
  if (name.starts_with('-')) name.erase(0, 1);
  if (name == "*" || name == "0.0.0.0") return "127.0.0.1";
  if (name == "::*" || name == "::") return "::1";
  return name;
}

bool ConnectTcp(Probe& probe, const config::Settings& settings) {
  const std::string host = ReachableHost(settings.bind.front());
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(settings.port).c_str(), &hints, &list) != 0) {
    errno = EHOSTUNREACH;
    return false;
  }
  bool connected = false;
  for (const addrinfo* a = list; a != nullptr && !connected; a = a->ai_next) {
    connected = probe.Connect(a->ai_addr, a->ai_addrlen);
  }
  ::freeaddrinfo(list);
  return connected;
}

std::string Request(const config::Settings& settings) {
  protocol::OutputBuffer buffer;
  protocol::ReplyWriter writer(buffer);
  if (!settings.requirepass.empty()) {
    writer.Array(2);
    writer.Bulk("AUTH");
    writer.Bulk(settings.requirepass);
  }
  writer.Array(1);
  writer.Bulk("PING");
  return std::string(buffer.view());
}

}  // namespace

ProbeResult ProbeServer(const config::Settings& settings) {
  Probe probe;
  const bool connected = settings.port != 0 && !settings.bind.empty()
                             ? ConnectTcp(probe, settings)
                             : ConnectUnix(probe, settings.unixsocket);
  if (!connected)
    return {false, false, std::string("cannot connect: ") + std::generic_category().message(errno)};
  std::string line;
  if (!probe.Send(Request(settings))) return {false, false, "cannot send: the connection broke"};
  if (!settings.requirepass.empty()) {
    if (!probe.ReceiveLine(&line)) return {false, false, "no answer to AUTH"};
    if (line != "+OK") return {false, false, line};
  }
  if (!probe.ReceiveLine(&line)) return {false, false, "no answer to PING"};
  return {line == "+PONG", line.starts_with("-LOADING"),
          line.substr(std::min<size_t>(1, line.size()))};
}

}  // namespace mantis::server
