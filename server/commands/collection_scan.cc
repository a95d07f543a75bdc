#include "server/commands/collection_scan.h"

namespace mantis::server {
namespace {

// As strtoul reads it, which is what Redis does: a sign is fine, a negative number wraps around,
// and no digits at all are 0.
bool ParseCursor(Bytes text, uint64_t* out) {
  const bool signed_text = !text.empty() && (text[0] == '-' || text[0] == '+');
  const bool negative = signed_text && text[0] == '-';
  const Bytes digits = text.substr(signed_text ? 1 : 0);
  if (digits.empty()) {
    *out = 0;
    return !signed_text;
  }
  uint64_t v = 0;
  for (const char d : digits) {
    if (d < '0' || d > '9' || __builtin_mul_overflow(v, uint64_t{10}, &v) ||
        __builtin_add_overflow(v, static_cast<uint64_t>(d - '0'), &v)) {
      return false;
    }
  }
  *out = negative ? 0 - v : v;
  return true;
}

bool ParseCount(CommandContext& c, Bytes value, ScanOptions* out) {
  int64_t count = 0;
  if (!ParseInteger(c, value, &count)) return false;
  if (count < 1) {
    (void)SyntaxError(c);
    return false;
  }
  out->count = static_cast<uint64_t>(count);
  return true;
}

}  // namespace

bool ParseScanCursor(CommandContext& c, Bytes arg, ScanOptions* out) {
  if (ParseCursor(arg, &out->cursor)) return true;
  c.reply.Error("ERR invalid cursor");
  return false;
}

bool ParseScanOptions(CommandContext& c, size_t first, ScanExtra extra, ScanOptions* out) {
  for (size_t i = first; i < c.argc(); ++i) {
    const Bytes name = c.args[i];
    if (extra == ScanExtra::kNoValues && EqualsIgnoreCase(name, "NOVALUES")) {
      out->no_values = true;
      continue;
    }
    if (++i == c.argc()) {
      (void)SyntaxError(c);
      return false;
    }
    const Bytes value = c.args[i];
    if (EqualsIgnoreCase(name, "COUNT")) {
      if (!ParseCount(c, value, out)) return false;
    } else if (EqualsIgnoreCase(name, "MATCH")) {
      out->match.emplace(value);
    } else if (extra == ScanExtra::kType && EqualsIgnoreCase(name, "TYPE")) {
      out->type = value;
    } else {
      (void)SyntaxError(c);
      return false;
    }
  }
  return true;
}

void ScanPage::Write(CommandContext& c, uint64_t next_cursor) const {
  c.reply.Array(2);
  // Cursors of collections and of the keyspace stay below 2^63.
  c.reply.BulkInteger(static_cast<int64_t>(next_cursor));
  c.reply.Array(items_.size());
  for (const Item& item : items_) {
    c.reply.Bulk(item.copied ? Bytes(copies_).substr(item.copied_at, item.text.size()) : item.text);
  }
}

}  // namespace mantis::server
