// Geo: places as members of a sorted set. Searching is in geo_search_commands.cc.

#include <memory>
#include <vector>

#include "engine/value/sorted_set.h"
#include "server/commands/geo_args.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

struct AddOptions {
  unsigned flags = SortedSet::kAlways;
  bool count_changes = false;
  size_t first = 2;  // argument of the first longitude
};

bool ParseAddOptions(CommandContext& c, AddOptions* out) {
  for (; out->first < c.argc(); ++out->first) {
    const Bytes arg = c.args[out->first];
    if (EqualsIgnoreCase(arg, "NX")) {
      out->flags |= SortedSet::kOnlyNew;
    } else if (EqualsIgnoreCase(arg, "XX")) {
      out->flags |= SortedSet::kOnlyPresent;
    } else if (EqualsIgnoreCase(arg, "CH")) {
      out->count_changes = true;
    } else {
      break;
    }
  }
  constexpr unsigned kBoth = SortedSet::kOnlyNew | SortedSet::kOnlyPresent;
  const size_t left = c.argc() - out->first;
  if (left != 0 && left % 3 == 0 && (out->flags & kBoth) != kBoth) return true;
  (void)SyntaxError(c);
  return false;
}

Outcome GeoAdd(CommandContext& c) {
  AddOptions options;
  if (!ParseAddOptions(c, &options)) return Done();
  if (TooLong(c, c.argc())) return Outcome::kOffload;
  std::vector<SortedSet::Pair> places;
  for (size_t i = options.first; i < c.argc(); i += 3) {
    geo::Point p;
    if (!ParsePoint(c, i, &p)) return Done();
    places.push_back({c.args[i + 2], static_cast<double>(geo::Encode(p))});
  }
  const ValueLimits limits = LimitsOf(c.core.settings());
  int64_t added = 0;
  int64_t updated = 0;
  const auto add = [&](SortedSet& set) {
    for (const SortedSet::Pair& p : places) {
      const SortedSet::Added what = set.Add(p.score, p.member, options.flags, limits).what;
      added += what == SortedSet::Added::kNew ? 1 : 0;
      updated += what == SortedSet::Added::kUpdated ? 1 : 0;
    }
    return added + updated != 0 ? Edited::Yes("zadd").Counting(added + updated) : Edited::No();
  };
  const Status s = c.db().EditOrCreate<SortedSet>(
      c.op, c.key(1), [] { return std::make_unique<SortedSet>(); }, add);
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Integer(options.count_changes ? added + updated : added);
  return Done();
}

// Calls `show(const SortedSet*)`, with nullptr for an absent key; it writes the reply.
template <class F>
Outcome Show(CommandContext& c, F&& show) {
  const Status s = c.db().Read<SortedSet>(c.op, c.key(1), [&](const SortedSet& set) {
    if (TooLong(c, c.argc())) return Status::kTooLong;
    show(&set);
    return Status::kOk;
  });
  if (s == Status::kNotFound) {
    show(nullptr);
  } else if (s != Status::kOk) {
    return FailStatus(c, s);
  }
  return Done();
}

std::optional<geo::Point> PlaceOf(const SortedSet* set, Bytes member) {
  const auto score = set == nullptr ? std::nullopt : set->Score(member);
  if (!score) return std::nullopt;
  return geo::Decode(*score);
}

Outcome GeoPos(CommandContext& c) {
  return Show(c, [&](const SortedSet* set) {
    c.reply.Array(c.argc() - 2);
    for (const Bytes member : c.args.subspan(2)) {
      if (const auto place = PlaceOf(set, member)) {
        ReplyPoint(c, *place);
      } else {
        c.reply.NullArray();
      }
    }
  });
}

Outcome GeoHash(CommandContext& c) {
  return Show(c, [&](const SortedSet* set) {
    c.reply.Array(c.argc() - 2);
    for (const Bytes member : c.args.subspan(2)) {
      if (const auto place = PlaceOf(set, member)) {
        const auto text = geo::ToText(*place);
        c.reply.Bulk({text.data(), text.size()});
      } else {
        c.reply.Null();
      }
    }
  });
}

Outcome GeoDist(CommandContext& c) {
  if (c.argc() > 5) return SyntaxError(c);
  double metres = 1;
  if (c.argc() == 5 && !ParseUnit(c, c.args[4], &metres)) return Done();
  return Show(c, [&](const SortedSet* set) {
    const auto from = PlaceOf(set, c.args[2]);
    const auto to = PlaceOf(set, c.args[3]);
    if (from && to) {
      ReplyDistance(c, geo::Distance(*from, *to) / metres);
    } else {
      c.reply.Null();
    }
  });
}

constexpr uint16_t kReadKey = kKeyRo | kKeyAccess;

constexpr CommandRow kRows[] = {
    {.name = "geoadd",
     .arity = -5,
     .flags = kWrite | kDenyOom,
     .keys = {{{1, 1, 1, kKeyRw | kKeyUpdate}}},
     .acl = kAclGeo,
     .since = "3.2.0",
     .group = "geo",
     .complexity = "O(log(N)) for each place, with N the number of members",
     .summary = "Adds places to a geospatial index; creates the key if need be.",
     .handler = GeoAdd,
     .syntax = "key [NX | XX] [CH] (longitude latitude member) ..."},
    {.name = "geopos",
     .arity = -2,
     .flags = kReadonly,
     .keys = {{{1, 1, 1, kReadKey}}},
     .acl = kAclGeo,
     .since = "3.2.0",
     .group = "geo",
     .complexity = "O(1) for each member",
     .summary = "Returns longitude and latitude of members of a geospatial index.",
     .handler = GeoPos,
     .syntax = "key [member ...]"},
    {.name = "geodist",
     .arity = -4,
     .flags = kReadonly,
     .keys = {{{1, 1, 1, kReadKey}}},
     .acl = kAclGeo,
     .since = "3.2.0",
     .group = "geo",
     .complexity = "O(1)",
     .summary = "Returns the distance between two members of a geospatial index.",
     .handler = GeoDist,
     .syntax = "key member1 member2 [M | KM | FT | MI]"},
    {.name = "geohash",
     .arity = -2,
     .flags = kReadonly,
     .keys = {{{1, 1, 1, kReadKey}}},
     .acl = kAclGeo,
     .since = "3.2.0",
     .group = "geo",
     .complexity = "O(1) for each member",
     .summary = "Returns members of a geospatial index as Geohash strings.",
     .handler = GeoHash,
     .syntax = "key [member ...]"},
};

}  // namespace

std::span<const CommandRow> GeoCommands() { return kRows; }

}  // namespace mantis::server
