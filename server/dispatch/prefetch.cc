#include "server/dispatch/prefetch.h"

#include <algorithm>
#include <array>

#include "engine/keyspace/engine.h"
#include "server/core/core_context.h"
#include "server/core/shared_state.h"
#include "server/net/client.h"

namespace mantis::server {
namespace {

// About what the line-fill buffers and caches bear at once.
constexpr size_t kGroup = 32;

// The argument that names an element of the collection, 0 if there is none.
size_t ElementIndex(const ParsedCommand& p) {
  const uint32_t flags = p.command->row->flags;
  const size_t at = (flags & kElementAt2) != 0 ? 2 : (flags & kElementAt3) != 0 ? 3 : 0;
  return at < p.args.size() ? at : 0;
}

void PrefetchString(Word w) {
  // Two lines: a value of more than a few bytes begins in one and ends in the next.
  __builtin_prefetch(w.pointer<char>());
  __builtin_prefetch(w.pointer<char>() + 64);
}

// How many commands from the first on name an element of the same entry's collection; those.
size_t RunOfElements(std::span<const ParsedCommand> group, std::span<Entry* const> entries,
                     std::array<Bytes, kGroup>& elements) {
  size_t n = 0;
  while (n < group.size() && entries[n] == entries[0]) {
    const size_t at = ElementIndex(group[n]);
    if (at == 0) break;
    elements[n] = group[n].args[at];
    ++n;
  }
  return n;
}

// Keys that are not there, of commands that are likely to create them.
void FindPlaces(Database& db, OpContext& op, std::span<const ParsedCommand> group,
                std::span<Entry* const> entries) {
  std::array<Bytes, kGroup> keys;
  std::array<uint64_t, kGroup> hashes;
  size_t n = 0;
  for (size_t i = 0; i < group.size(); ++i) {
    const ParsedCommand& p = group[i];
    if (entries[i] != nullptr || p.key_index == 0 || (p.command->row->flags & kDenyOom) == 0)
      continue;
    // Created once, however often it is named.
    if (std::find(hashes.begin(), hashes.begin() + n, p.key_hash) != hashes.begin() + n) continue;
    hashes[n] = p.key_hash;
    keys[n++] = p.args[static_cast<size_t>(p.key_index)];
  }
  // For one alone it would be the same misses a little earlier.
  if (n > 1) op.places().Find(db.ordered(), std::span(keys).first(n));
}

void PrefetchGroup(Database& db, OpContext& op, std::span<const ParsedCommand> group) {
  const HashIndex& index = db.index();
  std::array<Entry*, kGroup> entries{};
  for (const ParsedCommand& p : group) {
    if (p.key_index != 0) index.PrefetchBucket(p.key_hash);
  }
  for (const ParsedCommand& p : group) {
    if (p.key_index != 0) index.PrefetchArray(p.key_hash);
  }
  for (size_t i = 0; i < group.size(); ++i) {
    if (group[i].key_index != 0) entries[i] = index.PrefetchEntry(group[i].key_hash);
  }
  FindPlaces(db, op, group, std::span(entries).first(group.size()));
  for (size_t i = 0; i < group.size();) {
    Entry* e = entries[i];
    const Word w = e == nullptr ? Word() : e->word();
    size_t taken = 1;
    if (w.kind() == Kind::kString || w.kind() == Kind::kBox) {
      PrefetchString(w);
    } else if (w.is_object()) {
      std::array<Bytes, kGroup> elements;
      const size_t n = RunOfElements(group.subspan(i), std::span(entries).subspan(i), elements);
      // For one alone it would be the same misses a little earlier.
      if (n > 1) Database::Prefetch(e, std::span(elements).first(n));
      taken = std::max<size_t>(n, 1);
    }
    i += taken;
  }
}

}  // namespace

void PrefetchBatch(CoreContext& core, const Client& client, std::span<const ParsedCommand> batch) {
  // What a transaction queues looks nothing up.
  if (batch.size() < 2 || client.transaction != nullptr) return;
  Database& db = core.shared.engine.database(client.db);
  for (size_t begin = 0; begin < batch.size(); begin += kGroup) {
    PrefetchGroup(db, *core.op, batch.subspan(begin, std::min(kGroup, batch.size() - begin)));
  }
}

}  // namespace mantis::server
