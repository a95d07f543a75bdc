// The running server: its event loops, its listener, its orderly end.
//
//   SharedState shared(engine, store);
//   ServerRuntime runtime(shared);
//   if (auto error = runtime.Start()) …;
//   return runtime.Run();
//
// Thread safety: made, started and run by the main thread; RequestStop() from any thread.
// Ownership: owns threads, listener and housekeeping; cores belong to SharedState and are emptied
// (connections closed, engine contexts gone) when Run() returns.
// The end: the listener closes; every connection has what it sent executed and answered, for two
// seconds at most; the loops end; on_stop runs on the main thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/core/core_group.h"
#include "server/core/housekeeping.h"
#include "server/net/listener.h"

namespace mantis::server {

class ServerRuntime {
 public:
  explicit ServerRuntime(SharedState& shared);
  ~ServerRuntime();
  ServerRuntime(const ServerRuntime&) = delete;
  ServerRuntime& operator=(const ServerRuntime&) = delete;

  // Opens the listeners and starts the threads. Returns what is wrong, or nothing.
  [[nodiscard]] std::optional<std::string> Start();
  // Serves until a signal or RequestStop(); returns the exit code of the process.
  [[nodiscard]] int Run();

  void RequestStop(SaveOnStop save, int exit_code);

  // Called by Run() once nobody is served any more; false makes the exit code 1.
  std::function<bool(SaveOnStop)> on_stop;

 private:
  struct Loop;

  void RunLoop(Loop& loop);
  void BeginStop();
  void DrainLoop(Loop& loop);
  void CheckDrained(Loop& loop);

  SharedState& shared_;
  const unsigned long main_thread_;
  int usable_cores_ = 0;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::unique_ptr<Listener> listener_;
  std::atomic<size_t> loops_running_{0};
  std::atomic<bool> stop_requested_{false};
  std::atomic<SaveOnStop> save_{SaveOnStop::kByConfig};
  std::atomic<int> exit_code_{0};
};

}  // namespace mantis::server
