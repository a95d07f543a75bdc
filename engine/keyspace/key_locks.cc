#include "engine/keyspace/key_locks.h"

#include <algorithm>

#include "engine/base/brief_wait.h"
#include "engine/base/counters.h"

namespace mantis {
namespace {
constexpr int kRounds = 100;
}  // namespace

Status KeyLocks::Acquire(std::span<const Target> keys) {
  if (ctx_.holds_locks()) return Status::kOk;
  held_.reserve(keys.size());  // what may fail for want of memory does before anything is locked
  BriefWait wait;
  for (int round = 0; round < kRounds; ++round) {
    const Entry* in_the_way = TryAll(keys);
    if (in_the_way == nullptr) {
      ctx_.AdjustLockDepth(1);
      reclaim::NoteLocksHeld(1);
      counted_ = true;
      outside_.emplace(ctx_);
      return Status::kOk;
    }
    Word w = in_the_way->word();
    if (!in_the_way->AwaitUnlocked(&w)) return Status::kBusy;  // which is counted there
    // A dead entry leaves the index as soon as its thread gets on: as long as it does not, the
    // next round finds it again.
    if (w.kind() == Kind::kDead && !wait.Again()) break;
  }
  Counters::Local().Add(Counter::kBusyRetries, 1);
  return Status::kBusy;
}

const Entry* KeyLocks::TryAll(std::span<const Target> keys) {
  const memory::MustSucceed must;
  held_.clear();
  for (const auto& [db, key] : keys) held_.emplace_back(db->FindOrCreate(key), db);
  // One order for everybody, so that of two rivals one gets through.
  std::sort(held_.begin(), held_.end());
  held_.erase(std::unique(held_.begin(), held_.end()), held_.end());
  for (size_t i = 0; i < held_.size(); ++i) {
    Entry* e = held_[i].first;
    Word w = e->word();
    bool locked = false;
    while (!w.locked() && w.kind() != Kind::kDead && !locked) {
      locked = e->CompareExchange(w, w.WithFlags(Word::kLocked));
    }
    if (!locked) {
      // Entries made for absent keys that were not reached are buried like any tomb.
      for (size_t j = i; j < held_.size(); ++j) {
        const Kind k = held_[j].first->word().kind();
        if (k == Kind::kNew || k == Kind::kTomb) ctx_.NoteTomb(held_[j].second, held_[j].first);
      }
      held_.resize(i);
      UnlockAll();
      return e;
    }
  }
  return nullptr;
}

void KeyLocks::UnlockAll() {
  for (const auto& [e, db] : held_) {
    e->Unlock();
    if (!e->word().has_value()) ctx_.NoteTomb(db, e);
  }
  held_.clear();
}

void KeyLocks::Release() {
  if (!counted_) return;
  counted_ = false;
  // Without its lock an entry is good in a section only.
  outside_.reset();
  UnlockAll();
  reclaim::NoteLocksHeld(-1);
  ctx_.AdjustLockDepth(-1);
}

}  // namespace mantis
