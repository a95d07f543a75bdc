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

sigset_t AwaitedSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGRTMIN);  // WakeSignalWaiter
  return set;
}

}  // namespace

void SetUpSignals() {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
  sigaction(SIGXFSZ, &ignore, nullptr);  // a file that may not grow is an error of the write
  const sigset_t set = AwaitedSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int WaitForSignal(int timeout_s) {
  const sigset_t set = AwaitedSignals();
  const timespec timeout{timeout_s, 0};
  const int signal = ::sigtimedwait(&set, nullptr, &timeout);
  return signal < 0 || signal == SIGRTMIN ? 0 : signal;
}

void WakeSignalWaiter(unsigned long main_thread) { pthread_kill(main_thread, SIGRTMIN); }

int64_t MakeRoomForClients(int64_t clients, int64_t own) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return clients;
  const auto wanted = static_cast<rlim_t>(clients + own);
  if (limit.rlim_cur >= wanted) return clients;
  rlimit raised = limit;
  raised.rlim_cur = wanted;
  raised.rlim_max = std::max(limit.rlim_max, wanted);  // needs a privilege
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return clients;
  raised.rlim_max = limit.rlim_max;
  raised.rlim_cur = std::min(wanted, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &raised) != 0) raised.rlim_cur = limit.rlim_cur;
  return std::clamp<int64_t>(static_cast<int64_t>(raised.rlim_cur) - own, 0, clients);
}

int EnterDirectory(const std::string& path) { return ::chdir(path.c_str()) == 0 ? 0 : errno; }

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
