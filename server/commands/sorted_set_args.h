// What the sorted set commands share: arguments that name ranges, replies of members with scores,
// and the making of rows.
//
// Thread safety: one command, one core.
#pragma once

#include <array>
#include <string_view>

#include "engine/value/sorted_set.h"
#include "server/commands/args.h"
#include "server/dispatch/command.h"

namespace mantis::server {

// TooLong for adding, removing or finding that many members of a big set: 0.5 to 2 us each, most of
// it cache misses.
inline bool TooManyMembers(const CommandContext& c, size_t members) {
  constexpr size_t kSteps = 4;
  return TooLong(c, members > SIZE_MAX / kSteps ? SIZE_MAX : members * kSteps);
}

// Each writes the error and returns false if the arguments do not parse. A bound of scores is a
// number, exclusive after "("; one of members is "-", "+", or a text after "[" or "(", which the
// range keeps views of.
bool ParseScoreRange(CommandContext& c, Bytes min, Bytes max, ScoreRange* out);
bool ParseLexRange(CommandContext& c, Bytes min, Bytes max, LexRange* out);

// The ranks from index `start` to `stop` of a set of `size` members; negative ones count from the
// end.
SortedSet::RankRange RanksOfIndexes(int64_t start, int64_t stop, size_t size);
// The ranks that become those when members are counted from the greatest down.
inline SortedSet::RankRange Mirrored(SortedSet::RankRange ranks, size_t size) {
  return {size - ranks.first - ranks.count, ranks.count};
}

// Members with their scores: RESP2 gets one flat array, RESP3 an array of pairs.
class ScoredReply {
 public:
  ScoredReply(CommandContext& c, size_t count) : reply_(c.reply), pairs_(c.reply.protocol() == 3) {
    reply_.Array(pairs_ ? count : 2 * count);
  }
  void Add(Bytes member, double score) {
    if (pairs_) reply_.Array(2);
    reply_.Bulk(member);
    reply_.Double(score);
  }

 private:
  protocol::ReplyWriter& reply_;
  bool pairs_;
};

// How sorted set commands use the key that is their first argument.
inline constexpr uint16_t kLookedAtKey = kKeyRo;
inline constexpr uint16_t kReadKey = kKeyRo | kKeyAccess;
inline constexpr uint16_t kUpdatedKey = kKeyRw | kKeyUpdate;
inline constexpr uint16_t kReadAndUpdatedKey = kKeyRw | kKeyAccess | kKeyUpdate;
inline constexpr uint16_t kDeletedFromKey = kKeyRw | kKeyDelete;
inline constexpr uint16_t kTakenFromKey = kKeyRw | kKeyAccess | kKeyDelete;
inline constexpr uint16_t kStoredKey = kKeyOw | kKeyUpdate;

// A row of a sorted set command, with these keys or with the first argument as its only one.
constexpr CommandRow SortedSetRow(std::string_view name, int arity, uint32_t flags,
                                  std::array<KeySpec, 3> keys, std::string_view since,
                                  Handler handler, std::string_view syntax,
                                  std::string_view summary, std::string_view complexity,
                                  std::string_view tips = {}) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .keys = keys,
          .acl = kAclSortedSet,
          .since = since,
          .group = "sorted-set",
          .complexity = complexity,
          .summary = summary,
          .handler = handler,
          .syntax = syntax,
          .tips = tips};
}
constexpr CommandRow SortedSetRow(std::string_view name, int arity, uint32_t flags,
                                  uint16_t key_flags, std::string_view since, Handler handler,
                                  std::string_view syntax, std::string_view summary,
                                  std::string_view complexity, std::string_view tips = {}) {
  return SortedSetRow(name, arity, flags, std::array<KeySpec, 3>{{{1, 1, 1, key_flags}}}, since,
                      handler, syntax, summary, complexity, tips);
}

}  // namespace mantis::server
