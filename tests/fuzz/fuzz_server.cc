#include "tests/fuzz/fuzz_server.h"

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "config/option_table.h"
#include "config/values.h"
#include "engine/base/counters.h"
#include "server/core/apply_settings.h"
#include "server/core/worker_pool.h"
#include "server/dispatch/blocked_clients.h"
#include "server/dispatch/command_table.h"
#include "server/dispatch/interest_table.h"
#include "server/net/core_loop.h"

namespace mantis::fuzz {
namespace {

using server::RunStop;

// What may be in a command's way here is only the background thread that reclaims memory.
constexpr auto kBusyMax = std::chrono::seconds(10);

// Single values, and what LCS may use, stay below 1 MiB; DEBUG is allowed.
config::Values TestValues() {
  config::Values values;
  const auto assign = [&](std::string_view name, std::string_view text) {
    const std::array<std::string, 1> words{std::string(text)};
    Check(!values.Assign(config::IndexOf(name), words), "the configuration is refused");
  };
  assign("proto-max-bulk-len", "1mb");
  assign("enable-debug-command", "yes");
  return values;
}

}  // namespace

void Check(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "command_fuzz: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

FuzzServer::FuzzServer(Engine& engine, uint64_t seed)
    : config_(TestValues(), {}), engine_(engine), shared_(engine, config_) {
  server::InstallApplyHook(shared_);
  shared_.run_id = std::string(40, '0');
  shared_.cores.push_back(std::make_unique<server::CoreContext>(
      size_t{0}, shared_, server::CommandTable::Instance().size()));
  core_ = shared_.cores.front().get();
  shared_.workers = std::make_unique<server::WorkerPool>(shared_);
  shared_.workers->Start();
  core_->op.emplace(engine_);
  core_->op->random_state() = seed * 2 + 1;
  // Never started: it serves as the client's place in the core's list, and for its address.
  server::AcceptedSocket socket;
  socket.address = "127.0.0.1:1";
  socket.local_address = "127.0.0.1:6379";
  const uint64_t id = shared_.next_client_id.fetch_add(1);
  connection_ = std::make_shared<server::Connection>(*core_, socket, id);
  core_->connections.emplace(id, connection_);
  core_->load = 1;
  shared_.client_count = 1;
}

FuzzServer::~FuzzServer() {
  connection_->Close("the input has ended");
  core_->io.restart();
  core_->io.poll();
  connection_.reset();
  shared_.workers->Stop();
  Empty();
  core_->op.reset();
  engine_.cache().SetOptions(CacheOptions{});
}

void FuzzServer::Empty() {
  OpContext& op = *core_->op;
  size_t keys = 0;
  Check(op.TryBegin(), "the gate is closed");
  for (int i = 0; i < engine_.database_count(); ++i) keys += engine_.database(i).index().size();
  op.End();
  if (keys > 0) {
    Check(op.TryCloseGate(), "the gate is closed");
    engine_.FlushAll(op);
    op.OpenGate();
  }
  // What is still to be freed may only be reached through tagged words, which the leak check that
  // follows an input does not understand.
  while (engine_.LazyFreePending() > 0) std::this_thread::yield();
  if (Counters::Sum(Counter::kRetiredObjects) != retired_before_) reclaim::Drain();
}

std::string FuzzServer::Run(std::string_view requests) {
  std::string out;
  auto busy_since = std::chrono::steady_clock::time_point::max();
  while (true) {
    const server::RunResult result = core_->loop->runner().Run(client(), parser_, requests);
    requests.remove_prefix(result.consumed);
    stop_ = result.stop;
    TakeOutput(out);
    if (stop_ != RunStop::kBusy) busy_since = std::chrono::steady_clock::time_point::max();
    switch (stop_) {
      case RunStop::kNeedMore:
      case RunStop::kClosing:
      case RunStop::kProtocolError:
        return out;
      case RunStop::kBusy:
        busy_since = std::min(busy_since, std::chrono::steady_clock::now());
        Check(std::chrono::steady_clock::now() - busy_since < kBusyMax, "busy without end");
        std::this_thread::yield();
        reclaim::Poll(true);
        break;
      case RunStop::kSuspended:
        AwaitReply();
        TakeOutput(out);
        break;
      case RunStop::kOutputFull:
      case RunStop::kTurnOver:
        break;
    }
  }
}

void FuzzServer::AwaitReply() {
  const auto work = boost::asio::make_work_guard(core_->io);
  core_->io.restart();
  // All cores that could be asked are this one, so the loop has their answers now.
  const size_t ran = core_->io.poll();
  if (client().blocked != nullptr) return EndWait();
  // Else a worker has the command.
  if (ran == 0) Check(core_->io.run_one_for(kBusyMax) > 0, "a worker that does not answer");
}

void FuzzServer::EndWait() {
  OpContext& op = *core_->op;
  Check(op.TryBegin(), "the gate is closed");
  const bool ended =
      core_->blocked->Unblock(op, client().id, server::BlockedClients::Reason::kTimeout);
  op.End();
  Check(ended, "a blocked client that nobody serves");
  core_->io.restart();
  core_->io.poll();
}

void FuzzServer::TakeOutput(std::string& out) {
  server::ClientOutput& output = client().output;
  while (!output.empty()) {
    std::array<iovec, 16> parts;
    const size_t count = output.Gather(parts, SIZE_MAX);
    size_t taken = 0;
    for (size_t i = 0; i < count; ++i) {
      out.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
      taken += parts[i].iov_len;
    }
    Check(taken > 0, "output that cannot be sent");
    output.Consume(taken);
  }
}

void FuzzServer::CheckInvariants() {
  OpContext& op = *core_->op;
  Check(!op.in_batch() && !op.holds_locks(), "a command left its batch or locks behind");
  for (int i = 0; i < engine_.database_count(); ++i) {
    Check(op.TryBegin(), "a command left the gate closed");
    CheckDatabase(engine_.database(i));
    op.End();
    // What had become absent is unlinked by now.
    Check(op.TryBegin(), "the gate closed by itself");
    Database& db = engine_.database(i);
    // A key that the client watches has its entry although it is absent.
    const size_t most = db.size() + shared_.interests->keys();
    const auto fits = [&](size_t entries) { return entries >= db.size() && entries <= most; };
    Check(fits(db.index().size()), "the hash index has other entries than keys");
    Check(fits(db.ordered().size()), "the ordered index has other entries than keys");
    op.End();
  }
}

void FuzzServer::CheckDatabase(Database& db) {
  OpContext& op = *core_->op;
  while (db.ExpireDue(op, 0, 1, 128) == 128) {
  }
  size_t live = 0;
  size_t timed = 0;
  const Entry* previous = nullptr;
  OrderedCursor cursor(db.ordered(), RangeBound::None(), RangeBound::None(), false);
  for (auto run = cursor.NextRun(); !run.empty(); run = cursor.NextRun()) {
    for (const Entry* e : run) {
      Check(previous == nullptr || previous->key() < e->key(), "keys out of order");
      previous = e;
      // Expired ones count until they are deleted, when their tick has ended.
      if (!Resolve(e->word()).exists()) continue;
      ++live;
      if (Resolve(e->word()).deadline_ms != kNoDeadline) ++timed;
      Check(db.index().Find(e->key(), HashIndex::Hash(e->key())) == e,
            "the hash index lacks a key of the ordered index");
    }
  }
  Check(db.size() == live, "the number of keys is wrong");
  Check(db.deadlines() == timed, "the number of keys with a deadline is wrong");
}

}  // namespace mantis::fuzz
