// Makes sure of the memory that a command will need for what its arguments bring.
//
// Thread safety: as CommandContext: one command, one core.
#pragma once

#include "engine/base/allocation_failure.h"
#include "server/dispatch/command.h"

namespace mantis::server {

// To be called before the handler of a command that puts its arguments into a collection, or under
// many keys: once it has begun to change them, it must succeed (see Database). Throws
// std::bad_alloc. Other values are built apart from what they replace. O(1), or O(arguments) where
// they are large.
inline void EnsureForArguments(std::span<const Bytes> args, const CommandRow& row) {
  constexpr uint32_t kCollections =
      kAclList | kAclHash | kAclSet | kAclSortedSet | kAclStream | kAclGeo;
  if ((row.flags & kDenyOom) == 0) return;
  const bool many_keys = row.keys[0].last < 0;
  if ((row.acl & kCollections) == 0 && !many_keys) return;
  // They mostly follow each other in the input. Where they do not, this says nothing, and they are
  // few and short.
  const auto apart = static_cast<size_t>(args.back().data() - args.front().data());
  if (apart + args.back().size() < memory::kLargeBlock) return;
  size_t bytes = 0;
  for (const Bytes arg : args) bytes += arg.size();
  memory::Ensure(bytes + bytes / 4);
}

}  // namespace mantis::server
