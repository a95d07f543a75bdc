#include "server/commands/list_reply.h"

#include "engine/base/allocation_failure.h"

namespace mantis::server {

bool ParseEnd(CommandContext& c, Bytes arg, List::End* out) {
  const bool left = EqualsIgnoreCase(arg, "LEFT");
  if (!left && !EqualsIgnoreCase(arg, "RIGHT")) {
    (void)SyntaxError(c);
    return false;
  }
  *out = left ? List::End::kHead : List::End::kTail;
  return true;
}

void PopToReply(CommandContext& c, List& list, size_t count, List::End end) {
  {
    const memory::NothingChangedYet yet;
    c.reply.Array(count);
    const bool head = end == List::End::kHead;
    auto it = head ? list.First() : list.Last();
    for (size_t n = count; n > 0; --n) {
      ReplyItem(c, it.item());
      head ? it.Next() : it.Prev();
    }
  }
  list.Drop(count, end);
}

}  // namespace mantis::server
