// Who started the process and hears from it: the shell or init script that waits for a daemon to be
// ready, systemd (NOTIFY_SOCKET), upstart (SIGSTOP).
//
// Thread safety: called by the main thread. Daemonize() forks, so no other thread may exist yet.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace mantis::server {

class Supervision {
 public:
  // Finds out who supervises; detaches from the terminal where `daemonize` asks for it and nobody
  // does. In that case only the child returns, and the parent waits for Ready() or Failed(): it
  // ends with 0, or, after writing the reason to standard error, with 1.
  explicit Supervision(const config::Settings& settings);
  ~Supervision();
  Supervision(const Supervision&) = delete;
  Supervision& operator=(const Supervision&) = delete;

  // What is wrong with the wish, to be logged: supervision that was asked for and is not there.
  const std::string& warning() const { return warning_; }
  // The process could not be detached: the reason.
  const std::optional<std::string>& error() const { return error_; }

  // Each tells whoever listens, if anybody does.
  void Loading();
  void Ready();
  void Stopping();
  void Failed(std::string_view reason);

 private:
  void Daemonize();
  void Notify(std::string_view state);

  config::Supervised mode_ = config::Supervised::kNo;
  std::string notify_socket_;
  int parent_ = -1;  // where the parent of a daemon reads what became of it
  std::string warning_;
  std::optional<std::string> error_;
};

}  // namespace mantis::server
