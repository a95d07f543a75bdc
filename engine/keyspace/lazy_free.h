// Frees whole databases and big values on a background thread.
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
  // The same for a value, which knows its size.
  void Take(std::unique_ptr<Object> value);
  // Frees what is pending and ends the thread. The engine calls it before it goes.
  void Stop();
  // `pause` is called on the background thread after every few thousand blocks it freed, to let
  // the threads that they belong to take them back; nullptr: nothing is. When this returns, a
  // pause set before is over and will not come again.
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
  std::thread thread_;
};

}  // namespace mantis
