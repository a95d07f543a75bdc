// Intersection, union and difference of sets.
//
// The operands may repeat; nullptr is an empty set. Members are handed out without repetition, in
// no particular order, as views that hold while the sets do not change.
//
// Thread safety: none; the caller holds the locks of all operands' entries.
// Complexity: as the functions' Steps say, in look-ups of members.
#pragma once

#include <absl/functional/function_ref.h>

#include <span>

#include "engine/value/set.h"

namespace mantis {

using Operands = std::span<const Set* const>;
// Returns false to end it.
using MemberSink = absl::FunctionRef<bool(const Set::Member&)>;

// Members of all the sets.
void Intersect(Operands sets, MemberSink emit);
size_t IntersectSteps(Operands sets);

// Members of any of the sets.
void Unite(Operands sets, MemberSink emit);
size_t UniteSteps(Operands sets);

// Members of the first set that are in none of the others.
void Subtract(Operands sets, MemberSink emit);
size_t SubtractSteps(Operands sets);

}  // namespace mantis
