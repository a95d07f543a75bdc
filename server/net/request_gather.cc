#include "server/net/request_gather.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "engine/base/cycle_clock.h"
#include "server/core/core_context.h"
#include "server/dispatch/prefetch.h"
#include "server/net/connection.h"
#include "server/net/core_loop.h"

namespace mantis::server {

RequestGather::RequestGather(CoreContext& core)
    : core_(core), bytes_(std::make_unique_for_overwrite<char[]>(kCommands * kCommandMax)) {}

bool RequestGather::Add(Connection& connection, protocol::RequestParser& parser,
                        std::string_view data) {
  if (data.size() > kCommandMax) return false;
  if (count_ == kCommands) Run();
  char* const bytes = &bytes_[count_ * kCommandMax];
  std::memcpy(bytes, data.data(), data.size());
  data = {bytes, data.size()};
  protocol::Args& args = args_[count_];
  parser.set_authenticated(connection.client().authenticated);
  if (parser.Parse(data, args) != protocol::ParseStatus::kCommand || args.empty() ||
      parser.consumed() != data.size()) {
    TrimArgs(args);
    return false;
  }
  commands_[count_].args = args;
  Prepare(commands_[count_]);
  data_[count_] = data;
  connections_[count_++] = &connection;
  if (!std::exchange(queued_, true)) {
    boost::asio::post(core_.io, [this] {
      queued_ = false;
      Run();
    });
  }
  return true;
}

void RequestGather::Run() {
  for (size_t begin = 0; begin < count_;) {
    const size_t end = RunSome(begin);
    // Nothing is added by this: a connection receives in a turn of its own.
    for (; begin < end; ++begin) {
      TrimArgs(args_[begin]);
      connections_[begin]->EndGathered(results_[begin], data_[begin]);
    }
  }
  count_ = 0;
}

size_t RequestGather::RunSome(size_t begin) {
  if (!core_.op->TryBegin()) {
    core_.stats.busy_retries.Add(1);
    std::fill_n(results_.begin() + begin, count_ - begin, RunResult{RunStop::kBusy, 0});
    return count_;
  }
  core_.now_ms = core_.op->now_ms();
  Prefetch(begin);
  const uint64_t start = Ticks();
  size_t i = begin;
  do {
    Client& client = connections_[i]->client();
    size_t done = 0;
    const std::optional<RunStop> stop =
        core_.loop->runner().ExecuteOne(client, commands_[i], &done);
    results_[i] = {stop.value_or(RunStop::kNeedMore), done > 0 ? data_[i].size() : 0};
  } while (++i < count_ && TicksToNs(Ticks() - start) < kTogetherNs);
  if (core_.op->in_batch()) core_.op->End();
  core_.stats.commands_gathered.Add(static_cast<int64_t>(i - begin));
  return i;
}

void RequestGather::Prefetch(size_t begin) {
  while (begin < count_) {
    const Client& client = connections_[begin]->client();
    size_t end = begin + 1;
    while (end < count_ && connections_[end]->client().db == client.db) ++end;
    PrefetchBatch(core_, client, {&commands_[begin], end - begin});
    begin = end;
  }
}

}  // namespace mantis::server
