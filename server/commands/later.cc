#include "server/commands/later.h"

#include "server/core/core_context.h"
#include "server/net/client.h"
#include "server/net/connection.h"

namespace mantis::server {

Later::Later(const CommandContext& c)
    : client_id_(c.client.id),
      silent_(c.client.reply_mode == ReplyMode::kOff || c.client.reply_skip_now) {}

void Later::Answer(CoreContext& core, const std::function<void(Client&)>& write) const {
  const auto it = core.connections.find(client_id_);
  if (it == core.connections.end()) return;
  // Resume may close the connection, which ends the map's ownership.
  const std::shared_ptr<Connection> connection = it->second;
  Client& client = connection->client();
  const ClientOutput::Mark mark = client.output.mark();
  write(client);
  if (silent_) client.output.Rewind(mark);
  client.Resume();
}

}  // namespace mantis::server
