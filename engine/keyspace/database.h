// One database of the keyspace: hash index, ordered index and expiry index over the same entries,
// and the one way to read and to change a key.
//
// Thread safety: every method may be called from any thread inside a batch of its own OpContext
// unless it says otherwise. Reads are wait-free while nobody holds the key's lock; Mutate is
// lock-free. A method that meets a lock it does not own gives kBusy after a short spin, having
// changed nothing.
//
// The commit point. Every change of every key ends in Commit(): one compare-and-swap of the value
// word, followed by everything that has to know of a change: the key count, the watch flag, the
// deadline, reclamation of the old value, the observer (log, notifications, tracking). Nothing
// else writes a value word, except for its lock and watch bits and for the two transitions of an
// absent entry, kTomb or kNew to kDead, which are no change of the key.
#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <string_view>
#include <vector>

#include "engine/base/counters.h"
#include "engine/base/status.h"
#include "engine/index/hash_index.h"
#include "engine/index/ordered_index.h"
#include "engine/keyspace/entry.h"
#include "engine/keyspace/expiry_index.h"
#include "engine/keyspace/key_ref.h"
#include "engine/keyspace/op_context.h"
#include "engine/value/value.h"

namespace mantis {

// What a mutation wants done with the key it was shown.
struct Update {
  enum class Action : uint8_t { kKeep, kErase, kSet, kSetDeadline };
  Action action = Action::kKeep;
  Word value;                         // kSet: the new value, owned by the update until committed
  int64_t deadline_ms = kNoDeadline;  // kSet and kSetDeadline: the key's deadline from now on
  std::string_view event = "set";     // name of the change, as keyspace notifications call it
  Status status = Status::kOk;        // what Mutate returns when this update took effect

  static Update Keep(Status s) { return {Action::kKeep, Word{}, kNoDeadline, {}, s}; }
  static Update Erase(std::string_view event, Status s = Status::kOk) {
    return {Action::kErase, Word{}, kNoDeadline, event, s};
  }
  static Update Set(Word value, int64_t deadline_ms, std::string_view event) {
    return {Action::kSet, value, deadline_ms, event, Status::kOk};
  }
  static Update SetDeadline(int64_t deadline_ms, std::string_view event) {
    return {Action::kSetDeadline, Word{}, deadline_ms, event, Status::kOk};
  }
};

class Database {
 public:
  Database();
  // Quiescent: no thread is in a batch that may have seen this database.
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // How a look-up counts: Redis's lookupKeyRead counts a hit or miss and touches the access clock.
  enum class Access : uint8_t { kRead, kPeek };

  // The key's present content; kNotFound if absent or expired (an expired key is deleted on the
  // way). `entry`, if given, receives the entry for access-clock questions.
  Status Get(OpContext& ctx, const KeyRef& key, Current* out, Access access = Access::kRead,
             Entry** entry = nullptr);
  // Get for keys that must be strings: kWrongType otherwise.
  Status GetString(OpContext& ctx, const KeyRef& key, StringRef* out);

  // Several keys at one instant: the result is what all of them held at some moment during the
  // call. out[i] has kind kTomb for an absent key.
  Status GetMany(OpContext& ctx, std::span<const KeyRef> keys, std::vector<Current>& out);

  // Atomic read-modify-write. `f(const Current&) -> Update` sees the key's content (absent when
  // expired) and may be called several times; a value it built for an attempt that lost is freed.
  template <std::invocable<const Current&> F>
  Status Mutate(OpContext& ctx, const KeyRef& key, F&& f);

  // Moves value, deadline and access clock of `from` (which exists) to `to`, another key of this or
  // any key of another database, the locks of both being held. The events name the two changes.
  Status MoveLocked(OpContext& ctx, const KeyRef& from, Database& to_db, const KeyRef& to,
                    std::string_view from_event = "rename_from",
                    std::string_view to_event = "rename_to");

  // Deletes the entry's key if its deadline has passed. True if this call deleted it.
  bool ExpireIfDue(OpContext& ctx, Entry* e);
  // Deletes the key whatever it holds (eviction). False if absent or locked.
  bool Evict(OpContext& ctx, Entry* e);
  // Deletes up to `limit` keys that are due, of the expiry shards s with s % parts == part.
  // Returns how many index items were processed; fewer than limit means none is due any more.
  size_t ExpireDue(OpContext& ctx, size_t part, size_t parts, size_t limit);

  // Unlinks and retires `e` if it is still absent, unlocked and unwatched.
  void Bury(Entry* e);

  // Number of keys (expired ones count until deleted) and of keys with a deadline.
  size_t size() const { return static_cast<size_t>(std::max<int64_t>(0, Sum(keys_))); }
  size_t deadlines() const { return static_cast<size_t>(std::max<int64_t>(0, Sum(deadlines_))); }

  // True if the entry holds an unexpired value now; for scans over index().
  static bool IsLive(const Entry* e, int64_t now_ms) {
    const Current c = Resolve(e->word());
    return c.exists() && c.deadline_ms > now_ms;
  }

  HashIndex& index() { return index_; }
  OrderedIndex& ordered() { return ordered_; }
  ExpiryIndex& expiry() { return expiry_; }

 private:
  friend class KeyLocks;
  struct alignas(64) Stripe {
    std::atomic<int64_t> value{0};
  };
  static constexpr size_t kStripes = 16;
  using Striped = std::array<Stripe, kStripes>;

  static int64_t Sum(const Striped& s);
  static void Add(Striped& s, int64_t n);

  // The entry of `key`, created (kNew, hence absent) if there is none.
  Entry* FindOrCreate(const KeyRef& key);
  // The same for a key that was just looked up in vain.
  Entry* CreateEntry(const KeyRef& key);
  // See the file comment. `expected` is what the update was computed from; on failure it is left
  // unspecified and the update still owns its value.
  bool Commit(OpContext& ctx, Entry* e, Word expected, const Update& update);
  void AfterCommit(OpContext& ctx, Entry* e, Word before, Word after, const Update& update);
  // Waits a little for the lock bit to go. False: still locked.
  static bool AwaitUnlocked(const Entry* e, Word* w);

  HashIndex index_;
  OrderedIndex ordered_;
  ExpiryIndex expiry_;
  Striped keys_;
  Striped deadlines_;
};

template <std::invocable<const Current&> F>
Status Database::Mutate(OpContext& ctx, const KeyRef& key, F&& f) {
  while (true) {
    Entry* e = index_.Find(key.bytes, key.hash);
    Word w = e == nullptr ? Word::Of(Kind::kNew) : e->word();
    if (w.kind() == Kind::kDead) continue;
    if (w.locked() && !ctx.holds_locks() && !AwaitUnlocked(e, &w)) return Status::kBusy;
    Current current = Resolve(w);
    const bool expired = current.exists() && current.deadline_ms <= ctx.now_ms();
    if (expired) {
      // Deleting first, as an own change, keeps "expired" visible to whoever observes changes.
      if (!ExpireIfDue(ctx, e)) continue;
      continue;
    }
    const Update update = f(static_cast<const Current&>(current));
    if (update.action == Update::Action::kKeep) return update.status;
    if (e == nullptr) {
      if (update.action != Update::Action::kSet) return update.status;
      e = CreateEntry(key);
      w = Word::Of(Kind::kNew);
    }
    if (Commit(ctx, e, w, update)) return update.status;
    if (update.action == Update::Action::kSet) FreeUnpublished(update.value);
  }
}

}  // namespace mantis
