#include "engine/keyspace/lazy_free.h"

#include <algorithm>

#include "engine/base/counters.h"
#include "engine/base/memory.h"
#include "engine/base/thread_priority.h"
#include "engine/keyspace/database.h"
#include "engine/reclaim/rcu.h"
#include "engine/value/object.h"

namespace mantis {

LazyFree::LazyFree() : thread_([this] { Loop(); }) {}

LazyFree::~LazyFree() { Stop(); }

void LazyFree::Stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stop_) return;
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void LazyFree::Take(std::unique_ptr<Database> db, int64_t bytes) {
  pending_.fetch_add(db->size(), std::memory_order_relaxed);
  Counters::Local().Add(Counter::kRetiredBytes, bytes);
  {
    const std::lock_guard lock(mutex_);
    databases_.push_back({std::move(db), bytes});
  }
  wake_.notify_one();
}

void LazyFree::Announce(int64_t bytes) {
  announced_here_ += bytes;
  backlog_bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

void LazyFree::Take(std::unique_ptr<Object> value, int64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (!stop_) {
      Counters::Local().Add(Counter::kRetiredBytes, bytes);
      pending_.fetch_add(1, std::memory_order_relaxed);
      values_.push_back({std::move(value), bytes});
    }
  }
  wake_.notify_one();
}

void LazyFree::SetPause(std::function<void()> pause) {
  const bool none = pause == nullptr;
  {
    const std::lock_guard lock(pause_mutex_);
    pause_ = std::move(pause);
  }
  reclaim::SetPause(none ? std::function<uint32_t()>() : [this] { return Pause(); });
}

// Returns how many blocks to free until the next one.
uint32_t LazyFree::Pause() {
  {
    const std::lock_guard lock(pause_mutex_);
    if (pause_) pause_();
  }
  constexpr int64_t kBytesPerFree = int64_t{4} * 64 * 1024;  // a block for every four pages
  constexpr int64_t kBacklogShare = 8;
  const int64_t used = memory::UsedBytes();
  backlog_most_.store(std::max(kBacklogMin, used / kBacklogShare), std::memory_order_relaxed);
  return static_cast<uint32_t>(
      std::clamp<int64_t>(used / kBytesPerFree, kFreesPerPause, UINT32_MAX));
}

void LazyFree::Loop() {
  StepBehindOthers();
  const reclaim::ThreadAttachment attachment;
  const memory::FreePacer pacer([this] { return Pause(); });
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !databases_.empty() || !values_.empty(); });
    if (databases_.empty() && values_.empty()) return;
    std::deque<Value> values = std::move(values_);
    values_.clear();
    Flushed flushed{nullptr, 0};
    if (!databases_.empty()) {
      flushed = std::move(databases_.front());
      databases_.pop_front();
    }
    lock.unlock();
    const size_t keys =
        values.size() + (flushed.database == nullptr ? 0 : flushed.database->size());
    for (Value& v : values) {
      const memory::ReclaimScope scope(v.bytes);
      v.object.reset();
      backlog_bytes_.fetch_sub(v.bytes, std::memory_order_relaxed);
    }
    {
      const memory::ReclaimScope scope(flushed.bytes);
      flushed.database.reset();
    }
    pending_.fetch_sub(keys, std::memory_order_relaxed);
    Counters::Local().Add(Counter::kLazyFreed, static_cast<int64_t>(keys));
    reclaim::HandOver();
    memory::Purge();
    lock.lock();
  }
}

}  // namespace mantis
