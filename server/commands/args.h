// What handlers share: parsing arguments with Redis's error texts, and replying with values.
//
// Thread safety: as CommandContext: one command, one core.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "engine/value/limits.h"
#include "engine/value/listpack.h"
#include "server/dispatch/command.h"

namespace mantis::server {

// Writes the error and ends the command: `return Fail(c, "ERR …");`
Outcome Fail(CommandContext& c, std::string_view text);
Outcome SyntaxError(CommandContext& c);
// For what arity alone cannot say: an odd number of pairs.
Outcome ArityError(CommandContext& c);
// The error that belongs to `s`, or kBusy without a reply for Status::kBusy.
Outcome FailStatus(CommandContext& c, Status s);

// Each writes the error and returns false if `arg` does not parse.
bool ParseInteger(CommandContext& c, Bytes arg, int64_t* out);
bool ParseIntegerInRange(CommandContext& c, Bytes arg, int64_t min, int64_t max, int64_t* out);
bool ParseFloat(CommandContext& c, Bytes arg, double* out);

// A number of at least `min`; `error` is told for anything else.
bool ParseNumber(CommandContext& c, Bytes arg, int64_t min, std::string_view error, int64_t* out);
// A string value as a bulk reply; large ones are attached, not copied.
void ReplyString(CommandContext& c, const StringRef& value);
// An element of a listpack, as a bulk reply.
inline void ReplyItem(CommandContext& c, const Listpack::Item& item) {
  item.is_integer ? c.reply.BulkInteger(item.integer) : c.reply.Bulk(item.text);
}
// As printf's %.17Lf with the zeros at the end cut off: how Redis stores what INCRBYFLOAT gives.
std::string FormatLongDouble(long double v);

// True if a piece of work of `steps` elements is to be done on a worker thread. A function given to
// Read, Edit… then returns Status::kTooLong, a handler FailStatus of that, or Outcome::kOffload,
// before anything has happened.
inline bool TooLong(const CommandContext& c, size_t steps) {
  constexpr size_t kLoopSteps = 10'000;  // elements, at 0.1 to 0.3 us each
  return steps > kLoopSteps && c.mode == RunMode::kNormal && !c.alone;
}

// The options that say when values outgrow their compact forms.
ValueLimits LimitsOf(const config::Settings& settings);

inline Outcome Done() { return Outcome::kDone; }

}  // namespace mantis::server
