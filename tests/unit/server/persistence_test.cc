// When the server saves and what it says about it: commands' saves, save points, start and stop.
#include "server/core/persistence.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>

#include "config/option_table.h"
#include "engine/base/counters.h"
#include "engine/reclaim/rcu.h"

namespace mantis::server {
namespace {

namespace fs = std::filesystem;

config::Values ValuesWith(const std::map<std::string, std::string>& options) {
  config::Values values;
  for (const auto& [name, value] : options) {
    const size_t index = config::IndexOf(name);
    EXPECT_FALSE(values.Assign(index, config::SplitForOption(config::Options()[index], value)))
        << name;
  }
  return values;
}

// What a running server has of state, without threads and connections.
class Server {
 public:
  explicit Server(const fs::path& folder, const std::string& save = "")
      : config_(ValuesWith({{"dir", folder.string()}, {"save", save}}), ""),
        engine_(EngineOptions{4, {}}),
        shared_(engine_, config_) {}

  Persistence& persistence() { return *shared_.persistence; }
  SharedState& shared() { return shared_; }

  void Set(const std::string& key, const std::string& value) {
    OpContext ctx(engine_);
    while (!ctx.TryBegin()) std::this_thread::yield();
    const Status s = engine_.database(0).Mutate(ctx, KeyRef::Of(key), [&](const Current& c) {
      return Update::Set(MakeString(value, c.value), kNoDeadline, "set");
    });
    ctx.End();
    EXPECT_EQ(s, Status::kOk);
  }
  size_t Keys() {
    OpContext ctx(engine_);
    EXPECT_TRUE(ctx.TryBegin());
    const size_t n = engine_.database(0).size();
    ctx.End();
    return n;
  }
  // Runs `f(ctx)` under the gate, as a command with the flag kGlobal.
  template <class F>
  auto Alone(F&& f) {
    OpContext ctx(engine_);
    while (!ctx.TryCloseGate()) std::this_thread::yield();
    auto result = f(ctx);
    ctx.OpenGate();
    return result;
  }
  Persistence::Error Save() {
    return Alone([&](OpContext& ctx) { return persistence().Save(ctx); });
  }
  void AwaitBackgroundSave() {
    while (persistence().background_save_running()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

 private:
  config::ConfigStore config_;
  Engine engine_;
  SharedState shared_;
};

class PersistenceTest : public ::testing::Test {
 protected:
  PersistenceTest() {
    std::string pattern = (fs::temp_directory_path() / "persistence_test_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~PersistenceTest() override { fs::remove_all(folder_); }
  fs::path file() const { return folder_ / "dump.mdb"; }
  // A server that starts on the folder now finds this many keys.
  size_t KeysOnDisk() {
    Server server(folder_);
    EXPECT_EQ(server.persistence().LoadAtStart(), std::nullopt);
    return server.Keys();
  }

  reclaim::Runtime runtime_;
  fs::path folder_;
};

TEST_F(PersistenceTest, AFreshServerHasNothingToLoad) {
  Server server(folder_);
  ASSERT_EQ(server.persistence().LoadAtStart(), std::nullopt);
  const PersistenceInfo info = server.persistence().info();
  EXPECT_FALSE(info.loading);
  EXPECT_EQ(info.changes_since_last_save, 0);
  EXPECT_FALSE(info.bgsave_in_progress);
  EXPECT_EQ(info.last_save_at, server.shared().start_ms / 1000);
  EXPECT_TRUE(info.last_bgsave_ok);
  EXPECT_EQ(info.last_bgsave_sec, -1);
  EXPECT_EQ(info.current_bgsave_sec, -1);
  EXPECT_EQ(info.saves, 0);
}

TEST_F(PersistenceTest, SaveAndLoad) {
  Server server(folder_);
  server.Set("a", "1");
  server.Set("b", "two");
  EXPECT_EQ(server.persistence().info().changes_since_last_save, 2);
  ASSERT_EQ(server.Save(), std::nullopt);
  EXPECT_EQ(server.persistence().info().changes_since_last_save, 0);
  EXPECT_EQ(server.persistence().info().saves, 1);

  Server next(folder_);
  ASSERT_EQ(next.persistence().LoadAtStart(), std::nullopt);
  EXPECT_EQ(next.Keys(), 2u);
  EXPECT_EQ(next.persistence().info().last_load_keys_loaded, 2);
  EXPECT_EQ(next.persistence().info().changes_since_last_save, 0);
  EXPECT_EQ(Counters::Sum(Counter::kWrites), 0) << "statistics count what was loaded";
}

TEST_F(PersistenceTest, BackgroundSave) {
  Server server(folder_);
  server.Set("a", "1");
  ASSERT_EQ(server.persistence().StartBackgroundSave(), std::nullopt);
  server.AwaitBackgroundSave();
  const PersistenceInfo info = server.persistence().info();
  EXPECT_TRUE(info.last_bgsave_ok);
  EXPECT_GE(info.last_bgsave_sec, 0);
  EXPECT_EQ(info.saves, 1);
  EXPECT_EQ(info.changes_since_last_save, 0);
  EXPECT_EQ(KeysOnDisk(), 1u);
}

TEST_F(PersistenceTest, OneSaveAtATime) {
  Server server(folder_);
  server.Set("a", "1");
  // Under the gate a background save cannot begin to read, so it is running still.
  const auto errors = server.Alone([&](OpContext& ctx) {
    std::vector<Persistence::Error> all;
    all.push_back(server.persistence().StartBackgroundSave());
    all.push_back(server.persistence().StartBackgroundSave());
    all.push_back(server.persistence().Save(ctx));
    EXPECT_TRUE(server.persistence().info().bgsave_in_progress);
    EXPECT_GE(server.persistence().info().current_bgsave_sec, 0);
    return all;
  });
  EXPECT_EQ(errors[0], std::nullopt);
  EXPECT_EQ(errors[1], "Background save already in progress");
  EXPECT_EQ(errors[2], "Background save already in progress");
  server.AwaitBackgroundSave();
  EXPECT_EQ(server.persistence().info().saves, 1);
  EXPECT_EQ(KeysOnDisk(), 1u);
}

TEST_F(PersistenceTest, FailuresAreReported) {
  Server server(folder_);
  server.Set("a", "1");
  fs::create_directory(file());
  const auto error = server.Save();
  ASSERT_TRUE(error.has_value());
  EXPECT_NE(error->find("cannot replace"), std::string::npos) << *error;
  EXPECT_TRUE(server.persistence().info().last_bgsave_ok);
  ASSERT_EQ(server.persistence().StartBackgroundSave(), std::nullopt);
  server.AwaitBackgroundSave();
  EXPECT_FALSE(server.persistence().info().last_bgsave_ok);
  EXPECT_EQ(server.persistence().info().changes_since_last_save, 1);
  EXPECT_TRUE(server.persistence().SaveBeforeStop(SaveOnStop::kSave).has_value());

  fs::remove(file());
  ASSERT_EQ(server.Save(), std::nullopt);
  EXPECT_TRUE(server.persistence().info().last_bgsave_ok);
}

TEST_F(PersistenceTest, WhatCannotBeReadStopsTheStart) {
  std::ofstream(file()) << "REDIS0010 and so on";
  Server server(folder_);
  const auto error = server.persistence().LoadAtStart();
  ASSERT_TRUE(error.has_value());
  EXPECT_NE(error->find(file().string()), std::string::npos) << *error;
}

TEST_F(PersistenceTest, FlushingAndSwappingAreChanges) {
  Server server(folder_);
  server.Set("a", "1");
  ASSERT_EQ(server.Save(), std::nullopt);
  server.Alone([&](OpContext& op) {
    server.shared().engine.SwapDatabases(op, 0, 1);
    return 0;
  });
  EXPECT_EQ(server.persistence().info().changes_since_last_save, 1);
}

TEST_F(PersistenceTest, ResettingTheStatisticsKeepsTheChanges) {
  Server server(folder_);
  server.Set("a", "1");
  server.Set("a", "2");
  EXPECT_EQ(server.persistence().info().changes_since_last_save, 2);
  Counters::Reset();
  EXPECT_EQ(server.persistence().info().changes_since_last_save, 2);
  server.Set("a", "3");
  EXPECT_EQ(server.persistence().info().changes_since_last_save, 3);
}

TEST_F(PersistenceTest, SavePointsNeedTimeAndChanges) {
  Server server(folder_, "1 2");
  server.Set("a", "1");
  std::this_thread::sleep_for(std::chrono::milliseconds(2200));
  server.persistence().Tick();
  EXPECT_EQ(server.persistence().info().saves, 0) << "one change is not enough";
  server.Set("b", "1");
  server.persistence().Tick();
  server.AwaitBackgroundSave();
  EXPECT_EQ(server.persistence().info().saves, 1);
}

TEST_F(PersistenceTest, SavePointsDoNotComeEarly) {
  Server server(folder_, "3600 1");
  server.Set("a", "1");
  server.persistence().Tick();
  EXPECT_EQ(server.persistence().info().saves, 0);
}

TEST_F(PersistenceTest, StopSavesByConfigurationOrOnDemand) {
  {
    Server server(folder_);
    server.Set("a", "1");
    EXPECT_EQ(server.persistence().SaveBeforeStop(SaveOnStop::kByConfig), std::nullopt);
    EXPECT_FALSE(fs::exists(file())) << "no save points, but saved";
    EXPECT_EQ(server.persistence().SaveBeforeStop(SaveOnStop::kSave), std::nullopt);
    EXPECT_EQ(KeysOnDisk(), 1u);
  }
  Server server(folder_, "3600 1");
  ASSERT_EQ(server.persistence().LoadAtStart(), std::nullopt);
  server.Set("b", "1");
  EXPECT_EQ(server.persistence().SaveBeforeStop(SaveOnStop::kNoSave), std::nullopt);
  EXPECT_EQ(KeysOnDisk(), 1u);
  EXPECT_EQ(server.persistence().SaveBeforeStop(SaveOnStop::kByConfig), std::nullopt);
  EXPECT_EQ(KeysOnDisk(), 2u);
}

TEST_F(PersistenceTest, NothingIsChangedAfterTheFinalSave) {
  Server server(folder_, "3600 1");
  server.Set("a", "1");
  EXPECT_EQ(server.persistence().SaveBeforeStop(SaveOnStop::kNoSave), std::nullopt);
  EXPECT_FALSE(server.shared().conditions.Has(Condition::kSealed)) << "there is no final snapshot";
  ASSERT_EQ(server.persistence().SaveBeforeStop(SaveOnStop::kByConfig), std::nullopt);
  EXPECT_TRUE(server.shared().conditions.Has(Condition::kSealed));
  EXPECT_EQ(server.persistence().info().saves, 1);
  EXPECT_EQ(server.persistence().SaveBeforeStop(SaveOnStop::kByConfig), std::nullopt);
  EXPECT_EQ(server.persistence().info().saves, 1) << "once is enough";
  EXPECT_EQ(KeysOnDisk(), 1u);
}

TEST_F(PersistenceTest, AFailedFinalSaveLetsTheServerGoOn) {
  Server server(folder_, "3600 1");
  server.Set("a", "1");
  fs::create_directory(file());
  EXPECT_NE(server.persistence().SaveBeforeStop(SaveOnStop::kByConfig), std::nullopt);
  EXPECT_FALSE(server.shared().conditions.Has(Condition::kSealed));
  fs::remove(file());
  EXPECT_EQ(server.persistence().SaveBeforeStop(SaveOnStop::kByConfig), std::nullopt);
  EXPECT_EQ(KeysOnDisk(), 1u);
}

TEST_F(PersistenceTest, TheConditionFollowsTheLastBackgroundSave) {
  Server server(folder_);
  fs::create_directory(file());
  ASSERT_EQ(server.persistence().StartBackgroundSave(), std::nullopt);
  server.AwaitBackgroundSave();
  EXPECT_TRUE(server.shared().conditions.Has(Condition::kSaveFailed));
  fs::remove(file());
  ASSERT_EQ(server.Save(), std::nullopt);
  EXPECT_TRUE(server.shared().conditions.none());
}

// FLUSHALL's snapshot is written whatever comes between, and replaces nothing that is newer.
TEST_F(PersistenceTest, AFlushIsSavedBeforeItIsDone) {
  Server server(folder_, "3600 1");
  server.Set("a", "1");
  ASSERT_EQ(server.Save(), std::nullopt);
  std::atomic<int> done{0};
  const auto flush = [&] {
    server.Alone([&](OpContext& op) {
      server.shared().engine.FlushAll(op);
      server.persistence().SaveFlushed([&] {
        EXPECT_EQ(KeysOnDisk(), 0u);
        ++done;
      });
      return 0;
    });
  };
  ASSERT_EQ(server.persistence().StartBackgroundSave(), std::nullopt);
  flush();
  flush();
  while (done < 2) std::this_thread::yield();
  EXPECT_EQ(server.persistence().info().changes_since_last_save, 0);
  server.Set("b", "1");
  EXPECT_EQ(server.persistence().info().changes_since_last_save, 1);
  while (server.persistence().StartBackgroundSave()) std::this_thread::yield();
  server.AwaitBackgroundSave();
  EXPECT_EQ(KeysOnDisk(), 1u);
}

TEST_F(PersistenceTest, AShutdownOvertakesAFlush) {
  Server server(folder_, "3600 1");
  std::atomic<bool> done{false};
  const auto error = server.Alone([&](OpContext& op) {
    server.shared().engine.FlushAll(op);
    server.persistence().SaveFlushed([&] { done = true; });
    return server.persistence().SaveBeforeStop(op, SaveOnStop::kSave);
  });
  EXPECT_EQ(error, std::nullopt);
  while (!done) std::this_thread::yield();
  EXPECT_GE(server.persistence().info().saves, 1);
}

TEST_F(PersistenceTest, LoadingCanBeGivenUp) {
  {
    Server server(folder_);
    server.Set("a", "1");
    ASSERT_EQ(server.Save(), std::nullopt);
  }
  Server server(folder_, "3600 1");
  server.persistence().CancelLoading();
  EXPECT_TRUE(server.persistence().LoadAtStart().has_value());
  EXPECT_TRUE(server.persistence().info().loading);
  // What was loaded in part does not replace the whole.
  EXPECT_EQ(server.persistence().SaveBeforeStop(SaveOnStop::kByConfig), std::nullopt);
  EXPECT_EQ(KeysOnDisk(), 1u);
}

// A background save that waits for the gate must not hold up the shutdown that has it.
TEST_F(PersistenceTest, ShutdownGivesABackgroundSaveUp) {
  Server server(folder_);
  server.Set("a", "1");
  const auto error = server.Alone([&](OpContext& ctx) -> Persistence::Error {
    if (auto failed = server.persistence().StartBackgroundSave()) return failed;
    return server.persistence().SaveBeforeStop(ctx, SaveOnStop::kSave);
  });
  EXPECT_EQ(error, std::nullopt);
  EXPECT_FALSE(server.persistence().info().bgsave_in_progress);
  EXPECT_TRUE(server.persistence().info().last_bgsave_ok);
  EXPECT_EQ(KeysOnDisk(), 1u);
}

}  // namespace
}  // namespace mantis::server
