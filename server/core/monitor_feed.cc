#include "server/core/monitor_feed.h"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "engine/base/allocation_failure.h"
#include "engine/base/clock.h"
#include "server/core/core_group.h"
#include "server/core/log.h"
#include "server/core/shared_state.h"
#include "server/net/client.h"
#include "server/net/core_loop.h"

namespace mantis::server {
namespace {

// As Redis quotes bytes in its logs and MONITOR.
void AppendQuoted(std::string& out, Bytes bytes) {
  constexpr std::string_view kEscaped = "\\\"\n\r\t\a\b";
  constexpr std::string_view kLetters = "\\\"nrtab";
  out.push_back('"');
  for (const char c : bytes) {
    const size_t at = kEscaped.find(c);
    if (at != std::string_view::npos) {
      out.push_back('\\');
      out.push_back(kLetters[at]);
    } else if (c >= ' ' && c <= '~') {
      out.push_back(c);
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  out.push_back('"');
}

// What a monitor is sent of a command.
std::string LineOf(const Client& client, std::span<const Bytes> args) {
  const int64_t now_us = WallClockUs();
  std::string line =
      fmt::format("{}.{:06} [{} {}]", now_us / 1000000, now_us % 1000000, client.db,
                  client.unix_socket ? "unix:" + client.address.substr(0, client.address.rfind(':'))
                                     : client.address);
  for (const Bytes arg : args) {
    line.push_back(' ');
    AppendQuoted(line, arg);
  }
  return line;
}

}  // namespace

void FeedMonitors(SharedState& shared, const Client& client, std::span<const Bytes> args) {
  std::shared_ptr<const std::string> text;
  try {
    const memory::MayFail may_fail;
    text = std::make_shared<const std::string>(LineOf(client, args));
  } catch (const std::bad_alloc&) {
    LogWarning("A command is not shown to monitors: no memory for its text");
    return;
  }
  for (const auto& core : shared.cores) {
    PostTo(*core, [text](CoreContext& self) {
      if (self.monitors > 0) self.loop->FeedMonitors(*text);
    });
  }
}

}  // namespace mantis::server
