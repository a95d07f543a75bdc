// The patterns of SORT's BY and GET: what other keys hold for an element.
//
// A pattern is "#", the element itself, or the name of a key with the element in the place of the
// first '*', and behind an arrow the field of a hash: "weight_*", "user:*->name".
//
// Thread safety: one command, one core, inside its batch.
#pragma once

#include <optional>
#include <string>

#include "engine/value/listpack.h"
#include "server/dispatch/command.h"

namespace mantis::server {

// Whether the pattern names another key for each element.
inline bool NamesForeignKeys(Bytes pattern) { return pattern.find('*') != Bytes::npos; }

// The key that such a pattern names for the element.
std::string ForeignKey(Bytes pattern, const Listpack::Item& item);

// What the pattern finds for the element; nothing if that does not exist or holds something else.
// Views what the key holds, which stands still: its lock or the gate is held.
std::optional<Listpack::Item> LookUpForeign(CommandContext& c, Bytes pattern,
                                            const Listpack::Item& item);

}  // namespace mantis::server
