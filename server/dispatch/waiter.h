// One blocked command as the interest table sees it: what it waits for, and how to try it again.
//
// Thread safety: the table is its only user. `state` says who may do something with it:
//   kWaiting    anybody may claim it.
//   kTrying     one thread tries it. It has changed nothing yet and may be waiting for locks.
//   kTaking     that thread has locked every key that the command names, and runs it.
//   kCancelled  cancelled while it was tried: the thread that tries it takes it out of the queues.
//   kDone       served or cancelled; nobody tries it again.
// The thread that tries it goes from kWaiting to kTrying, to kTaking and back, and from there to
// kDone or kWaiting. Who cancels it goes from kWaiting to kDone, from kTrying to kCancelled, and
// waits for kTaking to end. So once a waiter is cancelled it takes nothing, on whatever thread it
// was being tried, and what it took before that it was served. kTaking ends soon: its thread holds
// all locks that it needs and waits for nobody.
// Ownership: shared by the queues it stands in and by whoever made it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "engine/keyspace/op_context.h"
#include "engine/value/value.h"

namespace mantis::server {

struct CoreContext;
class InterestTable;

class Waiter {
 public:
  // What wakes it.
  struct Wish {
    // Serve it when a key holds a value of this type (kNone: of any).
    ValueType type = ValueType::kNone;
    // It takes away what the next in line would get, so who does not get anything ends the round.
    // Others (XREAD) are all looked after each time.
    bool takes = true;
    // Also when a key that it waits for is absent or of another type.
    bool when_gone = false;
  };
  enum class Attempt : uint8_t { kServed, kWaits, kBusy };

  Waiter(int db, std::vector<std::string> keys, Wish wish)
      : db_(db), wish_(wish), places_(keys.size()) {
    for (size_t i = 0; i < keys.size(); ++i) places_[i].key = std::move(keys[i]);
  }
  virtual ~Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // Runs the command on the thread of `ctx`, inside its batch, no locks being held. `core` is what
  // ServeReady was given. Only kServed has changed anything. Locks the command's keys, then calls
  // BeginTaking, and runs the command only if that says so; else answers kWaits.
  virtual Attempt Try(OpContext& ctx, CoreContext* core) = 0;
  // It was served and stands in no queue any more. Called once, by the thread that served it.
  virtual void Served() = 0;
  // A try met another thread's lock, in the batch that is still under way: somebody has to ask
  // InterestTable::Note for it again, at once when the lock is given back or soon.
  virtual void RetrySoon() = 0;

  int db() const { return db_; }
  const Wish& wish() const { return wish_; }
  // Served or cancelled.
  bool done() const {
    const State s = state_.load();
    return s == State::kDone || s == State::kCancelled;
  }
  template <class F>
  bool AnyKey(F&& f) const {
    return std::any_of(places_.begin(), places_.end(), [&](const Place& p) { return f(p.key); });
  }

 protected:
  // For Try, with all locks held. False: it was cancelled.
  [[nodiscard]] bool BeginTaking() {
    State expected = State::kTrying;
    return state_.compare_exchange_strong(expected, State::kTaking);
  }
  // For Try, if nothing was taken: it may be cancelled again.
  void EndTaking() { state_.store(State::kTrying); }

 private:
  friend class InterestTable;
  enum class State : uint8_t { kWaiting, kTrying, kTaking, kCancelled, kDone };
  // Its place in the queue of one key, guarded by the mutex of the key's shard.
  struct Place {
    std::string key;
    std::list<std::shared_ptr<Waiter>>::iterator at;
    bool queued = false;
  };

  const int db_;
  const Wish wish_;
  std::vector<Place> places_;  // keys differ
  // Whoever puts it into the queues has it first. seq_cst with recheck_: who cannot claim it sets
  // recheck_ and looks at the state again, who gives it back stores the state and looks at
  // recheck_, so one of them sees the other.
  std::atomic<State> state_{State::kTrying};
  std::atomic<bool> recheck_{false};
};

}  // namespace mantis::server
