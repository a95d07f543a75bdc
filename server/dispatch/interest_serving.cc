// InterestTable: queues of waiters and how they are served.

#include <algorithm>
#include <cassert>
#include <deque>
#include <thread>

#include "server/dispatch/interest_table.h"

namespace mantis::server {
namespace {

// Of this thread: what it has made ready and not served yet.
std::deque<std::pair<int, std::string>>& Ready() {
  thread_local std::deque<std::pair<int, std::string>> names;
  return names;
}

bool Suits(const Waiter::Wish& wish, ValueType type) {
  return wish.type == ValueType::kNone || wish.type == type || wish.when_gone;
}

// kNone for an absent key. False: another thread holds the key.
bool TypeNow(OpContext& ctx, int db, const KeyRef& key, ValueType* type) {
  Current now;
  const Status s = ctx.engine().database(db).Get(ctx, key, &now, Database::Access::kPeek);
  *type = s == Status::kOk ? now.type() : ValueType::kNone;
  return s != Status::kBusy;
}

}  // namespace

void InterestTable::Note(int db, Bytes key) {
  Ready().emplace_back(db, key);
  any_ready_ = true;
}

void InterestTable::Note(const Waiter& waiter) {
  for (const Waiter::Place& place : waiter.places_) Note(waiter.db_, place.key);
}

void InterestTable::Enqueue(OpContext& ctx, const std::shared_ptr<Waiter>& waiter) {
  assert(!waiter->places_.empty());
  waiting_.fetch_add(1);
  Database& db = ctx.engine().database(waiter->db_);
  for (Waiter::Place& place : waiter->places_) {
    const KeyRef key = KeyRef::Of(place.key);
    Shard& shard = ShardOf(key.hash);
    const std::lock_guard lock(shard.mutex);
    Record& record = shard.FindOrCreate(waiter->db_, place.key);
    place.at = record.queue.insert(record.queue.end(), waiter);
    place.queued = true;
    if (!waiter->wish_.takes) ++record.readers;
    Arm(db, key, record);
  }
  waiter->recheck_ = true;
  (void)GiveBack(&ctx, *waiter);
}

bool InterestTable::Cancel(OpContext* ctx, Waiter& waiter) {
  using State = Waiter::State;
  while (true) {
    State s = waiter.state_;
    switch (s) {
      case State::kWaiting:
        if (!waiter.state_.compare_exchange_strong(s, State::kDone)) break;
        Dequeue(ctx, waiter);
        return true;
      case State::kTrying:
        if (!waiter.state_.compare_exchange_strong(s, State::kCancelled)) break;
        return true;
      case State::kTaking:
        std::this_thread::yield();
        break;
      case State::kCancelled:
      case State::kDone:
        return false;
    }
  }
}

// By whoever has set the state to kDone.
void InterestTable::Dequeue(OpContext* ctx, Waiter& waiter) {
  for (Waiter::Place& place : waiter.places_) {
    const KeyRef key = KeyRef::Of(place.key);
    Shard& shard = ShardOf(key.hash);
    // The queue may hold the last reference.
    std::shared_ptr<Waiter> keep;
    const std::lock_guard lock(shard.mutex);
    Record* record = shard.Find(waiter.db_, place.key);
    keep = std::move(*place.at);
    record->queue.erase(place.at);
    place.queued = false;
    if (!waiter.wish_.takes) --record->readers;
    DropIfIdle(ctx, shard, waiter.db_, key);
  }
  waiting_.fetch_sub(1);
}

// Ends a try that did not serve it, or its registration. False: it was cancelled meanwhile.
bool InterestTable::GiveBack(OpContext* ctx, Waiter& waiter) {
  Waiter::State expected = Waiter::State::kTrying;
  const bool waits = waiter.state_.compare_exchange_strong(expected, Waiter::State::kWaiting);
  if (!waits) {
    waiter.state_ = Waiter::State::kDone;
    Dequeue(ctx, waiter);
  }
  if (waiter.recheck_.exchange(false)) Note(waiter);
  return waits;
}

bool InterestTable::ServeReady(OpContext& ctx, CoreContext* core, size_t limit) {
  assert(!ctx.holds_locks());
  size_t tries = limit;
  auto& names = Ready();
  while (!names.empty()) {
    if (tries == 0) return false;
    const Name name = std::move(names.front());
    names.pop_front();
    ServeKey(ctx, core, name, &tries);
  }
  any_ready_ = false;
  return true;
}

void InterestTable::ServeKey(OpContext& ctx, CoreContext* core, const Name& name, size_t* tries) {
  const auto& [db, text] = name;
  const KeyRef key = KeyRef::Of(text);
  Shard& shard = ShardOf(key.hash);
  std::unique_lock lock(shard.mutex);
  Record* record = shard.Find(db, text);
  if (record == nullptr || record->queue.empty()) return;
  if (record->serving) {
    record->again = true;
    return;
  }
  // From now on the record stays.
  record->serving = true;
  Round round = Round::kFinished;
  do {
    record->again = false;
    lock.unlock();
    round = ServeRound(ctx, core, shard, *record, db, key, tries);
    lock.lock();
  } while (record->again && round == Round::kFinished);
  record->serving = false;
  // Who is asked to try again (RetrySoon) may come before this round has ended, and leaves the key
  // to it like any other.
  if (record->again) Note(db, text);
  DropIfIdle(&ctx, shard, db, key);
}

// Offers what is at the key to those who wait for it, until nobody takes anything any more.
InterestTable::Round InterestTable::ServeRound(OpContext& ctx, CoreContext* core, Shard& shard,
                                               Record& record, int db, const KeyRef& key,
                                               size_t* tries) {
  for (bool first = true;; first = false) {
    {
      const std::lock_guard lock(shard.mutex);
      Arm(ctx.engine().database(db), key, record);
    }
    ValueType type = ValueType::kNone;
    const bool known = TypeNow(ctx, db, key, &type);
    if (known && first && !ServeReaders(ctx, core, shard, record, type)) return Round::kBroken;
    std::shared_ptr<Waiter> next;
    {
      const std::lock_guard lock(shard.mutex);
      const auto it =
          std::find_if(record.queue.begin(), record.queue.end(), [&](const auto& waiter) {
            return !waiter->done() &&
                   (!known || (waiter->wish_.takes && Suits(waiter->wish_, type)));
          });
      if (it == record.queue.end()) return Round::kFinished;
      next = *it;
    }
    if (!known) {
      next->RetrySoon();
      return Round::kBroken;
    }
    if (*tries == 0) {
      Note(db, key.bytes);
      return Round::kBroken;
    }
    --*tries;
    switch (TryOne(ctx, core, next)) {
      case Turn::kServed:
      case Turn::kGone:
        continue;
      case Turn::kBusy:
        return Round::kBroken;
      case Turn::kWaits:
      case Turn::kTaken:  // whoever has it notes the key again
        return Round::kFinished;
    }
  }
}

// False: one of them met a lock and is to be tried again.
bool InterestTable::ServeReaders(OpContext& ctx, CoreContext* core, Shard& shard, Record& record,
                                 ValueType type) {
  std::vector<std::shared_ptr<Waiter>> readers;
  {
    const std::lock_guard lock(shard.mutex);
    if (record.readers == 0) return true;
    for (const auto& waiter : record.queue) {
      if (!waiter->wish_.takes && Suits(waiter->wish_, type)) readers.push_back(waiter);
    }
  }
  bool all = true;
  for (const auto& reader : readers) {
    if (TryOne(ctx, core, reader) == Turn::kBusy) all = false;
  }
  return all;
}

InterestTable::Turn InterestTable::TryOne(OpContext& ctx, CoreContext* core,
                                          const std::shared_ptr<Waiter>& waiter) {
  while (true) {
    Waiter::State expected = Waiter::State::kWaiting;
    if (waiter->state_.compare_exchange_strong(expected, Waiter::State::kTrying)) break;
    if (waiter->done()) return Turn::kGone;
    waiter->recheck_ = true;
    expected = waiter->state_;
    if (expected == Waiter::State::kTrying || expected == Waiter::State::kTaking) {
      return Turn::kTaken;
    }
  }
  const Waiter::Attempt attempt = waiter->Try(ctx, core);
  if (attempt != Waiter::Attempt::kServed) {
    const bool waits = GiveBack(&ctx, *waiter);
    if (attempt == Waiter::Attempt::kWaits) return waits ? Turn::kWaits : Turn::kGone;
    waiter->RetrySoon();
    return Turn::kBusy;
  }
  assert(waiter->state_ == Waiter::State::kTaking);
  waiter->state_ = Waiter::State::kDone;
  Dequeue(&ctx, *waiter);
  // Those behind it at its other keys, whose servers left them to us.
  if (waiter->recheck_.exchange(false)) Note(*waiter);
  waiter->Served();
  return Turn::kServed;
}

}  // namespace mantis::server
