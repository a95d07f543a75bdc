// Snapshots: what is written comes back, what exists stays whole, what is foreign is left alone.
#include "engine/persist/snapshot.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "engine/persist/snapshot_format.h"
#include "tests/unit/engine/snapshot_store.h"

namespace mantis::persist {
namespace {

TEST_F(SnapshotTest, SmallValuesOfAllKindsComeBack) {
  Store store;
  FillSmall(store);
  const SaveResult saved = store.Save(path());
  ASSERT_EQ(saved.error, "");
  EXPECT_EQ(saved.keys, 9u);
  EXPECT_EQ(saved.bytes, fs::file_size(path()));

  Store loaded;
  const LoadResult result = loaded.Load(path());
  ASSERT_EQ(result.error, "");
  EXPECT_TRUE(result.found);
  EXPECT_EQ(result.loaded, 9u);
  EXPECT_EQ(result.expired, 0u);
  EXPECT_EQ(loaded.All(), store.All());
  EXPECT_EQ(std::get<2>(loaded.All()[{0, "number"}]), 0x345678u);
  EXPECT_EQ(loaded.engine.database(0).size(), 6u);
  EXPECT_EQ(loaded.engine.database(1).deadlines(), 1u);
  EXPECT_EQ(loaded.engine.database(2).size(), 0u);
}

TEST_F(SnapshotTest, NothingAtAllComesBack) {
  Store store;
  ASSERT_EQ(store.Save(path()).error, "");
  const LoadResult result = store.Load(path());
  EXPECT_EQ(result.error, "");
  EXPECT_TRUE(result.found);
  EXPECT_EQ(result.loaded, 0u);
  EXPECT_TRUE(store.All().empty());
}

TEST_F(SnapshotTest, NoFileIsNoError) {
  Store store;
  const LoadResult result = store.Load(path());
  EXPECT_EQ(result.error, "");
  EXPECT_FALSE(result.found);
}

TEST_F(SnapshotTest, ManyKeysAndLargeValuesComeBack) {
  Store store;
  for (int i = 0; i < 60'000; ++i) {
    store.Set(i % 3, "key:" + std::to_string(i), "value " + std::to_string(i * 7));
  }
  // Around the size from which a value is kept out of the table, and well beyond a chunk.
  for (const size_t size : {kTailBytesMin - 1, kTailBytesMin, kTailBytesMin + 1, 3 * kChunkBytes}) {
    store.Set(1, "large:" + std::to_string(size), std::string(size, 'v'), kLater);
    store.Set(2, "zz" + std::string(size, 'k'), "a long key");
  }
  const SaveResult saved = store.Save(path());
  ASSERT_EQ(saved.error, "");
  EXPECT_EQ(saved.keys, 60'008u);
  Store loaded;
  ASSERT_EQ(loaded.Load(path()).error, "");
  EXPECT_EQ(loaded.All(), store.All());
}

TEST_F(SnapshotTest, ExpiredKeysAreLeftOut) {
  Store store;
  const int64_t soon = WallClockMs() + 1500;
  store.Set(0, "gone", "x", WallClockMs() + 1);
  store.Set(0, "soon", "x", soon);
  store.Set(0, "stays", "x", kLater);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const SaveResult saved = store.Save(path());
  ASSERT_EQ(saved.error, "");
  EXPECT_EQ(saved.keys, 2u);
  while (WallClockMs() <= soon) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  Store loaded;
  const LoadResult result = loaded.Load(path());
  ASSERT_EQ(result.error, "");
  EXPECT_EQ(result.loaded, 1u);
  EXPECT_EQ(result.expired, 1u);
  EXPECT_EQ(loaded.All().count({0, "stays"}), 1u);
}

TEST_F(SnapshotTest, AccessIsKeptUnderThePolicyThatWroteItOnly) {
  CacheOptions lfu;
  lfu.policy = EvictionPolicy::kAllKeysLfu;
  Store store(kDatabases, lfu);
  store.Set(0, "k", "v");
  store.SetAccess(0, "k", 0xabcdef);
  ASSERT_EQ(store.Save(path()).error, "");
  Store same(kDatabases, lfu);
  ASSERT_EQ(same.Load(path()).error, "");
  EXPECT_EQ(std::get<2>(same.All()[{0, "k"}]), 0xabcdefu);
  Store lru;
  ASSERT_EQ(lru.Load(path()).error, "");
  EXPECT_NE(std::get<2>(lru.All()[{0, "k"}]), 0xabcdefu);
}

TEST_F(SnapshotTest, SavedAloneUnderTheGate) {
  Store store;
  FillSmall(store);
  {
    OpContext ctx(store.engine);
    ASSERT_TRUE(ctx.TryCloseGate());
    const SaveResult saved = WriteSnapshot(ctx, path(), {.mode = BatchMode::kAlone});
    ctx.OpenGate();
    ASSERT_EQ(saved.error, "");
  }
  Store loaded;
  ASSERT_EQ(loaded.Load(path()).error, "");
  EXPECT_EQ(loaded.All(), store.All());
}

TEST_F(SnapshotTest, AFlushedDatabaseIsNotSaved) {
  Store store;
  FillSmall(store);
  {
    OpContext ctx(store.engine);
    ASSERT_TRUE(ctx.TryCloseGate());
    store.engine.Flush(ctx, 0);
    ctx.OpenGate();
  }
  ASSERT_EQ(store.Save(path()).error, "");
  Store loaded;
  ASSERT_EQ(loaded.Load(path()).error, "");
  EXPECT_EQ(loaded.All(), store.All());
}

TEST_F(SnapshotTest, TooFewDatabasesToLoadInto) {
  Store store;
  FillSmall(store);
  ASSERT_EQ(store.Save(path()).error, "");
  Store small(2);
  EXPECT_NE(small.Load(path()).error.find("keys in database 3, but only 2"), std::string::npos);
}

TEST_F(SnapshotTest, OtherFilesAreNeitherLoadedNorReplaced) {
  Store store;
  FillSmall(store);
  for (const std::string& content : {std::string("REDIS0010\xfa\x09redis-ver", 20),
                                     std::string("some text"), std::string("M")}) {
    WriteFile(path(), content);
    EXPECT_NE(store.Load(path()).error.find("is not a snapshot of MantisDB"), std::string::npos);
    EXPECT_NE(store.Save(path()).error, "");
    EXPECT_EQ(ReadFile(path()), content);
    EXPECT_EQ(folder_.names().size(), 1u);
  }
  WriteFile(path(), "REDIS0010");
  EXPECT_NE(store.Load(path()).error.find("RDB file of Redis"), std::string::npos);
}

TEST_F(SnapshotTest, NewerFormatsAreRefused) {
  Store store;
  ASSERT_EQ(store.Save(path()).error, "");
  std::string file = ReadFile(path());
  file[8] = 3;
  WriteFile(path(), file);
  EXPECT_NE(store.Load(path()).error.find("has format version 3"), std::string::npos);
}

TEST_F(SnapshotTest, FoldersAndPipesAreRefused) {
  Store store;
  fs::create_directory(path());
  EXPECT_NE(store.Load(path()).error.find("not a regular file"), std::string::npos);
  const std::string pipe = folder_.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_NE(store.Load(pipe).error.find("not a regular file"), std::string::npos);
  EXPECT_NE(store.Save(path()).error.find("cannot replace"), std::string::npos);
}

TEST_F(SnapshotTest, AFailedSaveLeavesTheOldFile) {
  Store store;
  FillSmall(store);
  ASSERT_EQ(store.Save(path()).error, "");
  const std::string before = ReadFile(path());
  store.Set(0, "another", "x");
  // A folder of the temporary file's name makes creating it fail, for root as well.
  const std::string temporary = path() + ".tmp-" + std::to_string(::getpid());
  fs::create_directory(temporary);
  EXPECT_NE(store.Save(path()).error.find("cannot create"), std::string::npos);
  EXPECT_EQ(ReadFile(path()), before);
  fs::remove(temporary);

  const std::atomic<bool> cancel{true};
  const SaveResult cancelled = store.Save(path(), &cancel);
  EXPECT_TRUE(cancelled.cancelled);
  EXPECT_EQ(ReadFile(path()), before);
  EXPECT_EQ(folder_.names().size(), 1u) << "the temporary file is still there";

  EXPECT_NE(store.Save(folder_.file("missing/dump.mdb")).error, "");
}

TEST_F(SnapshotTest, AFullDiskIsReported) {
  Store store;
  FillSmall(store);
  ASSERT_EQ(store.Save(path()).error, "");
  const std::string before = ReadFile(path());
  store.Set(2, "tail", std::string(kTailBytesMin, 't'));
  // Writing beyond the limit fails as on a full disk, with another reason.
  rlimit old_limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const rlimit limit{kTailBytesMin / 2, old_limit.rlim_max};
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  const SaveResult saved = store.Save(path());
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old_limit), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_NE(saved.error.find("cannot write"), std::string::npos) << saved.error;
  EXPECT_EQ(ReadFile(path()), before);
  EXPECT_EQ(folder_.names().size(), 1u);
}

TEST_F(SnapshotTest, WhatACrashLeftBehindIsIgnored) {
  Store store;
  FillSmall(store);
  ASSERT_EQ(store.Save(path()).error, "");
  const std::string whole = ReadFile(path());
  WriteFile(path() + ".tmp-1", whole.substr(0, whole.size() / 2));
  WriteFile(path() + ".tmp-" + std::to_string(::getpid()), "left by a process of the same id");
  Store loaded;
  ASSERT_EQ(loaded.Load(path()).error, "");
  EXPECT_EQ(loaded.All(), store.All());
  ASSERT_EQ(loaded.Save(path()).error, "");
  EXPECT_EQ(ReadFile(path()).size(), whole.size());
  EXPECT_FALSE(fs::exists(path() + ".tmp-" + std::to_string(::getpid())));
}

}  // namespace
}  // namespace mantis::persist
