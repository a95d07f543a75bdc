// One database of the keyspace: hash index, ordered index and expiry index over the same entries,
// and the one way to read and to change a key.
//
// Thread safety: every method may be called from any thread inside a batch of its own OpContext
// unless it says otherwise. Reads are wait-free while nobody holds the key's lock; Mutate is
// lock-free. A method that meets a lock it does not own gives kBusy after a short spin, having
// changed nothing.
//
// In a long batch (op_context.h) the functions given to Read, Edit, EditOrCreate, ReadValue,
// ReadString and Mutate run outside of the read section, under the key's lock, or with the string
// kept; the methods that they call in turn enter it.
//
// Without memory. The functions given to Edit and EditOrCreate must succeed once they have begun to
// change the object (base/allocation_failure.h): they are in a MustSucceed, which a
// NothingChangedYet lifts for what comes before. All others may throw std::bad_alloc; the key's
// lock is given back then, and the key is as it was. A Mutate that works on a string buffer has to
// leave it so.
//
// The commit point. Every change of every key ends in Commit(): one compare-and-swap of the value
// word, followed by everything that has to know of a change: the key count, the watch flag, the
// deadline, reclamation of the old value, the observer (log, notifications, tracking). Nothing
// else writes a value word, except for its lock and watch bits and for the two transitions of an
// absent entry, kTomb or kNew to kDead, which are no change of the key.
#pragma once

#include <atomic>
#include <concepts>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/base/allocation_failure.h"
#include "engine/base/counters.h"
#include "engine/base/status.h"
#include "engine/base/striped_count.h"
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
  // kInPlace: the string buffer that the mutation was shown has been changed where it is.
  enum class Action : uint8_t { kKeep, kErase, kSet, kSetDeadline, kInPlace };
  Action action = Action::kKeep;
  Word value;                         // kSet: the new value, owned by the update until committed
  int64_t deadline_ms = kNoDeadline;  // kSet and kSetDeadline: the key's deadline from now on
  std::string_view event = "set";     // name of the change, as keyspace notifications call it
  Status status = Status::kOk;        // what Mutate returns when this update took effect
  // How many changes this is to whoever counts them for save points (Counter::kChanges).
  int64_t changes = 1;
  bool moved = false;  // the value was another key's before

  Update Counting(int64_t n) const {
    Update copy = *this;
    copy.changes = n;
    return copy;
  }

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
  static Update InPlace(std::string_view event) {
    return {Action::kInPlace, Word{}, kNoDeadline, event, Status::kOk};
  }
};

// What an edit did to the object it was shown.
struct Edited {
  bool changed = false;
  std::string_view event = {};  // name of the change, as keyspace notifications call it
  Status status = Status::kOk;  // what Edit returns
  int64_t changes = 1;          // as Update::changes: mostly how many elements changed

  Edited Counting(std::integral auto n) const {
    Edited copy = *this;
    copy.changes = static_cast<int64_t>(n);
    return copy;
  }

  static Edited No(Status s = Status::kOk) { return {false, {}, s}; }
  static Edited Yes(std::string_view event, Status s = Status::kOk) { return {true, event, s}; }
};

class Database {
 public:
  explicit Database(int number = 0);
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
  // Get for keys that must be strings: kWrongType otherwise. What either of them answers with holds
  // until the read section ends; in a long batch see OpContext::Keep.
  Status GetString(OpContext& ctx, const KeyRef& key, StringRef* out);

  // Several keys at one instant: the result is what all of them held at some moment during the
  // call. out[i] has kind kTomb for an absent key. Looks twice and compares; where that fails again
  // and again it takes the keys' locks. docs/decisions/0009 has the proof.
  Status GetMany(OpContext& ctx, std::span<const KeyRef> keys, std::vector<Current>& out);

  // Atomic read-modify-write. `f(const Current&) -> Update` sees the key's content (absent when
  // expired) and may be called several times; a value it built for an attempt that lost is freed.
  // A string buffer it may change where it is, under the lock: then it says InPlace.
  // With Access::kRead it counts as a look-up too: a command that answers what it replaces. In a
  // long batch an InsideSection must be open for that, else the old value may be gone by then.
  template <std::invocable<const Current&> F>
  Status Mutate(OpContext& ctx, const KeyRef& key, F&& f, Access access = Access::kPeek);

  // The key's list, hash, set… under its lock: T is a class derived from Object. The functions run
  // once, must not wait, and must not touch other keys unless the context holds their locks.
  // `f(const T&) -> Status`: what Read returns. kNotFound, kWrongType: f did not run.
  template <class T, std::invocable<const T&> F>
  Status Read(OpContext& ctx, const KeyRef& key, F&& f, Access access = Access::kRead);
  // `f(T&) -> Edited`. When the object was left empty the key goes (unless it is of a type that may
  // be empty). kNotFound, kWrongType: f did not run.
  template <class T, std::invocable<T&> F>
  Status Edit(OpContext& ctx, const KeyRef& key, F&& f, Access access = Access::kPeek);
  // The same with an object from `make() -> std::unique_ptr<T>` where the key is absent; it is
  // dropped when f leaves it empty or says that nothing changed.
  template <class T, class Make, std::invocable<T&> F>
  Status EditOrCreate(OpContext& ctx, const KeyRef& key, Make&& make, F&& f);

  // Object::Prefetch of what the entry holds, if nobody holds its lock.
  static void Prefetch(Entry* e, std::span<const Bytes> elements);

  // Whatever the key holds, standing still meanwhile: `f(const Current&) -> Status`.
  template <std::invocable<const Current&> F>
  Status ReadValue(OpContext& ctx, const KeyRef& key, F&& f, Access access = Access::kPeek);
  // The same for an entry found in an index; kNotFound if it holds no unexpired value. Does not
  // leave the read section, so the caller's position in the index is good afterwards.
  template <std::invocable<const Current&> F>
  Status ReadEntry(OpContext& ctx, Entry* e, F&& f);
  // The same, leaving the section as Read does.
  template <std::invocable<const Current&> F>
  Status ReadEntryOutside(OpContext& ctx, Entry* e, F&& f) {
    return ReadEntry(ctx, e, [&](const Current& now) {
      const OutsideSection outside(ctx);
      return f(now);
    });
  }

  // A string's bytes, read where they are: `f(Bytes) -> Status`. Cheaper than GetString for large
  // strings that are being changed.
  template <std::invocable<Bytes> F>
  Status ReadString(OpContext& ctx, const KeyRef& key, F&& f);

  // Sets the key to `value`, whatever it held, with that deadline; an empty collection (or nullptr)
  // deletes it. `event` is told where there is a value, "del" where one was deleted. `changes` as
  // in Update, of a value; a deletion is one.
  Status Replace(OpContext& ctx, const KeyRef& key, std::unique_ptr<Object> value,
                 std::string_view event, int64_t deadline_ms = kNoDeadline, int64_t changes = 1);
  // Deletes the key; kNotFound if there was none.
  Status Remove(OpContext& ctx, const KeyRef& key, std::string_view event = "del");

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

  // The key's watch flag (see value_word.h): the next change of the key clears it, and the observer
  // is told so. An absent key can have it too and keeps its entry meanwhile. True if it was set
  // already.
  bool Arm(const KeyRef& key);
  // Takes the flag away without a change.
  void Disarm(OpContext& ctx, const KeyRef& key);
  bool IsArmed(const KeyRef& key) const;

  // The number under which clients select it. Changes when databases are swapped: alone.
  int number() const { return number_.load(std::memory_order_relaxed); }
  void set_number(int n) { number_.store(n, std::memory_order_relaxed); }

  // Number of keys (expired ones count until deleted) and of keys with a deadline.
  size_t size() const { return keys_.Sum(); }
  size_t deadlines() const { return deadlines_.Sum(); }
  // How long the keys with a deadline have left on average; 0 if there are none. O(1).
  int64_t AverageTtlMs(int64_t now_ms) const;

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
  // The entry of `key`, created (kNew, hence absent) if there is none.
  Entry* FindOrCreate(const KeyRef& key);
  // The same for a key that was just looked up in vain.
  Entry* CreateEntry(const KeyRef& key);
  // The same for an update that is to be its first value, and owns that also if this throws.
  Entry* CreateEntryFor(const KeyRef& key, const Update& update);
  // See the file comment. `expected` is what the update was computed from; on failure it is left
  // unspecified and the update still owns its value.
  bool Commit(OpContext& ctx, Entry* e, Word expected, const Update& update);
  void AfterCommit(OpContext& ctx, Entry* e, Word before, Word after, const Update& update);
  // Of that, what one present value without a deadline that replaces another does not need: numbers
  // of keys and deadlines, the deadline itself, the tomb.
  void CountKeys(OpContext& ctx, Entry* e, Word before, Word after, const Update& update);
  // Commit for who holds the entry's lock: only the watch flag can have changed meanwhile.
  void CommitLocked(OpContext& ctx, Entry* e, const Update& update);
  // The commit of a change that left the word as it is: the object behind it has changed.
  void CommitInPlace(OpContext& ctx, Entry* e, std::string_view event, int64_t changes);

  // An entry whose lock this thread has.
  struct Held {
    Status status = Status::kNotFound;
    Entry* entry = nullptr;  // set if there is something to Release
    Current current;
    bool owned = false;  // locked by Hold; else the context's KeyLocks or the gate cover it
  };
  enum class Missing : uint8_t { kFail, kCreate };
  // Locks the entry of `key` if what it holds is of type `type` (kNone: of any; kOk) or, with
  // kCreate, absent (kNotFound with an entry).
  Held Hold(OpContext& ctx, const KeyRef& key, ValueType type, Access access, Missing missing);
  void Release(OpContext& ctx, const Held& held);
  // Releases at its end, however that is reached.
  class Unlock {
   public:
    Unlock(Database& db, OpContext& ctx, const Held& held) : db_(db), ctx_(ctx), held_(held) {}
    ~Unlock() { db_.Release(ctx_, held_); }
    Unlock(const Unlock&) = delete;
    Unlock& operator=(const Unlock&) = delete;

   private:
    Database& db_;
    OpContext& ctx_;
    const Held& held_;
  };
  void FinishEdit(OpContext& ctx, const Held& held, Object* object, const Edited& edited);
  // What GetMany sees of one key.
  struct Seen {
    Entry* entry;
    Word word;
    HashIndex::Sight sight;  // where there was no entry
  };
  enum class Look : uint8_t { kSteady, kChanged, kLocked };
  // Fills `seen` with one look at the keys, and says whether all of it held at one instant.
  Look LookAtAll(const OpContext& ctx, std::span<const KeyRef> keys, std::vector<Seen>& seen) const;
  // True if the entry may have held the word `after` before, though not since `before`.
  static bool MayReturn(Word before, Word after, const Update& update);
  Status GetManyLocked(OpContext& ctx, std::span<const KeyRef> keys, std::vector<Current>& out);
  // Removes the due parts of the entry's object, if it has such, and schedules the next.
  void ExpireParts(OpContext& ctx, Entry* e);
  // A look-up of a command ended: statistics of hits and misses.
  static void CountRead(bool hit) {
    Counters::Local().Add(hit ? Counter::kHits : Counter::kMisses, 1);
  }
  // What a word adds to due_in_ms_.
  static int64_t DueIn(Word word);
  // A string buffer's content as a blob of this batch; the entry's lock is held.
  static Word CopyOfBuffer(OpContext& ctx, Word value);
  Status CopyBuffer(OpContext& ctx, const KeyRef& key, StringRef* out);

  HashIndex index_;
  OrderedIndex ordered_;
  ExpiryIndex expiry_;
  StripedCount<> keys_;
  StripedCount<> deadlines_;
  // Of each key with a deadline, when it is due after the process began, see DueIn.
  StripedCount<4> due_in_ms_;
  // Commits after which an entry may hold a word that it held before; counted before the commit.
  // Rare: revivals of absent entries, integers that replace other values, values moved or shared.
  // acq_rel and acquire, with the words: see docs/decisions/0009.
  alignas(64) std::atomic<uint64_t> returns_{0};
  // Relaxed: a batch sees what the gate's last owner has set, the gate being in between.
  std::atomic<int> number_;
};

template <std::invocable<const Current&> F>
Status Database::Mutate(OpContext& ctx, const KeyRef& key, F&& f, Access access) {
  const InsideSection inside(ctx);
  while (true) {
    Entry* e = index_.Find(key.bytes, key.hash);
    Word w = e == nullptr ? Word::Of(Kind::kNew) : e->word();
    if (w.locked() && !ctx.holds_locks() && !e->AwaitUnlocked(&w)) return Status::kBusy;
    // Only now: it may have died while it was waited for.
    if (w.kind() == Kind::kDead) continue;
    Current current = Resolve(w);
    const bool expired = current.exists() && current.deadline_ms <= ctx.now_ms();
    if (expired) {
      // Deleting first, as an own change, keeps "expired" visible to whoever observes changes.
      if (!ExpireIfDue(ctx, e)) continue;
      continue;
    }
    // The content of a string buffer may change while the word stays (see value_word.h). In a long
    // batch f may take its time, for which the section is left.
    const bool hold =
        !ctx.holds_locks() && (current.value.kind() == Kind::kStringBuffer ||
                               (ctx.in_long_batch() && current.exists() && !w.locked()));
    if (hold) {
      if (!e->CompareExchange(w, w.WithFlags(Word::kLocked))) continue;
      w = w.WithFlags(Word::kLocked);
      reclaim::NoteLocksHeld(1);
    }
    const Held held{Status::kOk, e, current, hold};
    std::optional<Unlock> unlock;
    if (hold) unlock.emplace(*this, ctx, held);
    const Update update = [&] {
      const OutsideSection outside(ctx, hold);
      return f(static_cast<const Current&>(current));
    }();
    bool done = update.action == Update::Action::kKeep;
    if (update.action == Update::Action::kInPlace) {
      CommitInPlace(ctx, e, update.event, update.changes);
      done = true;
    }
    if (!done && e == nullptr) {
      if (update.action != Update::Action::kSet) {
        if (access == Access::kRead) CountRead(false);
        return update.status;
      }
      e = CreateEntryFor(key, update);
      w = Word::Of(Kind::kNew);
    }
    if (!done) {
      done = Commit(ctx, e, w, update);
      if (!done && update.action == Update::Action::kSet) FreeUnpublished(update.value);
    }
    if (!done) continue;
    if (access == Access::kRead) CountRead(current.exists());
    return update.status;
  }
}

template <class T, std::invocable<const T&> F>
Status Database::Read(OpContext& ctx, const KeyRef& key, F&& f, Access access) {
  const Held held = Hold(ctx, key, TypeOf(T::kKind), access, Missing::kFail);
  if (held.status != Status::kOk) return held.status;
  const Unlock unlock(*this, ctx, held);
  const OutsideSection outside(ctx);
  return f(static_cast<const T&>(*ObjectOf(held.current.value)));
}

template <class T, std::invocable<T&> F>
Status Database::Edit(OpContext& ctx, const KeyRef& key, F&& f, Access access) {
  const Held held = Hold(ctx, key, TypeOf(T::kKind), access, Missing::kFail);
  if (held.status != Status::kOk) return held.status;
  const Unlock unlock(*this, ctx, held);
  const memory::MustSucceed must;
  auto* object = static_cast<T*>(ObjectOf(held.current.value));
  const Edited edited = [&] {
    const OutsideSection outside(ctx);
    return f(*object);
  }();
  FinishEdit(ctx, held, object, edited);
  return edited.status;
}

template <class T, class Make, std::invocable<T&> F>
Status Database::EditOrCreate(OpContext& ctx, const KeyRef& key, Make&& make, F&& f) {
  const Held held = Hold(ctx, key, TypeOf(T::kKind), Access::kPeek, Missing::kCreate);
  if (held.entry == nullptr) return held.status;
  const Unlock unlock(*this, ctx, held);
  const memory::MustSucceed must;
  if (held.status == Status::kOk) {
    auto* object = static_cast<T*>(ObjectOf(held.current.value));
    const Edited edited = [&] {
      const OutsideSection outside(ctx);
      return f(*object);
    }();
    FinishEdit(ctx, held, object, edited);
    return edited.status;
  }
  std::unique_ptr<T> fresh = make();
  const Edited edited = [&] {
    const OutsideSection outside(ctx);
    return f(*fresh);
  }();
  const InsideSection inside(ctx);
  if (edited.changed && !(fresh->size() == 0 && fresh->vanishes_when_empty())) {
    T* object = fresh.release();
    const Update put = Update::Set(object->ToWord(), kNoDeadline, edited.event);
    CommitLocked(ctx, held.entry, put.Counting(edited.changes));
    if (object->next_deadline_ms() != kNoDeadline) {
      expiry_.Schedule(held.entry, object->next_deadline_ms());
    }
  }
  return edited.status;
}

template <std::invocable<const Current&> F>
Status Database::ReadValue(OpContext& ctx, const KeyRef& key, F&& f, Access access) {
  const Held held = Hold(ctx, key, ValueType::kNone, access, Missing::kFail);
  if (held.status != Status::kOk) return held.status;
  const Unlock unlock(*this, ctx, held);
  const OutsideSection outside(ctx);
  return f(static_cast<const Current&>(held.current));
}

template <std::invocable<const Current&> F>
Status Database::ReadEntry(OpContext& ctx, Entry* e, F&& f) {
  Held held;
  Word w = e->word();
  while (!held.owned && !ctx.holds_locks()) {
    if (w.locked() && !e->AwaitUnlocked(&w)) return Status::kBusy;
    if (!Resolve(w).exists()) return Status::kNotFound;
    held.owned = e->CompareExchange(w, w.WithFlags(Word::kLocked));
  }
  if (held.owned) reclaim::NoteLocksHeld(1);
  held.entry = e;
  held.current = Resolve(w);
  const Unlock unlock(*this, ctx, held);
  const bool live = held.current.exists() && held.current.deadline_ms > ctx.now_ms();
  return live ? f(static_cast<const Current&>(held.current)) : Status::kNotFound;
}

template <std::invocable<Bytes> F>
Status Database::ReadString(OpContext& ctx, const KeyRef& key, F&& f) {
  Current c;
  Entry* e = nullptr;
  const Status s = Get(ctx, key, &c, Access::kRead, &e);
  if (s != Status::kOk) return s;
  const auto read = [&](const Current& now) -> Status {
    if (now.type() != ValueType::kString) return Status::kWrongType;
    char digits[24];
    return f(StringRef(now.value).Text(std::span<char, 24>(digits)));
  };
  if (c.value.kind() == Kind::kStringBuffer) return ReadEntryOutside(ctx, e, read);
  if (ctx.in_long_batch() && c.value.kind() == Kind::kString) ctx.Keep(c.value.pointer<Blob>());
  const OutsideSection outside(ctx);
  return read(c);
}

}  // namespace mantis
