// Who wants to hear of the next change of which key: transactions that watch it (WATCH) and
// blocked commands that wait for it (BLPOP).
//
// A key in the table has its watch flag set in the engine (Database::Arm), so that keys nobody is
// interested in cost their writers nothing. A commit that finds the flag clears it and tells the
// table, on the committing thread.
//
// Watching. The flag is set, and set again, under the mutex of the key's shard. If it is found
// clear while the key has watchers, the key was changed although the committing thread may not have
// come to OnCommit yet, and they are marked dirty then. So a watcher that is not dirty, and whose
// key still has the flag, has missed nothing: that is what EXEC tests once it has locked the keys.
//
// Waiting. Waiters of a key are served in the order they came. Whoever makes a key ready serves it
// itself, after its command: OnCommit notes the key in a list of the thread, ServeReady works it
// off. The flag is set before the key is looked at, so a change that the look misses makes the key
// ready once more: no wake-up is lost. One thread serves a key at a time; another one that has news
// of it says so (Record::again) and leaves.
//
// Thread safety: any thread; methods with an OpContext inside a batch of it.
// Locks: one shard's mutex at a time, held for a few steps that neither wait nor commit.
// Ownership: shares waiters with whoever made them; Cancel or being served takes them out.
// Complexity: O(1) a key, but O(k) in a key's waiters that wish for another type than it has.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <array>
#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/keyspace/engine.h"
#include "server/dispatch/waiter.h"

namespace mantis::server {

// What a client that watches keys shares with the table.
struct WatchState {
  // Release and acquire are enough: whoever tests it holds the keys' locks, see above.
  std::atomic<bool> dirty{false};
};

class InterestTable final : public CommitObserver {
 public:
  InterestTable() = default;
  InterestTable(const InterestTable&) = delete;
  InterestTable& operator=(const InterestTable&) = delete;

  // Marks `watcher` at the key's next change. A key is watched once by a watcher.
  void Watch(OpContext& ctx, int db, const KeyRef& key, const std::shared_ptr<WatchState>& watcher);
  // `ctx`: nullptr outside of a batch; Sweep cleans up then.
  void Unwatch(OpContext* ctx, int db, const KeyRef& key,
               const std::shared_ptr<WatchState>& watcher);

  // Under the key's lock: what `watcher` watches there has not changed. Deletes an expired key,
  // which is a change.
  static bool Unchanged(OpContext& ctx, int db, const KeyRef& key, const WatchState& watcher);

  // Puts a fresh waiter at the end of its keys' queues, and notes the keys for ServeReady: there
  // may be something for it already.
  void Enqueue(OpContext& ctx, const std::shared_ptr<Waiter>& waiter);
  // Ends the wait: afterwards the waiter takes nothing any more. False: it was served, or cancelled
  // before. Waits for a try that has begun to take (see waiter.h), so the caller must not be one.
  bool Cancel(OpContext* ctx, Waiter& waiter);
  size_t waiting() const { return waiting_.load(); }
  // Somebody waits to take away from a value of this type (kNone: of any) at the key.
  bool HasTakers(int db, const KeyRef& key, ValueType type);

  // Notes a waiter's keys as if they had become ready.
  static void Note(const Waiter& waiter);
  static void Note(int db, Bytes key);
  // True if this thread has keys to serve.
  static bool AnyReady() { return any_ready_; }
  // Serves the keys that this thread made ready, and those that become so by it. False: `limit`
  // tries were made and keys are left for another call.
  // `core` goes to Waiter::Try.
  bool ServeReady(OpContext& ctx, CoreContext* core, size_t limit = SIZE_MAX);

  // Forgets keys nobody is interested in any more, of the shards s with s % parts == part.
  void Sweep(OpContext& ctx, size_t part, size_t parts);
  // Keys with watchers or waiters.
  size_t keys() const;
  // Keys with waiters, and with such as are woken also when the key is gone. O(waiters).
  struct KeysWaitedFor {
    size_t all = 0;
    size_t also_when_gone = 0;
  };
  KeysWaitedFor CountKeysWaitedFor() const;

  void OnCommit(OpContext& ctx, Database& db, Bytes key, std::string_view event,
                bool watched) override;
  void BeforeReplace(OpContext& ctx, Database& now, Database& next) override;
  void AfterReplace(OpContext& ctx, Database& db) override;

 private:
  using Name = std::pair<int, std::string>;
  using NameView = std::pair<int, std::string_view>;
  struct NameHash {
    using is_transparent = void;
    size_t operator()(const NameView& n) const { return absl::HashOf(n.first, n.second); }
    size_t operator()(const Name& n) const {
      return absl::HashOf(n.first, std::string_view(n.second));
    }
  };
  struct NameEqual {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return a.first == b.first && std::string_view(a.second) == std::string_view(b.second);
    }
  };
  struct Record {
    absl::flat_hash_set<std::shared_ptr<WatchState>> watchers;
    std::list<std::shared_ptr<Waiter>> queue;
    size_t readers = 0;    // of the queue, those whose wish does not take
    bool serving = false;  // a thread serves the key
    bool again = false;    // and is to look once more
    bool idle() const { return watchers.empty() && queue.empty() && !serving; }
  };
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    absl::flat_hash_map<Name, std::unique_ptr<Record>, NameHash, NameEqual> records;
    std::vector<Name> unused;  // left for Sweep
    Record* Find(int db, Bytes key);
    Record& FindOrCreate(int db, Bytes key);
    void Shrink();
  };
  enum class Round : uint8_t { kFinished, kBroken };
  enum class Turn : uint8_t { kServed, kWaits, kBusy, kGone, kTaken };
  static constexpr size_t kShards = 64;

  Shard& ShardOf(uint64_t hash) { return shards_[hash >> 32 & (kShards - 1)]; }
  static void MarkDirty(Record& record);
  static void Arm(Database& db, const KeyRef& key, Record& record);
  static void DropIfIdle(OpContext* ctx, Shard& shard, int db, const KeyRef& key);
  void Dequeue(OpContext* ctx, Waiter& waiter);
  bool GiveBack(OpContext* ctx, Waiter& waiter);
  void ServeKey(OpContext& ctx, CoreContext* core, const Name& name, size_t* tries);
  Round ServeRound(OpContext& ctx, CoreContext* core, Shard& shard, Record& record, int db,
                   const KeyRef& key, size_t* tries);
  bool ServeReaders(OpContext& ctx, CoreContext* core, Shard& shard, Record& record,
                    ValueType type);
  Turn TryOne(OpContext& ctx, CoreContext* core, const std::shared_ptr<Waiter>& waiter);

  // Whether this thread's list of ready keys holds any: looked at after every command.
  static inline constinit thread_local bool any_ready_ = false;
  std::array<Shard, kShards> shards_;
  std::atomic<size_t> waiting_{0};
};

}  // namespace mantis::server
