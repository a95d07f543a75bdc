// Geo: members of a geospatial index around a place, in a circle or a box.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "server/commands/geo_args.h"
#include "server/commands/geo_search_args.h"
#include "server/core/core_context.h"
#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

// A member inside the shape. Its name lies in Found::names.
struct Hit {
  geo::Point place;
  double distance;  // in metres
  double score;
  size_t name_at;
  size_t name_size;
};

struct Found {
  std::vector<Hit> hits;
  std::string names;

  Bytes NameOf(const Hit& h) const { return Bytes(names).substr(h.name_at, h.name_size); }
};

// Collects the members inside the shape, cell by cell; kTooLong before it has begun.
Status Collect(const CommandContext& c, const SortedSet& set, const GeoSearch& search,
               Found* found) {
  absl::InlinedVector<SortedSet::RankRange, 9> ranges;
  size_t candidates = 0;
  for (const geo::ScoreCell& cell : geo::CellsOf(search.shape)) {
    ranges.push_back(set.Range(ScoreRange{cell.min, cell.max, false, true}));
    candidates += ranges.back().count;
  }
  if (TooLong(c, candidates)) return Status::kTooLong;
  const size_t most = search.any ? static_cast<size_t>(search.count) : SIZE_MAX;
  for (const SortedSet::RankRange& range : ranges) {
    if (found->hits.size() >= most) break;
    set.ForEachWhile(range, false, [&](Bytes member, double score) {
      const geo::Point place = geo::Decode(score);
      const auto distance = geo::DistanceInside(search.shape, place);
      if (!distance) return true;
      found->hits.push_back({place, *distance, score, found->names.size(), member.size()});
      found->names.append(member);
      return found->hits.size() < most;
    });
  }
  return Status::kOk;
}

// Orders the hits and drops those beyond the count. Equally distant ones stay in order.
void Arrange(const GeoSearch& search, Found* found) {
  std::vector<Hit>& hits = found->hits;
  size_t most = hits.size();
  if (search.count != 0) most = std::min(most, static_cast<size_t>(search.count));
  if (search.order != GeoOrder::kNone) {
    const bool ascending = search.order == GeoOrder::kAscending;
    const auto before = [ascending](const Hit& a, const Hit& b) {
      if (a.distance != b.distance) return (a.distance < b.distance) == ascending;
      return a.name_at < b.name_at;
    };
    std::partial_sort(hits.begin(), hits.begin() + static_cast<ptrdiff_t>(most), hits.end(),
                      before);
  }
  hits.resize(most);
}

void ReplyHits(CommandContext& c, const GeoSearch& search, const Found& found) {
  const size_t extras = static_cast<size_t>(search.with_distance) +
                        static_cast<size_t>(search.with_hash) +
                        static_cast<size_t>(search.with_point);
  c.reply.Array(found.hits.size());
  for (const Hit& hit : found.hits) {
    if (extras != 0) c.reply.Array(1 + extras);
    c.reply.Bulk(found.NameOf(hit));
    if (search.with_distance) ReplyDistance(c, hit.distance / search.shape.metres_per_unit);
    if (search.with_hash) c.reply.Integer(static_cast<int64_t>(geo::BitsOf(hit.score)));
    if (search.with_point) ReplyPoint(c, hit.place);
  }
}

Outcome StoreHits(CommandContext& c, const GeoSyntax& syntax, const GeoSearch& search,
                  const Found& found) {
  std::vector<SortedSet::Pair> pairs;
  for (const Hit& hit : found.hits) {
    const double distance = hit.distance / search.shape.metres_per_unit;
    pairs.push_back({found.NameOf(hit), search.store_distance ? distance : hit.score});
  }
  std::unique_ptr<SortedSet> set;
  if (!pairs.empty()) set = SortedSet::FromPairs(pairs, LimitsOf(c.core.settings()));
  const Status s = c.db().Replace(c.op, c.key(search.store_key), std::move(set),
                                  syntax.search ? "geosearchstore" : "georadiusstore", kNoDeadline,
                                  static_cast<int64_t>(pairs.size()));
  if (s != Status::kOk) return FailStatus(c, s);
  c.reply.Integer(static_cast<int64_t>(pairs.size()));
  return Done();
}

// The source and whatever may turn out to be the key to store in; nothing if there is no such.
std::vector<KeyLocks::Target> KeysToLock(CommandContext& c, const GeoSyntax& syntax) {
  std::vector<KeyLocks::Target> keys;
  if (syntax.stores) keys.emplace_back(&c.db(), c.key(1));
  for (size_t i = syntax.options; syntax.store_options && i + 1 < c.argc(); ++i) {
    if (!EqualsIgnoreCase(c.args[i], "STORE") && !EqualsIgnoreCase(c.args[i], "STOREDIST"))
      continue;
    keys.emplace_back(&c.db(), c.key(i + 1));
  }
  if (!keys.empty()) keys.emplace_back(&c.db(), c.key(syntax.source));
  return keys;
}

Outcome RunSearch(CommandContext& c, const GeoSyntax& syntax) {
  KeyLocks locks(c.op);
  const std::vector<KeyLocks::Target> keys = KeysToLock(c, syntax);
  if (!keys.empty() && locks.Acquire(keys) == Status::kBusy) return Outcome::kBusy;
  GeoSearch search;
  Found found;
  bool parsed = false;
  Status s = c.db().Read<SortedSet>(c.op, c.key(syntax.source), [&](const SortedSet& set) {
    parsed = ParseGeoSearch(c, syntax, &set, &search);
    return parsed ? Collect(c, set, search, &found) : Status::kOk;
  });
  if (s == Status::kNotFound) {
    parsed = ParseGeoSearch(c, syntax, nullptr, &search);
    s = Status::kOk;
  }
  if (s != Status::kOk) return FailStatus(c, s);
  if (!parsed) return Done();
  Arrange(search, &found);
  if (search.store_key != 0) return StoreHits(c, syntax, search, found);
  ReplyHits(c, search, found);
  return Done();
}

Outcome GeoRadius(CommandContext& c) { return RunSearch(c, {.options = 6, .store_options = true}); }
Outcome GeoRadiusRo(CommandContext& c) { return RunSearch(c, {.options = 6}); }
Outcome GeoRadiusByMember(CommandContext& c) {
  return RunSearch(c, {.options = 5, .by_member = true, .store_options = true});
}
Outcome GeoRadiusByMemberRo(CommandContext& c) {
  return RunSearch(c, {.options = 5, .by_member = true});
}
Outcome SearchArea(CommandContext& c) { return RunSearch(c, {.search = true}); }
Outcome StoreArea(CommandContext& c) {
  return RunSearch(c, {.source = 2, .options = 3, .search = true, .stores = true});
}

constexpr std::string_view kComplexity =
    "O(N+log(M)) with N the number of members in the cells around the shape and M that of all "
    "members";
constexpr KeySpec kSource{1, 1, 1, kKeyRo | kKeyAccess};

constexpr KeySpec StoredAfter(int16_t from, std::string_view word) {
  return {from, 0, 1, kKeyOw | kKeyUpdate, KeyForm::kAfterWord, word, 0};
}

// Of several STORE options the last counts, so that a transaction cannot tell from the key
// specification which key will be written: kAnyKeys.
constexpr CommandRow kRows[] = {
    {.name = "georadius",
     .arity = -6,
     .flags = kWrite | kDenyOom | kMovableKeys | kAnyKeys,
     .keys = {{kSource, StoredAfter(6, "STORE"), StoredAfter(6, "STOREDIST")}},
     .acl = kAclGeo,
     .since = "3.2.0",
     .group = "geo",
     .complexity = kComplexity,
     .summary = "Finds members of a geospatial index in a circle around a place, or stores them.",
     .handler = GeoRadius,
     .syntax = "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] "
               "[COUNT count [ANY]] [ASC | DESC] [STORE key] [STOREDIST key]"},
    {.name = "georadius_ro",
     .arity = -6,
     .flags = kReadonly,
     .keys = {{kSource}},
     .acl = kAclGeo,
     .since = "3.2.10",
     .group = "geo",
     .complexity = kComplexity,
     .summary = "Finds members of a geospatial index in a circle around a place.",
     .handler = GeoRadiusRo,
     .syntax = "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] "
               "[COUNT count [ANY]] [ASC | DESC]"},
    {.name = "georadiusbymember",
     .arity = -5,
     .flags = kWrite | kDenyOom | kMovableKeys | kAnyKeys,
     .keys = {{kSource, StoredAfter(5, "STORE"), StoredAfter(5, "STOREDIST")}},
     .acl = kAclGeo,
     .since = "3.2.0",
     .group = "geo",
     .complexity = kComplexity,
     .summary = "Finds members of a geospatial index in a circle around a member, or stores them.",
     .handler = GeoRadiusByMember,
     .syntax = "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] "
               "[COUNT count [ANY]] [ASC | DESC] [STORE key] [STOREDIST key]"},
    {.name = "georadiusbymember_ro",
     .arity = -5,
     .flags = kReadonly,
     .keys = {{kSource}},
     .acl = kAclGeo,
     .since = "3.2.10",
     .group = "geo",
     .complexity = kComplexity,
     .summary = "Finds members of a geospatial index in a circle around a member.",
     .handler = GeoRadiusByMemberRo,
     .syntax = "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] "
               "[COUNT count [ANY]] [ASC | DESC]"},
    {.name = "geosearch",
     .arity = -7,
     .flags = kReadonly,
     .keys = {{kSource}},
     .acl = kAclGeo,
     .since = "6.2.0",
     .group = "geo",
     .complexity = kComplexity,
     .summary = "Finds members of a geospatial index in a circle or a box.",
     .handler = SearchArea,
     .syntax = "key <FROMMEMBER member | FROMLONLAT (longitude latitude)> <(BYRADIUS radius <M | "
               "KM | FT | MI>) | (BYBOX width height <M | KM | FT | MI>)> [ASC | DESC] "
               "[COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]"},
    {.name = "geosearchstore",
     .arity = -8,
     .flags = kWrite | kDenyOom,
     .keys = {{{1, 1, 1, kKeyOw | kKeyUpdate}, {2, 2, 1, kKeyRo | kKeyAccess}}},
     .acl = kAclGeo,
     .since = "6.2.0",
     .group = "geo",
     .complexity = kComplexity,
     .summary = "Finds members of a geospatial index in a circle or a box and stores them.",
     .handler = StoreArea,
     .syntax = "destination source <FROMMEMBER member | FROMLONLAT (longitude latitude)> "
               "<(BYRADIUS radius <M | KM | FT | MI>) | (BYBOX width height <M | KM | FT | MI>)> "
               "[ASC | DESC] [COUNT count [ANY]] [STOREDIST]"},
};

}  // namespace

std::span<const CommandRow> GeoSearchCommands() { return kRows; }

}  // namespace mantis::server
