// Access to values that change in place: the entry's lock bit is held meanwhile.

#include <algorithm>
#include <cassert>

#include "engine/keyspace/database.h"
#include "engine/keyspace/engine.h"
#include "engine/keyspace/key_locks.h"

namespace mantis {

Database::Held Database::Hold(OpContext& ctx, const KeyRef& key, ValueType type, Access access,
                              Missing missing) {
  const auto count_read = [access](bool hit) {
    if (access == Access::kRead) CountRead(hit);
  };
  const InsideSection inside(ctx);
  Held held;
  while (true) {
    Entry* e = index_.Find(key.bytes, key.hash);
    if (e == nullptr && missing == Missing::kCreate) e = CreateEntry(key);
    if (e == nullptr) {
      count_read(false);
      return held;
    }
    Word w = e->word();
    if (w.locked() && !ctx.holds_locks() && !e->AwaitUnlocked(&w)) {
      held.status = Status::kBusy;
      return held;
    }
    // Only now: it may have died while it was waited for.
    if (w.kind() == Kind::kDead) continue;
    held.current = Resolve(w);
    if (held.current.exists() && held.current.deadline_ms <= ctx.now_ms()) {
      if (missing == Missing::kFail && ctx.engine().expiry_held(ctx.now_ms())) {
        count_read(false);
        return held;
      }
      ExpireIfDue(ctx, e);
      continue;
    }
    if (!held.current.exists() && missing == Missing::kFail) {
      count_read(false);
      return held;
    }
    if (held.current.exists() && type != ValueType::kNone && held.current.type() != type) {
      count_read(true);
      held.status = Status::kWrongType;
      return held;
    }
    assert(!ctx.holds_locks() || w.locked() || ctx.alone());
    if (!ctx.holds_locks()) {
      if (!e->CompareExchange(w, w.WithFlags(Word::kLocked))) continue;
      reclaim::NoteLocksHeld(1);
      held.owned = true;
    }
    held.entry = e;
    if (held.current.exists()) {
      held.status = Status::kOk;
      count_read(true);
      if (!ctx.no_touch) ctx.engine().cache().Touch(e, ctx.now_ms(), ctx.random_state());
    }
    return held;
  }
}

void Database::Release(OpContext& ctx, const Held& held) {
  const memory::MustSucceed must;
  if (held.owned) {
    held.entry->Unlock();
    reclaim::NoteLocksHeld(-1);
  }
  if (!held.entry->word().has_value()) ctx.NoteTomb(this, held.entry);
}

void Database::CommitLocked(OpContext& ctx, Entry* e, const Update& update) {
  while (!Commit(ctx, e, e->word(), update)) {
  }
}

void Database::CommitInPlace(OpContext& ctx, Entry* e, std::string_view event, int64_t changes) {
  // A watch that is set between the two, and so missed, counts as set after this commit: nobody can
  // have read the value as it was before, which takes the lock.
  const bool watched = e->word().watched() && e->TakeFlags(Word::kWatched).watched();
  auto& counters = Counters::Local();
  counters.Add(Counter::kWrites, 1);
  counters.Add(Counter::kChanges, changes);
  if (CommitObserver* o = ctx.engine().observer(); o != nullptr) {
    o->OnCommit(ctx, *this, e->key(), event, watched);
  }
}

void Database::FinishEdit(OpContext& ctx, const Held& held, Object* object, const Edited& edited) {
  const InsideSection inside(ctx);
  if (edited.changed) {
    const bool gone = object->size() == 0 && object->vanishes_when_empty();
    // Both are told: the change, and what it led to. The object is gone after the second.
    CommitInPlace(ctx, held.entry, edited.event, edited.changes);
    if (gone) {
      CommitLocked(ctx, held.entry, Update::Erase("del").Counting(0));
    } else if (object->next_deadline_ms() != kNoDeadline) {
      expiry_.Schedule(held.entry, object->next_deadline_ms());
    }
  }
}

Word Database::CopyOfBuffer(OpContext& ctx, Word value) {
  char digits[24];
  const Bytes text = StringRef(value).Text(std::span<char, 24>(digits));
  Blob* blob = Blob::CreateModified(text.size());
  if (!text.empty()) std::memcpy(blob->data(), text.data(), text.size());
  // Lives as long as the batch.
  ctx.Keep(blob);
  reclaim::Retire(
      blob, [](void* p) { static_cast<Blob*>(p)->Unref(); }, blob->allocated_bytes());
  return Word::Pointer(Kind::kString, blob);
}

Status Database::CopyBuffer(OpContext& ctx, const KeyRef& key, StringRef* out) {
  const InsideSection inside(ctx);
  const Held held = Hold(ctx, key, ValueType::kString, Access::kPeek, Missing::kFail);
  if (held.status != Status::kOk) return held.status;
  const Unlock unlock(*this, ctx, held);
  const Word value = held.current.value;
  *out = StringRef(value.kind() == Kind::kStringBuffer ? CopyOfBuffer(ctx, value) : value);
  return Status::kOk;
}

Status Database::GetManyLocked(OpContext& ctx, std::span<const KeyRef> keys,
                               std::vector<Current>& out) {
  std::vector<KeyLocks::Target> targets;
  for (const KeyRef& key : keys) targets.emplace_back(this, key);
  KeyLocks locks(ctx);
  const Status s = locks.Acquire(targets);
  return s == Status::kOk ? GetMany(ctx, keys, out) : s;
}

void Database::Prefetch(Entry* e, std::span<const Bytes> elements) {
  Word w = e->word();
  const Word value = Resolve(w).value;
  if (w.locked() || !value.is_object()) return;
  if (!e->CompareExchange(w, w.WithFlags(Word::kLocked))) return;
  reclaim::NoteLocksHeld(1);
  ObjectOf(value)->Prefetch(elements);
  e->Unlock();
  reclaim::NoteLocksHeld(-1);
}

Status Database::Replace(OpContext& ctx, const KeyRef& key, std::unique_ptr<Object> value,
                         std::string_view event, int64_t deadline_ms, int64_t changes) {
  if (value == nullptr || (value->size() == 0 && value->vanishes_when_empty())) {
    const Status s = Remove(ctx, key);
    return s == Status::kNotFound ? Status::kOk : s;
  }
  const InsideSection inside(ctx);
  const Held held = Hold(ctx, key, ValueType::kNone, Access::kPeek, Missing::kCreate);
  if (held.entry == nullptr) return held.status;
  const Unlock unlock(*this, ctx, held);
  const memory::MustSucceed must;
  const int64_t next_deadline_ms = value->next_deadline_ms();
  const Update put = Update::Set(value.release()->ToWord(), deadline_ms, event);
  CommitLocked(ctx, held.entry, put.Counting(changes));
  if (next_deadline_ms != kNoDeadline) expiry_.Schedule(held.entry, next_deadline_ms);
  return Status::kOk;
}

Status Database::Remove(OpContext& ctx, const KeyRef& key, std::string_view event) {
  return Mutate(ctx, key, [event](const Current& now) {
    return now.exists() ? Update::Erase(event) : Update::Keep(Status::kNotFound);
  });
}

void Database::ExpireParts(OpContext& ctx, Entry* e) {
  constexpr size_t kLimit = 256;
  Word w = e->word();
  if (!Resolve(w).value.is_object()) return;
  Held held{Status::kOk, e, Resolve(w), false};
  if (!ctx.holds_locks()) {
    if (w.locked() || !e->CompareExchange(w, w.WithFlags(Word::kLocked))) {
      expiry_.Schedule(e, ctx.now_ms() + 1);
      return;
    }
    reclaim::NoteLocksHeld(1);
    held.owned = true;
  }
  const Unlock unlock(*this, ctx, held);
  const memory::MustSucceed must;
  Object* object = ObjectOf(held.current.value);
  const size_t removed = object->ExpireParts(ctx.now_ms(), kLimit);
  Counters::Local().Add(Counter::kExpiredFields, static_cast<int64_t>(removed));
  const int64_t next_ms = object->next_deadline_ms();
  FinishEdit(ctx, held, object, removed != 0 ? Edited::Yes("hexpired").Counting(0) : Edited::No());
  if (next_ms != kNoDeadline) expiry_.Schedule(e, next_ms);
}

}  // namespace mantis
