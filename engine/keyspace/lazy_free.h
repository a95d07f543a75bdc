// Frees whole databases and big values on a background thread.
//
// Big values are announced when they are unlinked and handed over after their grace period. What
// was announced and is not freed is the backlog. It is bounded by those who delete: whoever has
// announced something while behind() is true waits before it goes on (a client's next command, a
// worker's reply), for a bounded time, which also leaves the processor to this thread.
//
// Thread safety: Take() from any thread. Ownership: takes what it is given; nobody else may reach
// it any more (a database was unlinked under the gate, a value has outlived its grace period).
// Values may come after Stop(), from reclamation that lags behind: they are freed at once.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace mantis {

class Database;
class Object;

class LazyFree {
 public:
  // What takes more allocations to free than this is not freed where it was deleted. Redis's bound.
  static constexpr size_t kEffort = 64;
  // Blocks between two pauses, at least: some hundred microseconds' work for whoever takes them
  // back. More where there is much memory, as taking back looks at all pages of a thread.
  static constexpr uint32_t kFreesPerPause = 4'000;

  LazyFree();
  ~LazyFree();

  // Until they are freed the `bytes` of memory in it, which the caller estimates, count as retired,
  // and so as on their way for eviction.
  void Take(std::unique_ptr<Database> db, int64_t bytes);
  // A value of so many bytes will come after its grace period.
  void Announce(int64_t bytes);
  // One that was announced. Until it is freed its memory counts as retired, and so as on its way
  // for eviction.
  void Take(std::unique_ptr<Object> value, int64_t bytes);
  // True while the backlog is more than a share of the memory in use.
  bool behind() const {
    // Relaxed: a hint.
    return backlog_bytes_.load(std::memory_order_relaxed) >
           backlog_most_.load(std::memory_order_relaxed);
  }
  // How many bytes this thread has announced so far.
  static int64_t AnnouncedHere() { return announced_here_; }
  // Frees what is pending and ends the thread. The engine calls it before it goes.
  void Stop();
  // `pause` is called on the background thread, and on that of reclamation, after every few
  // thousand blocks it freed, to let the threads that they belong to take them back; nullptr:
  // nothing is. When this returns, a pause set before is over and will not come again. To be taken
  // away before this object goes.
  void SetPause(std::function<void()> pause);
  // Keys not freed yet, a big value counting as one.
  size_t pending() const { return pending_.load(std::memory_order_relaxed); }

 private:
  void Loop();
  uint32_t Pause();

  std::mutex mutex_;
  std::condition_variable wake_;
  struct Flushed {
    std::unique_ptr<Database> database;
    int64_t bytes;
  };
  std::deque<Flushed> databases_;
  struct Value {
    std::unique_ptr<Object> object;
    int64_t bytes;
  };
  std::deque<Value> values_;
  bool stop_ = false;
  std::mutex pause_mutex_;  // held during a pause
  std::function<void()> pause_;
  std::atomic<size_t> pending_{0};
  static constexpr int64_t kBacklogMin = 64 << 20;
  std::atomic<int64_t> backlog_bytes_{0};
  std::atomic<int64_t> backlog_most_{kBacklogMin};
  static constinit inline thread_local int64_t announced_here_ = 0;
  std::thread thread_;
};

}  // namespace mantis
