// Snapshots written in slices while other threads change, flush and swap.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "engine/persist/snapshot.h"
#include "engine/reclaim/rcu.h"
#include "tests/support/describe_value.h"
#include "tests/support/engine_fixture.h"

namespace mantis::persist {
namespace {

constexpr int kStable = 10'000;

std::string TextOf(const Current& c) {
  char digits[24];
  return std::string(StringRef(c.value).Text(std::span<char, 24>(digits)));
}

class SnapshotChurnTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = (std::filesystem::temp_directory_path() /
             ("snapshot_churn_" + std::to_string(::getpid()) + ".mdb"))
                .string();
    engine_.emplace(EngineOptions{4, {}});
  }
  void TearDown() override {
    engine_.reset();
    std::filesystem::remove(path_);
  }

  static void Begin(OpContext& ctx) {
    while (!ctx.TryBegin()) std::this_thread::yield();
  }
  static void Set(OpContext& ctx, int db, const std::string& key, const std::string& value,
                  int64_t deadline_ms = kNoDeadline) {
    const Status s = ctx.engine().database(db).Mutate(ctx, KeyRef::Of(key), [&](const Current& c) {
      return Update::Set(MakeString(value, c.value), deadline_ms, "set");
    });
    ASSERT_EQ(s, Status::kOk);
  }
  static void Erase(OpContext& ctx, int db, const std::string& key) {
    const Status s = ctx.engine().database(db).Mutate(
        ctx, KeyRef::Of(key), [](const Current&) { return Update::Erase("del"); });
    ASSERT_EQ(s, Status::kOk);
  }
  // Keys that are there all the time, in one database.
  void FillStable(int db, const std::string& value) {
    OpContext ctx(*engine_);
    Begin(ctx);
    for (int i = 0; i < kStable; ++i) Set(ctx, db, "stable:" + std::to_string(i), value);
    ctx.End();
  }
  // Calls check(db, key, content) for every key of the file.
  template <class Check>
  void CheckFile(Check&& check) {
    Engine loaded({4, {}});
    OpContext ctx(loaded);
    const LoadResult result = LoadSnapshot(ctx, path_);
    ASSERT_EQ(result.error, "");
    Begin(ctx);
    for (int i = 0; i < 4; ++i) {
      loaded.database(i).ordered().Scan(RangeBound::None(), RangeBound::None(),
                                        [&](std::span<Entry* const> run) {
                                          for (const Entry* e : run) {
                                            check(i, std::string(e->key()), Resolve(e->word()));
                                          }
                                          return true;
                                        });
    }
    ctx.End();
  }

  reclaim::Runtime runtime_;
  std::optional<Engine> engine_;
  std::string path_;
};

// Every key that is there throughout is in the file, with a value and a deadline that belong
// together.
TEST_F(SnapshotChurnTest, CompleteWhileKeysChange) {
  FillStable(0, "same");
  constexpr int64_t kBase = int64_t{1} << 45;
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    OpContext ctx(*engine_);
    for (int64_t n = 0; !stop.load(); ++n) {
      Begin(ctx);
      for (int i = 0; i < 50; ++i) {
        // Value and deadline name each other.
        const int64_t round = n * 50 + i;
        Set(ctx, 0, "pair:" + std::to_string(round % 300), std::to_string(round), kBase + round);
        Set(ctx, 0, "stable:" + std::to_string(round % kStable) + "x", "comes and goes");
        Erase(ctx, 0, "stable:" + std::to_string((round + 150) % kStable) + "x");
      }
      ctx.End();
    }
  });
  for (int round = 0; round < 5; ++round) {
    {
      OpContext ctx(*engine_);
      ASSERT_EQ(WriteSnapshot(ctx, path_, {}).error, "");
    }
    int stable = 0;
    CheckFile([&](int db, const std::string& key, const Current& c) {
      EXPECT_EQ(db, 0);
      if (key.starts_with("pair:")) {
        EXPECT_EQ(std::to_string(c.deadline_ms - kBase), TextOf(c)) << key;
      } else if (!key.ends_with("x")) {
        EXPECT_EQ(TextOf(c), "same");
        ++stable;
      }
    });
    EXPECT_EQ(stable, kStable);
  }
  stop = true;
  writer.join();
}

// Collections are written between two changes of them, never in the middle of one: all fields of a
// hash, and the ends of a list, tell of the same round.
TEST_F(SnapshotChurnTest, CollectionsAreWhole) {
  constexpr int kFields = 200;
  std::atomic<bool> stop{false};
  const auto churn = [&](int number) {
    OpContext ctx(*engine_);
    const std::string hash_name = "hash:" + std::to_string(number);
    const std::string list_name = "list:" + std::to_string(number);
    for (int64_t round = 0; !stop.load(); ++round) {
      const std::string text = std::to_string(round);
      test::RunBatch(ctx, [&] {
        Database& db = engine_->database(0);
        // A busy key (the snapshot has it) is left as it is for this round.
        (void)db.EditOrCreate<Hash>(
            ctx, KeyRef::Of(hash_name), [] { return std::make_unique<Hash>(); },
            [&](Hash& hash) {
              for (int i = 0; i < kFields; ++i) hash.Set("f" + std::to_string(i), text, {}, 0);
              return Edited::Yes("hset");
            });
        (void)db.EditOrCreate<List>(
            ctx, KeyRef::Of(list_name), [] { return std::make_unique<List>(-2); },
            [&](List& list) {
              list.Push(text, List::End::kHead);
              list.Push(text, List::End::kTail);
              if (list.size() > 1000) list.Drop(500, List::End::kHead);
              if (list.size() > 500) list.Drop(500, List::End::kTail);
              list.Push(text, List::End::kHead);
              list.Push(text, List::End::kTail);
              return Edited::Yes("push");
            });
      });
    }
  };
  std::thread first(churn, 1);
  std::thread second(churn, 2);
  int hashes = 0;
  int lists = 0;
  for (int round = 0; round < 20; ++round) {
    {
      OpContext ctx(*engine_);
      ASSERT_EQ(WriteSnapshot(ctx, path_, {}).error, "");
    }
    CheckFile([&](int, const std::string& key, const Current& c) {
      std::set<std::string> texts;
      if (key.starts_with("hash:")) {
        const auto& hash = static_cast<const Hash&>(*ObjectOf(c.value));
        EXPECT_EQ(hash.size(), static_cast<size_t>(kFields));
        hash.ForEach(0, [&](const Hash::Field& f) { texts.insert(test::TextOfItem(f.value)); });
        ++hashes;
      } else if (key.starts_with("list:")) {
        const auto& list = static_cast<const List&>(*ObjectOf(c.value));
        texts.insert(test::TextOfItem(list.First().item()));
        texts.insert(test::TextOfItem(list.Last().item()));
        ++lists;
      }
      EXPECT_LE(texts.size(), 1u) << key;
    });
  }
  stop = true;
  first.join();
  second.join();
  EXPECT_GT(hashes, 0);
  EXPECT_GT(lists, 0);
}

// Swapping databases must not lose keys, nor put them into the wrong one: the file has one of the
// two numberings, whole.
TEST_F(SnapshotChurnTest, WholeWhileDatabasesAreSwapped) {
  FillStable(0, "a");
  FillStable(1, "b");
  std::atomic<bool> stop{false};
  std::thread swapper([&] {
    OpContext ctx(*engine_);
    while (!stop.load()) {
      while (!ctx.TryCloseGate()) std::this_thread::yield();
      engine_->SwapDatabases(ctx, 0, 1);
      ctx.OpenGate();
      std::this_thread::sleep_for(std::chrono::milliseconds(15));
    }
  });
  int saved = 0;
  for (int round = 0; round < 8; ++round) {
    {
      OpContext ctx(*engine_);
      // On a slow machine all attempts may be hit by a swap, which is an error, not a bad file.
      if (!WriteSnapshot(ctx, path_, {}).error.empty()) continue;
    }
    ++saved;
    std::map<std::pair<int, std::string>, int> seen;
    CheckFile([&](int db, const std::string&, const Current& c) { ++seen[{db, TextOf(c)}]; });
    ASSERT_EQ(seen.size(), 2u);
    for (const auto& [where, keys] : seen) EXPECT_EQ(keys, kStable) << where.first << where.second;
  }
  stop = true;
  swapper.join();
  // At least without swaps it succeeds.
  OpContext ctx(*engine_);
  EXPECT_EQ(WriteSnapshot(ctx, path_, {}).error, "");
  RecordProperty("saved_while_swapping", saved);
}

// A database that is flushed meanwhile does not disturb the others.
TEST_F(SnapshotChurnTest, OtherDatabasesWholeWhileOneIsFlushed) {
  FillStable(2, "kept");
  std::atomic<bool> stop{false};
  std::thread flusher([&] {
    OpContext ctx(*engine_);
    while (!stop.load()) {
      Begin(ctx);
      for (int i = 0; i < 3000; ++i) Set(ctx, 0, "volatile:" + std::to_string(i), "x");
      ctx.End();
      while (!ctx.TryCloseGate()) std::this_thread::yield();
      engine_->Flush(ctx, 0);
      ctx.OpenGate();
    }
  });
  for (int round = 0; round < 8; ++round) {
    {
      OpContext ctx(*engine_);
      ASSERT_EQ(WriteSnapshot(ctx, path_, {}).error, "");
    }
    int kept = 0;
    CheckFile([&](int db, const std::string& key, const Current& c) {
      if (db == 2 && TextOf(c) == "kept") {
        ++kept;
      } else {
        EXPECT_EQ(db, 0);
        EXPECT_TRUE(key.starts_with("volatile:"));
      }
    });
    EXPECT_EQ(kept, kStable);
  }
  stop = true;
  flusher.join();
}

}  // namespace
}  // namespace mantis::persist
