// What the tests of snapshots share: a folder of their own, and an engine to fill and to compare.
//
// Thread safety: one thread. Ownership: the folder and what is in it go with its object.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "engine/persist/snapshot.h"
#include "engine/reclaim/rcu.h"

namespace mantis::persist {

namespace fs = std::filesystem;

inline constexpr int kDatabases = 4;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "snapshot_test_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& e : fs::directory_iterator(path_)) names.push_back(e.path().filename());
    return names;
  }

 private:
  fs::path path_;
};

inline std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void WriteFile(const std::string& path, Bytes content) {
  std::ofstream(path, std::ios::binary)
      .write(content.data(), static_cast<std::streamsize>(content.size()));
}

// database, key -> value, deadline, access
using Content = std::map<std::pair<int, std::string>, std::tuple<std::string, int64_t, uint32_t>>;

// An engine; each call makes a context of its own, as a thread can have only one at a time.
class Store {
 public:
  explicit Store(int databases = kDatabases, CacheOptions cache = {})
      : engine({databases, cache}) {}

  void Set(int db, Bytes key, Bytes value, int64_t deadline_ms = kNoDeadline) {
    OpContext ctx(engine);
    ASSERT_TRUE(ctx.TryBegin());
    const Status s = engine.database(db).Mutate(ctx, KeyRef::Of(key), [&](const Current& c) {
      return Update::Set(MakeString(value, c.value), deadline_ms, "set");
    });
    ctx.End();
    ASSERT_EQ(s, Status::kOk);
  }

  void SetAccess(int db, Bytes key, uint32_t access) {
    OpContext ctx(engine);
    ASSERT_TRUE(ctx.TryBegin());
    engine.database(db).index().Find(key, HashIndex::Hash(key))->set_access(access);
    ctx.End();
  }

  Content All() {
    Content content;
    OpContext ctx(engine);
    EXPECT_TRUE(ctx.TryBegin());
    for (int i = 0; i < engine.database_count(); ++i) {
      const auto collect = [&](std::span<Entry* const> run) {
        for (const Entry* e : run) {
          if (Database::IsLive(e, ctx.now_ms())) content[{i, std::string(e->key())}] = Row(e);
        }
        return true;
      };
      engine.database(i).ordered().Scan(RangeBound::None(), RangeBound::None(), collect);
    }
    ctx.End();
    return content;
  }

  SaveResult Save(const std::string& path, const std::atomic<bool>* cancel = nullptr) {
    OpContext ctx(engine);
    return WriteSnapshot(ctx, path, {.cancel = cancel});
  }
  LoadResult Load(const std::string& path) {
    OpContext ctx(engine);
    return LoadSnapshot(ctx, path);
  }

  Engine engine;

 private:
  static std::tuple<std::string, int64_t, uint32_t> Row(const Entry* e) {
    const Current c = Resolve(e->word());
    char digits[24];
    return {std::string(StringRef(c.value).Text(std::span<char, 24>(digits))), c.deadline_ms,
            e->access()};
  }
};

class SnapshotTest : public ::testing::Test {
 protected:
  static constexpr int64_t kLater = int64_t{1} << 45;  // ms, beyond any test's end

  std::string path() const { return folder_.file("dump.mdb"); }

  void FillSmall(Store& store) {
    store.Set(0, "", "the empty key");
    store.Set(0, std::string_view("\0bin\xff\r\n", 7), std::string_view("\0\0\x80 value\n", 10));
    store.Set(0, "empty value", "");
    store.Set(0, "number", "-12345");
    store.Set(0, "large number", "9223372036854775807");
    store.Set(0, "not a number", "007");
    store.Set(1, "number", "1");
    store.Set(1, "with deadline", "x", kLater);
    store.Set(3, "number with deadline", "77", kLater + 1);
    store.SetAccess(0, "number", 0x345678);
  }

  reclaim::Runtime runtime_;
  TemporaryFolder folder_;
};

}  // namespace mantis::persist
