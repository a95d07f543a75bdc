// Threads for commands that would keep an event loop from its other clients: SMEMBERS of a million
// members, SUNIONSTORE of big sets. A handler that finds so answers Outcome::kOffload before it has
// done anything; the command then runs here from its beginning, and its reply goes to the client
// when it is there.
//
// Thread safety: Submit from any core's thread; Start and Stop by the main thread.
// Ownership: each worker has a CoreContext of its own (engine context, settings, io for what is
// posted to it), which is not among SharedState::cores: it serves no connections.
// Each command is a long batch of the engine (OpContext::BeginLong): it takes turns with those who
// want the gate, and holds back nobody's reclamation.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "server/dispatch/detached_command.h"

namespace mantis::server {

class WorkerPool {
 public:
  explicit WorkerPool(SharedState& shared);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void Start();
  // Commands under way are finished, those waiting are dropped.
  void Stop();

  size_t size() const;
  void Submit(std::unique_ptr<DetachedCommand> command);
  // Has a worker do a piece of work that belongs to no client any more, outside of any batch. It is
  // dropped if the pool is stopped first.
  void Post(std::function<void(CoreContext&)> job);

 private:
  struct Worker;
  Worker& NextWorker();
  void Loop(Worker& worker);
  std::optional<Outcome> Run(Worker& worker, DetachedCommand& command);
  void ArmRound(Worker& worker);
  void AwaitFreeing() const;

  SharedState& shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> stopping_{false};
};

}  // namespace mantis::server
