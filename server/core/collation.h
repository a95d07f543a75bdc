// The order of texts in a language (LC_COLLATE), in which SORT ALPHA compares.
//
// Thread safety: any thread. A comparison under way keeps to the order that it began with.
// Ownership: locales that were in use once are kept for good: few, and readers hold no reference.
#pragma once

#include <string>

#include "engine/base/bytes.h"

namespace mantis::server {

// Takes the locale of that name into use; the empty name means that of the environment (LC_ALL,
// LC_COLLATE, LANG). Returns false, and changes nothing, if the system has no such locale.
[[nodiscard]] bool SetCollation(const std::string& name);

// Less than, equal to or greater than 0. What a locale holds to be equal is told apart by its
// bytes, as is all text in the C locale, which also holds before the first SetCollation.
int Collate(Bytes a, Bytes b);

}  // namespace mantis::server
