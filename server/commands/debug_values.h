// The subcommands of DEBUG that are about keys and what they hold.
//
// Thread safety: as CommandContext: one command, one core. Arguments are counted by the caller.
#pragma once

#include "server/dispatch/command.h"

namespace mantis::server {

// OBJECT key: how the value is kept.
Outcome DebugObject(CommandContext& c);
// SDSLEN key: the lengths of a key and of its string, and the memory they take.
Outcome DebugStringLength(CommandContext& c);
// LISTPACK key: the size of a compact collection's listpack.
Outcome DebugListpack(CommandContext& c);
// HTSTATS database, HTSTATS-KEY key: elements of a hash table.
Outcome DebugHashTable(CommandContext& c);
Outcome DebugHashTableOfKey(CommandContext& c);
// DIGEST of all databases, DIGEST-VALUE key ….
Outcome DebugDigest(CommandContext& c);
Outcome DebugDigestValue(CommandContext& c);
// RELOAD [NOSAVE] [NOFLUSH] [MERGE]: writes a snapshot, empties the databases, reads the snapshot.
Outcome DebugReload(CommandContext& c);

}  // namespace mantis::server
