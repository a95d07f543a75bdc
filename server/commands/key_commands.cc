// Keys whatever they hold: deleting, looking for, renaming, copying, moving.

#include <climits>
#include <cstring>
#include <string>
#include <vector>

#include "engine/persist/rdb_value.h"
#include "server/commands/args.h"
#include "server/commands/key_inspect.h"
#include "server/commands/key_walk.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

Update EraseIfPresent(const Current& now) {
  return now.exists() ? Update::Erase("del") : Update::Keep(Status::kNotFound);
}

Outcome Delete(CommandContext& c) {
  Database& db = c.db();
  if (c.argc() == 2) {
    const Status s = db.Mutate(c.op, c.key(1), EraseIfPresent);
    if (s == Status::kBusy) return Outcome::kBusy;
    c.reply.Integer(s == Status::kOk ? 1 : 0);
    return Done();
  }
  thread_local std::vector<KeyLocks::Target> kept;
  const Scratch<KeyLocks::Target> targets(kept);
  for (size_t i = 1; i < c.argc(); ++i) targets->emplace_back(&db, c.key(i));
  KeyLocks locks(c.op);
  if (locks.Acquire(*targets) == Status::kBusy) return Outcome::kBusy;
  int64_t deleted = 0;
  for (const auto& [same, key] : *targets) {
    if (db.Mutate(c.op, key, EraseIfPresent) == Status::kOk) ++deleted;
  }
  c.reply.Integer(deleted);
  return Done();
}

// EXISTS and TOUCH differ in what they do to the access clock.
Outcome CountExisting(CommandContext& c, bool quiet) {
  const TouchScope scope(c.op, quiet);
  if (c.argc() == 2) {
    Current now;
    const Status s = c.db().Get(c.op, c.key(1), &now);
    if (s == Status::kBusy) return Outcome::kBusy;
    c.reply.Integer(s == Status::kOk ? 1 : 0);
    return Done();
  }
  thread_local std::vector<KeyRef> kept_keys;
  thread_local std::vector<Current> kept_values;
  const Scratch<KeyRef> keys(kept_keys);
  const Scratch<Current> values(kept_values);
  for (size_t i = 1; i < c.argc(); ++i) keys->push_back(c.key(i));
  if (c.db().GetMany(c.op, *keys, *values) == Status::kBusy) return Outcome::kBusy;
  int64_t count = 0;
  for (const Current& v : *values) count += v.exists() ? 1 : 0;
  c.reply.Integer(count);
  return Done();
}

Outcome Exists(CommandContext& c) { return CountExisting(c, true); }
Outcome Touch(CommandContext& c) { return CountExisting(c, false); }

Outcome Type(CommandContext& c) {
  Current now;
  const Status s = Inspect(c, c.key(1), &now);
  if (s == Status::kBusy) return Outcome::kBusy;
  c.reply.SimpleString(TypeName(now.type()));
  return Done();
}

Outcome RandomKey(CommandContext& c) {
  constexpr int kAttempts = 16;
  constexpr size_t kSample = 16;
  thread_local std::vector<Entry*> sample;
  Database& db = c.db();
  const int64_t now = c.op.now_ms();
  for (int i = 0; i < kAttempts; ++i) {
    sample.clear();
    db.index().Sample(c.op.random_state(), kSample, sample);
    std::erase_if(sample, [now](const Entry* e) { return !Database::IsLive(e, now); });
    if (sample.empty()) continue;
    // High bits: the low ones of the generator's state are the weakest.
    const size_t pick = (c.op.random_state() >> 32) % sample.size();
    c.reply.Bulk(sample[pick]->key());
    return Done();
  }
  // Nearly nothing is alive: look at everything until something is.
  bool found = false;
  const Status s = WalkKeys(c, KeyRange(), false, [&](const KeyAt& k) {
    c.reply.Bulk(k.entry->key());
    found = true;
    return Walk::kStop;
  });
  if (s != Status::kOk) return FailStatus(c, s);
  if (!found) c.reply.Null();
  return Done();
}

Outcome RenameKey(CommandContext& c, bool only_if_absent) {
  Database& db = c.db();
  const KeyRef from = c.key(1);
  const KeyRef to = c.key(2);
  const KeyLocks::Target targets[] = {{&db, from}, {&db, to}};
  KeyLocks locks(c.op);
  if (locks.Acquire(targets) == Status::kBusy) return Outcome::kBusy;
  Current value;
  Current replaced;
  const Status found = db.Get(c.op, from, &value, Database::Access::kPeek);
  if (found != Status::kOk) return FailStatus(c, found);
  const bool same = from.bytes == to.bytes;
  if (only_if_absent) {
    // The look-up also lets an expired target go as such, rather than be overwritten.
    const bool taken = db.Get(c.op, to, &replaced, Database::Access::kPeek) == Status::kOk;
    if (taken) {
      c.reply.Integer(0);
      return Done();
    }
  }
  if (!same) {
    const Status s = db.MoveLocked(c.op, from, db, to, "rename_from", "rename_to");
    if (s != Status::kOk) return FailStatus(c, s);
  }
  if (only_if_absent) {
    c.reply.Integer(1);
  } else {
    c.reply.Ok();
  }
  return Done();
}

Outcome Rename(CommandContext& c) { return RenameKey(c, false); }
Outcome RenameNx(CommandContext& c) { return RenameKey(c, true); }

// Writes the error and returns false if `arg` is not the number of a database.
bool ParseDatabase(CommandContext& c, Bytes arg, int* out) {
  int64_t v = 0;
  if (!ParseInteger(c, arg, &v)) return false;
  if (v < INT_MIN || v > INT_MAX) {
    c.reply.Error("ERR value is out of range, value must between " + std::to_string(INT_MIN) +
                  " and " + std::to_string(INT_MAX));
    return false;
  }
  if (v < 0 || v >= c.engine.database_count()) {
    c.reply.Error("ERR DB index is out of range");
    return false;
  }
  *out = static_cast<int>(v);
  return true;
}

Outcome SameObject(CommandContext& c) {
  return Fail(c, "ERR source and destination objects are the same");
}

struct CopyOptions {
  int db = 0;
  bool replace = false;
};

bool ParseCopyOptions(CommandContext& c, CopyOptions* out) {
  out->db = c.client.db;
  for (size_t i = 3; i < c.argc(); ++i) {
    if (EqualsIgnoreCase(c.args[i], "REPLACE")) {
      out->replace = true;
    } else if (EqualsIgnoreCase(c.args[i], "DB") && i + 1 < c.argc()) {
      if (!ParseDatabase(c, c.args[++i], &out->db)) return false;
    } else {
      (void)SyntaxError(c);
      return false;
    }
  }
  return true;
}

// A value of its own with the same content, whose key's lock is held. The steps it takes are those
// of TooLong.
persist::OwnedValue Duplicate(Word source) {
  if (source.is_object()) return persist::OwnedValue(ObjectOf(source)->Clone());
  const StringRef text(source);
  if (text.is_integer()) return persist::OwnedValue(source);
  const Bytes bytes = text.blob()->bytes();
  if (!text.blob()->modified()) {
    return persist::OwnedValue(Word::Pointer(Kind::kString, Blob::Create(bytes)));
  }
  Blob* copy = Blob::CreateModified(bytes.size());
  std::memcpy(copy->data(), bytes.data(), bytes.size());
  return persist::OwnedValue(Word::Pointer(Kind::kString, copy));
}

size_t StepsToDuplicate(Word source) {
  constexpr size_t kStringBytesPerStep = 1024;
  if (TypeOf(source.kind()) == ValueType::kString) {
    return StringRef(source).size() / kStringBytesPerStep;
  }
  return ObjectOf(source)->size();
}

Outcome Copy(CommandContext& c) {
  CopyOptions options;
  if (!ParseCopyOptions(c, &options)) return Done();
  const KeyRef from = c.key(1);
  const KeyRef to = c.key(2);
  Database& source_db = c.db();
  Database& target_db = c.engine.database(options.db);
  if (&source_db == &target_db && from.bytes == to.bytes) return SameObject(c);
  const KeyLocks::Target targets[] = {{&source_db, from}, {&target_db, to}};
  KeyLocks locks(c.op);
  if (locks.Acquire(targets) == Status::kBusy) return Outcome::kBusy;
  persist::OwnedValue value;
  int64_t deadline_ms = kNoDeadline;
  Status s = source_db.ReadValue(
      c.op, from,
      [&](const Current& source) {
        Current taken;
        if (!options.replace &&
            target_db.Get(c.op, to, &taken, Database::Access::kPeek) == Status::kOk) {
          return Status::kExists;
        }
        if (TooLong(c, StepsToDuplicate(source.value))) return Status::kTooLong;
        value = Duplicate(source.value);
        deadline_ms = source.deadline_ms;
        return Status::kOk;
      },
      Database::Access::kRead);
  if (s == Status::kOk) {
    s = persist::StoreValue(c.op, target_db, to, std::move(value), deadline_ms, "copy_to");
  }
  if (s == Status::kBusy || s == Status::kTooLong) return FailStatus(c, s);
  c.reply.Integer(s == Status::kOk ? 1 : 0);
  return Done();
}

Outcome Move(CommandContext& c) {
  int target = 0;
  if (!ParseDatabase(c, c.args[2], &target)) return Done();
  Database& source_db = c.db();
  Database& target_db = c.engine.database(target);
  if (&source_db == &target_db) return SameObject(c);
  const KeyRef key = c.key(1);
  const KeyLocks::Target targets[] = {{&source_db, key}, {&target_db, key}};
  KeyLocks locks(c.op);
  if (locks.Acquire(targets) == Status::kBusy) return Outcome::kBusy;
  Current value;
  const bool possible =
      source_db.Get(c.op, key, &value, Database::Access::kPeek) == Status::kOk &&
      target_db.Get(c.op, key, &value, Database::Access::kPeek) == Status::kNotFound;
  if (possible) {
    const Status s = source_db.MoveLocked(c.op, key, target_db, key, "move_from", "move_to");
    if (s != Status::kOk) return FailStatus(c, s);
  }
  c.reply.Integer(possible ? 1 : 0);
  return Done();
}

constexpr std::string_view kSumTips = "request_policy:multi_shard,response_policy:agg_sum";

constexpr CommandRow kRows[] = {
    {"del",
     -2,
     kWrite,
     {{{1, -1, 1, kKeyRm | kKeyDelete}}},
     kAclKeyspace,
     "1.0.0",
     "generic",
     "O(N) with N the number of keys",
     "Deletes keys, all of them at once.",
     Delete,
     "key ...",
     kSumTips},
    {"unlink",
     -2,
     kWrite | kFast,
     {{{1, -1, 1, kKeyRm | kKeyDelete}}},
     kAclKeyspace,
     "4.0.0",
     "generic",
     "O(N) with N the number of keys; memory is given back later, off the command's path",
     "Deletes keys like DEL, which leaves freeing their memory for later as well.",
     Delete,
     "key ...",
     kSumTips},
    {"exists",
     -2,
     kReadonly | kFast,
     {{{1, -1, 1, kKeyRo}}},
     kAclKeyspace,
     "1.0.0",
     "generic",
     "O(N) with N the number of keys",
     "Counts how many of the keys exist; one named twice counts twice.",
     Exists,
     "key ...",
     kSumTips},
    {"type",
     2,
     kReadonly | kFast,
     {{{1, 1, 1, kKeyRo}}},
     kAclKeyspace,
     "1.0.0",
     "generic",
     "O(1)",
     "Tells the type of what a key holds.",
     Type,
     "key"},
    {"touch",
     -2,
     kReadonly | kFast,
     {{{1, -1, 1, kKeyRo}}},
     kAclKeyspace,
     "3.2.1",
     "generic",
     "O(N) with N the number of keys",
     "Marks keys as just used and counts those that exist.",
     Touch,
     "key ...",
     kSumTips},
    {"randomkey",
     1,
     kReadonly | kAnyKeys,
     {},
     kAclKeyspace,
     "1.0.0",
     "generic",
     "O(1)",
     "Returns some key.",
     RandomKey,
     "",
     "request_policy:all_shards,nondeterministic_output"},
    {"rename",
     3,
     kWrite,
     {{{1, 1, 1, kKeyRw | kKeyAccess | kKeyDelete}, {2, 2, 1, kKeyOw | kKeyUpdate}}},
     kAclKeyspace,
     "1.0.0",
     "generic",
     "O(1)",
     "Gives a key another name, replacing what has that name.",
     Rename,
     "key newkey"},
    {"renamenx",
     3,
     kWrite | kFast,
     {{{1, 1, 1, kKeyRw | kKeyAccess | kKeyDelete}, {2, 2, 1, kKeyOw | kKeyInsert}}},
     kAclKeyspace,
     "1.0.0",
     "generic",
     "O(1)",
     "Gives a key another name if nothing has that name yet.",
     RenameNx,
     "key newkey"},
    {"copy",
     -3,
     kWrite | kDenyOom | kAnyKeys,
     {{{1, 1, 1, kKeyRo | kKeyAccess}, {2, 2, 1, kKeyOw | kKeyUpdate}}},
     kAclKeyspace,
     "6.2.0",
     "generic",
     "O(N) with N the size of the value",
     "Copies a key's value and deadline to another key or database.",
     Copy,
     "source destination [DB destination-db] [REPLACE]"},
    {"move",
     3,
     kWrite | kFast | kAnyKeys,
     {{{1, 1, 1, kKeyRw | kKeyAccess | kKeyUpdate}}},
     kAclKeyspace,
     "1.0.0",
     "generic",
     "O(1)",
     "Moves a key to another database if it is not there yet.",
     Move,
     "key db"},
};

}  // namespace

std::span<const CommandRow> KeyCommands() { return kRows; }

}  // namespace mantis::server
