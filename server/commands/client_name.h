// The rule for names of clients and of their libraries: printable ASCII without blanks, so that a
// line of CLIENT LIST can be split.
//
// Thread safety: pure functions.
#pragma once

#include <algorithm>

#include "server/commands/args.h"

namespace mantis::server {

inline bool IsPlainWord(Bytes text) {
  return std::all_of(text.begin(), text.end(), [](char ch) { return ch >= '!' && ch <= '~'; });
}

// False: the error is written.
inline bool CheckClientName(CommandContext& c, Bytes name) {
  if (IsPlainWord(name)) return true;
  Fail(c, "ERR Client names cannot contain spaces, newlines or special characters.");
  return false;
}

}  // namespace mantis::server
