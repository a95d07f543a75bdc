// What SCAN and its relatives over collections (HSCAN, SSCAN, ZSCAN) share: the cursor, the options
// and the reply.
//
// Thread safety: one command, one core, inside its batch.
// Ownership: options and pages keep views of the arguments and of the elements given to them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/glob.h"
#include "server/commands/args.h"
#include "server/dispatch/command.h"

namespace mantis::server {

struct ScanOptions {
  uint64_t cursor = 0;
  uint64_t count = 10;
  std::optional<config::GlobPattern> match;
  std::optional<Bytes> type;  // SCAN only
  bool no_values = false;     // HSCAN only

  bool Matches(Bytes text) const { return !match || match->all() || match->Matches(text); }
};

// Options beyond MATCH and COUNT that a command takes.
enum class ScanExtra : uint8_t { kNone, kType, kNoValues };

// Each writes the error and returns false if the arguments do not parse.
bool ParseScanCursor(CommandContext& c, Bytes arg, ScanOptions* out);
// The arguments from `first` on.
bool ParseScanOptions(CommandContext& c, size_t first, ScanExtra extra, ScanOptions* out);

// What one call returns. The cursor goes before the elements, so they are kept until it is known.
class ScanPage {
 public:
  // Text that stays where it is until the page is written: under the collection's lock.
  void Add(Bytes text) { items_.push_back({text, 0, false}); }
  // Text that does not, such as a number's digits.
  void AddCopy(Bytes text) {
    items_.push_back({Bytes{nullptr, text.size()}, copies_.size(), true});
    copies_.append(text);
  }
  // An element of a listpack, or one of a table as such.
  void Add(const Listpack::Item& item) {
    char digits[24];
    item.is_integer ? AddCopy(item.View(std::span<char, 24>(digits))) : Add(item.text);
  }
  void Write(CommandContext& c, uint64_t next_cursor) const;

 private:
  struct Item {
    Bytes text;
    size_t copied_at;
    bool copied;
  };
  std::vector<Item> items_;
  std::string copies_;
};

// HSCAN, SSCAN, ZSCAN: `key cursor [options]` over the key's T. `scan(const T&, const ScanOptions&,
// ScanPage&)` adds the elements (it does the matching, too) and returns the next cursor, 0 at the
// end. It looks at about options.count elements, or at all of a compact collection.
template <class T, class F>
Outcome ScanCollection(CommandContext& c, ScanExtra extra, F&& scan) {
  ScanOptions options;
  if (!ParseScanCursor(c, c.args[2], &options)) return Done();
  const Status s = c.db().Read<T>(c.op, c.key(1), [&](const T& object) {
    // As in Redis, nobody looks at the options where there is nothing to scan.
    if (!ParseScanOptions(c, 3, extra, &options)) return Status::kOk;
    if (TooLong(c, std::min<size_t>(options.count, object.size()))) return Status::kTooLong;
    ScanPage page;
    const uint64_t next = scan(object, static_cast<const ScanOptions&>(options), page);
    page.Write(c, next);
    return Status::kOk;
  });
  if (s == Status::kNotFound) {
    ScanPage().Write(c, 0);
    return Done();
  }
  return s == Status::kOk ? Done() : FailStatus(c, s);
}

}  // namespace mantis::server
