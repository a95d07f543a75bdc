// What the list commands share.
//
// Thread safety: as CommandContext: one command, one core.
#pragma once

#include <algorithm>
#include <memory>
#include <span>

#include "engine/value/list.h"
#include "server/commands/args.h"
#include "server/core/core_context.h"

namespace mantis::server {

constexpr std::string_view PushEvent(List::End end) {
  return end == List::End::kHead ? "lpush" : "rpush";
}
constexpr std::string_view PopEvent(List::End end) {
  return end == List::End::kHead ? "lpop" : "rpop";
}

// For EditOrCreate.
inline auto ListMaker(const CommandContext& c) {
  return [&settings = c.core.settings()] {
    return std::make_unique<List>(settings.list_max_listpack_size);
  };
}

inline bool ElementsFit(std::span<const Bytes> elements) {
  return std::none_of(elements.begin(), elements.end(),
                      [](Bytes e) { return e.size() > List::kElementBytesMax; });
}

// LEFT or RIGHT. Writes a syntax error and returns false for anything else.
bool ParseEnd(CommandContext& c, Bytes arg, List::End* out);

// Indices as LRANGE and LTRIM take them: both included, negative ones from the end.
struct IndexRange {
  size_t first = 0;
  size_t count = 0;

  static IndexRange Of(int64_t start, int64_t stop, size_t size) {
    const auto n = static_cast<int64_t>(size);
    if (start < 0) start = std::max<int64_t>(start + n, 0);
    stop = stop < 0 ? stop + n : std::min(stop, n - 1);
    if (start > stop || start >= n) return {};
    return {static_cast<size_t>(start), static_cast<size_t>(stop - start + 1)};
  }
};

// What replying with `count` elements of the list costs, for TooLong: large ones count more.
inline size_t ReplySteps(const List& list, size_t count) {
  constexpr size_t kStepBytes = 2048;
  const size_t nodes = list.node_count();
  if (nodes <= 1 && count <= 1) return count;
  const size_t nodes_read = nodes * count / std::max<size_t>(list.size(), 1) + 1;
  const size_t node_bytes = nodes == 0 ? 0 : list.node(nodes / 2).bytes();
  return count + nodes_read * node_bytes / kStepBytes;
}

// What looking at `count` elements costs, for TooLong.
inline size_t SearchSteps(const List& list, size_t count) { return list.node_count() + count / 8; }

// Replies with the array of the `count` elements at that end, the outermost first, and removes
// them.
void PopToReply(CommandContext& c, List& list, size_t count, List::End end);

}  // namespace mantis::server
