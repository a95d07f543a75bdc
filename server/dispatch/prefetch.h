// Looks ahead in a batch of parsed commands, so that the cache misses of independent look-ups
// overlap instead of following one another. Changes no data and promises nothing: what it brings
// may be gone when the command runs. Leaves hints in the OpContext for keys that may be created.
//
// Thread safety: inside a batch of `core`'s OpContext, on that core. Complexity: O(1) for a
// command, O(log n) for one that may create a key, n being the keys of the database.
#pragma once

#include <span>

#include "server/dispatch/dispatcher.h"

namespace mantis::server {

// In stages: hash bucket words, then bucket arrays, then entries, then the strings they hold, or,
// of a collection that several commands in succession work on, the elements they name. Of keys that
// are not there, the places where they would be in the ordered index.
void PrefetchBatch(CoreContext& core, const Client& client, std::span<const ParsedCommand> batch);

}  // namespace mantis::server
