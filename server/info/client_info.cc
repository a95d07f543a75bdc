#include "server/info/client_info.h"

#include "server/dispatch/command.h"
#include "server/net/client.h"
#include "server/net/connection.h"

namespace mantis::server {
namespace {

ClientType TypeOf(const Client& client) {
  return client.pubsub ? ClientType::kPubsub : ClientType::kNormal;
}

std::string Flags(const Client& client) {
  std::string flags;
  if (client.monitor) flags += 'O';
  if (client.pubsub) flags += 'P';
  if (client.transaction != nullptr) flags += 'x';
  if (client.blocked != nullptr || client.paused) flags += 'b';
  if (client.watched != nullptr && client.watched->dirty()) flags += 'd';
  if (client.close_after_reply) flags += 'c';
  if (client.killed) flags += 'A';
  if (client.unix_socket) flags += 'U';
  if (client.no_evict) flags += 'e';
  if (client.no_touch) flags += 'T';
  return flags.empty() ? "N" : flags;
}

class Line {
 public:
  void Text(std::string_view name, std::string_view value) {
    if (!text_.empty()) text_ += ' ';
    text_.append(name).append("=").append(value);
  }
  template <class T>
  void Number(std::string_view name, T value) {
    Text(name, std::to_string(value));
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

std::optional<ClientType> ClientTypeOf(std::string_view name) {
  if (EqualsIgnoreCase(name, "normal")) return ClientType::kNormal;
  if (EqualsIgnoreCase(name, "slave") || EqualsIgnoreCase(name, "replica")) {
    return ClientType::kReplica;
  }
  if (EqualsIgnoreCase(name, "pubsub")) return ClientType::kPubsub;
  if (EqualsIgnoreCase(name, "master")) return ClientType::kMaster;
  return std::nullopt;
}

bool ClientFilter::Matches(const Connection& connection, int64_t now_ms) const {
  const Client& client = connection.client();
  if (client.id == skip_id || client.killed) return false;
  if (id && client.id != *id) return false;
  if (type && TypeOf(client) != *type) return false;
  if (address && client.address != *address) return false;
  if (local_address && client.local_address != *local_address) return false;
  if (user && client.user != *user) return false;
  return !age_seconds_min || (now_ms - client.created_ms) / 1000 >= *age_seconds_min;
}

std::string DescribeClient(const Connection& connection, int64_t now_ms) {
  const Client& client = connection.client();
  const size_t pending = client.output.pending();
  const size_t waiting = connection.input_pending();
  const size_t room = connection.input_capacity();
  Line line;
  line.Number("id", client.id);
  line.Text("addr", client.address);
  line.Text("laddr", client.local_address);
  line.Number("fd", client.fd);
  line.Text("name", client.name);
  line.Number("age", (now_ms - client.created_ms) / 1000);
  line.Number("idle", (now_ms - client.last_active_ms) / 1000);
  line.Text("flags", Flags(client));
  line.Number("db", client.db);
  line.Number("sub", 0);
  line.Number("psub", 0);
  line.Number("ssub", 0);
  line.Number("multi", client.transaction == nullptr
                           ? int64_t{-1}
                           : static_cast<int64_t>(client.transaction->commands.size()));
  line.Number("qbuf", waiting);
  line.Number("qbuf-free", room > waiting ? room - waiting : 0);
  line.Number("argv-mem", connection.argument_memory());
  line.Number("multi-mem", QueueMemory(client));
  line.Number("rbs", client.output.buffer().capacity());
  line.Number("rbp", client.output.buffer().size());
  line.Number("obl", pending);
  line.Number("oll", client.output.sealed_parts());
  line.Number("omem", pending == 0 ? size_t{0} : client.output.memory());
  line.Number("tot-mem", connection.memory());
  line.Text("events", pending == 0 ? "r" : "rw");
  line.Text("cmd", client.last_command == nullptr ? "NULL" : client.last_command->row->name);
  line.Text("user", client.user);
  line.Number("redir", -1);
  line.Number("resp", client.reply.protocol());
  line.Text("lib-name", client.lib_name);
  line.Text("lib-ver", client.lib_version);
  return line.Take();
}

}  // namespace mantis::server
