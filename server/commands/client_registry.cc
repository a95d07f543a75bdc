#include "server/commands/client_registry.h"

#include <charconv>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "protocol/number.h"
#include "server/commands/args.h"
#include "server/commands/later.h"
#include "server/core/core_context.h"
#include "server/core/core_group.h"
#include "server/core/shared_state.h"
#include "server/info/client_info.h"
#include "server/net/client.h"
#include "server/net/connection.h"

namespace mantis::server {
namespace {

constexpr std::string_view kIdPrefix = "id=";

Outcome UnknownType(CommandContext& c, Bytes name) {
  return Fail(c, "ERR Unknown client type '" + std::string(name) + "'");
}

// Lines of all cores by client id.
std::map<uint64_t, std::string> SplitLines(const std::vector<std::string>& answers) {
  std::map<uint64_t, std::string> lines;
  for (const std::string& answer : answers) {
    for (size_t at = 0; at < answer.size();) {
      const size_t end = answer.find('\n', at) + 1;
      uint64_t id = 0;
      std::from_chars(answer.data() + at + kIdPrefix.size(), answer.data() + end, id);
      lines.emplace(id, answer.substr(at, end - at));
      at = end;
    }
  }
  return lines;
}

std::string DescribeClients(const CoreContext& core, const ClientFilter& filter) {
  const int64_t now_ms = WallClockMs();
  std::string lines;
  for (const auto& [id, connection] : core.connections) {
    if (filter.Matches(*connection, now_ms)) lines += DescribeClient(*connection, now_ms) + "\n";
  }
  return lines;
}

// False: the error is written.
bool ParseListOptions(CommandContext& c, ClientFilter* filter, std::vector<uint64_t>* ids) {
  if (c.argc() == 2) return true;
  if (c.argc() == 4 && EqualsIgnoreCase(c.args[2], "type")) {
    filter->type = ClientTypeOf(c.args[3]);
    if (!filter->type) UnknownType(c, c.args[3]);
    return filter->type.has_value();
  }
  if (c.argc() > 3 && EqualsIgnoreCase(c.args[2], "id")) {
    for (const Bytes arg : c.args.subspan(3)) {
      const auto id = protocol::ParseInteger(arg);
      if (!id) {
        Fail(c, "ERR Invalid client ID");
        return false;
      }
      ids->push_back(static_cast<uint64_t>(*id));
    }
    return true;
  }
  SyntaxError(c);
  return false;
}

// False: the error is written.
bool ParseKillOption(CommandContext& c, Bytes option, Bytes value, ClientFilter* filter) {
  if (EqualsIgnoreCase(option, "id")) {
    const auto id = protocol::ParseInteger(value);
    if (!id || *id < 1) {
      Fail(c, "ERR client-id should be greater than 0");
      return false;
    }
    filter->id = static_cast<uint64_t>(*id);
  } else if (EqualsIgnoreCase(option, "type")) {
    filter->type = ClientTypeOf(value);
    if (!filter->type) UnknownType(c, value);
    return filter->type.has_value();
  } else if (EqualsIgnoreCase(option, "addr")) {
    filter->address = value;
  } else if (EqualsIgnoreCase(option, "laddr")) {
    filter->local_address = value;
  } else if (EqualsIgnoreCase(option, "user")) {
    if (value != "default") {
      Fail(c, "ERR No such user '" + std::string(value) + "'");
      return false;
    }
    filter->user = value;
  } else if (EqualsIgnoreCase(option, "maxage")) {
    const auto age = protocol::ParseInteger(value);
    if (!age || *age < 1) {
      Fail(c, "ERR maxage is not an integer or out of range");
      return false;
    }
    filter->age_seconds_min = *age;
  } else if (EqualsIgnoreCase(option, "skipme")) {
    const bool yes = EqualsIgnoreCase(value, "yes");
    if (!yes && !EqualsIgnoreCase(value, "no")) {
      SyntaxError(c);
      return false;
    }
    filter->skip_id = yes ? c.client.id : 0;
  } else {
    SyntaxError(c);
    return false;
  }
  return true;
}

// Closes what the filter chooses, except for the client that asked, which still has to get its
// reply; it counts all the same.
std::string KillClients(const CoreContext& core, const ClientFilter& filter, uint64_t asking) {
  const int64_t now_ms = WallClockMs();
  // Killing takes connections out of the map.
  std::vector<std::shared_ptr<Connection>> chosen;
  for (const auto& [id, connection] : core.connections) {
    if (filter.Matches(*connection, now_ms)) chosen.push_back(connection);
  }
  bool itself = false;
  for (const auto& connection : chosen) {
    if (connection->client().id == asking) {
      itself = true;
    } else {
      connection->Kill();
    }
  }
  return (itself ? "+" : "-") + std::to_string(chosen.size());
}

struct KillResult {
  int64_t count = 0;
  bool itself = false;
};

KillResult Add(const std::vector<std::string>& answers) {
  KillResult result;
  for (const std::string& answer : answers) {
    result.itself = result.itself || answer.front() == '+';
    result.count += protocol::ParseInteger(std::string_view(answer).substr(1)).value_or(0);
  }
  return result;
}

}  // namespace

Outcome ClientList(CommandContext& c) {
  ClientFilter filter;
  std::vector<uint64_t> ids;
  if (!ParseListOptions(c, &filter, &ids)) return Done();
  const bool by_id = !ids.empty();
  const Later later(c);
  AskAll(
      c.core, [filter](CoreContext& core) { return DescribeClients(core, filter); },
      [later, ids, by_id](CoreContext& core, const std::vector<std::string>& answers) {
        const auto lines = SplitLines(answers);
        std::string text;
        if (by_id) {
          for (const uint64_t id : ids) {
            const auto it = lines.find(id);
            if (it != lines.end()) text += it->second;
          }
        } else {
          for (const auto& [id, line] : lines) text += line;
        }
        later.Answer(core, [&](Client& client) { client.reply.Verbatim(text); });
      });
  return Outcome::kSuspended;
}

Outcome ClientKill(CommandContext& c) {
  ClientFilter filter;
  const bool old_form = c.argc() == 3;
  if (old_form) {
    filter.address = c.args[2];
  } else {
    filter.skip_id = c.client.id;
    for (size_t i = 2; i < c.argc(); i += 2) {
      if (i + 1 == c.argc()) return SyntaxError(c);
      if (!ParseKillOption(c, c.args[i], c.args[i + 1], &filter)) return Done();
    }
  }
  const Later later(c);
  AskAll(
      c.core,
      [filter, asking = c.client.id](CoreContext& core) {
        return KillClients(core, filter, asking);
      },
      [later, old_form](CoreContext& core, const std::vector<std::string>& answers) {
        const KillResult result = Add(answers);
        later.Answer(core, [&](Client& client) {
          client.close_after_reply = client.close_after_reply || result.itself;
          if (!old_form) {
            client.reply.Integer(result.count);
          } else if (result.count == 0) {
            client.reply.Error("ERR No such client");
          } else {
            client.reply.Ok();
          }
        });
      });
  return Outcome::kSuspended;
}

}  // namespace mantis::server
