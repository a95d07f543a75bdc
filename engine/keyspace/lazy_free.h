// Frees whole databases on a background thread.
//
// Thread safety: Take() from any thread. Ownership: takes the database; nobody else may reach it
// any more (the caller held the gate when it unlinked it).
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

namespace mantis {

class Database;

class LazyFree {
 public:
  LazyFree();
  // Frees what is pending first.
  ~LazyFree();

  void Take(std::unique_ptr<Database> db);
  // Keys not freed yet.
  size_t pending() const { return pending_.load(std::memory_order_relaxed); }

 private:
  void Loop();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Database>> queue_;
  bool stop_ = false;
  std::atomic<size_t> pending_{0};
  std::thread thread_;
};

}  // namespace mantis
