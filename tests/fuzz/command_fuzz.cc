// Fuzzes whole command streams against one core of the server: nothing crashes, every command gets
// exactly one well-formed reply, and afterwards the indexes and counts of each database agree.
//
// The input's first byte: bit 0, the rest is the stream as it stands, otherwise it is read by
// MakeStream; bit 1, one command is run at a time, so that each reply is checked against its
// command; bit 2, RESP3 from the start. The others seed the engine's random choices.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/reclaim/rcu.h"
#include "tests/fuzz/command_stream.h"
#include "tests/fuzz/fuzz_server.h"
#include "tests/support/reply_check.h"

namespace mantis::fuzz {
namespace {

using server::RunStop;

constexpr size_t kRequestsMax = 256;

bool Is(const Request& request, std::string_view name) {
  return request.command != nullptr && request.command->row->name == name;
}

struct Replies {
  size_t least = 0;
  size_t most = 0;
  test::Dialect dialect;
};

// What these requests are to be answered with, judged before they run.
Replies Expect(server::Client& client, std::span<const Request> requests) {
  Replies expected;
  expected.dialect = client.reply.protocol() >= 3 ? test::Dialect::kResp3 : test::Dialect::kResp2;
  bool reply_mode_changes = client.reply_mode != server::ReplyMode::kOn || client.reply_skip_armed;
  const bool silent = client.reply_mode == server::ReplyMode::kOff || client.reply_skip_armed;
  for (const Request& request : requests) {
    if (request.blank) continue;
    ++expected.most;
    if (Is(request, "client|reply") || Is(request, "reset")) reply_mode_changes = true;
    if (Is(request, "hello") || Is(request, "reset")) expected.dialect = test::Dialect::kEither;
  }
  expected.least = reply_mode_changes ? 0 : expected.most;
  const bool can_speak =
      requests.size() > 1 || Is(requests[0], "client|reply") || Is(requests[0], "reset");
  if (silent && !can_speak) expected.most = 0;
  return expected;
}

size_t CountReplies(std::string_view out, test::Dialect dialect) {
  size_t count = 0;
  while (!out.empty()) {
    const auto length = test::ReplyLength(out, dialect);
    Check(length.has_value(), "a reply is malformed or incomplete");
    out.remove_prefix(*length);
    ++count;
  }
  return count;
}

// False: the server would close the connection now.
bool RunRequests(FuzzServer& server, std::span<const Request> requests) {
  std::string bytes;
  for (const Request& request : requests) bytes.append(request.bytes);
  Replies expected = Expect(server.client(), requests);
  // Meanwhile a password may have been set, and RESET taken away what the client had proven.
  const std::string out = server.Run(bytes);
  const bool closing = server.stop() != RunStop::kNeedMore;
  if (server.stop() == RunStop::kProtocolError) {
    Check(!server.client().authenticated, "the parsers disagree");
  }
  if (closing)
    expected.least = requests.size() == 1 && !server.client().killed ? expected.least : 0;
  const size_t replies = CountReplies(out, expected.dialect);
  Check(replies >= expected.least, "a reply is missing");
  Check(replies <= expected.most, "more replies than commands");
  return !closing;
}

void FuzzCommands(Engine& engine, std::string_view input) {
  if (input.empty()) return;
  const auto control = static_cast<unsigned char>(input[0]);
  const bool raw = (control & 1) != 0;
  const bool one_by_one = (control & 2) != 0;
  std::string stream = (control & 4) != 0 ? "HELLO 3\r\n" : "";
  input.remove_prefix(1);
  stream += raw ? std::string(input) : MakeStream(input);

  const CutStream cut = Cut(stream, kRequestsMax);
  FuzzServer server(engine, control >> 3);
  bool open = true;
  const std::span<const Request> requests(cut.requests);
  if (one_by_one) {
    for (size_t i = 0; i < requests.size() && open; ++i) {
      open = RunRequests(server, requests.subspan(i, 1));
    }
  } else if (!requests.empty()) {
    open = RunRequests(server, requests);
  }
  if (open) {
    Check(server.Run(cut.rest).empty(), "an incomplete request is answered");
  }
  server.CheckInvariants();
}

}  // namespace
}  // namespace mantis::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const mantis::reclaim::Runtime runtime;
  static mantis::Engine engine{mantis::EngineOptions{}};
  mantis::fuzz::FuzzCommands(engine, {reinterpret_cast<const char*>(data), size});
  return 0;
}
