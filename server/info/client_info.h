// Descriptions of clients as CLIENT LIST and INFO give them, and the filters that choose clients.
//
// Thread safety: functions over a client run on the client's core; a ClientFilter is a plain value
// that owns its texts and may be copied to other cores.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mantis::server {

class Connection;

enum class ClientType : uint8_t { kNormal, kMaster, kReplica, kPubsub };

// Nothing for a name that Redis does not know either.
std::optional<ClientType> ClientTypeOf(std::string_view name);

struct ClientFilter {
  std::optional<uint64_t> id;
  std::optional<ClientType> type;
  std::optional<std::string> address;
  std::optional<std::string> local_address;
  std::optional<std::string> user;
  std::optional<int64_t> age_seconds_min;
  uint64_t skip_id = 0;  // this client is not chosen

  bool Matches(const Connection& connection, int64_t now_ms) const;
};

// One line of CLIENT LIST without its newline.
std::string DescribeClient(const Connection& connection, int64_t now_ms);

}  // namespace mantis::server
