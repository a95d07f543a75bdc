// What handlers share: parsing arguments with Redis's error texts, and replying with values.
//
// Thread safety: as CommandContext: one command, one core.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/dispatch/command.h"

namespace mantis::server {

// Writes the error and ends the command: `return Fail(c, "ERR …");`
Outcome Fail(CommandContext& c, std::string_view text);
Outcome SyntaxError(CommandContext& c);
// The error that belongs to `s`, or kBusy without a reply for Status::kBusy.
Outcome FailStatus(CommandContext& c, Status s);

// Each writes the error and returns false if `arg` does not parse.
bool ParseInteger(CommandContext& c, Bytes arg, int64_t* out);
bool ParseIntegerInRange(CommandContext& c, Bytes arg, int64_t min, int64_t max, int64_t* out);
bool ParseFloat(CommandContext& c, Bytes arg, double* out);

// A string value as a bulk reply; large ones are attached, not copied.
void ReplyString(CommandContext& c, const StringRef& value);

inline Outcome Done() { return Outcome::kDone; }

}  // namespace mantis::server
