#include "server/dispatch/blocking.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "protocol/number.h"
#include "server/core/core_context.h"
#include "server/core/shared_state.h"
#include "server/dispatch/blocked_clients.h"
#include "server/dispatch/command_keys.h"
#include "server/dispatch/interest_table.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

// Milliseconds of the epoch plus a timeout must stay in range.
bool Acceptable(CommandContext& c, int64_t timeout_ms) {
  int64_t end = 0;
  if (timeout_ms >= 0 && !__builtin_add_overflow(timeout_ms, c.op.now_ms(), &end)) return true;
  c.reply.Error(timeout_ms < 0 ? "ERR timeout is negative" : "ERR timeout is out of range");
  return false;
}

}  // namespace

namespace {

// Somebody waits for a key that now has something for them, and comes before the client of `c`. The
// keys are locked: nothing can come in between.
bool OthersFirst(CommandContext& c, std::span<const KeyUse> keys) {
  return std::any_of(keys.begin(), keys.end(), [&](const KeyUse& use) {
    const KeyRef key = KeyRef::Of(use.key);
    Current now;
    return c.db().Get(c.op, key, &now, Database::Access::kPeek) == Status::kOk &&
           c.shared.interests->HasTakers(c.client.db, key, now.type());
  });
}

}  // namespace

Outcome RunBlocking(CommandContext& c) {
  const Handler handler = c.command->row->handler;
  InterestTable& interests = *c.shared.interests;
  std::vector<KeyUse> keys;
  if (interests.waiting() == 0 || !FindKeys(*c.command->row, c.args, &keys)) return handler(c);
  const bool contended = std::any_of(keys.begin(), keys.end(), [&](const KeyUse& use) {
    return interests.HasTakers(c.client.db, KeyRef::Of(use.key), ValueType::kNone);
  });
  if (!contended) return handler(c);
  std::vector<KeyLocks::Target> targets;
  targets.reserve(keys.size());
  for (const KeyUse& use : keys) targets.emplace_back(&c.db(), KeyRef::Of(use.key));
  {
    KeyLocks locks(c.op);
    if (locks.Acquire(targets) == Status::kBusy) return Outcome::kBusy;
    if (!OthersFirst(c, keys)) return handler(c);
  }
  // They are served once this attempt is over; then it is our turn.
  for (const KeyUse& use : keys) interests.Note(c.client.db, use.key);
  return Outcome::kBusy;
}

bool ParseTimeout(CommandContext& c, Bytes arg, int64_t* timeout_ms) {
  // As wide as Redis's: 1e-400 is not zero there, but a millisecond.
  const auto seconds = protocol::ParseLongDouble(arg);
  if (!seconds || std::isnan(*seconds)) {
    c.reply.Error("ERR timeout is not a float or out of range");
    return false;
  }
  const long double ms = std::ceil(*seconds * 1000);
  if (ms > 9.2e18L) {
    c.reply.Error("ERR timeout is out of range");
    return false;
  }
  *timeout_ms = ms < 0 ? -1 : static_cast<int64_t>(ms);
  return Acceptable(c, *timeout_ms);
}

bool ParseTimeoutMs(CommandContext& c, Bytes arg, int64_t* timeout_ms) {
  const auto ms = protocol::ParseInteger(arg);
  if (!ms) {
    c.reply.Error("ERR timeout is not an integer or out of range");
    return false;
  }
  *timeout_ms = *ms;
  return Acceptable(c, *timeout_ms);
}

Outcome BlockOnKeys(CommandContext& c, std::span<const Bytes> keys, const BlockOptions& options) {
  switch (c.mode) {
    case RunMode::kServe:
    case RunMode::kWorker:
      return Outcome::kWaits;
    case RunMode::kTransaction:
      options.nothing == NothingReply::kNull ? c.reply.Null() : c.reply.NullArray();
      return Outcome::kDone;
    case RunMode::kNormal:
      break;
  }
  c.core.blocked->Block(c, keys, options);
  return Outcome::kSuspended;
}

}  // namespace mantis::server
