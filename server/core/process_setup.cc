#include "server/core/process_setup.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <system_error>

namespace mantis::server {
namespace {

// Descriptors beside clients: listeners, the log, three or so per event loop, files being saved.
constexpr int kOwnDescriptors = 64;

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void SetUpSignals() {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
  sigaction(SIGHUP, &ignore, nullptr);
  const sigset_t set = StopSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int WaitForStopSignal() {
  const sigset_t set = StopSignals();
  int signal = 0;
  while (sigwait(&set, &signal) != 0) {
  }
  return signal;
}

// The waiter has SIGTERM blocked and takes it with sigwait: nothing is terminated by it.
// NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread)
void WakeStopWaiter(unsigned long main_thread) { pthread_kill(main_thread, SIGTERM); }

int64_t MakeRoomForClients(int64_t clients) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return clients;
  const rlim_t wanted = static_cast<rlim_t>(clients) + kOwnDescriptors;
  if (limit.rlim_cur >= wanted) return clients;
  rlimit raised = limit;
  raised.rlim_cur = wanted;
  raised.rlim_max = std::max(limit.rlim_max, wanted);  // needs a privilege
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return clients;
  raised.rlim_max = limit.rlim_max;
  raised.rlim_cur = std::min(wanted, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &raised) != 0) raised.rlim_cur = limit.rlim_cur;
  const auto room = static_cast<int64_t>(raised.rlim_cur) - kOwnDescriptors;
  return static_cast<int>(std::clamp<int64_t>(room, 1, clients));
}

std::optional<std::string> WritePidFile(const std::string& path) {
  std::ofstream file(path, std::ios::trunc);
  file << getpid() << '\n';
  file.flush();
  if (file) return std::nullopt;
  return fmt::format("Can't write the pid file {}: {}", path,
                     std::generic_category().message(errno));
}

std::string ExecutablePath() {
  std::error_code ec;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", ec);
  return ec ? std::string() : path.string();
}

std::string MakeRunId() {
  std::random_device device;
  std::string id;
  while (id.size() < 40) id += fmt::format("{:08x}", device());
  return id;
}

}  // namespace mantis::server
