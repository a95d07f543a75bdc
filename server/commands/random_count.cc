#include "server/commands/random_count.h"

#include "server/commands/args.h"

namespace mantis::server {

bool ParseRandomCount(CommandContext& c, std::string_view option, RandomCount* out) {
  if (c.argc() == 2) return true;
  if (option.empty() && c.argc() > 3) {
    (void)SyntaxError(c);
    return false;
  }
  int64_t count = 0;
  if (!ParseIntegerInRange(c, c.args[2], -INT64_MAX, INT64_MAX, &count)) return false;
  if (c.argc() > 4 || (c.argc() == 4 && !EqualsIgnoreCase(c.args[3], option))) {
    (void)SyntaxError(c);
    return false;
  }
  out->given = true;
  out->with = c.argc() == 4;
  out->repeat = count < 0;
  out->count = static_cast<uint64_t>(count < 0 ? -count : count);
  // With the option the reply would have twice as many elements.
  if ((out->with && out->count > INT64_MAX / 2) ||
      (out->repeat && out->count > RandomCount::kRepeatMax)) {
    c.reply.Error("ERR value is out of range");
    return false;
  }
  return true;
}

}  // namespace mantis::server
