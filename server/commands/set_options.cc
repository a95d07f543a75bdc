#include "server/commands/set_options.h"

#include <string>

#include "protocol/number.h"
#include "server/commands/args.h"

namespace mantis::server {
namespace {

std::string InvalidExpire(const CommandContext& c) {
  return "ERR invalid expire time in '" + std::string(c.command->row->name) + "' command";
}

struct ExpireWord {
  std::string_view word;
  TimeUnit unit;
  TimeBase base;
};

constexpr ExpireWord kExpireWords[] = {
    {"EX", TimeUnit::kSeconds, TimeBase::kRelative},
    {"PX", TimeUnit::kMilliseconds, TimeBase::kRelative},
    {"EXAT", TimeUnit::kSeconds, TimeBase::kAbsolute},
    {"PXAT", TimeUnit::kMilliseconds, TimeBase::kAbsolute},
};

const ExpireWord* FindExpireWord(Bytes arg) {
  for (const ExpireWord& w : kExpireWords) {
    if (EqualsIgnoreCase(arg, w.word)) return &w;
  }
  return nullptr;
}

}  // namespace

std::optional<std::string> ReadDeadline(const CommandContext& c, Bytes arg, TimeUnit unit,
                                        TimeBase base, int64_t* deadline_ms) {
  const auto number = protocol::ParseInteger(arg);
  if (!number) return "ERR value is not an integer or out of range";
  int64_t v = *number;
  if (v <= 0) return InvalidExpire(c);
  if (unit == TimeUnit::kSeconds && __builtin_mul_overflow(v, int64_t{1000}, &v)) {
    return InvalidExpire(c);
  }
  if (base == TimeBase::kRelative && __builtin_add_overflow(v, c.op.now_ms(), &v)) {
    return InvalidExpire(c);
  }
  // The largest number is our "never"; one millisecond less is as good.
  *deadline_ms = v == kNoDeadline ? v - 1 : v;
  return std::nullopt;
}

bool ParseDeadline(CommandContext& c, Bytes arg, TimeUnit unit, TimeBase base,
                   int64_t* deadline_ms) {
  const auto error = ReadDeadline(c, arg, unit, base, deadline_ms);
  if (error) c.reply.Error(*error);
  return !error;
}

bool ParseSetOptions(CommandContext& c, size_t from, SetFamily family, SetOptions* out) {
  const bool set = family == SetFamily::kSet;
  const ExpireWord* expire = nullptr;
  Bytes expire_arg;
  for (size_t i = from; i < c.argc(); ++i) {
    const Bytes arg = c.args[i];
    const bool timed = expire != nullptr || out->keep_ttl || out->persist;
    if (set && EqualsIgnoreCase(arg, "NX") && !out->xx) {
      out->nx = true;
    } else if (set && EqualsIgnoreCase(arg, "XX") && !out->nx) {
      out->xx = true;
    } else if (set && EqualsIgnoreCase(arg, "GET")) {
      out->get = true;
    } else if (set && EqualsIgnoreCase(arg, "KEEPTTL") && expire == nullptr) {
      out->keep_ttl = true;
    } else if (!set && EqualsIgnoreCase(arg, "PERSIST") && expire == nullptr) {
      out->persist = true;
    } else if (const ExpireWord* w = FindExpireWord(arg);
               w != nullptr && !timed && i + 1 < c.argc()) {
      expire = w;
      expire_arg = c.args[++i];
    } else {
      (void)SyntaxError(c);
      return false;
    }
  }
  if (expire == nullptr) return true;
  out->has_deadline = true;
  if (set) return ParseDeadline(c, expire_arg, expire->unit, expire->base, &out->deadline_ms);
  out->deadline_error = ReadDeadline(c, expire_arg, expire->unit, expire->base, &out->deadline_ms);
  return true;
}

}  // namespace mantis::server
