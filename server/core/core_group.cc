#include "server/core/core_group.h"

#include <atomic>
#include <boost/asio/post.hpp>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "server/core/runtime.h"

namespace mantis::server {

void PostTo(CoreContext& core, std::function<void(CoreContext&)> fn) {
  boost::asio::post(core.io, [&core, fn = std::move(fn)] { fn(core); });
}

void AskAll(CoreContext& origin, std::function<std::string(CoreContext&)> ask,
            std::function<void(CoreContext&, std::vector<std::string>)> done) {
  struct Round {
    std::function<std::string(CoreContext&)> ask;
    std::function<void(CoreContext&, std::vector<std::string>)> done;
    std::vector<std::string> answers;  // each written by its core
    std::atomic<size_t> missing;
  };
  const auto& cores = origin.shared.cores;
  auto round = std::make_shared<Round>();
  round->ask = std::move(ask);
  round->done = std::move(done);
  round->answers.resize(cores.size());
  round->missing = cores.size();
  for (const auto& core : cores) {
    PostTo(*core, [round, &origin](CoreContext& self) {
      round->answers[self.index] = round->ask(self);
      // acq_rel: the last one sees what the others wrote.
      if (round->missing.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
      PostTo(origin, [round](CoreContext& o) { round->done(o, std::move(round->answers)); });
    });
  }
}

void TakeBackFreedOnAll(SharedState& shared) {
  // A core may be busy for longer; it comes to it then.
  constexpr std::chrono::milliseconds kPatience(20);
  struct Round {
    std::mutex mutex;
    std::condition_variable over;
    size_t missing = 0;
  };
  auto round = std::make_shared<Round>();
  for (CoreContext* core : shared.counted) {
    // One that has not come to the last call yet is not called, nor waited for, again.
    if (core->taking_back.exchange(true)) continue;
    {
      const std::lock_guard lock(round->mutex);
      ++round->missing;
    }
    PostTo(*core, [round](CoreContext& self) {
      self.taking_back = false;
      memory::Purge();
      const std::lock_guard lock(round->mutex);
      if (--round->missing == 0) round->over.notify_one();
    });
  }
  std::unique_lock lock(round->mutex);
  round->over.wait_for(lock, kPatience, [&round] { return round->missing == 0; });
}

void RequestStop(SharedState& shared, int exit_code) { shared.runtime->RequestStop(exit_code); }

}  // namespace mantis::server
