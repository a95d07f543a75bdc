// Hash fields as numbers, and random fields. An increment keeps the field's deadline.

#include <cmath>
#include <memory>
#include <string>

#include "engine/value/hash.h"
#include "protocol/number.h"
#include "server/commands/args.h"
#include "server/commands/random_count.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

// Edits the hash's field: `next(const optional<Text>&, std::string*)` makes the new value of the
// old one, or returns the error (else an empty text).
template <class F>
Status Increment(CommandContext& c, std::string_view event, std::string* text, F&& next) {
  const ValueLimits limits = LimitsOf(c.core.settings());
  const auto make = [] { return std::make_unique<Hash>(); };
  return c.db().EditOrCreate<Hash>(c.op, c.key(1), make, [&](Hash& hash) {
    const std::string_view error = next(hash.Get(c.args[2], c.op.now_ms()), text);
    if (!error.empty()) {
      c.reply.Error(error);
      return Edited::No(Status::kExists);
    }
    hash.Set(c.args[2], *text, limits, c.op.now_ms(), Hash::Deadline::kKeep);
    return Edited::Yes(event);
  });
}

Outcome HIncrBy(CommandContext& c) {
  int64_t delta = 0;
  if (!ParseInteger(c, c.args[3], &delta)) return Done();
  if (c.args[2].size() > Hash::kTextBytesMax) return FailStatus(c, Status::kTooLarge);
  int64_t value = 0;
  std::string text;
  const auto next = [&](const std::optional<Hash::Text>& old,
                        std::string* out) -> std::string_view {
    if (old && old->is_integer) value = old->integer;
    if (old && !old->is_integer) {
      const auto parsed = protocol::ParseInteger(old->text);
      if (!parsed) return "ERR hash value is not an integer";
      value = *parsed;
    }
    if (__builtin_add_overflow(value, delta, &value)) {
      return "ERR increment or decrement would overflow";
    }
    *out = std::to_string(value);
    return {};
  };
  const Status s = Increment(c, "hincrby", &text, next);
  if (s == Status::kExists) return Done();
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Integer(value);
  return Done();
}

Outcome HIncrByFloat(CommandContext& c) {
  const auto delta = protocol::ParseLongDouble(c.args[3]);
  if (!delta) return FailStatus(c, Status::kNotFloat);
  if (std::isinf(*delta)) return Fail(c, "ERR value is NaN or Infinity");
  if (c.args[2].size() > Hash::kTextBytesMax) return FailStatus(c, Status::kTooLarge);
  std::string text;
  const auto next = [&](const std::optional<Hash::Text>& old,
                        std::string* out) -> std::string_view {
    long double value = old && old->is_integer ? static_cast<long double>(old->integer) : 0;
    if (old && !old->is_integer) {
      const auto parsed = protocol::ParseLongDouble(old->text);
      if (!parsed) return "ERR hash value is not a float";
      value = *parsed;
    }
    value += *delta;
    if (std::isnan(value) || std::isinf(value)) {
      return "ERR increment would produce NaN or Infinity";
    }
    *out = FormatLongDouble(value);
    return {};
  };
  const Status s = Increment(c, "hincrbyfloat", &text, next);
  if (s == Status::kExists) return Done();
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Bulk(text);
  return Done();
}

// The reply to HRANDFIELD with a count. RESP3 has an array of pairs, RESP2 a flat one.
void ReplyRandomFields(CommandContext& c, const Hash& hash, const RandomCount& random,
                       size_t drawn) {
  const bool pairs = random.with && c.reply.protocol() == 3;
  c.reply.Array(random.with && !pairs ? 2 * drawn : drawn);
  const auto reply = [&](const Hash::Field& field) {
    if (pairs) c.reply.Array(2);
    ReplyItem(c, field.name);
    if (random.with) ReplyItem(c, field.value);
  };
  if (random.repeat) {
    hash.Draw(drawn, c.op.now_ms(), c.op.random_state(), reply);
  } else {
    hash.Sample(drawn, c.op.now_ms(), c.op.random_state(), reply);
  }
}

Outcome HRandField(CommandContext& c) {
  RandomCount random;
  if (!ParseRandomCount(c, "WITHVALUES", &random)) return Done();
  const Status s = c.db().Read<Hash>(c.op, c.key(1), [&](const Hash& hash) {
    const size_t drawn = random.Drawn(hash.live_size(c.op.now_ms()));
    if (TooLong(c, drawn)) return Status::kTooLong;
    if (random.given) {
      ReplyRandomFields(c, hash, random, drawn);
    } else if (drawn == 0) {
      return Status::kNotFound;
    } else {
      hash.Draw(1, c.op.now_ms(), c.op.random_state(),
                [&c](const Hash::Field& field) { ReplyItem(c, field.name); });
    }
    return Status::kOk;
  });
  if (s == Status::kNotFound) {
    random.given ? c.reply.Array(0) : c.reply.Null();
    return Done();
  }
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

constexpr KeySpec kUpdated{1, 1, 1, kKeyRw | kKeyAccess | kKeyUpdate};

constexpr CommandRow kRows[] = {
    {"hincrby",
     4,
     kWrite | kDenyOom | kFast | kElementAt2,
     {{kUpdated}},
     kAclHash,
     "2.0.0",
     "hash",
     "O(1)",
     "Adds a number to the integer in a field; an absent field counts as 0.",
     HIncrBy,
     "key field increment"},
    {"hincrbyfloat",
     4,
     kWrite | kDenyOom | kFast | kElementAt2,
     {{kUpdated}},
     kAclHash,
     "2.6.0",
     "hash",
     "O(1)",
     "Adds a number to the float in a field; an absent field counts as 0.",
     HIncrByFloat,
     "key field increment:double"},
    {"hrandfield",
     -2,
     kReadonly,
     {{{1, 1, 1, kKeyRo | kKeyAccess}}},
     kAclHash,
     "6.2.0",
     "hash",
     "O(N) with N the number of fields returned",
     "Returns random fields: different ones for a positive count, any for a negative one.",
     HRandField,
     "key [count [WITHVALUES]]",
     "nondeterministic_output"},
};

}  // namespace

std::span<const CommandRow> HashNumberCommands() { return kRows; }

}  // namespace mantis::server
