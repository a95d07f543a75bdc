// Which of a command's arguments are keys, and how it uses them: what COMMAND GETKEYS answers and
// what a transaction locks. Everything is told from the row's key specifications (command.h).
//
// Thread safety: pure functions.
#pragma once

#include <span>
#include <vector>

#include "server/dispatch/command.h"

namespace mantis::server {

struct KeyUse {
  Bytes key;       // views an argument
  uint16_t flags;  // KeyFlag
};

// Appends the keys among `args`, a whole command line whose length fits the row's arity. False: the
// arguments do not say (a number of keys that is none or too large); the handler would refuse them.
[[nodiscard]] bool FindKeys(const CommandRow& row, std::span<const Bytes> args,
                            std::vector<KeyUse>* out);

// Where the first key stands, if that is the same for every command line; 0 otherwise.
inline int FirstKeyIndex(const CommandRow& row) {
  return row.keys[0].form == KeyForm::kRange ? row.keys[0].first : 0;
}

}  // namespace mantis::server
