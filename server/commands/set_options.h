// The options that SET and GETEX share: when a value is due, and under which conditions it is set.
//
// Thread safety: pure functions of one command's arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "server/dispatch/command.h"

namespace mantis::server {

enum class TimeUnit : uint8_t { kSeconds, kMilliseconds };
enum class TimeBase : uint8_t { kRelative, kAbsolute };

// Turns an expire argument into a deadline. Returns Redis's error, with "ERR ", if the number is
// not positive or out of range, and nothing otherwise.
[[nodiscard]] std::optional<std::string> ReadDeadline(const CommandContext& c, Bytes arg,
                                                      TimeUnit unit, TimeBase base,
                                                      int64_t* deadline_ms);
// The same, but writes the error and returns false.
bool ParseDeadline(CommandContext& c, Bytes arg, TimeUnit unit, TimeBase base,
                   int64_t* deadline_ms);

struct SetOptions {
  bool nx = false;
  bool xx = false;
  bool get = false;
  bool keep_ttl = false;
  bool persist = false;  // GETEX only
  bool has_deadline = false;
  int64_t deadline_ms = kNoDeadline;
  // GETEX only: what is wrong with the time, which matters only where there is a string.
  std::optional<std::string> deadline_error;
};

enum class SetFamily : uint8_t { kSet, kGetEx };

// Parses args[from..]; writes the error and returns false if they make no sense.
bool ParseSetOptions(CommandContext& c, size_t from, SetFamily family, SetOptions* out);

}  // namespace mantis::server
