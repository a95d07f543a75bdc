#include "server/commands/sort_pattern.h"

#include <span>
#include <utility>

#include "engine/value/hash.h"

namespace mantis::server {
namespace {

using Item = Listpack::Item;

// What comes behind the '*' of a key's name, and the field, if any.
std::pair<Bytes, Bytes> SplitField(Bytes rest) {
  const size_t arrow = rest.find("->");
  // An arrow with nothing behind it is a part of the name.
  if (arrow == Bytes::npos || arrow + 2 == rest.size()) return {rest, {}};
  return {rest.substr(0, arrow), rest.substr(arrow + 2)};
}

}  // namespace

std::string ForeignKey(Bytes pattern, const Item& item) {
  const size_t star = pattern.find('*');
  char digits[24];
  std::string name(pattern.substr(0, star));
  return name.append(item.View(digits)).append(SplitField(pattern.substr(star + 1)).first);
}

std::optional<Item> LookUpForeign(CommandContext& c, Bytes pattern, const Item& item) {
  if (pattern == "#") return item;
  if (!NamesForeignKeys(pattern)) return std::nullopt;
  const Bytes field = SplitField(pattern.substr(pattern.find('*') + 1)).second;
  const std::string name = ForeignKey(pattern, item);
  const KeyRef key = KeyRef::Of(name);
  std::optional<Item> found;
  // No such key, and one of another type, are both nothing.
  if (!field.empty()) {
    (void)c.db().Read<Hash>(c.op, key, [&](const Hash& hash) {
      found = hash.Get(field, c.op.now_ms());
      return Status::kOk;
    });
    return found;
  }
  (void)c.db().ReadValue(
      c.op, key,
      [&](const Current& now) {
        if (now.type() != ValueType::kString) return Status::kWrongType;
        const StringRef text(now.value);
        if (text.is_integer()) {
          found = Item{{}, text.integer(), true};
        } else {
          char unused[24];
          found = Item{text.Text(unused)};
        }
        return Status::kOk;
      },
      Database::Access::kRead);
  return found;
}

}  // namespace mantis::server
