#include "server/commands/stream_read_request.h"

#include <algorithm>

#include "server/commands/args.h"
#include "server/dispatch/blocking.h"

namespace mantis::server {
namespace {

bool Error(CommandContext& c, std::string_view text) {
  c.reply.Error(text);
  return false;
}

bool ParseOption(CommandContext& c, size_t* i, ReadRequest* out) {
  const Bytes word = c.args[*i];
  const size_t more = c.argc() - *i - 1;
  if (EqualsIgnoreCase(word, "BLOCK") && more >= 1) {
    return ParseTimeoutMs(c, c.args[++*i], &out->timeout_ms);
  }
  if (EqualsIgnoreCase(word, "COUNT") && more >= 1) {
    int64_t n = 0;
    if (!ParseInteger(c, c.args[++*i], &n)) return false;
    out->count = static_cast<size_t>(std::max<int64_t>(n, 0));
    return true;
  }
  if (EqualsIgnoreCase(word, "GROUP") && more >= 2) {
    if (!out->grouped) {
      return Error(c,
                   "ERR The GROUP option is only supported by XREADGROUP. You called XREAD "
                   "instead.");
    }
    out->group = c.args[*i + 1];
    out->consumer = c.args[*i + 2];
    *i += 2;
    return true;
  }
  if (EqualsIgnoreCase(word, "NOACK")) {
    if (!out->grouped) {
      return Error(c,
                   "ERR The NOACK option is only supported by XREADGROUP. You called XREAD "
                   "instead.");
    }
    out->no_ack = true;
    return true;
  }
  (void)SyntaxError(c);
  return false;
}

}  // namespace

bool ParseReadRequest(CommandContext& c, ReadRequest* out) {
  for (size_t i = 1; i < c.argc() && out->first_key == 0; ++i) {
    if (EqualsIgnoreCase(c.args[i], "STREAMS") && i + 1 < c.argc()) {
      out->first_key = i + 1;
    } else if (!ParseOption(c, &i, out)) {
      return false;
    }
  }
  if (out->first_key == 0) {
    (void)SyntaxError(c);
    return false;
  }
  const size_t rest = c.argc() - out->first_key;
  if (rest % 2 != 0) {
    return Error(c, out->grouped ? "ERR Unbalanced 'xreadgroup' list of streams: for each stream "
                                   "key an ID or '>' must be specified."
                                 : "ERR Unbalanced 'xread' list of streams: for each stream key an "
                                   "ID or '$' must be specified.");
  }
  out->streams = rest / 2;
  if (out->grouped && out->group.data() == nullptr) {
    return Error(c, "ERR Missing GROUP option for XREADGROUP");
  }
  return true;
}

}  // namespace mantis::server
