// The compact encodings of former Redis versions: read only.
//
// Each function calls `visit` for the elements in turn and returns whether the bytes are
// well-formed in every part; visit returns false to refuse an element, which ends the walk. When
// the result is false, elements may have been visited all the same.
//
// Thread safety: pure functions. Allocates nothing. Complexity: O(n).
#pragma once

#include <functional>

#include "engine/base/bytes.h"

namespace mantis::persist {

// The text holds until visit returns.
using VisitElement = std::function<bool(Bytes text)>;

// Lists, hashes and sorted sets before Redis 7.0.
bool ReadZiplist(Bytes raw, const VisitElement& visit);
// Hashes before Redis 2.6: field, value, field, value…
bool ReadZipmap(Bytes raw, const VisitElement& visit);

}  // namespace mantis::persist
