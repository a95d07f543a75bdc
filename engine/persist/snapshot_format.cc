#include "engine/persist/snapshot_format.h"

#include <xxhash.h>

namespace mantis::persist {

BlockHasher::BlockHasher(const BlockHeader& header, uint64_t offset) : state_(XXH3_createState()) {
  XXH3_64bits_reset_withSeed(state_.get(), offset);
  Add({reinterpret_cast<const char*>(&header), offsetof(BlockHeader, checksum)});
}

void BlockHasher::Add(Bytes part) { XXH3_64bits_update(state_.get(), part.data(), part.size()); }

uint64_t BlockHasher::Digest() const { return XXH3_64bits_digest(state_.get()); }

void BlockHasher::FreeState::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

}  // namespace mantis::persist
