#include "server/commands/bit_offset.h"

#include "protocol/number.h"
#include "server/commands/string_patch.h"

namespace mantis::server {

bool ParseBitOffset(CommandContext& c, Bytes arg, unsigned width, uint64_t* offset) {
  const bool scaled = width != 0 && arg.starts_with('#');
  if (scaled) arg.remove_prefix(1);
  const auto parsed = protocol::ParseInteger(arg);
  int64_t bits = 0;
  if (!parsed || __builtin_mul_overflow(*parsed, scaled ? int64_t{width} : 1, &bits) || bits < 0 ||
      static_cast<uint64_t>(bits) / 8 >= StringBytesMax(c)) {
    c.reply.Error("ERR bit offset is not an integer or out of range");
    return false;
  }
  *offset = static_cast<uint64_t>(bits);
  return true;
}

}  // namespace mantis::server
