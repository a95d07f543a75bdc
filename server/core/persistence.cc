#include "server/core/persistence.h"

#include <fmt/format.h>

#include <chrono>
#include <system_error>
#include <utility>

#include "engine/base/counters.h"
#include "server/commands/args.h"
#include "server/core/log.h"

namespace mantis::server {
namespace {

// How long a failed background save is not tried again by itself.
constexpr int64_t kRetryDelayMs = 5000;
// Between looks at a right or a gate that another thread has.
constexpr std::chrono::microseconds kPoll{100};

// The option key-load-delay: microseconds for a key, or, negative, keys for a microsecond.
double KeyDelayUs(const config::Settings& settings) {
  const double delay = settings.key_load_delay;
  return delay < 0 ? -1 / delay : delay;
}

constexpr const char* kInProgress = "Background save already in progress";

}  // namespace

Persistence::Persistence(SharedState& shared) : shared_(shared) {
  saved_changes_ = shared_.engine.TotalChanges();
  info_.last_save_at = shared_.start_ms / 1000;
}

Persistence::~Persistence() { Stop(); }

void Persistence::Stop() {
  JoinFlusher();
  Seize();
  Release();
}

std::string Persistence::path() const {
  const auto settings = shared_.config.snapshot();
  return settings->dir + "/" + settings->dbfilename;
}

bool Persistence::SavesByItself() const { return !shared_.config.snapshot()->save.empty(); }

bool Persistence::Wanted(SaveOnStop mode) const {
  // What is loaded in part must not replace the whole.
  if (shared_.conditions.Has(Condition::kLoading)) return false;
  return mode == SaveOnStop::kByConfig ? SavesByItself() : mode == SaveOnStop::kSave;
}

bool Persistence::Claim() {
  const std::lock_guard lock(mutex_);
  if (saving_ || !flushes_.empty()) return false;
  return saving_ = true;
}

void Persistence::Seize() {
  while (true) {
    // Again and again, as another who seizes the right takes it back once he has it.
    cancel_.store(true);
    std::thread worker;
    {
      const std::lock_guard lock(mutex_);
      if (!std::exchange(saving_, true)) break;
      worker = std::move(worker_);
    }
    if (worker.joinable()) {
      worker.join();
    } else {
      std::this_thread::sleep_for(kPoll);
    }
  }
  cancel_.store(false);
  std::thread ended;
  {
    const std::lock_guard lock(mutex_);
    ended = std::move(worker_);
  }
  if (ended.joinable()) ended.join();
}

void Persistence::Release() {
  const std::lock_guard lock(mutex_);
  saving_ = false;
}

void Persistence::NoteSaved(int64_t changes, int64_t number) {
  saved_changes_ = changes;
  saved_number_ = number;
  info_.last_save_at = WallClockMs() / 1000;
  info_.last_bgsave_ok = true;
  shared_.conditions.Clear(Condition::kSaveFailed);
}

void Persistence::NoteFailed() {
  info_.last_bgsave_ok = false;
  shared_.conditions.Set(Condition::kSaveFailed);
}

Persistence::Error Persistence::LoadAtStart() {
  if (shared_.config.snapshot()->dbfilename.empty()) {
    shared_.conditions.Clear(Condition::kLoading);
    return std::nullopt;
  }
  shared_.conditions.Set(Condition::kLoading);
  Seize();
  const int64_t start_us = MonotonicUs();
  {
    const std::lock_guard lock(mutex_);
    loading_started_ms_ = WallClockMs();
  }
  persist::LoadResult result;
  {
    const auto settings = shared_.config.snapshot();
    OpContext op(shared_.engine);
    result = persist::LoadSnapshot(op, path(),
                                   {.limits = LimitsOf(*settings),
                                    .cancel = &cancel_loading_,
                                    .progress = &progress_,
                                    .key_delay_us = KeyDelayUs(*settings)});
  }
  if (result.error.empty()) {
    // Statistics are about what clients do.
    Counters::Reset();
    if (result.found) {
      LogNotice(fmt::format(
          "DB loaded from disk: {:.3f} seconds, {} keys, {} expired ones left out",
          static_cast<double>(MonotonicUs() - start_us) / 1e6, result.loaded, result.expired));
    }
    const std::lock_guard lock(mutex_);
    saved_changes_ = shared_.engine.TotalChanges();
    info_.last_load_keys_loaded = static_cast<int64_t>(result.loaded);
    info_.last_load_keys_expired = static_cast<int64_t>(result.expired);
  }
  Release();
  // After an error the condition stays: nobody is to see what was read in part.
  if (!result.error.empty()) return std::move(result.error);
  shared_.conditions.Clear(Condition::kLoading);
  return std::nullopt;
}

Persistence::Error Persistence::SaveAlone(OpContext& alone) {
  int64_t changes = 0;
  int64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    ++info_.saves;
    number = ++last_number_;
    changes = shared_.engine.TotalChanges();
  }
  persist::SaveResult result =
      persist::WriteSnapshot(alone, path(), {.mode = persist::BatchMode::kAlone});
  if (!result.error.empty()) {
    LogWarning("Error saving the DB: " + result.error);
    return std::move(result.error);
  }
  LogNotice(fmt::format("DB saved on disk: {} keys, {} bytes", result.keys, result.bytes));
  const std::lock_guard lock(mutex_);
  NoteSaved(changes, number);
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
        alone, path(),
        {.limits = LimitsOf(*shared_.config.snapshot()), .mode = persist::BatchMode::kAlone});
    if (!result.error.empty()) error = std::move(result.error);
  }
  Release();
  return error;
}

Persistence::Error Persistence::SaveBeforeStop(OpContext& alone, SaveOnStop mode) {
  if (!Wanted(mode) || shared_.conditions.Has(Condition::kSealed)) return std::nullopt;
  LogNotice("Saving the final snapshot before exiting.");
  Seize();
  Error error = SaveAlone(alone);
  if (!error) shared_.conditions.Set(Condition::kSealed);
  Release();
  return error;
}

Persistence::Error Persistence::SaveBeforeStop(SaveOnStop mode) {
  if (!Wanted(mode)) return std::nullopt;
  OpContext op(shared_.engine);
  while (!op.TryCloseGate()) std::this_thread::sleep_for(kPoll);
  Error error = SaveBeforeStop(op, mode);
  op.OpenGate();
  return error;
}

void Persistence::WriteEmpty(const Flush& flush) {
  {
    const std::lock_guard lock(mutex_);
    // A save that began later has the flush, and more.
    if (saved_number_ > flush.number) return;
    ++info_.saves;
  }
  const persist::SaveResult result = persist::WriteEmptySnapshot(path());
  if (!result.error.empty()) {
    LogWarning("Error saving the DB after a flush: " + result.error);
    return;
  }
  LogNotice("DB saved on disk after a flush");
  const std::lock_guard lock(mutex_);
  NoteSaved(flush.changes, flush.number);
}

void Persistence::SaveFlushed() {
  Flush flush;
  {
    const std::lock_guard lock(mutex_);
    flush = {++last_number_, shared_.engine.TotalChanges(), {}};
  }
  Seize();
  WriteEmpty(flush);
  Release();
}

void Persistence::SaveFlushed(std::function<void()> done) {
  std::thread ended;
  {
    const std::lock_guard lock(mutex_);
    flushes_.push_back({++last_number_, shared_.engine.TotalChanges(), std::move(done)});
    if (std::exchange(flushing_, true)) return;
    ended = std::move(flusher_);
  }
  if (ended.joinable()) ended.join();
  try {
    std::thread flusher([this] { RunFlushes(); });
    const std::lock_guard lock(mutex_);
    flusher_ = std::move(flusher);
  } catch (const std::system_error&) {
    RunFlushes();
  }
}

void Persistence::RunFlushes() {
  while (true) {
    Seize();
    std::vector<Flush> flushes;
    {
      const std::lock_guard lock(mutex_);
      flushes = std::move(flushes_);
      flushes_.clear();
      if (flushes.empty()) {
        flushing_ = saving_ = false;
        return;
      }
    }
    WriteEmpty(flushes.back());
    Release();
    for (const Flush& flush : flushes) flush.done();
  }
}

void Persistence::JoinFlusher() {
  std::thread flusher;
  {
    const std::lock_guard lock(mutex_);
    flusher = std::move(flusher_);
  }
  if (flusher.joinable()) flusher.join();
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
    NoteFailed();
    saving_ = false;
    LogWarning(std::string("Can't save in background: ") + e.what());
    return std::string("Can't save in background: ") + e.what();
  }
  LogNotice("Background saving started");
  return std::nullopt;
}

void Persistence::RunInBackground() {
  int64_t changes = 0;
  int64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = ++last_number_;
    changes = shared_.engine.TotalChanges();
  }
  persist::SaveResult result;
  {
    OpContext op(shared_.engine);
    keys_written_.store(0, std::memory_order_relaxed);
    result = persist::WriteSnapshot(op, path(), {.cancel = &cancel_, .keys = &keys_written_});
  }
  FinishBackground(result, changes, number);
  background_running_.store(false);
  Release();
}

void Persistence::FinishBackground(const persist::SaveResult& result, int64_t changes,
                                   int64_t number) {
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
    NoteSaved(changes, number);
  } else if (!result.cancelled) {
    NoteFailed();
  }
}

void Persistence::Tick() {
  const auto settings = shared_.config.snapshot();
  const int64_t now_ms = WallClockMs();
  bool due = false;
  {
    const std::lock_guard lock(mutex_);
    if (saving_ || shared_.stopping.load(std::memory_order_relaxed)) return;
    const int64_t changes = shared_.engine.TotalChanges() - saved_changes_;
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

void Persistence::AddLoadingInfo(PersistenceInfo& info) const {
  // Relaxed: the two need not be of the same moment.
  const uint64_t total = progress_.total_bytes.load(std::memory_order_relaxed);
  const uint64_t loaded = progress_.loaded_bytes.load(std::memory_order_relaxed);
  info.loading = true;
  info.loading_start_at = loading_started_ms_ / 1000;
  info.loading_total_bytes = total;
  info.loading_loaded_bytes = loaded;
  if (total > 0) {
    info.loading_loaded_perc = static_cast<double>(loaded) * 100 / static_cast<double>(total);
  }
  const int64_t elapsed_s = (WallClockMs() - loading_started_ms_) / 1000;
  // In the first second there is nothing to tell the speed from.
  info.loading_eta_seconds = elapsed_s <= 0 ? 1
                                            : elapsed_s * static_cast<int64_t>(total - loaded) /
                                                  static_cast<int64_t>(loaded + 1);
}

PersistenceInfo Persistence::info() const {
  const std::lock_guard lock(mutex_);
  PersistenceInfo info = info_;
  if (shared_.conditions.Has(Condition::kLoading)) AddLoadingInfo(info);
  info.changes_since_last_save = info.loading ? 0 : shared_.engine.TotalChanges() - saved_changes_;
  info.bgsave_in_progress = background_running_.load();
  if (info.bgsave_in_progress) {
    info.current_bgsave_sec = (WallClockMs() - background_started_ms_) / 1000;
    info.current_save_keys = keys_written_.load(std::memory_order_relaxed);
    for (int i = 0; i < shared_.engine.database_count(); ++i) {
      info.current_save_keys_total += shared_.engine.database(i).size();
    }
  }
  return info;
}

}  // namespace mantis::server
