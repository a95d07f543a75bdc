// Feeds a stream of bytes to a RequestParser in pieces, the way a connection does, and collects
// what comes out. Shared by the unit tests and the fuzzer.
//
// Thread safety: none. Ownership: the result owns copies of everything.
// Invariant: every Parse gets a fresh allocation of exactly the bytes received and not consumed, so
// that a stale pointer or a read past the end shows up under AddressSanitizer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/request_parser.h"

namespace mantis::protocol {

struct StreamResult {
  std::vector<std::vector<std::string>> commands;
  std::string error;    // empty if the stream is good so far
  size_t consumed = 0;  // bytes of complete commands

  bool operator==(const StreamResult&) const = default;
};

// `next_piece(rest)` says how many of the `rest` bytes still to come arrive next: at least one.
template <typename NextPiece>
StreamResult ParseStream(RequestParser& parser, std::string_view bytes, NextPiece next_piece) {
  StreamResult result;
  Args args;
  size_t arrived = 0;
  bool starved = true;
  while (true) {
    if (starved) {
      if (arrived == bytes.size()) return result;
      arrived += std::min(bytes.size() - arrived, next_piece(bytes.size() - arrived));
    }
    const std::string_view unread = bytes.substr(result.consumed, arrived - result.consumed);
    const auto copy = std::make_unique<char[]>(unread.size());
    std::copy(unread.begin(), unread.end(), copy.get());
    const ParseStatus status = parser.Parse({copy.get(), unread.size()}, args);
    if (status == ParseStatus::kError) {
      result.error = parser.error();
      return result;
    }
    starved = status == ParseStatus::kNeedMore;
    if (!starved) {
      result.commands.emplace_back(args.begin(), args.end());
      result.consumed += parser.consumed();
    }
  }
}

}  // namespace mantis::protocol
