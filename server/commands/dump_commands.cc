// DUMP and RESTORE: values as bytes that travel between servers, Redis ones included.

#include <optional>
#include <string>

#include "engine/persist/rdb_payload.h"
#include "engine/persist/rdb_value.h"
#include "server/commands/args.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

// Bytes that are encoded, checked or decoded in the time that TooLong takes for an element.
constexpr size_t kStringBytesPerStep = 64;
constexpr size_t kPayloadBytesPerStep = 8;

size_t StepsOf(const Current& now) {
  if (now.type() == ValueType::kString) return StringRef(now.value).size() / kStringBytesPerStep;
  return ObjectOf(now.value)->size();
}

Outcome Dump(CommandContext& c) {
  std::string payload;
  const Status s = c.db().ReadValue(
      c.op, c.key(1),
      [&](const Current& now) {
        if (TooLong(c, StepsOf(now))) return Status::kTooLong;
        persist::RdbWriter out(&payload, persist::RdbWriter::Compression::kLzf);
        persist::SealPayload(persist::EncodeValue(now.value, out), &payload);
        return Status::kOk;
      },
      Database::Access::kRead);
  if (s == Status::kNotFound) {
    c.reply.Null();
    return Done();
  }
  if (s != Status::kOk) return FailStatus(c, s);
  // Large ones are attached to the output rather than copied once more on the client's core.
  Blob* blob = Blob::Create(payload);
  ReplyString(c, StringRef(Word::Pointer(Kind::kString, blob)));
  blob->Unref();
  return Done();
}

struct RestoreOptions {
  bool replace = false;
  bool absolute = false;
  std::optional<int64_t> idle_seconds;
  std::optional<uint8_t> frequency;
};

bool ParseIdleTime(CommandContext& c, Bytes arg, RestoreOptions* out) {
  int64_t v = 0;
  if (!ParseInteger(c, arg, &v)) return false;
  if (v < 0) {
    c.reply.Error("ERR Invalid IDLETIME value, must be >= 0");
    return false;
  }
  out->idle_seconds = v;
  return true;
}

bool ParseFrequency(CommandContext& c, Bytes arg, RestoreOptions* out) {
  int64_t v = 0;
  if (!ParseInteger(c, arg, &v)) return false;
  if (v < 0 || v > 255) {
    c.reply.Error("ERR Invalid FREQ value, must be >= 0 and <= 255");
    return false;
  }
  out->frequency = static_cast<uint8_t>(v);
  return true;
}

bool ParseRestoreOptions(CommandContext& c, RestoreOptions* out) {
  for (size_t i = 4; i < c.argc(); ++i) {
    const Bytes name = c.args[i];
    const bool has_value = i + 1 < c.argc();
    if (EqualsIgnoreCase(name, "REPLACE")) {
      out->replace = true;
    } else if (EqualsIgnoreCase(name, "ABSTTL")) {
      out->absolute = true;
    } else if (EqualsIgnoreCase(name, "IDLETIME") && has_value && !out->frequency) {
      if (!ParseIdleTime(c, c.args[++i], out)) return false;
    } else if (EqualsIgnoreCase(name, "FREQ") && has_value && !out->idle_seconds) {
      if (!ParseFrequency(c, c.args[++i], out)) return false;
    } else {
      (void)SyntaxError(c);
      return false;
    }
  }
  return true;
}

bool ParseTimeToLive(CommandContext& c, const RestoreOptions& options, int64_t* deadline_ms) {
  int64_t ttl = 0;
  if (!ParseInteger(c, c.args[2], &ttl)) return false;
  if (ttl < 0) {
    c.reply.Error("ERR Invalid TTL value, must be >= 0");
    return false;
  }
  if (ttl == 0) {
    *deadline_ms = kNoDeadline;
  } else if (options.absolute) {
    // The largest number is our "never"; one millisecond less is as good.
    *deadline_ms = ttl == kNoDeadline ? ttl - 1 : ttl;
  } else if (__builtin_add_overflow(ttl, c.op.now_ms(), deadline_ms)) {
    // Redis's sum wraps around, into the past.
    *deadline_ms = 0;
  }
  return true;
}

void SetAccess(CommandContext& c, const KeyRef& key, const RestoreOptions& options) {
  const InsideSection inside(c.op);
  Entry* e = c.db().index().Find(key.bytes, key.hash);
  if (e == nullptr) return;
  const Cache& cache = c.engine.cache();
  if (cache.lfu() && options.frequency) cache.SetFrequency(e, *options.frequency, c.op.now_ms());
  if (!cache.lfu() && options.idle_seconds) cache.SetIdle(e, *options.idle_seconds, c.op.now_ms());
}

Outcome KeyExists(CommandContext& c) { return Fail(c, "BUSYKEY Target key name already exists."); }

// What RESTORE does once it has the value.
Outcome Store(CommandContext& c, const RestoreOptions& options, int64_t deadline_ms,
              persist::OwnedValue value) {
  const KeyRef key = c.key(1);
  const KeyLocks::Target target{&c.db(), key};
  KeyLocks locks(c.op);
  if (locks.Acquire({&target, 1}) == Status::kBusy) return Outcome::kBusy;
  Current now;
  const bool taken = c.db().Get(c.op, key, &now, Database::Access::kPeek) == Status::kOk;
  // Somebody may have come first while the value was decoded.
  if (taken && !options.replace) return KeyExists(c);
  Status s = Status::kOk;
  if (deadline_ms > c.op.now_ms()) {
    s = persist::StoreValue(c.op, c.db(), key, std::move(value), deadline_ms, "restore");
    if (s == Status::kOk) SetAccess(c, key, options);
  } else if (taken) {
    s = c.db().Remove(c.op, key);
  }
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Ok();
  return Done();
}

Outcome Restore(CommandContext& c) {
  RestoreOptions options;
  int64_t deadline_ms = 0;
  if (!ParseRestoreOptions(c, &options)) return Done();
  if (!options.replace) {
    Current now;
    const Status s = c.db().Get(c.op, c.key(1), &now, Database::Access::kPeek);
    if (s == Status::kBusy) return Outcome::kBusy;
    if (s == Status::kOk) return KeyExists(c);
  }
  if (!ParseTimeToLive(c, options, &deadline_ms)) return Done();
  if (TooLong(c, c.args[3].size() / kPayloadBytesPerStep)) return Outcome::kOffload;
  const auto bytes = persist::OpenPayload(c.args[3]);
  if (!bytes) return Fail(c, "ERR DUMP payload version or checksum are wrong");
  persist::OwnedValue value;
  if (!persist::DecodeValue(*bytes, LimitsOf(c.core.settings()), &value)) {
    return Fail(c, "ERR Bad data format");
  }
  return Store(c, options, deadline_ms, std::move(value));
}

constexpr std::string_view kDumpComplexity =
    "O(1) to find the key and O(N) to encode it, with N the bytes of the value";

constexpr CommandRow kRows[] = {
    {.name = "dump",
     .arity = 2,
     .flags = kReadonly,
     .keys = {{{1, 1, 1, kKeyRo | kKeyAccess}}},
     .acl = kAclKeyspace,
     .since = "2.6.0",
     .group = "generic",
     .complexity = kDumpComplexity,
     .summary = "Returns a key's value as bytes that RESTORE, also Redis's, makes a key of.",
     .handler = Dump,
     .syntax = "key",
     .tips = "nondeterministic_output"},
    {.name = "restore",
     .arity = -4,
     .flags = kWrite | kDenyOom,
     .keys = {{{1, 1, 1, kKeyOw | kKeyUpdate}}},
     .acl = kAclKeyspace | kAclDangerous,
     .since = "2.6.0",
     .group = "generic",
     .complexity = "O(1) to create the key and O(N) to build its value of N bytes; O(N*log(N)) for "
                   "sorted sets",
     .summary = "Creates a key from what DUMP returned, also Redis's.",
     .handler = Restore,
     .syntax = "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]"},
};

}  // namespace

std::span<const CommandRow> DumpCommands() { return kRows; }

}  // namespace mantis::server
