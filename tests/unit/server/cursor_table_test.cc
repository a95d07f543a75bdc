#include "server/dispatch/cursor_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace mantis::server {
namespace {

TEST(CursorTable, RemembersTheLastKey) {
  CursorTable table;
  const uint64_t c = table.Advance(0, 3, "user:", "user:7");
  EXPECT_TRUE(CursorTable::IsOrdered(c));
  EXPECT_LT(c, 1ull << 53);
  EXPECT_EQ(table.Find(c, 3, "user:"), "user:7");
  // Not consumed.
  EXPECT_EQ(table.Find(c, 3, "user:"), "user:7");
}

TEST(CursorTable, KnowsForeignCursors) {
  CursorTable table;
  const uint64_t c = table.Advance(0, 3, "user:", "user:7");
  EXPECT_EQ(table.Find(c, 2, "user:"), std::nullopt);
  EXPECT_EQ(table.Find(c, 3, "user"), std::nullopt);
  EXPECT_EQ(table.Find(c, 3, "user:7"), std::nullopt);
  EXPECT_EQ(table.Find(c, 3, "user:77"), std::nullopt);
  EXPECT_EQ(table.Find(c, 3, "other:"), std::nullopt);
  EXPECT_EQ(table.Find(0, 3, "user:"), std::nullopt);
  EXPECT_EQ(table.Find((1ull << 48) - 1, 3, "user:"), std::nullopt);
  EXPECT_EQ(table.Find(UINT64_MAX, 3, "user:"), std::nullopt);
  EXPECT_FALSE(CursorTable::IsOrdered((1ull << 48) - 1));
  for (uint64_t i = 0; i < 4096; ++i) {
    ASSERT_EQ(table.Find(1ull << 52 | i, 3, "user:"), std::nullopt);
  }
}

TEST(CursorTable, TheLastCallMayBeRepeated) {
  CursorTable table;
  const uint64_t first = table.Advance(0, 0, "k", "k1");
  const uint64_t second = table.Advance(first, 0, "k", "k2");
  // The client lost the reply with `second` and asks from `first` again, with another COUNT.
  EXPECT_EQ(table.Find(first, 0, "k"), "k1");
  const uint64_t other = table.Advance(first, 0, "k", "k5");
  EXPECT_NE(other, second);
  EXPECT_EQ(table.Find(second, 0, "k"), "k2");
  EXPECT_EQ(table.Find(other, 0, "k"), "k5");
  EXPECT_EQ(table.Find(first, 0, "k"), "k1");
}

TEST(CursorTable, OldPositionsOfAScanAreForgotten) {
  CursorTable table;
  const uint64_t first = table.Advance(0, 0, "k", "k1");
  const uint64_t second = table.Advance(first, 0, "k", "k2");
  const uint64_t third = table.Advance(second, 0, "k", "k3");
  EXPECT_EQ(table.Find(first, 0, "k"), std::nullopt);
  EXPECT_EQ(table.Find(second, 0, "k"), "k2");
  EXPECT_EQ(table.Find(third, 0, "k"), "k3");
}

TEST(CursorTable, AnotherPrefixMakesAnotherScan) {
  CursorTable table;
  const uint64_t first = table.Advance(0, 0, "k", "k1");
  const uint64_t second = table.Advance(first, 0, "x", "x1");
  EXPECT_EQ(table.Find(first, 0, "k"), "k1");
  EXPECT_EQ(table.Find(second, 0, "x"), "x1");
  EXPECT_EQ(table.Find(second, 0, "k"), std::nullopt);
}

TEST(CursorTable, IsBoundedAndActiveScansSurvive) {
  CursorTable table;
  uint64_t active = table.Advance(0, 0, "a", "a0");
  const uint64_t idle = table.Advance(0, 0, "b", "b0");
  const uint64_t finished = table.Advance(0, 0, "c", "c0");
  table.Finish(finished);
  EXPECT_EQ(table.Find(finished, 0, "c"), "c0");
  for (size_t i = 0; i < 4 * CursorTable::kScans; ++i) {
    table.Advance(0, 0, "n", "n" + std::to_string(i));
    if (i % 100 != 0) continue;
    ASSERT_NE(table.Find(active, 0, "a"), std::nullopt) << i;
    active = table.Advance(active, 0, "a", "a" + std::to_string(i));
  }
  EXPECT_EQ(table.Find(idle, 0, "b"), std::nullopt);
  EXPECT_EQ(table.Find(finished, 0, "c"), std::nullopt);
}

TEST(CursorTable, FinishedScansGoFirst) {
  CursorTable table;
  std::vector<uint64_t> cursors;
  for (size_t i = 0; i < CursorTable::kScans; ++i) {
    cursors.push_back(table.Advance(0, 0, "k", "k" + std::to_string(i)));
  }
  const auto finished = [](size_t i) { return i / 64 % 2 == 0; };
  for (size_t i = 0; i < cursors.size(); ++i) {
    ASSERT_EQ(table.Find(cursors[i], 0, "k"), "k" + std::to_string(i));
    if (finished(i)) table.Finish(cursors[i]);
  }
  for (size_t i = 0; i < CursorTable::kScans / 2; ++i) table.Advance(0, 0, "n", "n");
  for (size_t i = 0; i < cursors.size(); ++i) {
    ASSERT_EQ(table.Find(cursors[i], 0, "k").has_value(), !finished(i)) << i;
  }
}

// Invariant: whatever other threads do, a cursor gives the key it was made for or nothing.
TEST(CursorTable, ThreadsNeverSeeEachOthersPositions) {
  CursorTable table;
  std::atomic<int> found{0};
  const auto scan = [&](int id) {
    const std::string prefix = "t" + std::to_string(id) + ":";
    for (int s = 0; s < 300; ++s) {
      uint64_t cursor = 0;
      for (int step = 0; step < 30; ++step) {
        const std::string key = prefix + std::to_string(s * 100 + step);
        cursor = table.Advance(cursor, id, prefix, key);
        const auto back = table.Find(cursor, id, prefix);
        if (!back) continue;
        ASSERT_EQ(*back, key);
        found.fetch_add(1);
      }
      if (s % 2 == 0) table.Finish(cursor);
    }
  };
  std::vector<std::thread> threads;
  for (int id = 0; id < 4; ++id) threads.emplace_back(scan, id);
  for (std::thread& t : threads) t.join();
  EXPECT_GT(found.load(), 30000);
}

}  // namespace
}  // namespace mantis::server
