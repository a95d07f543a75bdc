// Walking the keys of a range while others go on.
//
// A walk holds no locks and starts over for nobody. It runs in slices: between two of them it is in
// no read section, so memory is reclaimed and the gate's owner gets on, and it resumes after the
// last key that it visited. On an event loop a walk gets one short slice; if that does not do, the
// command is offloaded and begins anew on a worker thread, where it may take as many as it needs.
//
// A locked key is passed by: whether it exists, its type and its deadline are in the word and an
// immutable box, which the read section keeps. The exception is a key that is absent under
// somebody's lock. It was there when the lock was taken, mostly, and may be there again when it is
// released (a transaction that deletes and creates it); so a walk waits for such keys, but for
// kTombWaitMs in all.
//
// Invariant: a key that exists during the whole walk is visited exactly once, and keys come in
// order; one that comes or goes meanwhile is visited once at most.
//
// Thread safety: one command, inside its batch, which is another one after the walk.
// Ownership: what a visitor is shown is valid during that call only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "server/commands/key_range.h"
#include "server/dispatch/command.h"
#include "server/net/client.h"

namespace mantis::server {

// A live key met on a walk.
struct KeyAt {
  Entry* entry;
  Current value;
};

enum class Walk : uint8_t {
  kMore,
  kStop,
  kAgain,  // the visitor needs the key's lock, which is taken: visit this key again later
};

// When a walk has to make room for others, and how.
class WalkPacer {
 public:
  explicit WalkPacer(CommandContext& c);

  enum class Next : uint8_t {
    kGoOn,
    kPause,    // note where to resume, and call Pause()
    kOffload,  // end the command with Status::kTooLong
    kBusy,     // end the command with Status::kBusy
  };
  // To be asked after every few dozen keys.
  Next AfterSome();
  // The walk cannot go on before somebody releases a lock.
  Next AtLock();
  // A key is absent under somebody's lock. kGoOn: take it as absent.
  Next AtLockedTomb();
  // Leaves the read section, lets others get on, and enters another one.
  void Pause();

 private:
  CommandContext& c_;
  const bool may_offload_;
  const bool may_pause_;
  bool waits_ = false;  // the next pause is for a lock
  int tomb_waits_left_;
  uint64_t slice_begin_;
};

// True if the entry is absent under another thread's lock, after a moment's wait. `w` is its word.
bool IsLockedTomb(const OpContext& op, const Entry* e, Word* w);

// Has `write` write in front of what the reply has got since `mark`: a page's cursor, which is
// known after its keys.
template <class F>
void WriteInFront(CommandContext& c, const ClientOutput::Mark& mark, F&& write) {
  const std::unique_ptr<ClientOutput> behind = c.client.output.Cut(mark);
  write();
  c.client.output.Splice(*behind);
}

// Calls visit(Entry*, Word) -> Walk for each entry of the range in order, absent and expired ones
// included. kTooLong: the command is to be offloaded, what it has written is dropped.
template <class Visit>
Status WalkEntries(CommandContext& c, const KeyRange& range, bool reversed, Visit&& visit);

// The same for live keys: visit(const KeyAt&) -> Walk.
template <class Visit>
Status WalkKeys(CommandContext& c, const KeyRange& range, bool reversed, Visit&& visit);

namespace detail {

// How many entries ahead of the one looked at are fetched into the cache.
constexpr size_t kWalkAhead = 8;

// One run of entries. *stopped: the visitor wants no more. *behind: the last entry visited.
template <class Visit>
WalkPacer::Next WalkRun(const OpContext& op, WalkPacer& pacer, std::span<Entry* const> run,
                        Visit&& visit, Entry** behind, bool* stopped) {
  for (size_t i = 0; i < std::min(kWalkAhead, run.size()); ++i) run[i]->PrefetchHeader();
  for (size_t i = 0; i < run.size(); ++i) {
    if (i + kWalkAhead < run.size()) run[i + kWalkAhead]->PrefetchHeader();
    Word w = run[i]->word();
    if (IsLockedTomb(op, run[i], &w)) [[unlikely]] {
      const WalkPacer::Next next = pacer.AtLockedTomb();
      if (next != WalkPacer::Next::kGoOn) return next;
    }
    switch (visit(run[i], w)) {
      case Walk::kStop:
        *stopped = true;
        return WalkPacer::Next::kGoOn;
      case Walk::kAgain:
        return pacer.AtLock();
      case Walk::kMore:
        break;
    }
    *behind = run[i];
  }
  return pacer.AfterSome();
}

}  // namespace detail

template <class Visit>
Status WalkEntries(CommandContext& c, const KeyRange& range, bool reversed, Visit&& visit) {
  if (range.empty) return Status::kOk;
  WalkPacer pacer(c);
  RangeBound min = range.min;
  RangeBound max = range.max;
  std::string last;
  while (true) {
    // Anew in each slice, as FLUSHDB may have put another database into the place.
    OrderedCursor cursor(c.db().ordered(), min, max, reversed);
    Entry* behind = nullptr;
    bool stopped = false;
    auto next = WalkPacer::Next::kGoOn;
    while (next == WalkPacer::Next::kGoOn) {
      const auto run = cursor.NextRun();
      if (run.empty()) return Status::kOk;
      next = detail::WalkRun(c.op, pacer, run, visit, &behind, &stopped);
      if (stopped) return Status::kOk;
    }
    if (next == WalkPacer::Next::kOffload) return Status::kTooLong;
    if (next == WalkPacer::Next::kBusy) return Status::kBusy;
    if (behind != nullptr) {
      last.assign(behind->key());
      (reversed ? max : min) = RangeBound::Excluding(last);
    }
    pacer.Pause();
  }
}

template <class Visit>
Status WalkKeys(CommandContext& c, const KeyRange& range, bool reversed, Visit&& visit) {
  return WalkEntries(c, range, reversed, [&](Entry* e, Word w) {
    const Current now = Resolve(w);
    if (!now.exists() || now.deadline_ms <= c.op.now_ms()) return Walk::kMore;
    return visit(KeyAt{e, now});
  });
}

}  // namespace mantis::server
