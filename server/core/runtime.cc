#include "server/core/runtime.h"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <csignal>
#include <system_error>
#include <utility>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "server/core/apply_settings.h"
#include "server/core/banner.h"
#include "server/core/collation.h"
#include "server/core/cpu_count.h"
#include "server/core/log.h"
#include "server/core/memory_reserve.h"
#include "server/core/persistence.h"
#include "server/core/process_setup.h"
#include "server/core/supervision.h"
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

ServerRuntime::ServerRuntime(SharedState& shared, Supervision& supervision)
    : shared_(shared), supervision_(supervision), main_thread_(pthread_self()) {
  shared_.runtime = this;
  const auto settings = shared_.config.snapshot();
  usable_cores_ = UsableCores();
  const int threads = settings->threads > 0 ? settings->threads : usable_cores_;
  const size_t commands = CommandTable::Instance().size();
  const memory::FixedScope fixed;
  for (int i = 0; i < threads; ++i) {
    shared_.cores.push_back(
        std::make_unique<CoreContext>(static_cast<size_t>(i), shared_, commands));
    loops_.push_back(std::make_unique<Loop>(*shared_.cores.back()));
  }
  shared_.workers = std::make_unique<WorkerPool>(shared_);
}

ServerRuntime::~ServerRuntime() { StopMemoryReserve(); }

std::optional<std::string> ServerRuntime::Start() {
  if (auto error = FitClientsToDescriptors(shared_)) return error;
  InstallApplyHook(shared_);
  const auto settings = shared_.config.snapshot();
  if (!SetCollation(settings->locale_collate)) {
    if (!settings->locale_collate.empty()) {
      return "locale-collate: there is no locale '" + settings->locale_collate + "'";
    }
    // Redis goes on in the C locale too.
    LogWarning("The environment's locale for LC_COLLATE is unknown; SORT ALPHA compares bytes");
  }
  ListenResult listen = OpenListeners(*settings);
  for (const std::string& warning : listen.warnings) LogWarning("WARNING: " + warning);
  if (!listen.error.empty()) return listen.error;
  socket_path_ = settings->unixsocket;
  listener_ = std::make_unique<Listener>(*shared_.cores.front(), std::move(listen.descriptors));
  if (!settings->pidfile.empty()) {
    if (const auto error = WritePidFile(settings->pidfile)) LogWarning(*error);
  }
  LogNotice(Banner(shared_, usable_cores_));
  StartMemoryReserve(shared_);
  // Until the snapshot is there; before the first client is.
  shared_.conditions.Set(Condition::kLoading);
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
    if (loop.core.index == 0) listener_->Start();
  });
  core.io.run();
  // What was queued when the loop ended may hold connections.
  core.io.restart();
  core.io.poll();
  core.op.reset();
  if (loops_running_.fetch_sub(1) == 1) WakeSignalWaiter(main_thread_);
}

void ServerRuntime::StartJob(Job job) {
  job_ = job;
  job_done_ = false;
  const auto run = [this, job] {
    Persistence& persistence = *shared_.persistence;
    job_error_ =
        job == Job::kLoad ? persistence.LoadAtStart() : persistence.SaveBeforeStop(stop_save_);
    job_done_ = true;
    WakeSignalWaiter(main_thread_);
  };
  try {
    job_thread_ = std::thread(run);
  } catch (const std::system_error&) {
    run();
  }
}

void ServerRuntime::EndJob() {
  if (job_thread_.joinable()) job_thread_.join();
  const Job job = std::exchange(job_, Job::kNone);
  if (job == Job::kNone || stop_requested_) return;
  if (job == Job::kLoad && !job_error_) {
    LogNotice("Ready to accept connections");
    supervision_.Ready();
  } else if (job == Job::kLoad) {
    LogWarning(*job_error_);
    LogWarning("Cannot start, exiting.");
    supervision_.Failed(*job_error_);
    RequestStop(1);
  } else if (!job_error_) {
    RequestStop(0);
  } else if (stop_anyway_) {
    LogWarning("Error trying to save the DB. Exit anyway.");
    RequestStop(0);
  } else {
    LogWarning("Error trying to save the DB, can't exit.");
    LogWarning("Errors trying to shut down the server. Check the logs for more information.");
  }
}

void ServerRuntime::OnStopSignal(int signal) {
  const bool interrupt = signal == SIGINT;
  if (stop_requested_ || job_ == Job::kSave) {
    if (!interrupt) return LogNotice("Received SIGTERM, a shutdown is under way already");
    // Whoever asks again at the terminal does not want to wait for it.
    LogWarning("You insist... exiting now.");
    _exit(1);
  }
  if (job_ == Job::kLoad) {
    LogWarning("Received shutdown signal during loading, exiting now.");
    return RequestStop(0);
  }
  LogNotice(interrupt ? "Received SIGINT, scheduling shutdown..."
                      : "Received SIGTERM, scheduling shutdown...");
  LogNotice("User requested shutdown...");
  const std::string_view option = interrupt ? "shutdown-on-sigint" : "shutdown-on-sigterm";
  const std::string words = " " + shared_.config.Get({&option, 1}).front().second + " ";
  const auto has = [&words](std::string_view word) {
    return words.find(word) != std::string::npos;
  };
  stop_save_ = has(" nosave ") ? SaveOnStop::kNoSave
               : has(" save ") ? SaveOnStop::kSave
                               : SaveOnStop::kByConfig;
  stop_anyway_ = has(" force ");
  StartJob(Job::kSave);
}

int ServerRuntime::Run() {
  constexpr int kLookEveryS = 10;
  bool stop_told = false;
  StartJob(Job::kLoad);
  while (loops_running_ > 0) {
    if (job_ == Job::kLoad) supervision_.Loading();
    const int signal = WaitForSignal(kLookEveryS);
    if (job_done_) EndJob();
    if (signal == SIGHUP) {
      ReopenLog();
      LogNotice("Received SIGHUP, the log file is opened anew");
    } else if (signal != 0 && loops_running_ > 0) {
      OnStopSignal(signal);
    }
    if (stop_requested_ && !std::exchange(stop_told, true)) supervision_.Stopping();
  }
  shared_.engine.lazy_free()->SetPause(nullptr);
  for (const auto& loop : loops_) loop->thread.join();
  shared_.workers->Stop();
  EndJob();
  shared_.persistence->Stop();
  const auto settings = shared_.config.snapshot();
  if (!settings->pidfile.empty()) ::unlink(settings->pidfile.c_str());
  LogNotice("MantisDB is now ready to exit, bye bye...");
  return exit_code_;
}

void ServerRuntime::RequestStop(int exit_code) {
  if (stop_requested_.exchange(true)) return;
  exit_code_ = exit_code;
  shared_.stopping = true;
  shared_.persistence->CancelLoading();
  PostTo(*shared_.cores.front(), [this](CoreContext&) { BeginStop(); });
  WakeSignalWaiter(main_thread_);
}

void ServerRuntime::BeginStop() {
  // First, so that no core is handed a connection after it has drained: sockets already handed
  // over were posted before. While it is open, nobody else has put his own Unix socket in place.
  if (!socket_path_.empty()) ::unlink(socket_path_.c_str());
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
