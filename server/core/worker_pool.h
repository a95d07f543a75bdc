// Threads for commands that would keep an event loop from its other clients: SMEMBERS of a million
// members, SUNIONSTORE of big sets. A handler that finds so answers Outcome::kOffload before it has
// done anything; the command then runs here from its beginning, and its reply goes to the client
// when it is there.
//
// Thread safety: Submit and TryQuiesce from any core's thread, BeginLongBatch and EndLongBatch from
// any; Start and Stop by the main thread.
// Ownership: each worker has a CoreContext of its own (engine context, settings, io for what is
// posted to it), which is not among SharedState::cores: it serves no connections.
// The gate: who closes it waits for every batch to end, a worker's included, and workers' are long.
// So a loop asks TryQuiesce first, and until it says yes it does other things.
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

  // Around a long batch of some other thread (a snapshot's), which counts as a worker's then: waits
  // until nobody wants quiet.
  void BeginLongBatch() { AwaitTurn(); }
  void EndLongBatch() { running_.fetch_sub(1); }

  // True if no worker runs a command, and none will begin one for kQuiesceUs. False: they were
  // asked to begin nothing new for that long.
  bool TryQuiesce();

 private:
  struct Worker;
  Worker& NextWorker();
  static constexpr int64_t kQuiesceUs = 20'000;

  void Loop(Worker& worker);
  std::optional<Outcome> Run(Worker& worker, DetachedCommand& command);
  void AwaitTurn();

  SharedState& shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> stopping_{false};
  // seq_cst on both: a worker counts itself, then looks at the other; who wants quiet does the
  // reverse, so one of them sees the other.
  std::atomic<int> running_{0};
  std::atomic<int64_t> quiet_until_us_{0};
};

}  // namespace mantis::server
