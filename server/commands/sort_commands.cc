// SORT and SORT_RO: the elements of a list, set or sorted set in an order of the client's choice,
// or what other keys hold for them.

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/value/list.h"
#include "engine/value/set.h"
#include "engine/value/sorted_set.h"
#include "server/commands/args.h"
#include "server/commands/sort_pattern.h"
#include "server/core/collation.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

using Item = Listpack::Item;

struct SortOptions {
  bool descending = false;
  bool alpha = false;
  bool keep_order = false;  // BY a pattern without '*'
  std::optional<Bytes> by;  // a pattern with '*'
  std::vector<Bytes> get;
  std::optional<Bytes> store;
  int64_t offset = 0;
  int64_t count = -1;

  // Whether it looks at keys that its arguments do not name.
  bool foreign() const { return by || std::any_of(get.begin(), get.end(), NamesForeignKeys); }
};

bool ParseOptions(CommandContext& c, bool may_store, SortOptions* out) {
  for (size_t i = 2; i < c.argc(); ++i) {
    const Bytes name = c.args[i];
    const size_t left = c.argc() - i - 1;
    if (EqualsIgnoreCase(name, "ASC")) {
      out->descending = false;
    } else if (EqualsIgnoreCase(name, "DESC")) {
      out->descending = true;
    } else if (EqualsIgnoreCase(name, "ALPHA")) {
      out->alpha = true;
    } else if (EqualsIgnoreCase(name, "LIMIT") && left >= 2) {
      if (!ParseInteger(c, c.args[i + 1], &out->offset) ||
          !ParseInteger(c, c.args[i + 2], &out->count)) {
        return false;
      }
      i += 2;
    } else if (may_store && EqualsIgnoreCase(name, "STORE") && left >= 1) {
      out->store = c.args[++i];
    } else if (EqualsIgnoreCase(name, "BY") && left >= 1) {
      out->by = c.args[++i];
      // As in Redis, where one BY without '*' is not taken back by a later one with it.
      if (out->by->find('*') == Bytes::npos) out->keep_order = true;
    } else if (EqualsIgnoreCase(name, "GET") && left >= 1) {
      out->get.push_back(c.args[++i]);
    } else {
      (void)SyntaxError(c);
      return false;
    }
  }
  if (out->keep_order) out->by.reset();
  return true;
}

// An element of what is sorted, and what it is sorted by.
struct Row {
  Item item;
  double score = 0;
  std::optional<Item> weight = {};
};

int Compare(const Item& a, const Item& b) {
  char a_digits[24];
  char b_digits[24];
  return CompareBytes(a.View(a_digits), b.View(b_digits));
}

int CollateItems(const Item& a, const Item& b) {
  char a_digits[24];
  char b_digits[24];
  return Collate(a.View(a_digits), b.View(b_digits));
}

// The number that an element stands for; false if it stands for none.
bool ToScore(const Item& item, double* out) {
  if (item.is_integer) {
    *out = static_cast<double>(item.integer);
    return true;
  }
  // As strtod reads it, like Redis: leading blanks are fine, and nothing at all is 0.
  const std::string text(item.text);
  char* end = nullptr;
  errno = 0;
  *out = std::strtod(text.c_str(), &end);
  return *end == '\0' && errno != ERANGE && !std::isnan(*out);
}

// One execution: gathers the elements, orders them, replies with or stores a part of them. The
// locks of the keys that the arguments name are held all the while, or the gate is.
class Sorter {
 public:
  Sorter(CommandContext& c, SortOptions options) : c_(c), options_(std::move(options)) {}

  Outcome Run() {
    const Outcome outcome = Begin();
    return outcome == Outcome::kDone && !failed_ ? End() : outcome;
  }

  // Gathers the elements and, where they stand for themselves, orders them.
  Outcome Begin() {
    const Status s = c_.db().ReadValue(
        c_.op, c_.key(1), [this](const Current& now) { return Gather(now); },
        Database::Access::kRead);
    failed_ = s != Status::kOk && s != Status::kNotFound;
    if (failed_) return FailStatus(c_, s);
    ClampRange();
    return options_.by ? Done() : OrderRows();
  }

  // After Begin: the foreign keys that End will look at, more perhaps.
  std::vector<std::string> ForeignKeys() const {
    std::vector<std::string> keys;
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (options_.by) keys.push_back(ForeignKey(*options_.by, rows_[i].item));
      // Which elements are asked for is known before they are ordered only without BY.
      if (!options_.by && (i < first_ || i >= last_)) continue;
      for (const Bytes pattern : options_.get) {
        if (NamesForeignKeys(pattern)) keys.push_back(ForeignKey(pattern, rows_[i].item));
      }
    }
    return keys;
  }

  // The foreign keys stand still.
  Outcome End() {
    if (options_.by) {
      const Outcome outcome = OrderRows();
      if (failed_) return outcome;
    }
    return options_.store ? Store() : Reply();
  }

  // An error was written.
  bool failed() const { return failed_; }

 private:
  Outcome OrderRows() {
    failed_ = !options_.keep_order && !Order();
    return failed_ ? Fail(c_, "ERR One or more scores can't be converted into double") : Done();
  }

  Status Gather(const Current& now) {
    switch (now.type()) {
      case ValueType::kList:
        return GatherFrom(static_cast<const List&>(*ObjectOf(now.value)));
      case ValueType::kSet:
        return GatherFrom(static_cast<const Set&>(*ObjectOf(now.value)));
      case ValueType::kSortedSet:
        return GatherFrom(static_cast<const SortedSet&>(*ObjectOf(now.value)));
      default:
        return Status::kWrongType;
    }
  }

  Status Reserve(size_t n) {
    if (TooLong(c_, n)) return Status::kTooLong;
    rows_.reserve(n);
    return Status::kOk;
  }

  Status GatherFrom(const List& list) {
    const Status s = Reserve(list.size());
    if (s != Status::kOk) return s;
    for (auto it = list.First(); it.valid(); it.Next()) rows_.push_back({it.item()});
    if (options_.keep_order && options_.descending) std::reverse(rows_.begin(), rows_.end());
    return Status::kOk;
  }

  Status GatherFrom(const Set& set) {
    const Status s = Reserve(set.size());
    if (s != Status::kOk) return s;
    set.ForEach([this](const Item& member) { rows_.push_back({member}); });
    // A set has no order to keep, but what is stored is to be the same each time.
    if (options_.keep_order && options_.store) {
      options_.keep_order = false;
      options_.alpha = true;
    }
    return Status::kOk;
  }

  Status GatherFrom(const SortedSet& set) {
    const Status s = Reserve(set.size());
    if (s != Status::kOk) return s;
    const bool reverse = options_.keep_order && options_.descending;
    if (const auto pack = set.listpack()) {
      // Members that are integers exist only as such.
      for (auto p = pack->First(); p != Listpack::kEnd; p = pack->Next(pack->Next(p))) {
        rows_.push_back({pack->Get(p)});
      }
      if (reverse) std::reverse(rows_.begin(), rows_.end());
      return Status::kOk;
    }
    set.ForEach(set.All(), reverse,
                [this](Bytes member, double) { rows_.push_back({Item{member}}); });
    return Status::kOk;
  }

  void ClampRange() {
    const auto n = static_cast<int64_t>(rows_.size());
    const int64_t first = std::clamp<int64_t>(options_.offset, 0, n);
    const int64_t count = options_.count < 0 ? n : std::min(options_.count, n);
    first_ = static_cast<size_t>(first);
    last_ = static_cast<size_t>(std::min(first + count, n));
  }

  bool Order() {
    for (Row& row : rows_) {
      const std::optional<Item> by =
          options_.by ? LookUpForeign(c_, *options_.by, row.item) : row.item;
      if (options_.alpha) {
        row.weight = by;
      } else if (by && !ToScore(*by, &row.score)) {
        return false;
      }
    }
    const bool descending = options_.descending;
    const auto sort = [&](auto&& compare) {
      std::stable_sort(rows_.begin(), rows_.end(), [&](const Row& a, const Row& b) {
        return descending ? compare(b, a) < 0 : compare(a, b) < 0;
      });
    };
    if (options_.alpha) {
      // What is stored is to be the same everywhere, whatever the locale.
      const auto order = options_.store ? Compare : CollateItems;
      sort([order](const Row& a, const Row& b) {
        // What has nothing to be sorted by comes first.
        if (!a.weight || !b.weight) return int{a.weight.has_value()} - int{b.weight.has_value()};
        return order(*a.weight, *b.weight);
      });
    } else {
      sort([](const Row& a, const Row& b) {
        if (a.score != b.score) return a.score < b.score ? -1 : 1;
        return Compare(a.item, b.item);
      });
    }
    return true;
  }

  // Calls `f(const std::optional<Item>&)` for everything that is asked for.
  template <class F>
  void ForEachResult(F&& f) {
    for (size_t i = first_; i < last_; ++i) {
      if (options_.get.empty()) f(std::optional<Item>(rows_[i].item));
      for (const Bytes pattern : options_.get) f(LookUpForeign(c_, pattern, rows_[i].item));
    }
  }

  size_t results() const { return (last_ - first_) * std::max<size_t>(options_.get.size(), 1); }

  Outcome Reply() {
    c_.reply.Array(results());
    ForEachResult([this](const std::optional<Item>& item) {
      char digits[24];
      if (item) {
        c_.reply.Bulk(item->View(digits));
      } else {
        c_.reply.Null();
      }
    });
    return Done();
  }

  Outcome Store() {
    auto list = std::make_unique<List>(LimitsOf(c_.core.settings()).list_max_listpack_size);
    ForEachResult([&list](const std::optional<Item>& item) {
      char digits[24];
      list->Push(item ? item->View(digits) : Bytes(), List::End::kTail);
    });
    const size_t stored = list->size();
    const Status s = c_.db().Replace(c_.op, KeyRef::Of(*options_.store), std::move(list),
                                     "sortstore", kNoDeadline, static_cast<int64_t>(stored));
    if (s != Status::kOk) return FailStatus(c_, s);
    c_.reply.Integer(static_cast<int64_t>(stored));
    return Done();
  }

  CommandContext& c_;
  SortOptions options_;
  // Views into what the key holds.
  std::vector<Row> rows_;
  // What is asked for of the ordered rows.
  size_t first_ = 0;
  size_t last_ = 0;
  bool failed_ = false;
};

// With keys that the elements name. Which ones is known only under the sorted key's lock, and they
// are locked together with it: so it is read once to find them and once more, under all locks, in
// the hope that they are the same. Runs alone if it changes all the time.
Outcome SortByOthers(CommandContext& c, const SortOptions& options,
                     std::span<const KeyLocks::Target> own) {
  constexpr int kRounds = 4;
  constexpr size_t kStepsPerKey = 5;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::string> names;
    {
      KeyLocks locks(c.op);
      if (locks.Acquire(own) == Status::kBusy) return Outcome::kBusy;
      Sorter sorter(c, options);
      const Outcome outcome = sorter.Begin();
      if (outcome != Outcome::kDone || sorter.failed()) return outcome;
      names = sorter.ForeignKeys();
    }
    if (TooLong(c, names.size() * kStepsPerKey)) return Outcome::kOffload;
    std::vector<KeyLocks::Target> targets(own.begin(), own.end());
    for (const std::string& name : names) targets.emplace_back(&c.db(), KeyRef::Of(name));
    KeyLocks locks(c.op);
    if (locks.Acquire(targets) == Status::kBusy) return Outcome::kBusy;
    Sorter sorter(c, options);
    const Outcome outcome = sorter.Begin();
    if (outcome != Outcome::kDone || sorter.failed()) return outcome;
    if (sorter.ForeignKeys() == names) return sorter.End();
  }
  return Outcome::kAlone;
}

Outcome SortKey(CommandContext& c, bool may_store) {
  SortOptions options;
  if (!ParseOptions(c, may_store, &options)) return Done();
  std::vector<KeyLocks::Target> targets = {{&c.db(), c.key(1)}};
  if (options.store) targets.emplace_back(&c.db(), KeyRef::Of(*options.store));
  if (options.foreign() && !c.alone) return SortByOthers(c, options, targets);
  KeyLocks locks(c.op);
  if (locks.Acquire(targets) == Status::kBusy) return Outcome::kBusy;
  return Sorter(c, std::move(options)).Run();
}

Outcome Sort(CommandContext& c) { return SortKey(c, true); }
Outcome SortRo(CommandContext& c) { return SortKey(c, false); }

constexpr uint32_t kAcl = kAclList | kAclSet | kAclSortedSet | kAclDangerous;
constexpr KeySpec kSorted{1, 1, 1, kKeyRo | kKeyAccess};
constexpr KeySpec kLookedUp{0, 0, 1, kKeyRo | kKeyAccess, KeyForm::kFromContent};
constexpr KeySpec kStored{0, 0, 1, kKeyOw | kKeyUpdate, KeyForm::kStoreOption};
constexpr std::string_view kComplexity =
    "O(N*log(N)+M) with N the number of elements and M the number of results; O(N) where nothing "
    "is ordered";

constexpr CommandRow kRows[] = {
    {.name = "sort",
     .arity = -2,
     .flags = kWrite | kDenyOom | kMovableKeys | kAnyKeys,
     .keys = {{kSorted, kLookedUp, kStored}},
     .acl = kAcl,
     .since = "1.0.0",
     .group = "generic",
     .complexity = kComplexity,
     .summary = "Orders the elements of a list, set or sorted set, or what other keys hold for "
                "them, and returns or stores them.",
     .handler = Sort,
     .syntax = "key [BY pattern] [LIMIT (offset count)] [(GET pattern) ...] [ASC | DESC] [ALPHA] "
               "[STORE destination]"},
    {.name = "sort_ro",
     .arity = -2,
     .flags = kReadonly | kMovableKeys | kAnyKeys,
     .keys = {{kSorted, kLookedUp}},
     .acl = kAcl,
     .since = "7.0.0",
     .group = "generic",
     .complexity = kComplexity,
     .summary = "Orders the elements of a list, set or sorted set, or what other keys hold for "
                "them, and returns them.",
     .handler = SortRo,
     .syntax = "key [BY pattern] [LIMIT (offset count)] [(GET pattern) ...] [ASC | DESC] "
               "[ALPHA]"},
};

}  // namespace

std::span<const CommandRow> SortCommands() { return kRows; }

}  // namespace mantis::server
