#include "server/core/worker_pool.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <future>
#include <memory>

#include "engine/base/clock.h"
#include "engine/base/thread_priority.h"
#include "engine/keyspace/lock_waiters.h"
#include "server/core/core_group.h"
#include "server/core/shared_state.h"
#include "server/dispatch/blocked_clients.h"
#include "server/dispatch/command_table.h"
#include "server/dispatch/dispatcher.h"

namespace mantis::server {
namespace {

// A quarter of the cores' number, so that long commands leave most of the machine to short ones;
// but two, so that a walk of milliseconds need not wait for a command that takes a second.
size_t WorkerCount(size_t cores) { return std::clamp<size_t>(cores / 4, 2, 8); }

constexpr size_t kFreedOnLoop = 256 * 1024;
constexpr auto kRetry = std::chrono::microseconds(100);
constexpr std::chrono::milliseconds kRound(100);
// How long a worker that deletes too fast waits at most.
constexpr std::chrono::milliseconds kFreeingWait(200);
constexpr std::chrono::microseconds kFreeingPoll(500);
constexpr auto kStopPoll = std::chrono::milliseconds(20);

// Ready when the lock that the thread's last attempt met is given back. Not valid: it is not to be
// waited for.
std::future<void> ParkThread() {
  const auto unlocked = std::make_shared<std::promise<void>>();
  std::future<void> future = unlocked->get_future();
  if (LockWaiters::Park([unlocked] { unlocked->set_value(); })) return future;
  return {};
}

}  // namespace

struct WorkerPool::Worker {
  Worker(size_t index, SharedState& shared)
      : core(index, shared, CommandTable::Instance().size()),
        work(core.io.get_executor()),
        round(core.io) {}
  CoreContext core;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
  boost::asio::steady_timer round;
  std::thread thread;
  std::atomic<size_t> pending{0};  // commands given to it and not done
};

WorkerPool::WorkerPool(SharedState& shared) : shared_(shared) {
  const size_t cores = shared.cores.size();
  for (const auto& core : shared.cores) shared.counted.push_back(core.get());
  for (size_t i = 0; i < WorkerCount(cores); ++i) {
    workers_.push_back(std::make_unique<Worker>(cores + i, shared));
    shared.counted.push_back(&workers_.back()->core);
  }
}

WorkerPool::~WorkerPool() { Stop(); }

size_t WorkerPool::size() const { return workers_.size(); }

void WorkerPool::Start() {
  for (const auto& worker : workers_) {
    worker->thread = std::thread([this, &worker] { Loop(*worker); });
  }
}

void WorkerPool::Stop() {
  if (stopping_.exchange(true)) return;
  for (const auto& worker : workers_) {
    worker->work.reset();
    boost::asio::post(worker->core.io, [&worker] { worker->round.cancel(); });
    if (worker->thread.joinable()) worker->thread.join();
  }
}

void WorkerPool::Loop(Worker& worker) {
  pthread_setname_np(pthread_self(), fmt::format("mantis-work-{}", worker.core.index).c_str());
  StepBehindOthers();
  worker.core.op.emplace(shared_.engine);
  ArmRound(worker);
  worker.core.io.run();
  worker.core.op.reset();
}

// Between commands a worker gives back memory as a loop does: what others free is in its heap.
void WorkerPool::ArmRound(Worker& worker) {
  worker.round.expires_after(kRound);
  worker.round.async_wait([this, &worker](const boost::system::error_code& ec) {
    if (ec || stopping_) return;
    shared_.engine.GiveBackMemory(*worker.core.op);
    ArmRound(worker);
  });
}

void WorkerPool::AwaitFreeing() const {
  const LazyFree& lazy_free = *shared_.engine.lazy_free();
  for (auto waited = std::chrono::microseconds(0);
       waited < kFreeingWait && lazy_free.behind() && !stopping_; waited += kFreeingPoll) {
    std::this_thread::sleep_for(kFreeingPoll);
  }
}

WorkerPool::Worker& WorkerPool::NextWorker() {
  // The one with the least to do, and of several such another one each time. Relaxed: a count that
  // is a moment old makes a choice that is a little worse.
  const size_t first = next_.fetch_add(1, std::memory_order_relaxed);
  Worker* best = nullptr;
  for (size_t i = 0; i < workers_.size(); ++i) {
    Worker* const worker = workers_[(first + i) % workers_.size()].get();
    if (best == nullptr || worker->pending.load(std::memory_order_relaxed) <
                               best->pending.load(std::memory_order_relaxed)) {
      best = worker;
    }
  }
  return *best;
}

void WorkerPool::Post(std::function<void(CoreContext&)> job) {
  Worker& worker = NextWorker();
  boost::asio::post(worker.core.io, [this, &worker, job = std::move(job)] {
    if (!stopping_) job(worker.core);
  });
}

void WorkerPool::Submit(std::unique_ptr<DetachedCommand> command) {
  Worker& worker = NextWorker();
  worker.pending.fetch_add(1, std::memory_order_relaxed);
  boost::asio::post(worker.core.io, [this, &worker, c = std::move(command)]() mutable {
    if (stopping_) return;
    const std::optional<Outcome> outcome = Run(worker, *c);
    worker.pending.fetch_sub(1, std::memory_order_relaxed);
    if (outcome == Outcome::kSuspended) return;
    CoreContext& home = c->home();
    PostTo(home, [&worker, shared = std::shared_ptr<DetachedCommand>(std::move(c)),
                  outcome](CoreContext&) mutable {
      if (!outcome) return shared->Abandon();
      *outcome == Outcome::kWaits ? shared->ComeBack() : shared->Deliver();
      // Freeing very many arguments is nothing for a loop either.
      if (shared->memory() < kFreedOnLoop) return;
      boost::asio::post(worker.core.io, [freed = std::move(shared)] {});
    });
  });
}

// kDone, kWaits (it blocks, which is for its client's core to arrange), or nothing: the final
// snapshot was written before its end, so its changes are lost and it is not answered.
std::optional<Outcome> WorkerPool::Run(Worker& worker, DetachedCommand& command) {
  CoreContext& core = worker.core;
  while (!stopping_) {
    core.RefreshSettings();
    if (!core.op->BeginLong(&stopping_)) break;
    core.now_ms = core.op->now_ms();
    LockWaiters::ForgetObstacle();
    const bool changes = (command.flags() & (kWrite | kMayReplicate)) != 0;
    const auto sealed = [&] { return changes && shared_.conditions.Has(Condition::kSealed); };
    const int64_t announced = LazyFree::AnnouncedHere();
    const Outcome outcome = sealed() ? Outcome::kBusy : command.Run(core, RunMode::kWorker);
    // One that runs in slices may have been overtaken.
    const bool lost = sealed();
    std::future<void> unlocked;
    if (outcome == Outcome::kBusy && !lost) unlocked = ParkThread();
    ServeReadyKeys(core);
    core.op->End();
    // Who deletes big values faster than they are freed waits.
    if (LazyFree::AnnouncedHere() != announced) AwaitFreeing();
    if (lost) return std::nullopt;
    if (outcome == Outcome::kDone || outcome == Outcome::kWaits) return outcome;
    // Somebody holds a key, or the gate.
    if (!unlocked.valid()) std::this_thread::sleep_for(kRetry);
    while (unlocked.valid() && !stopping_) {
      if (unlocked.wait_for(kStopPoll) == std::future_status::ready) break;
    }
  }
  return Outcome::kDone;
}

}  // namespace mantis::server
