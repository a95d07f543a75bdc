// The name by which OBJECT ENCODING and DEBUG OBJECT tell how a value is kept.
//
// Thread safety: the key's lock is held (Database::ReadValue), or the value is immutable.
#pragma once

#include <string_view>

#include "engine/value/value.h"

namespace mantis::server {

// The names clients know. Ours are other representations, but tools tell by these names whether a
// counter is a number, whether a value is short, and whether a collection is compact.
std::string_view EncodingName(Word value);

}  // namespace mantis::server
