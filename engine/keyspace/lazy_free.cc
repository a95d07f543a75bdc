#include "engine/keyspace/lazy_free.h"

#include "engine/keyspace/database.h"
#include "engine/reclaim/rcu.h"

namespace mantis {

LazyFree::LazyFree() : thread_([this] { Loop(); }) {}

LazyFree::~LazyFree() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void LazyFree::Take(std::unique_ptr<Database> db) {
  pending_.fetch_add(db->size(), std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(db));
  }
  wake_.notify_one();
}

void LazyFree::Loop() {
  const reclaim::ThreadAttachment attachment;
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::unique_ptr<Database> db = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    const size_t keys = db->size();
    db.reset();
    pending_.fetch_sub(keys, std::memory_order_relaxed);
    reclaim::Poll(true);
    memory::Purge(false);
    lock.lock();
  }
}

}  // namespace mantis
