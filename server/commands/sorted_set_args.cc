#include "server/commands/sorted_set_args.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "protocol/number.h"

namespace mantis::server {
namespace {

bool ParseScoreBound(Bytes arg, double* value, bool* exclusive) {
  *exclusive = arg.starts_with('(');
  if (*exclusive) arg.remove_prefix(1);
  if (const auto number = protocol::ParseDouble(arg); number.has_value()) {
    *value = *number;
    return true;
  }
  // Redis takes what strtod takes here, which is more: nothing at all, blanks in front, and
  // numbers too large or too small for a double.
  const std::string text(arg);
  char* end = nullptr;
  *value = std::strtod(text.c_str(), &end);
  return *end == '\0' && !std::isnan(*value);
}

bool ParseLexBound(Bytes arg, LexBound* out) {
  if (arg.empty()) return false;
  using Kind = LexBound::Kind;
  switch (arg.front()) {
    case '-':
      *out = {Kind::kLeast};
      return arg.size() == 1;
    case '+':
      *out = {Kind::kGreatest};
      return arg.size() == 1;
    case '[':
      *out = {Kind::kInclusive, arg.substr(1)};
      return true;
    case '(':
      *out = {Kind::kExclusive, arg.substr(1)};
      return true;
    default:
      return false;
  }
}

}  // namespace

bool ParseScoreRange(CommandContext& c, Bytes min, Bytes max, ScoreRange* out) {
  if (ParseScoreBound(min, &out->min, &out->min_exclusive) &&
      ParseScoreBound(max, &out->max, &out->max_exclusive)) {
    return true;
  }
  c.reply.Error("ERR min or max is not a float");
  return false;
}

bool ParseLexRange(CommandContext& c, Bytes min, Bytes max, LexRange* out) {
  if (ParseLexBound(min, &out->min) && ParseLexBound(max, &out->max)) return true;
  c.reply.Error("ERR min or max not valid string range item");
  return false;
}

SortedSet::RankRange RanksOfIndexes(int64_t start, int64_t stop, size_t size) {
  const auto n = static_cast<int64_t>(size);
  if (start < 0) start = std::max<int64_t>(0, start + n);
  if (stop < 0) stop += n;
  stop = std::min(stop, n - 1);
  if (start > stop) return {};
  return {static_cast<size_t>(start), static_cast<size_t>(stop - start + 1)};
}

}  // namespace mantis::server
