#include "server/dispatch/command_keys.h"

#include <algorithm>
#include <array>

#include "protocol/number.h"

namespace mantis::server {
namespace {

// The arguments that a specification speaks of.
struct Range {
  bool valid = true;
  int first = 0;  // 0: it speaks of none
  int last = 0;
  int step = 1;
};
constexpr Range kInvalid{.valid = false};
constexpr Range kNone{};

Range CountedKeys(const KeySpec& spec, std::span<const Bytes> args) {
  const auto at = static_cast<size_t>(spec.first);
  if (at >= args.size()) return kInvalid;
  const auto n = protocol::ParseInteger(args[at]);
  if (!n || *n <= 0 || *n >= static_cast<int64_t>(args.size())) return kInvalid;
  return {.first = spec.first + 1, .last = spec.first + static_cast<int>(*n)};
}

// Of the first `word` from argument `from` on.
Range KeysAfterWord(const KeySpec& spec, std::span<const Bytes> args, int from) {
  // A word at the very end has no key after it.
  for (auto i = static_cast<size_t>(from); i + 1 < args.size(); ++i) {
    if (!EqualsIgnoreCase(args[i], spec.word)) continue;
    const int first = static_cast<int>(i) + 1;
    if (spec.last >= 0) return {.first = first, .last = first + spec.last};
    const int count = (static_cast<int>(args.size()) - first) / std::max<int>(spec.limit, 1);
    return {.first = first, .last = first + count + spec.last};
  }
  return kNone;
}

// The argument of the last STORE that is an option itself, not another one's argument.
Range StoreOption(std::span<const Bytes> args) {
  struct Option {
    std::string_view name;
    size_t arguments;
  };
  static constexpr auto kOptions = std::to_array<Option>({{"limit", 2}, {"get", 1}, {"by", 1}});
  Range found = kNone;
  for (size_t i = 2; i < args.size(); ++i) {
    const auto* option = std::find_if(kOptions.begin(), kOptions.end(), [&](const Option& o) {
      return EqualsIgnoreCase(args[i], o.name);
    });
    if (option != kOptions.end()) {
      i += option->arguments;
    } else if (EqualsIgnoreCase(args[i], "store") && i + 1 < args.size()) {
      found.first = found.last = static_cast<int>(i) + 1;
    }
  }
  return found;
}

Range RangeOf(const KeySpec& spec, std::span<const Bytes> args) {
  switch (spec.form) {
    case KeyForm::kRange: {
      const auto argc = static_cast<int>(args.size());
      return {.first = spec.first,
              .last = spec.last < 0 ? argc + spec.last : spec.last,
              .step = spec.step};
    }
    case KeyForm::kCounted:
      return CountedKeys(spec, args);
    case KeyForm::kAfterWord:
      return KeysAfterWord(spec, args, spec.first);
    case KeyForm::kStoreOption:
      return StoreOption(args);
    case KeyForm::kFromContent:
      break;
  }
  return kNone;
}

// BITFIELD only reads if it has no subcommand but GET.
bool OnlyGets(std::span<const Bytes> args) {
  for (size_t i = 2; i < args.size();) {
    const size_t rest = args.size() - i - 1;
    if (EqualsIgnoreCase(args[i], "get") && rest >= 2) {
      i += 3;
    } else if (EqualsIgnoreCase(args[i], "overflow") && rest >= 1) {
      i += 2;
    } else {
      return false;
    }
  }
  return true;
}

// Of two commands the options say how they use their key.
uint16_t FlagsInUse(const CommandRow& row, const KeySpec& spec, std::span<const Bytes> args) {
  if ((spec.flags & kKeyVariableFlags) == 0) return spec.flags;
  if (row.name == "bitfield") {
    return OnlyGets(args) ? kKeyRo | kKeyAccess : kKeyRw | kKeyAccess | kKeyUpdate;
  }
  // SET with GET also reads.
  const bool reads = args.size() > 3 && std::any_of(args.begin() + 3, args.end(), [](Bytes arg) {
                       return EqualsIgnoreCase(arg, "get");
                     });
  return reads ? kKeyRw | kKeyAccess | kKeyUpdate : kKeyOw | kKeyUpdate;
}

}  // namespace

bool FindKeys(const CommandRow& row, std::span<const Bytes> args, std::vector<KeyUse>* out) {
  const auto argc = static_cast<int>(args.size());
  for (const KeySpec& spec : row.keys) {
    if (!spec.used()) continue;
    const uint16_t flags = FlagsInUse(row, spec, args);
    Range range = RangeOf(spec, args);
    if (!range.valid) return false;
    while (range.first != 0) {
      if (range.last < range.first || range.last >= argc) return false;
      for (int i = range.first; i <= range.last; i += range.step) {
        out->push_back({args[static_cast<size_t>(i)], flags});
      }
      // An option that is given twice counts once, but which one is the handler's business.
      const bool option = spec.form == KeyForm::kAfterWord && spec.last >= 0;
      range = option ? KeysAfterWord(spec, args, range.last + 1) : kNone;
    }
  }
  return true;
}

}  // namespace mantis::server
