// Strings that are numbers: INCR and its kin.

#include <cmath>
#include <string>

#include "protocol/number.h"
#include "server/commands/args.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

Outcome Add(CommandContext& c, int64_t delta) {
  int64_t result = 0;
  const Status s = c.db().Mutate(c.op, c.key(1), [&](const Current& now) -> Update {
    int64_t v = 0;
    if (now.exists()) {
      if (now.type() != ValueType::kString) return Update::Keep(Status::kWrongType);
      const StringRef text(now.value);
      if (text.is_integer()) {
        v = text.integer();
      } else {
        char digits[24];
        const auto parsed = ParseCanonicalInteger(text.Text(std::span<char, 24>(digits)));
        if (!parsed) return Update::Keep(Status::kNotInteger);
        v = *parsed;
      }
    }
    if (__builtin_add_overflow(v, delta, &result)) return Update::Keep(Status::kOverflow);
    return Update::Set(MakeInteger(result, now.value), now.deadline_ms, "incrby");
  });
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Integer(result);
  return Done();
}

Outcome Incr(CommandContext& c) { return Add(c, 1); }
Outcome Decr(CommandContext& c) { return Add(c, -1); }

Outcome IncrBy(CommandContext& c) {
  int64_t delta = 0;
  if (!ParseInteger(c, c.args[2], &delta)) return Done();
  return Add(c, delta);
}

Outcome DecrBy(CommandContext& c) {
  int64_t delta = 0;
  if (!ParseInteger(c, c.args[2], &delta)) return Done();
  if (delta == INT64_MIN) return Fail(c, "ERR decrement would overflow");
  return Add(c, -delta);
}

Outcome IncrByFloat(CommandContext& c) {
  const auto delta = protocol::ParseLongDouble(c.args[2]);
  std::string result;
  const Status s = c.db().Mutate(c.op, c.key(1), [&](const Current& now) -> Update {
    long double v = 0;
    if (now.exists()) {
      if (now.type() != ValueType::kString) return Update::Keep(Status::kWrongType);
      char digits[24];
      const auto parsed =
          protocol::ParseLongDouble(StringRef(now.value).Text(std::span<char, 24>(digits)));
      if (!parsed) return Update::Keep(Status::kNotFloat);
      v = *parsed;
    }
    if (!delta) return Update::Keep(Status::kNotFloat);
    v += *delta;
    if (std::isnan(v) || std::isinf(v)) return Update::Keep(Status::kNotFinite);
    result = FormatLongDouble(v);
    return Update::Set(MakeString(result, now.value), now.deadline_ms, "incrbyfloat");
  });
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Bulk(result);
  return Done();
}

constexpr uint16_t kUpdateKey = kKeyRw | kKeyAccess | kKeyUpdate;

constexpr CommandRow kRows[] = {
    {"incr",
     2,
     kWrite | kDenyOom | kFast,
     {{{1, 1, 1, kUpdateKey}}},
     kAclString,
     "1.0.0",
     "string",
     "O(1)",
     "Adds one to the integer a key holds; an absent key counts as 0.",
     Incr,
     "key"},
    {"decr",
     2,
     kWrite | kDenyOom | kFast,
     {{{1, 1, 1, kUpdateKey}}},
     kAclString,
     "1.0.0",
     "string",
     "O(1)",
     "Subtracts one from the integer a key holds; an absent key counts as 0.",
     Decr,
     "key"},
    {"incrby",
     3,
     kWrite | kDenyOom | kFast,
     {{{1, 1, 1, kUpdateKey}}},
     kAclString,
     "1.0.0",
     "string",
     "O(1)",
     "Adds a number to the integer a key holds; an absent key counts as 0.",
     IncrBy,
     "key increment"},
    {"decrby",
     3,
     kWrite | kDenyOom | kFast,
     {{{1, 1, 1, kUpdateKey}}},
     kAclString,
     "1.0.0",
     "string",
     "O(1)",
     "Subtracts a number from the integer a key holds; an absent key counts as 0.",
     DecrBy,
     "key decrement"},
    {"incrbyfloat",
     3,
     kWrite | kDenyOom | kFast,
     {{{1, 1, 1, kUpdateKey}}},
     kAclString,
     "2.6.0",
     "string",
     "O(1)",
     "Adds a number to the float a key holds; an absent key counts as 0.",
     IncrByFloat,
     "key increment:double"},
};

}  // namespace

std::span<const CommandRow> StringNumberCommands() { return kRows; }

}  // namespace mantis::server
