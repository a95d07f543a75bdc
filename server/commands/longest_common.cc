#include "server/commands/longest_common.h"

#include <algorithm>

namespace mantis::server {

std::optional<LongestCommon> FindLongestCommon(Bytes a, Bytes b, size_t bytes_max) {
  const size_t columns = b.size() + 1;
  size_t cells = 0;
  if (__builtin_mul_overflow(a.size() + 1, columns, &cells) ||
      cells > bytes_max / sizeof(uint32_t)) {
    return std::nullopt;
  }
  // best[i*columns+j]: length for the first i bytes of a and the first j of b.
  std::vector<uint32_t> best(cells, 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    uint32_t* row = &best[i * columns];
    const uint32_t* above = row - columns;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = a[i - 1] == b[j - 1] ? above[j - 1] + 1 : std::max(above[j], row[j - 1]);
    }
  }
  LongestCommon result;
  result.length = best.back();
  result.text.resize(result.length);
  size_t left = result.length;
  size_t i = a.size();
  size_t j = b.size();
  while (i > 0 && j > 0) {
    if (a[i - 1] == b[j - 1]) {
      --i;
      --j;
      result.text[--left] = a[i];
      auto& m = result.matches;
      // Extend the run that begins right after this byte in both strings, or begin a new one.
      if (!m.empty() && m.back().a_begin == i + 1 && m.back().b_begin == j + 1) {
        m.back() = {i, j, m.back().length + 1};
      } else {
        m.push_back({i, j, 1});
      }
    } else if (best[(i - 1) * columns + j] > best[i * columns + j - 1]) {
      --i;
    } else {
      --j;
    }
  }
  return result;
}

}  // namespace mantis::server
