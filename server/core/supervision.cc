#include "server/core/supervision.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

namespace mantis::server {
namespace {

using config::Supervised;

// What the child writes first; a reason follows kFailed.
constexpr char kReady = 'R';
constexpr char kFailed = 'F';

// Takes the variable away, so that children do not take it for theirs.
std::string TakeVariable(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): no threads yet
  std::string taken = value == nullptr ? "" : value;
  ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe)
  return taken;
}

void WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno != EINTR) return;
    text.remove_prefix(n < 0 ? 0 : static_cast<size_t>(n));
  }
}

// The parent of a daemon: waits for what the child says and passes it on.
[[noreturn]] void AwaitChild(int from, pid_t child) {
  std::string said;
  char buffer[512];
  while (true) {
    const ssize_t n = ::read(from, buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    said.append(buffer, static_cast<size_t>(n));
    if (said.front() == kReady) _exit(0);
  }
  if (said.empty()) {
    int status = 0;
    (void)::waitpid(child, &status, 0);
    said = " the server ended before it was ready";
  }
  WriteAll(STDERR_FILENO, std::string_view(said).substr(1));
  WriteAll(STDERR_FILENO, "\n");
  _exit(1);
}

}  // namespace

Supervision::Supervision(const config::Settings& settings) {
  // Upstart is asked first, as it may have been started by systemd.
  const bool may_upstart =
      settings.supervised == Supervised::kUpstart || settings.supervised == Supervised::kAuto;
  const bool may_systemd =
      settings.supervised == Supervised::kSystemd || settings.supervised == Supervised::kAuto;
  if (may_upstart && !TakeVariable("UPSTART_JOB").empty()) {
    mode_ = Supervised::kUpstart;
    // Upstart takes the stop for a sign of readiness and continues the process.
    (void)std::raise(SIGSTOP);
    return;
  }
  if (may_systemd) notify_socket_ = TakeVariable("NOTIFY_SOCKET");
  if (!notify_socket_.empty()) {
    mode_ = Supervised::kSystemd;
    return;
  }
  if (settings.supervised == Supervised::kUpstart) {
    warning_ = "supervised upstart was set, but UPSTART_JOB is not in the environment";
  } else if (settings.supervised == Supervised::kSystemd) {
    warning_ = "supervised systemd was set, but NOTIFY_SOCKET is not in the environment";
  }
  if (settings.daemonize) Daemonize();
}

Supervision::~Supervision() {
  if (parent_ != -1) ::close(parent_);
}

void Supervision::Daemonize() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    error_ = "Can't create a pipe: " + std::generic_category().message(errno);
    return;
  }
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) {
    error_ = "Can't fork: " + std::generic_category().message(errno);
    ::close(ends[0]);
    ::close(ends[1]);
    return;
  }
  if (child > 0) {
    ::close(ends[1]);
    AwaitChild(ends[0], child);
  }
  ::close(ends[0]);
  parent_ = ends[1];
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null == -1) return;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
  if (null > STDERR_FILENO) ::close(null);
}

void Supervision::Notify(std::string_view state) {
  if (mode_ != Supervised::kSystemd) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (notify_socket_.size() >= sizeof(address.sun_path)) return;
  std::memcpy(address.sun_path, notify_socket_.data(), notify_socket_.size());
  // An abstract name begins with a zero byte, for which the variable has an @.
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd == -1) return;
  const auto length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + notify_socket_.size());
  // Best effort, as for everybody who speaks this protocol.
  (void)::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), length);
  ::close(fd);
}

void Supervision::Loading() {
  // A large snapshot may take longer than a unit may take to start. The time is asked for anew as
  // long as loading goes on.
  Notify("STATUS=Loading the snapshot\nEXTEND_TIMEOUT_USEC=30000000\n");
}

void Supervision::Ready() {
  Notify("STATUS=Ready to accept connections\nREADY=1\n");
  if (parent_ == -1) return;
  WriteAll(parent_, {&kReady, 1});
  ::close(std::exchange(parent_, -1));
}

void Supervision::Stopping() { Notify("STATUS=Stopping\nSTOPPING=1\n"); }

void Supervision::Failed(std::string_view reason) {
  if (parent_ == -1) return;
  WriteAll(parent_, {&kFailed, 1});
  WriteAll(parent_, reason);
  ::close(std::exchange(parent_, -1));
}

}  // namespace mantis::server
