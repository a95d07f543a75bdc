// What a handler of a blocking command (BLPOP, BZPOPMIN, XREAD BLOCK…) needs: it is written as if
// it did not block, and ends with BlockOnKeys() where it found nothing to take.
//
// The same handler runs again, on whatever core makes one of the keys ready, for the client that
// waits longest (RunMode::kServe): then it either takes what it came for and writes the reply, or
// ends in BlockOnKeys() once more and has changed nothing.
//
// Thread safety: as CommandContext.
#pragma once

#include <span>

#include "server/dispatch/command.h"

namespace mantis::server {

// What a client is told that must not wait (in a transaction). Whose time is over gets a null
// array.
enum class NothingReply : uint8_t { kNullArray, kNull };

struct BlockOptions {
  // From ParseTimeout; 0 waits for ever.
  int64_t timeout_ms = 0;
  NothingReply nothing = NothingReply::kNullArray;
  // The command to run when a key is ready, if not the one that was sent: XREAD's `$` must mean the
  // id it had when the client began to wait.
  std::span<const Bytes> retry_as = {};
  // Also wake it when a key is deleted or gets another type, for the handler to fail with an error
  // (XREADGROUP). Others go on waiting.
  bool wake_when_gone = false;
};

// Writes the reply of a command that may not wait, or puts the client among those who wait for any
// of `keys` of its database. The handler returns what this returns.
Outcome BlockOnKeys(CommandContext& c, std::span<const Bytes> keys, const BlockOptions& options);

// Runs the handler of a blocking command on its client's core. Where others wait for its keys, it
// gets nothing that is theirs.
Outcome RunBlocking(CommandContext& c);

// A timeout in seconds with fractions. Writes Redis's error and returns false if it is none.
bool ParseTimeout(CommandContext& c, Bytes arg, int64_t* timeout_ms);
// The same in milliseconds (XREAD's BLOCK).
bool ParseTimeoutMs(CommandContext& c, Bytes arg, int64_t* timeout_ms);

}  // namespace mantis::server
