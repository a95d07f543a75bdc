#include "server/core/persistence.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "engine/base/counters.h"
#include "engine/persist/snapshot.h"
#include "server/commands/args.h"
#include "server/core/log.h"
#include "server/core/worker_pool.h"

namespace mantis::server {
namespace {

// How long a failed background save is not tried again by itself.
constexpr int64_t kRetryDelayMs = 5000;

constexpr const char* kInProgress = "Background save already in progress";

}  // namespace

Persistence::Persistence(SharedState& shared) : shared_(shared) {
  const std::lock_guard lock(mutex_);
  saved_ = MarkNow();
  info_.last_save_at = shared_.start_ms / 1000;
}

Persistence::~Persistence() { ClaimForStop(); }

std::string Persistence::path() const {
  const auto settings = shared_.config.snapshot();
  return settings->dir + "/" + settings->dbfilename;
}

bool Persistence::Wanted(SaveOnStop mode) const {
  if (mode != SaveOnStop::kByConfig) return mode == SaveOnStop::kSave;
  return !shared_.config.snapshot()->save.empty();
}

void Persistence::ClaimForStop() {
  // Stays set until the right is ours, so that a save that a timer starts meanwhile ends at once.
  cancel_.store(true);
  while (true) {
    std::thread worker;
    {
      const std::lock_guard lock(mutex_);
      worker = std::move(worker_);
    }
    if (worker.joinable()) worker.join();
    if (Claim()) break;
    std::this_thread::yield();
  }
  cancel_.store(false);
}

int64_t Persistence::CountChanges() const {
  const int64_t now = shared_.engine.TotalChanges();
  if (now < changes_seen_) changes_before_reset_ += changes_seen_;
  changes_seen_ = now;
  return changes_before_reset_ + now;
}

Persistence::Mark Persistence::MarkNow() const {
  Mark mark{CountChanges(), {}};
  for (int i = 0; i < shared_.engine.database_count(); ++i) {
    mark.databases.push_back(&shared_.engine.database(i));
  }
  return mark;
}

int64_t Persistence::ChangesSince(const Mark& mark) const {
  const Mark now = MarkNow();
  return now.changes - mark.changes + (now.databases == mark.databases ? 0 : 1);
}

void Persistence::NoteSaved(const Mark& mark) {
  saved_ = mark;
  info_.last_save_at = WallClockMs() / 1000;
  info_.last_bgsave_ok = true;
}

Persistence::Error Persistence::LoadAtStart() {
  if (shared_.config.snapshot()->dbfilename.empty()) return std::nullopt;
  loading_.store(true);
  const int64_t start_us = MonotonicUs();
  persist::LoadResult result;
  {
    OpContext op(shared_.engine);
    result = persist::LoadSnapshot(op, path(), {.limits = LimitsOf(*shared_.config.snapshot())});
  }
  loading_.store(false);
  if (!result.error.empty()) return std::move(result.error);
  // Statistics are about what clients do.
  Counters::Reset();
  if (result.found) {
    LogNotice(fmt::format("DB loaded from disk: {:.3f} seconds, {} keys, {} expired ones left out",
                          static_cast<double>(MonotonicUs() - start_us) / 1e6, result.loaded,
                          result.expired));
  }
  const std::lock_guard lock(mutex_);
  changes_seen_ = changes_before_reset_ = 0;
  saved_ = MarkNow();
  info_.last_load_keys_loaded = static_cast<int64_t>(result.loaded);
  info_.last_load_keys_expired = static_cast<int64_t>(result.expired);
  return std::nullopt;
}

Persistence::Error Persistence::SaveAlone(OpContext& alone) {
  Mark mark;
  {
    const std::lock_guard lock(mutex_);
    ++info_.saves;
    mark = MarkNow();
  }
  persist::SaveResult result =
      persist::WriteSnapshot(alone, path(), {.mode = persist::BatchMode::kAlone});
  if (!result.error.empty()) {
    LogWarning("Error saving the DB: " + result.error);
    return std::move(result.error);
  }
  LogNotice(fmt::format("DB saved on disk: {} keys, {} bytes", result.keys, result.bytes));
  const std::lock_guard lock(mutex_);
  NoteSaved(mark);
  return std::nullopt;
}

Persistence::Error Persistence::Save(OpContext& alone) {
  if (!Claim()) return kInProgress;
  Error error = SaveAlone(alone);
  Release();
  return error;
}

Persistence::Error Persistence::Reload(OpContext& alone, const ReloadOptions& options) {
  if (!Claim()) return kInProgress;
  Error error = options.save ? SaveAlone(alone) : std::nullopt;
  if (!error) {
    if (options.flush) shared_.engine.FlushAll(alone);
    persist::LoadResult result = persist::LoadSnapshot(
        alone, path(), {LimitsOf(*shared_.config.snapshot()), persist::BatchMode::kAlone});
    if (!result.error.empty()) error = std::move(result.error);
  }
  Release();
  return error;
}

Persistence::Error Persistence::SaveBeforeShutdown(OpContext& alone, SaveOnStop mode) {
  if (!Wanted(mode)) return std::nullopt;
  LogNotice("Saving the final snapshot before exiting.");
  ClaimForStop();
  Error error = SaveAlone(alone);
  {
    const std::lock_guard lock(mutex_);
    saved_for_shutdown_ = !error;
  }
  Release();
  return error;
}

Persistence::Error Persistence::SaveAtStop(SaveOnStop mode) {
  ClaimForStop();
  bool needed = Wanted(mode);
  {
    const std::lock_guard lock(mutex_);
    if (saved_for_shutdown_ && ChangesSince(saved_) == 0) needed = false;
  }
  Error error;
  if (needed) {
    LogNotice("Saving the final snapshot before exiting.");
    // On a thread of its own, as the caller may have an OpContext already.
    try {
      std::thread([this, &error] {
        OpContext op(shared_.engine);
        while (!op.TryCloseGate()) std::this_thread::yield();
        error = SaveAlone(op);
        op.OpenGate();
      }).join();
    } catch (const std::system_error& e) {
      error = e.what();
    }
  }
  Release();
  return error;
}

Persistence::Error Persistence::StartBackgroundSave() {
  if (!Claim()) return kInProgress;
  const std::lock_guard lock(mutex_);
  // The former save's thread has given the right to save back, which is the last thing it does.
  if (worker_.joinable()) worker_.join();
  ++info_.saves;
  background_started_ms_ = last_attempt_ms_ = WallClockMs();
  background_running_.store(true);
  try {
    worker_ = std::thread([this] { RunInBackground(); });
  } catch (const std::system_error& e) {
    background_running_.store(false);
    info_.last_bgsave_ok = false;
    Release();
    LogWarning(std::string("Can't save in background: ") + e.what());
    return std::string("Can't save in background: ") + e.what();
  }
  LogNotice("Background saving started");
  return std::nullopt;
}

void Persistence::RunInBackground() {
  Mark mark;
  {
    const std::lock_guard lock(mutex_);
    mark = MarkNow();
  }
  persist::SaveResult result;
  {
    OpContext op(shared_.engine);
    persist::SaveOptions options{.cancel = &cancel_};
    // What wants the gate does not wait for a long batch, but lets it come to its end first.
    if (WorkerPool* workers = shared_.workers.get(); workers != nullptr) {
      options.before_batch = [workers] { workers->BeginLongBatch(); };
      options.after_batch = [workers] { workers->EndLongBatch(); };
    }
    result = persist::WriteSnapshot(op, path(), options);
  }
  FinishBackground(result, mark);
  background_running_.store(false);
  Release();
}

void Persistence::FinishBackground(const persist::SaveResult& result, const Mark& mark) {
  if (result.cancelled) {
    LogWarning("Background saving was given up");
  } else if (!result.error.empty()) {
    LogWarning("Background saving error: " + result.error);
  } else {
    LogNotice(fmt::format("Background saving terminated with success: {} keys, {} bytes",
                          result.keys, result.bytes));
  }
  const std::lock_guard lock(mutex_);
  info_.last_bgsave_sec = (WallClockMs() - background_started_ms_) / 1000;
  if (result.error.empty()) {
    NoteSaved(mark);
  } else if (!result.cancelled) {
    info_.last_bgsave_ok = false;
  }
}

void Persistence::Tick() {
  const auto settings = shared_.config.snapshot();
  const int64_t now_ms = WallClockMs();
  bool due = false;
  {
    const std::lock_guard lock(mutex_);
    // Computed even if nobody asks, so that a reset of the counters loses a second's changes at
    // most.
    const int64_t changes = ChangesSince(saved_);
    if (saving_.load() || shared_.stopping.load(std::memory_order_relaxed)) return;
    const bool may_try = info_.last_bgsave_ok || now_ms - last_attempt_ms_ > kRetryDelayMs;
    for (const config::SavePoint& point : settings->save) {
      due =
          may_try && changes >= point.changes && now_ms / 1000 - info_.last_save_at > point.seconds;
      if (!due) continue;
      LogNotice(fmt::format("{} changes in {} seconds. Saving...", point.changes, point.seconds));
      break;
    }
  }
  // Writes its error to the log itself; a save that somebody else has just started will do.
  if (due) (void)StartBackgroundSave();
}

int64_t Persistence::last_save_at() const {
  const std::lock_guard lock(mutex_);
  return info_.last_save_at;
}

PersistenceInfo Persistence::info() const {
  const std::lock_guard lock(mutex_);
  PersistenceInfo info = info_;
  info.loading = loading_.load();
  info.changes_since_last_save = ChangesSince(saved_);
  info.bgsave_in_progress = background_running_.load();
  if (info.bgsave_in_progress) {
    info.current_bgsave_sec = (WallClockMs() - background_started_ms_) / 1000;
  }
  return info;
}

}  // namespace mantis::server
