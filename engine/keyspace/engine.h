// The engine: all databases, the global gate, memory policy. Usable without a network:
//
//   reclaim::Runtime runtime;             // one per process
//   Engine engine(EngineOptions{});
//   OpContext ctx(engine);                // one per thread
//   if (ctx.TryBegin()) {
//     engine.database(0).Mutate(ctx, KeyRef::Of("k"), …);
//     ctx.End();
//   }
//
// Thread safety: any thread with an OpContext. Methods marked "alone" need the gate.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string_view>

#include "engine/cache/eviction.h"
#include "engine/keyspace/database.h"
#include "engine/keyspace/gate.h"
#include "engine/keyspace/lazy_free.h"
#include "engine/keyspace/op_context.h"

namespace mantis {

struct EngineOptions {
  int databases = 16;
  CacheOptions cache;
};

// Told of every committed change, on the committing thread, inside its batch: the seam for
// WATCH, keyspace notifications, client tracking, the log and replication. Must not wait.
class CommitObserver {
 public:
  virtual ~CommitObserver() = default;
  // `watched`: the key had its watch flag, which this commit cleared.
  virtual void OnCommit(OpContext& ctx, Database& db, Bytes key, std::string_view event,
                        bool watched) = 0;
  // Alone: `now` is about to be replaced by `next` as the database of its number (flushed,
  // swapped). Of two that change places both are told before and both after.
  virtual void BeforeReplace(OpContext& ctx, Database& now, Database& next) = 0;
  // Alone: `db` has become the database of its number.
  virtual void AfterReplace(OpContext& ctx, Database& db) = 0;
};

class Engine {
 public:
  explicit Engine(const EngineOptions& options);
  // No OpContext may exist any more.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  int database_count() const { return count_; }
  // Inside a batch: the pointer may change between batches (SWAPDB, FLUSHDB).
  Database& database(int i) {
    return *databases_[static_cast<size_t>(i)].load(std::memory_order_acquire);
  }

  // Alone. O(1): the old content is freed in the background.
  void Flush(OpContext& ctx, int i);
  void FlushAll(OpContext& ctx);
  void SwapDatabases(OpContext& ctx, int a, int b);

  // Cache policy; may be changed at any time (CONFIG SET).
  Cache& cache() { return cache_; }

  // Set before threads start; nullptr for none.
  void set_observer(CommitObserver* o) { observer_ = o; }
  CommitObserver* observer() const { return observer_; }

  // Until then keys that are past their deadlines count as absent, but stay (CLIENT PAUSE); what
  // writes deletes them still. 0: no longer. Relaxed: nothing else hangs on it.
  void HoldExpiry(int64_t until_ms) {
    expiry_held_until_ms_.store(until_ms, std::memory_order_relaxed);
  }
  bool expiry_held(int64_t now_ms) const {
    return now_ms < expiry_held_until_ms_.load(std::memory_order_relaxed);
  }

  // Changes since start, counted as Redis does: elements, not commands; what expires or is evicted
  // counts as none. rdb_changes_since_last_save is the difference to a remembered value.
  int64_t TotalChanges() const;
  // Objects that lazy freeing still has to free.
  size_t LazyFreePending() const { return lazy_free_->pending(); }
  // Shared with reclamation, which may hand values over later than the engine lives.
  const std::shared_ptr<LazyFree>& lazy_free() const { return lazy_free_; }

  // Housekeeping for one core, called by its timer: pushes index resizes to their end.
  void Tick(OpContext& ctx, size_t part, size_t parts);
  // Part of Tick, for threads that do no more of it: frees what this thread has retired, and after
  // much was freed, by whomever, gives this thread's free pages back to the system. About ten times
  // a second, in no batch.
  void GiveBackMemory(OpContext& ctx);

 private:
  friend class OpContext;
  // About how much memory the database takes.
  int64_t BytesOf(Database& db) const;
  static constexpr size_t kMaxDatabases = 1024;

  int count_;
  std::unique_ptr<std::atomic<Database*>[]> databases_;
  Gate gate_;
  Cache cache_;
  std::shared_ptr<LazyFree> lazy_free_ = std::make_shared<LazyFree>();
  CommitObserver* observer_ = nullptr;
  std::atomic<int64_t> expiry_held_until_ms_{0};
};

}  // namespace mantis
