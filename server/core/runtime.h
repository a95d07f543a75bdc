// The running server: its event loops, its listener, its orderly end.
//
//   SharedState shared(engine, store);
//   ServerRuntime runtime(shared, supervision);
//   if (auto error = runtime.Start()) …;
//   return runtime.Run();
//
// Thread safety: made, started and run by the main thread; RequestStop() from any thread.
// Ownership: owns threads, listener and housekeeping; cores belong to SharedState and are emptied
// (connections closed, engine contexts gone) when Run() returns.
// The start: listeners are open before the snapshot is loaded, so that a port that is taken is
// found at once, and clients hear that the server is loading.
// The end: first the data is saved; if that fails, the server goes on. Then the listener closes;
// every connection has what it sent executed and answered, for two seconds at most, except that
// after a final snapshot nothing is changed any more; the loops end.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/core/core_group.h"
#include "server/core/housekeeping.h"
#include "server/net/listener.h"

namespace mantis::server {

class Supervision;

class ServerRuntime {
 public:
  ServerRuntime(SharedState& shared, Supervision& supervision);
  ~ServerRuntime();
  ServerRuntime(const ServerRuntime&) = delete;
  ServerRuntime& operator=(const ServerRuntime&) = delete;

  // Opens the listeners and starts the threads. Returns what is wrong, or nothing.
  [[nodiscard]] std::optional<std::string> Start();
  // Loads the snapshot and serves until a signal or RequestStop(); returns the exit code of the
  // process.
  [[nodiscard]] int Run();

  // From any core.
  [[nodiscard]] std::optional<std::string> Relisten(const config::Settings& settings) {
    return listener_->Relisten(settings);
  }

  void RequestStop(int exit_code);

 private:
  struct Loop;
  // What takes long and so runs beside the main thread, which waits for signals.
  enum class Job : uint8_t { kNone, kLoad, kSave };

  void RunLoop(Loop& loop);
  void BeginStop();
  void DrainLoop(Loop& loop);
  void CheckDrained(Loop& loop);

  // On the main thread.
  void StartJob(Job job);
  void EndJob();
  void OnStopSignal(int signal);

  SharedState& shared_;
  Supervision& supervision_;
  const unsigned long main_thread_;
  int usable_cores_ = 0;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::unique_ptr<Listener> listener_;
  std::string socket_path_;  // of the Unix socket that was opened
  std::atomic<size_t> loops_running_{0};
  std::atomic<bool> stop_requested_{false};
  std::atomic<int> exit_code_{0};

  Job job_ = Job::kNone;
  SaveOnStop stop_save_ = SaveOnStop::kByConfig;  // of Job::kSave
  bool stop_anyway_ = false;
  std::thread job_thread_;
  std::optional<std::string> job_error_;  // written by the job's thread before job_done_
  std::atomic<bool> job_done_{false};
};

}  // namespace mantis::server
