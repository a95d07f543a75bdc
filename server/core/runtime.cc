#include "server/core/runtime.h"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <chrono>

#include "engine/base/clock.h"
#include "server/core/apply_settings.h"
#include "server/core/banner.h"
#include "server/core/cpu_count.h"
#include "server/core/log.h"
#include "server/core/process_setup.h"
#include "server/core/worker_pool.h"
#include "server/dispatch/command_table.h"
#include "server/net/connection.h"
#include "server/net/core_loop.h"
#include "server/net/socket_setup.h"

namespace mantis::server {
namespace {

constexpr int64_t kDrainMs = 2000;
// Clients that wait for something (a blocking command) get this long.
constexpr int64_t kDrainSuspendedMs = 300;
constexpr auto kDrainPoll = std::chrono::milliseconds(2);

std::vector<std::shared_ptr<Connection>> ConnectionsOf(const CoreContext& core) {
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(core.connections.size());
  for (const auto& [id, connection] : core.connections) all.push_back(connection);
  return all;
}

}  // namespace

struct ServerRuntime::Loop {
  explicit Loop(CoreContext& c)
      : core(c), work(c.io.get_executor()), housekeeping(c), drain_timer(c.io) {}
  CoreContext& core;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
  Housekeeping housekeeping;
  boost::asio::steady_timer drain_timer;
  int64_t drain_began_ms = 0;
  std::thread thread;
};

ServerRuntime::ServerRuntime(SharedState& shared) : shared_(shared), main_thread_(pthread_self()) {
  shared_.runtime = this;
  const auto settings = shared_.config.snapshot();
  usable_cores_ = UsableCores();
  const int threads = settings->threads > 0 ? settings->threads : usable_cores_;
  const size_t commands = CommandTable::Instance().size();
  for (int i = 0; i < threads; ++i) {
    shared_.cores.push_back(
        std::make_unique<CoreContext>(static_cast<size_t>(i), shared_, commands));
    loops_.push_back(std::make_unique<Loop>(*shared_.cores.back()));
  }
  shared_.workers = std::make_unique<WorkerPool>(shared_);
}

ServerRuntime::~ServerRuntime() = default;

std::optional<std::string> ServerRuntime::Start() {
  FitClientsToDescriptors(shared_.config);
  InstallApplyHook(shared_);
  const auto settings = shared_.config.snapshot();
  ListenResult listen = OpenListeners(*settings);
  for (const std::string& warning : listen.warnings) LogWarning("WARNING: " + warning);
  if (!listen.error.empty()) return listen.error;
  shared_.port = settings->port;
  listener_ = std::make_unique<Listener>(*shared_.cores.front(), std::move(listen.descriptors));
  if (!settings->pidfile.empty()) {
    if (const auto error = WritePidFile(settings->pidfile)) LogWarning(*error);
  }
  LogNotice(Banner(shared_, usable_cores_));
  loops_running_ = loops_.size();
  shared_.workers->Start();
  shared_.engine.lazy_free()->SetPause([this] { TakeBackFreedOnAll(shared_); });
  for (const auto& loop : loops_) {
    loop->thread = std::thread([this, &loop] { RunLoop(*loop); });
  }
  return std::nullopt;
}

void ServerRuntime::RunLoop(Loop& loop) {
  CoreContext& core = loop.core;
  pthread_setname_np(pthread_self(), fmt::format("mantis-{}", core.index).c_str());
  core.op.emplace(shared_.engine);
  boost::asio::post(core.io, [this, &loop] {
    loop.housekeeping.Start();
    if (loop.core.index == 0) {
      listener_->Start();
      LogNotice("Ready to accept connections");
    }
  });
  core.io.run();
  // What was queued when the loop ended may hold connections.
  core.io.restart();
  core.io.poll();
  core.op.reset();
  if (loops_running_.fetch_sub(1) == 1) WakeStopWaiter(main_thread_);
}

int ServerRuntime::Run() {
  while (loops_running_ > 0) {
    const int signal = WaitForStopSignal();
    if (loops_running_ == 0) break;
    // An orderly stop is under way; whoever asks again does not want to wait for it.
    if (stop_requested_) _exit(1);
    LogNotice(signal == SIGINT ? "Received SIGINT, scheduling shutdown..."
                               : "Received SIGTERM, scheduling shutdown...");
    RequestStop(SaveOnStop::kByConfig, 0);
  }
  shared_.engine.lazy_free()->SetPause(nullptr);
  for (const auto& loop : loops_) loop->thread.join();
  shared_.workers->Stop();
  const auto settings = shared_.config.snapshot();
  int code = exit_code_;
  if (on_stop && !on_stop(save_)) code = 1;
  if (!settings->unixsocket.empty()) ::unlink(settings->unixsocket.c_str());
  if (!settings->pidfile.empty()) ::unlink(settings->pidfile.c_str());
  LogNotice("MantisDB is now ready to exit, bye bye...");
  return code;
}

void ServerRuntime::RequestStop(SaveOnStop save, int exit_code) {
  if (stop_requested_.exchange(true)) return;
  save_ = save;
  exit_code_ = exit_code;
  shared_.stopping = true;
  PostTo(*shared_.cores.front(), [this](CoreContext&) { BeginStop(); });
}

void ServerRuntime::BeginStop() {
  LogNotice("User requested shutdown...");
  // First, so that no core is handed a connection after it has drained: sockets already handed
  // over were posted before.
  listener_->Stop();
  for (const auto& loop : loops_) {
    PostTo(loop->core, [this, &loop](CoreContext&) { DrainLoop(*loop); });
  }
}

void ServerRuntime::DrainLoop(Loop& loop) {
  loop.drain_began_ms = WallClockMs();
  for (const auto& connection : ConnectionsOf(loop.core)) connection->Drain();
  CheckDrained(loop);
}

void ServerRuntime::CheckDrained(Loop& loop) {
  const int64_t waited_ms = WallClockMs() - loop.drain_began_ms;
  for (const auto& connection : ConnectionsOf(loop.core)) {
    const int64_t allowed = connection->suspended() ? kDrainSuspendedMs : kDrainMs;
    if (waited_ms >= allowed) connection->Close("the server stops");
  }
  if (!loop.core.connections.empty()) {
    loop.drain_timer.expires_after(kDrainPoll);
    loop.drain_timer.async_wait([this, &loop](const boost::system::error_code& ec) {
      if (!ec) CheckDrained(loop);
    });
    return;
  }
  loop.housekeeping.Stop();
  loop.work.reset();
  // Timers of retries and rounds are cancelled or die with the loop.
  loop.core.io.stop();
}

}  // namespace mantis::server
