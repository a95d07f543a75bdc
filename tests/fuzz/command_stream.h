// Turns fuzzer input into a stream of requests, with words taken from the command table, and cuts
// streams into requests again.
//
// Thread safety: functions without state of their own, but for vocabulary built at first use; one
// thread.
// Ownership: a Request views into the stream it was cut from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/dispatch/command.h"

namespace mantis::fuzz {

// Reads like "command, number of arguments, arguments" out of any bytes whatever: every input is a
// stream of mostly valid commands over few keys, with extreme numbers, option words of the command
// or of others, and stretches of raw bytes.
[[nodiscard]] std::string MakeStream(std::string_view input);

struct Request {
  std::string_view bytes;
  // nullptr: unknown. What it resolves to decides how many replies may come.
  const server::Command* command = nullptr;
  bool blank = false;  // no arguments, hence no reply
};

struct CutStream {
  std::vector<Request> requests;
  // What follows the last request: nothing, the beginning of another, or what is not RESP.
  std::string_view rest;
};

// Requests that cannot be run inside of a fuzzer are left out; the .cc has the list.
[[nodiscard]] CutStream Cut(std::string_view stream, size_t requests_max);

}  // namespace mantis::fuzz
