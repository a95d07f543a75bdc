#include "server/net/client_eviction.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <utility>

#include "config/settings.h"
#include "server/core/core_context.h"
#include "server/core/core_group.h"
#include "server/core/log.h"
#include "server/core/shared_state.h"
#include "server/info/client_info.h"
#include "server/net/connection.h"
#include "server/net/core_loop.h"

namespace mantis::server {
namespace {

// The part of the memory that clients may hold where maxmemory-clients is not set.
constexpr int64_t kProtectiveShare = 4;

struct Candidate {
  uint64_t bytes = 0;
  uint64_t id = 0;
};

// "<bytes> <id>", or nothing.
std::string Describe(const Connection* largest) {
  if (largest == nullptr) return {};
  return fmt::format("{} {}", largest->memory_place().bytes, largest->client().id);
}

Candidate Parse(const std::string& answer) {
  Candidate found;
  const char* const end = answer.data() + answer.size();
  const auto bytes = std::from_chars(answer.data(), end, found.bytes);
  if (bytes.ptr != end) std::from_chars(bytes.ptr + 1, end, found.id);
  return found;
}

}  // namespace

ClientEviction::ClientEviction(SharedState& shared, int64_t usable_memory)
    : shared_(shared),
      protective_bound_(usable_memory / kProtectiveShare),
      bound_(protective_bound_) {}

void ClientEviction::Configure(const config::Settings& settings) {
  int64_t bound = settings.maxmemory_clients;
  // A percentage of nothing is no bound.
  if (bound < 0) bound = settings.maxmemory / 100 * -bound;
  // As in Redis, so that one can still connect to set it right.
  constexpr int64_t kLeast = int64_t{128} * 1024;
  if (bound > 0) bound = std::max(bound, kLeast);
  set_by_user_.store(bound > 0, std::memory_order_relaxed);
  bound_.store(bound > 0 ? bound : protective_bound_, std::memory_order_relaxed);
}

void ClientEviction::Begin(CoreContext& core) {
  State expected = State::kIdle;
  if (state_ != expected || !state_.compare_exchange_strong(expected, State::kUnderWay)) return;
  const bool spare = set_by_user_.load(std::memory_order_relaxed);
  AskAll(
      core,
      [spare](CoreContext& each) { return Describe(each.loop->client_memory().Largest(spare)); },
      [this](CoreContext&, const std::vector<std::string>& answers) { Choose(answers); });
}

void ClientEviction::Choose(const std::vector<std::string>& answers) {
  Candidate most;
  size_t where = 0;
  for (size_t i = 0; i < answers.size(); ++i) {
    const Candidate candidate = Parse(answers[i]);
    if (candidate.id == 0 || candidate.bytes < most.bytes) continue;
    most = candidate;
    where = i;
  }
  if (most.id == 0) {
    state_ = State::kFruitless;
    return;
  }
  // The bound may have been raised, or clients have read, since.
  PostTo(*shared_.cores[where], [this, id = most.id](CoreContext& core) {
    if (held() >= bound()) Close(core, id);
    state_ = State::kIdle;
    Check(core);
  });
}

void ClientEviction::Close(CoreContext& core, uint64_t client_id) {
  const auto it = core.connections.find(client_id);
  if (it == core.connections.end()) return;
  const std::shared_ptr<Connection> connection = it->second;
  LogWarning(fmt::format(
      "Evicting client, as all clients hold {} bytes of the {} they may ({}): {}", held(), bound(),
      set_by_user_ ? "maxmemory-clients" : "a quarter of the usable memory",
      DescribeClient(*connection, core.now_ms)));
  core.stats.clients_evicted.Add(1);
  connection->Close("client eviction");
}

void ClientEviction::LookAgain(CoreContext& core) {
  State expected = State::kFruitless;
  state_.compare_exchange_strong(expected, State::kIdle);
  Check(core);
}

}  // namespace mantis::server
