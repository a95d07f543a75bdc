// The longest common subsequence of two byte strings, by dynamic programming.
//
// Thread safety: a pure function. Complexity: O(n*m) time, 4*(n+1)*(m+1) bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/bytes.h"

namespace mantis::server {

struct LongestCommon {
  // A run of equal bytes, part of the subsequence.
  struct Match {
    size_t a_begin;
    size_t b_begin;
    size_t length;
  };
  size_t length = 0;
  std::string text;
  std::vector<Match> matches;  // last one first, as LCS IDX lists them
};

// Nothing if the table would take more than `bytes_max`.
std::optional<LongestCommon> FindLongestCommon(Bytes a, Bytes b, size_t bytes_max);

}  // namespace mantis::server
