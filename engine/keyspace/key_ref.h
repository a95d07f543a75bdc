// A key with its hash, computed once per command.
#pragma once

#include "engine/base/bytes.h"
#include "engine/index/hash_index.h"

namespace mantis {

struct KeyRef {
  Bytes bytes;
  uint64_t hash;

  static KeyRef Of(Bytes key) { return {key, HashIndex::Hash(key)}; }
};

}  // namespace mantis
