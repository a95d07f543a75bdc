#include "server/dispatch/blocking.h"

#include <cmath>

#include "protocol/number.h"
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

bool ParseTimeout(CommandContext& c, Bytes arg, int64_t* timeout_ms) {
  const auto seconds = protocol::ParseDouble(arg);
  if (!seconds || std::isnan(*seconds)) {
    c.reply.Error("ERR timeout is not a float or out of range");
    return false;
  }
  const double ms = std::ceil(*seconds * 1000);
  if (ms > 9.2e18) {
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

Outcome BlockOnKeys(CommandContext& c, std::span<const Bytes>, const BlockOptions& options) {
  if (c.mode == RunMode::kServe) return Outcome::kWaits;
  options.nothing == NothingReply::kNull ? c.reply.Null() : c.reply.NullArray();
  return Outcome::kDone;
}

}  // namespace mantis::server
