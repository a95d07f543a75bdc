#include "server/commands/args.h"

#include "protocol/number.h"
#include "server/net/client.h"

namespace mantis::server {

Outcome Fail(CommandContext& c, std::string_view text) {
  c.reply.Error(text);
  return Outcome::kDone;
}

Outcome SyntaxError(CommandContext& c) { return Fail(c, "ERR syntax error"); }

Outcome ArityError(CommandContext& c) {
  const std::string name(c.command->row->name);
  return Fail(c, "ERR wrong number of arguments for '" + name + "' command");
}

Outcome FailStatus(CommandContext& c, Status s) {
  switch (s) {
    case Status::kBusy:
      return Outcome::kBusy;
    case Status::kNotFound:
      return Fail(c, "ERR no such key");
    case Status::kWrongType:
      return Fail(c, "WRONGTYPE Operation against a key holding the wrong kind of value");
    case Status::kNotInteger:
      return Fail(c, "ERR value is not an integer or out of range");
    case Status::kNotFloat:
      return Fail(c, "ERR value is not a valid float");
    case Status::kOverflow:
      return Fail(c, "ERR increment or decrement would overflow");
    case Status::kNotFinite:
      return Fail(c, "ERR increment would produce NaN or Infinity");
    case Status::kTooLarge:
      return Fail(c, "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    case Status::kTooLong:
      return Outcome::kOffload;
    case Status::kOk:
    case Status::kExists:
      break;
  }
  return Fail(c, "ERR unexpected result");
}

bool ParseInteger(CommandContext& c, Bytes arg, int64_t* out) {
  const auto v = protocol::ParseInteger(arg);
  if (!v) {
    c.reply.Error("ERR value is not an integer or out of range");
    return false;
  }
  *out = *v;
  return true;
}

bool ParseIntegerInRange(CommandContext& c, Bytes arg, int64_t min, int64_t max, int64_t* out) {
  int64_t v = 0;
  if (!ParseInteger(c, arg, &v)) return false;
  if (v < min || v > max) {
    c.reply.Error("ERR value is out of range, value must between " + std::to_string(min) + " and " +
                  std::to_string(max));
    return false;
  }
  *out = v;
  return true;
}

bool ParseFloat(CommandContext& c, Bytes arg, double* out) {
  const auto v = protocol::ParseDouble(arg);
  if (!v) {
    c.reply.Error("ERR value is not a valid float");
    return false;
  }
  *out = *v;
  return true;
}

ValueLimits LimitsOf(const config::Settings& settings) {
  const auto size = [](int64_t v) { return static_cast<size_t>(v); };
  return {.list_max_listpack_size = settings.list_max_listpack_size,
          .hash_max_listpack_entries = size(settings.hash_max_listpack_entries),
          .hash_max_listpack_value = size(settings.hash_max_listpack_value),
          .set_max_intset_entries = size(settings.set_max_intset_entries),
          .set_max_listpack_entries = size(settings.set_max_listpack_entries),
          .set_max_listpack_value = size(settings.set_max_listpack_value),
          .zset_max_listpack_entries = size(settings.zset_max_listpack_entries),
          .zset_max_listpack_value = size(settings.zset_max_listpack_value),
          .stream_node_max_bytes = size(settings.stream_node_max_bytes),
          .stream_node_max_entries = size(settings.stream_node_max_entries),
          .hll_sparse_max_bytes = size(settings.hll_sparse_max_bytes)};
}

bool ParseNumber(CommandContext& c, Bytes arg, int64_t min, std::string_view error, int64_t* out) {
  const auto v = protocol::ParseInteger(arg);
  if (!v || *v < min) {
    c.reply.Error(error);
    return false;
  }
  *out = *v;
  return true;
}

void ReplyString(CommandContext& c, const StringRef& value) {
  if (value.is_integer()) {
    c.reply.BulkInteger(value.integer());
    return;
  }
  char digits[24];
  Blob* blob = value.blob();
  if (blob == nullptr) {
    c.reply.Bulk(value.Text(std::span<char, 24>(digits)));
    return;
  }
  if (blob->size() < ClientOutput::kAttachThreshold) {
    c.reply.Bulk(blob->bytes());
    return;
  }
  c.reply.BulkHeader(blob->size());
  c.client.output.Attach(blob);
  c.reply.Raw("\r\n");
}

std::string FormatLongDouble(long double v) {
  char text[5 * 1024];
  const int n = std::snprintf(text, sizeof(text), "%.17Lf", v);
  std::string s(text, static_cast<size_t>(n));
  if (s.find('.') != std::string::npos) {
    s.erase(s.find_last_not_of('0') + 1);
    if (s.back() == '.') s.pop_back();
  }
  return s == "-0" ? "0" : s;
}

}  // namespace mantis::server
