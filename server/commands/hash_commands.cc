// Hashes: setting, reading, removing and going through fields. An expired field is absent for every
// command from the moment of its deadline on.

#include <algorithm>
#include <memory>

#include "engine/value/hash.h"
#include "server/commands/args.h"
#include "server/commands/collection_scan.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

std::unique_ptr<Hash> NewHash() { return std::make_unique<Hash>(); }

// `read(const Hash&)` writes the reply, `absent()` does where there is no key.
template <class F, class Absent>
Outcome ReadHash(CommandContext& c, F&& read, Absent&& absent) {
  const Status s = c.db().Read<Hash>(c.op, c.key(1), [&](const Hash& hash) {
    read(hash);
    return Status::kOk;
  });
  if (s == Status::kNotFound) {
    absent();
  } else if (s != Status::kOk) {
    return FailStatus(c, s);
  }
  return Done();
}

// `reply(created)` is called when all pairs are set.
template <class F>
Outcome SetPairs(CommandContext& c, F&& reply) {
  if (c.argc() % 2 != 0) return ArityError(c);
  if (TooLong(c, c.argc() / 2)) return Outcome::kOffload;
  const auto too_large = [](Bytes arg) { return arg.size() > Hash::kTextBytesMax; };
  if (std::any_of(c.args.begin() + 2, c.args.end(), too_large)) {
    return FailStatus(c, Status::kTooLarge);
  }
  const ValueLimits limits = LimitsOf(c.core.settings());
  int64_t created = 0;
  const Status s = c.db().EditOrCreate<Hash>(c.op, c.key(1), NewHash, [&](Hash& hash) {
    for (size_t i = 2; i < c.argc(); i += 2) {
      created += hash.Set(c.args[i], c.args[i + 1], limits, c.op.now_ms()) ? 1 : 0;
    }
    return Edited::Yes("hset").Counting(c.argc() / 2 - 1);
  });
  if (s != Status::kOk) return FailStatus(c, s);
  reply(created);
  return Done();
}

Outcome HSet(CommandContext& c) {
  return SetPairs(c, [&c](int64_t created) { c.reply.Integer(created); });
}
Outcome HMSet(CommandContext& c) {
  return SetPairs(c, [&c](int64_t) { c.reply.Ok(); });
}

Outcome HSetNx(CommandContext& c) {
  if (std::max(c.args[2].size(), c.args[3].size()) > Hash::kTextBytesMax) {
    return FailStatus(c, Status::kTooLarge);
  }
  const ValueLimits limits = LimitsOf(c.core.settings());
  bool created = false;
  const Status s = c.db().EditOrCreate<Hash>(c.op, c.key(1), NewHash, [&](Hash& hash) {
    if (hash.Get(c.args[2], c.op.now_ms())) return Edited::No();
    created = hash.Set(c.args[2], c.args[3], limits, c.op.now_ms());
    return Edited::Yes("hset");
  });
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Integer(created ? 1 : 0);
  return Done();
}

Outcome HGet(CommandContext& c) {
  return ReadHash(
      c,
      [&c](const Hash& hash) {
        const auto value = hash.Get(c.args[2], c.op.now_ms());
        value ? ReplyItem(c, *value) : c.reply.Null();
      },
      [&c] { c.reply.Null(); });
}

Outcome HMGet(CommandContext& c) {
  if (TooLong(c, c.argc())) return Outcome::kOffload;
  const auto names = c.args.subspan(2);
  return ReadHash(
      c,
      [&](const Hash& hash) {
        c.reply.Array(names.size());
        for (const Bytes name : names) {
          const auto value = hash.Get(name, c.op.now_ms());
          value ? ReplyItem(c, *value) : c.reply.Null();
        }
      },
      [&] {
        c.reply.Array(names.size());
        for (size_t i = 0; i < names.size(); ++i) c.reply.Null();
      });
}

// HLEN, HEXISTS, HSTRLEN: `count(const Hash&)` of the hash, 0 without one.
template <class F>
Outcome ReplyCount(CommandContext& c, F&& count) {
  return ReadHash(
      c, [&](const Hash& hash) { c.reply.Integer(static_cast<int64_t>(count(hash))); },
      [&c] { c.reply.Integer(0); });
}

Outcome HLen(CommandContext& c) {
  return ReplyCount(c, [&c](const Hash& hash) { return hash.live_size(c.op.now_ms()); });
}

Outcome HExists(CommandContext& c) {
  return ReplyCount(
      c, [&c](const Hash& hash) { return hash.Get(c.args[2], c.op.now_ms()).has_value(); });
}

Outcome HStrlen(CommandContext& c) {
  return ReplyCount(c, [&c](const Hash& hash) -> size_t {
    const auto value = hash.Get(c.args[2], c.op.now_ms());
    char digits[24];
    return value ? value->View(std::span<char, 24>(digits)).size() : 0;
  });
}

Outcome HDel(CommandContext& c) {
  if (TooLong(c, c.argc())) return Outcome::kOffload;
  int64_t removed = 0;
  const Status s = c.db().Edit<Hash>(c.op, c.key(1), [&](Hash& hash) {
    for (const Bytes name : c.args.subspan(2)) removed += hash.Erase(name, c.op.now_ms()) ? 1 : 0;
    return removed != 0 ? Edited::Yes("hdel").Counting(removed) : Edited::No();
  });
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  c.reply.Integer(removed);
  return Done();
}

enum class Part : uint8_t { kNames, kValues, kBoth };

Outcome ReplyAll(CommandContext& c, Part part) {
  const auto begin = [&](size_t fields) {
    part == Part::kBoth ? c.reply.Map(fields) : c.reply.Array(fields);
  };
  const Status s = c.db().Read<Hash>(c.op, c.key(1), [&](const Hash& hash) {
    if (TooLong(c, hash.size())) return Status::kTooLong;
    begin(hash.live_size(c.op.now_ms()));
    hash.ForEach(c.op.now_ms(), [&](const Hash::Field& field) {
      if (part != Part::kValues) ReplyItem(c, field.name);
      if (part != Part::kNames) ReplyItem(c, field.value);
    });
    return Status::kOk;
  });
  if (s != Status::kOk && s != Status::kNotFound) return FailStatus(c, s);
  if (s == Status::kNotFound) begin(0);
  return Done();
}

Outcome HGetAll(CommandContext& c) { return ReplyAll(c, Part::kBoth); }
Outcome HKeys(CommandContext& c) { return ReplyAll(c, Part::kNames); }
Outcome HVals(CommandContext& c) { return ReplyAll(c, Part::kValues); }

Outcome HScan(CommandContext& c) {
  return ScanCollection<Hash>(
      c, ScanExtra::kNoValues, [&c](const Hash& hash, const ScanOptions& options, ScanPage& page) {
        return hash.Scan(options.cursor, options.count, c.op.now_ms(),
                         [&](const Hash::Field& field) {
                           char digits[24];
                           if (!options.Matches(field.name.View(std::span<char, 24>(digits))))
                             return;
                           page.Add(field.name);
                           if (!options.no_values) page.Add(field.value);
                         });
      });
}

constexpr uint32_t kWriteFast = kWrite | kDenyOom | kFast;
constexpr uint32_t kReadFast = kReadonly | kFast;
constexpr KeySpec kUpdated{1, 1, 1, kKeyRw | kKeyUpdate};
constexpr KeySpec kInserted{1, 1, 1, kKeyRw | kKeyInsert};
constexpr KeySpec kDeleted{1, 1, 1, kKeyRw | kKeyDelete};
constexpr KeySpec kRead{1, 1, 1, kKeyRo | kKeyAccess};
constexpr KeySpec kLooked{1, 1, 1, kKeyRo};
constexpr std::string_view kAnyOrder = "nondeterministic_output_order";
constexpr std::string_view kSizeOfHash = "O(N) with N the number of fields";

constexpr CommandRow kRows[] = {
    {"hset",
     -4,
     kWriteFast | kElementAt2,
     {{kUpdated}},
     kAclHash,
     "2.0.0",
     "hash",
     "O(N) with N the number of pairs",
     "Sets fields of a hash, which is created if it is absent. Their deadlines are gone then.",
     HSet,
     "key <field value> ..."},
    {"hmset",
     -4,
     kWriteFast | kElementAt2,
     {{kUpdated}},
     kAclHash,
     "2.0.0",
     "hash",
     "O(N) with N the number of pairs",
     "As HSET, but the reply is OK.",
     HMSet,
     "key <field value> ..."},
    {"hsetnx",
     4,
     kWriteFast | kElementAt2,
     {{kInserted}},
     kAclHash,
     "2.0.0",
     "hash",
     "O(1)",
     "Sets a field of a hash only if it is absent.",
     HSetNx,
     "key field value"},
    {"hget",
     3,
     kReadFast | kElementAt2,
     {{kRead}},
     kAclHash,
     "2.0.0",
     "hash",
     "O(1)",
     "Returns the value of a field.",
     HGet,
     "key field"},
    {"hmget",
     -3,
     kReadFast | kElementAt2,
     {{kRead}},
     kAclHash,
     "2.0.0",
     "hash",
     "O(N) with N the number of fields asked for",
     "Returns the values of fields, null for absent ones.",
     HMGet,
     "key field ..."},
    {"hlen",
     2,
     kReadFast,
     {{kLooked}},
     kAclHash,
     "2.0.0",
     "hash",
     "O(1)",
     "Tells how many fields a hash has.",
     HLen,
     "key"},
    {"hexists",
     3,
     kReadFast | kElementAt2,
     {{kLooked}},
     kAclHash,
     "2.0.0",
     "hash",
     "O(1)",
     "Tells whether a hash has a field.",
     HExists,
     "key field"},
    {"hstrlen",
     3,
     kReadFast | kElementAt2,
     {{kLooked}},
     kAclHash,
     "3.2.0",
     "hash",
     "O(1)",
     "Tells how many bytes the value of a field has.",
     HStrlen,
     "key field"},
    {"hdel",
     -3,
     kWrite | kFast | kElementAt2,
     {{kDeleted}},
     kAclHash,
     "2.0.0",
     "hash",
     "O(N) with N the number of fields to remove",
     "Removes fields; the hash goes with its last one.",
     HDel,
     "key field ..."},
    {"hgetall",
     2,
     kReadonly,
     {{kRead}},
     kAclHash,
     "2.0.0",
     "hash",
     kSizeOfHash,
     "Returns all fields of a hash with their values.",
     HGetAll,
     "key",
     kAnyOrder},
    {"hkeys",
     2,
     kReadonly,
     {{kRead}},
     kAclHash,
     "2.0.0",
     "hash",
     kSizeOfHash,
     "Returns the names of all fields of a hash.",
     HKeys,
     "key",
     kAnyOrder},
    {"hvals",
     2,
     kReadonly,
     {{kRead}},
     kAclHash,
     "2.0.0",
     "hash",
     kSizeOfHash,
     "Returns the values of all fields of a hash.",
     HVals,
     "key",
     kAnyOrder},
    {"hscan",
     -3,
     kReadonly,
     {{kRead}},
     kAclHash,
     "2.8.0",
     "hash",
     "O(COUNT) for a call, O(N) for a complete iteration; a compact hash comes all at once",
     "Iterates over the fields of a hash in steps.",
     HScan,
     "key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
     "nondeterministic_output"},
};

}  // namespace

std::span<const CommandRow> HashCommands() { return kRows; }

}  // namespace mantis::server
