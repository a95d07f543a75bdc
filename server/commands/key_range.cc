#include "server/commands/key_range.h"

namespace mantis::server {
namespace {

enum class End : uint8_t { kLowest, kHighest, kKey };

bool ParseBound(Bytes arg, End* end, RangeBound* out) {
  if (arg == "-") {
    *end = End::kLowest;
  } else if (arg == "+") {
    *end = End::kHighest;
  } else if (!arg.empty() && (arg[0] == '[' || arg[0] == '(')) {
    *end = End::kKey;
    *out =
        arg[0] == '[' ? RangeBound::Including(arg.substr(1)) : RangeBound::Excluding(arg.substr(1));
  } else {
    return false;
  }
  return true;
}

}  // namespace

bool PrefixSuccessor(Bytes prefix, std::string* out) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) {
    prefix.remove_suffix(1);
  }
  if (prefix.empty()) return false;
  out->assign(prefix);
  out->back() = static_cast<char>(static_cast<unsigned char>(out->back()) + 1);
  return true;
}

void SetPrefix(Bytes prefix, KeyRange* out) {
  out->min = RangeBound::Including(prefix);
  out->max = PrefixSuccessor(prefix, &out->successor) ? RangeBound::Excluding(out->successor)
                                                      : RangeBound::None();
}

bool ParseKeyRange(CommandContext& c, Bytes first, Bytes second, bool reversed, KeyRange* out) {
  if (EqualsIgnoreCase(first, "PREFIX")) {
    SetPrefix(second, out);
    return true;
  }
  End low = End::kKey;
  End high = End::kKey;
  if (!ParseBound(reversed ? second : first, &low, &out->min) ||
      !ParseBound(reversed ? first : second, &high, &out->max)) {
    c.reply.Error("ERR min or max not valid string range item");
    return false;
  }
  out->empty = low == End::kHighest || high == End::kLowest;
  return true;
}

}  // namespace mantis::server
