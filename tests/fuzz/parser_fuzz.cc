// Fuzzes the request parser: however the input is cut into pieces, the same commands and the same
// error must come out as from the input in one piece.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string_view>

#include "protocol/request_parser.h"
#include "tests/unit/protocol/parse_stream.h"

namespace mantis::protocol {
namespace {

// Small enough for the fuzzer to reach every limit.
Limits SmallLimits() {
  Limits limits;
  limits.bulk_len_max = 2048;
  limits.args_max = 64;
  limits.inline_len_max = 128;
  limits.unauth_bulk_len_max = 32;
  limits.unauth_args_max = 4;
  return limits;
}

template <typename NextPiece>
StreamResult Run(std::string_view bytes, bool authenticated, NextPiece next_piece) {
  RequestParser parser(SmallLimits());
  parser.set_authenticated(authenticated);
  return ParseStream(parser, bytes, next_piece);
}

void Check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// The first two bytes of the input choose the pieces, so that a finding can be replayed.
void FuzzParser(std::string_view input) {
  if (input.size() < 2) return;
  const auto control = static_cast<unsigned char>(input[0]);
  const bool authenticated = (control & 1) != 0;
  const size_t piece_max = size_t{1} + (control >> 1);
  std::minstd_rand random(static_cast<unsigned char>(input[1]));
  const std::string_view bytes = input.substr(2);

  const StreamResult whole = Run(bytes, authenticated, [](size_t rest) { return rest; });
  Check(whole.consumed <= bytes.size());
  Check(whole == Run(bytes, authenticated, [](size_t) { return size_t{1}; }));
  Check(whole ==
        Run(bytes, authenticated, [&](size_t) { return size_t{1} + random() % piece_max; }));
}

}  // namespace mantis::protocol

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mantis::protocol::FuzzParser({reinterpret_cast<const char*>(data), size});
  return 0;
}
