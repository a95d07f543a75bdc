// The watch flag of keys.

#include "engine/keyspace/database.h"

namespace mantis {

bool Database::Arm(const KeyRef& key) {
  while (true) {
    Entry* e = FindOrCreate(key);
    Word w = e->word();
    // A dead entry is being unlinked; the next look-up does not find it any more.
    while (w.kind() != Kind::kDead) {
      if (w.watched()) return true;
      if (e->CompareExchange(w, w.WithFlags(Word::kWatched))) return false;
    }
  }
}

void Database::Disarm(OpContext& ctx, const KeyRef& key) {
  const InsideSection inside(ctx);
  Entry* e = index_.Find(key.bytes, key.hash);
  if (e == nullptr || !e->TakeFlags(Word::kWatched).watched()) return;
  // It may have stayed only because of the flag.
  if (!e->word().has_value()) ctx.NoteTomb(this, e);
}

bool Database::IsArmed(const KeyRef& key) const {
  const Entry* e = index_.Find(key.bytes, key.hash);
  return e != nullptr && e->word().watched();
}

}  // namespace mantis
