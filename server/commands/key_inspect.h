// What commands about keys, whatever they hold, share: looking without touching.
//
// Thread safety: one command, one core, inside its batch.
#pragma once

#include "server/dispatch/command.h"

namespace mantis::server {

// While it lives, look-ups count as hits and misses but leave the access clocks alone (or, with
// `quiet` false, touch them even for a client that asked for CLIENT NO-TOUCH).
class TouchScope {
 public:
  TouchScope(OpContext& op, bool quiet) : op_(op), before_(op.no_touch) { op.no_touch = quiet; }
  ~TouchScope() { op_.no_touch = before_; }
  TouchScope(const TouchScope&) = delete;
  TouchScope& operator=(const TouchScope&) = delete;

 private:
  OpContext& op_;
  const bool before_;
};

inline Status Inspect(CommandContext& c, const KeyRef& key, Current* out, Entry** entry = nullptr) {
  const TouchScope scope(c.op, true);
  return c.db().Get(c.op, key, out, Database::Access::kRead, entry);
}

}  // namespace mantis::server
