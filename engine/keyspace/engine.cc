#include "engine/keyspace/engine.h"

#include <algorithm>

namespace mantis {

Engine::Engine(const EngineOptions& options)
    : count_(options.databases),
      databases_(new std::atomic<Database*>[static_cast<size_t>(options.databases)]),
      cache_(options.cache) {
  const reclaim::ThreadAttachment attachment;
  for (int i = 0; i < count_; ++i) {
    databases_[static_cast<size_t>(i)].store(new Database(i), std::memory_order_release);
  }
}

Engine::~Engine() {
  const reclaim::ThreadAttachment attachment;
  for (int i = 0; i < count_; ++i) delete databases_[static_cast<size_t>(i)].load();
  lazy_free_->Stop();
}

void Engine::Flush(OpContext& ctx, int i) {
  auto& slot = databases_[static_cast<size_t>(i)];
  Database* old = slot.load(std::memory_order_acquire);
  if (old->index().size() == 0) return;
  Counters::Local().Add(Counter::kChanges, static_cast<int64_t>(old->size()));
  auto* fresh = new Database(i);
  if (observer_ != nullptr) observer_->BeforeReplace(ctx, *old, *fresh);
  // The context must not remember tombs of a database that goes away.
  ctx.BuryTombs();
  slot.store(fresh, std::memory_order_release);
  if (observer_ != nullptr) observer_->AfterReplace(ctx, *fresh);
  const int64_t bytes = BytesOf(*old);
  lazy_free_->Take(std::unique_ptr<Database>(old), bytes);
}

// Keys are taken to be of one size in all databases, and what is not pending to be theirs: good
// enough for memory that is on its way.
int64_t Engine::BytesOf(Database& db) const {
  const size_t keys = db.size();
  size_t others = 0;
  for (int i = 0; i < count_; ++i) {
    const Database* other = databases_[static_cast<size_t>(i)].load(std::memory_order_acquire);
    if (other != &db) others += other->size();
  }
  const MemoryLevels memory = Counters::Memory();
  const auto bytes = static_cast<double>(std::max<int64_t>(0, memory.used - memory.pending));
  return static_cast<int64_t>(bytes * static_cast<double>(keys) /
                              static_cast<double>(std::max<size_t>(1, keys + others)));
}

void Engine::FlushAll(OpContext& ctx) {
  for (int i = 0; i < count_; ++i) Flush(ctx, i);
}

void Engine::SwapDatabases(OpContext& ctx, int a, int b) {
  Counters::Local().Add(Counter::kChanges, 1);
  if (a == b) return;
  auto& first_slot = databases_[static_cast<size_t>(a)];
  auto& second_slot = databases_[static_cast<size_t>(b)];
  Database* const first = first_slot.load(std::memory_order_acquire);
  Database* const second = second_slot.load(std::memory_order_acquire);
  if (observer_ != nullptr) {
    observer_->BeforeReplace(ctx, *first, *second);
    observer_->BeforeReplace(ctx, *second, *first);
  }
  first_slot.store(second, std::memory_order_release);
  second_slot.store(first, std::memory_order_release);
  first->set_number(b);
  second->set_number(a);
  if (observer_ != nullptr) {
    observer_->AfterReplace(ctx, *second);
    observer_->AfterReplace(ctx, *first);
  }
}

int64_t Engine::TotalChanges() const { return Counters::Sum(Counter::kChanges); }

void Engine::Tick(OpContext& ctx, size_t part, size_t parts) {
  constexpr size_t kBucketsPerTick = 4096;
  for (size_t i = part; i < static_cast<size_t>(count_); i += parts) {
    if (!ctx.TryBegin()) return;
    database(static_cast<int>(i)).index().MigrateSome(kBucketsPerTick);
    ctx.End();
  }
  GiveBackMemory(ctx);
}

void Engine::GiveBackMemory(OpContext& ctx) {
  reclaim::Poll(true);
  // Each thread's free pages are its own to give back. After much was freed that is worth a few
  // walks over the thread's heap: other threads may still be freeing into it, and the allocator
  // keeps what became free for a moment.
  const int64_t used = memory::UsedBytes();
  ctx.used_peak_ = std::max(ctx.used_peak_, used);
  constexpr int64_t kWorthwhile = 1 << 20;
  constexpr int kPurges = 20;
  constexpr int64_t kAtOnceMs = 1000;
  if (used < ctx.used_peak_ - kWorthwhile && used < ctx.used_peak_ / 8 * 7) {
    ctx.used_peak_ = used;
    ctx.purges_left_ = kPurges;
    // Less than the walks last, the last of which ends it.
    memory::GiveBackAtOnce(kAtOnceMs);
  }
  if (ctx.purges_left_ > 0) {
    --ctx.purges_left_;
    memory::Purge();
  }
}

}  // namespace mantis
