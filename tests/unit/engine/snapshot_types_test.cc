// Snapshots of values of every type: what is written comes back, however large, from slices and
// from under the gate, with files of the former version as well.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "engine/persist/rdb_value.h"
#include "engine/persist/snapshot_format.h"
#include "tests/support/describe_value.h"
#include "tests/support/engine_fixture.h"
#include "tests/support/sample_values.h"
#include "tests/unit/engine/snapshot_store.h"

namespace mantis::persist {
namespace {

ValueLimits TinyLimits() {
  ValueLimits limits;
  limits.list_max_listpack_size = 3;
  limits.hash_max_listpack_entries = 2;
  limits.set_max_intset_entries = 2;
  limits.set_max_listpack_entries = 2;
  limits.zset_max_listpack_entries = 2;
  return limits;
}

class SnapshotTypesTest : public SnapshotTest {
 protected:
  static constexpr int64_t kLater = int64_t{1} << 45;

  // Every other one of the sample values has a deadline.
  void Fill(Store& store, const ValueLimits& limits) {
    OpContext ctx(store.engine);
    test::RunBatch(ctx, [&] {
      int64_t number = 0;
      for (auto& [name, value] : test::SampleValues(limits)) {
        const int64_t deadline_ms = ++number % 2 == 0 ? kLater + number : kNoDeadline;
        EXPECT_EQ(StoreValue(ctx, store.engine.database(static_cast<int>(number % 3)),
                             KeyRef::Of(name), std::move(value), deadline_ms, "test"),
                  Status::kOk);
      }
    });
  }

  // "database/key" -> the value, its deadline
  static std::map<std::string, std::string> All(Store& store) {
    std::map<std::string, std::string> all;
    OpContext ctx(store.engine);
    test::RunBatch(ctx, [&] {
      for (int i = 0; i < store.engine.database_count(); ++i) {
        Database& db = store.engine.database(i);
        db.ordered().Scan(RangeBound::None(), RangeBound::None(), [&](std::span<Entry* const> run) {
          for (Entry* e : run) {
            (void)db.ReadEntry(ctx, e, [&](const Current& now) {
              all[std::to_string(i) + "/" + std::string(e->key())] =
                  test::Describe(now.value) + "@" + std::to_string(now.deadline_ms);
              return Status::kOk;
            });
          }
          return true;
        });
      }
    });
    return all;
  }
};

TEST_F(SnapshotTypesTest, EveryTypeComesBack) {
  for (const ValueLimits& limits : {ValueLimits{}, TinyLimits()}) {
    Store store;
    Fill(store, limits);
    const auto before = All(store);
    ASSERT_GT(before.size(), 20u);
    const SaveResult saved = store.Save(path());
    ASSERT_EQ(saved.error, "");
    EXPECT_EQ(saved.keys, before.size());
    Store loaded;
    {
      OpContext ctx(loaded.engine);
      const LoadResult result = LoadSnapshot(ctx, path(), {.limits = limits});
      ASSERT_EQ(result.error, "");
      EXPECT_EQ(result.loaded, before.size());
    }
    EXPECT_EQ(All(loaded), before);
  }
}

TEST_F(SnapshotTypesTest, FormsFollowTheLimitsOfTheOneWhoLoads) {
  Store store;
  Fill(store, TinyLimits());
  ASSERT_EQ(store.Save(path()).error, "");
  Store loaded;
  ASSERT_EQ(loaded.Load(path()).error, "");
  OpContext ctx(loaded.engine);
  test::RunBatch(ctx, [&] {
    for (int i = 0; i < kDatabases; ++i) {
      (void)loaded.engine.database(i).Read<Hash>(ctx, KeyRef::Of("hash of 20"), [](const Hash& h) {
        EXPECT_EQ(h.encoding(), "listpack");
        return Status::kOk;
      });
    }
  });
}

TEST_F(SnapshotTypesTest, SavedAndReloadedUnderTheGate) {
  Store store;
  Fill(store, {});
  const auto before = All(store);
  OpContext ctx(store.engine);
  ASSERT_TRUE(ctx.TryCloseGate());
  ASSERT_EQ(WriteSnapshot(ctx, path(), {.mode = BatchMode::kAlone}).error, "");
  store.engine.FlushAll(ctx);
  const LoadResult result = LoadSnapshot(ctx, path(), {.mode = BatchMode::kAlone});
  ctx.OpenGate();
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.loaded, before.size());
}

TEST_F(SnapshotTypesTest, FieldsGoOnExpiring) {
  Store store;
  {
    OpContext ctx(store.engine);
    auto hash = std::make_unique<Hash>();
    hash->Set("stays", "1", {}, 0);
    hash->Set("goes", "2", {}, 0);
    hash->SetDeadline("goes", WallClockMs() + 50);
    test::RunBatch(ctx, [&] {
      ASSERT_EQ(store.engine.database(0).Replace(ctx, KeyRef::Of("h"), std::move(hash), "test"),
                Status::kOk);
    });
  }
  ASSERT_EQ(store.Save(path()).error, "");
  Store loaded;
  ASSERT_EQ(loaded.Load(path()).error, "");
  OpContext ctx(loaded.engine);
  const int64_t end_ms = WallClockMs() + 10'000;
  size_t fields = 2;
  while (fields != 1 && WallClockMs() < end_ms) {
    test::RunBatch(ctx, [&] {
      (void)loaded.engine.database(0).ExpireDue(ctx, 0, 1, 100);
      (void)loaded.engine.database(0).Read<Hash>(ctx, KeyRef::Of("h"), [&](const Hash& h) {
        fields = h.size();
        return Status::kOk;
      });
    });
  }
  EXPECT_EQ(fields, 1u);
}

// A string-only file is the same in both versions, but for the number.
TEST_F(SnapshotTypesTest, FilesOfTheFormerVersionAreRead) {
  Store store;
  FillSmall(store);
  store.Set(2, "large", std::string(3 * kTailBytesMin, 'v'), kLater);
  ASSERT_EQ(store.Save(path()).error, "");
  std::string file = ReadFile(path());
  ASSERT_EQ(file[8], 2);
  file[8] = 1;
  WriteFile(path(), file);
  Store loaded;
  ASSERT_EQ(loaded.Load(path()).error, "");
  EXPECT_EQ(loaded.All(), store.All());
}

TEST_F(SnapshotTypesTest, AValueThatIsNoneIsNoticedUnderARightChecksum) {
  Store store;
  Fill(store, TinyLimits());
  ASSERT_EQ(store.Save(path()).error, "");
  const std::string good = ReadFile(path());
  std::mt19937_64 random(7);
  for (int i = 0; i < 200; ++i) {
    std::string bad = good;
    BlockHeader header;
    std::memcpy(&header, bad.data() + sizeof(FileHeader), sizeof(header));
    const size_t begin = sizeof(FileHeader) + sizeof(header);
    const size_t size = header.stored_size + header.tail_size;
    for (int n = 0; n < 3; ++n) bad[begin + random() % size] = static_cast<char>(random());
    BlockHasher hasher(header, sizeof(FileHeader));
    hasher.Add(Bytes(bad).substr(begin, size));
    header.checksum = hasher.Digest();
    std::memcpy(bad.data() + sizeof(FileHeader), &header, sizeof(header));
    WriteFile(path(), bad);
    // Refused, or other values; nothing is read or written out of bounds.
    Store loaded;
    const LoadResult result = loaded.Load(path());
    EXPECT_LE(All(loaded).size(), result.loaded);
  }
}

}  // namespace
}  // namespace mantis::persist
