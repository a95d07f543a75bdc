// The allocator front: what it says of its blocks is what they are.
#include "engine/base/memory.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "engine/base/counters.h"

namespace mantis::memory {
namespace {

TEST(MemoryTest, UsableSizeForIsWhatABlockHas) {
  constexpr size_t kExactMax = 128 * 1024;
  for (size_t n = 1; n < (size_t{64} << 20); n += 1 + n / 100) {
    void* p = Allocate(n);
    const size_t told = UsableSizeFor(n);
    const size_t have = UsableSize(p);
    Free(p);
    ASSERT_GE(told, n);
    ASSERT_GE(have, told) << n;
    if (n <= kExactMax) {
      ASSERT_EQ(have, told) << n;
    }
  }
}

TEST(MemoryTest, UsedBytesFollowsOverThreads) {
  const int64_t before = UsedBytes();
  void* p = Allocate(1000);
  const auto size = static_cast<int64_t>(UsableSize(p));
  EXPECT_EQ(UsedBytes(), before + size);
  std::thread([p] { Free(p); }).join();
  EXPECT_EQ(UsedBytes(), before);
}

// The size of a small block is not looked up each time it is counted.
TEST(MemoryTest, BlocksOfAnySizeAreCountedAsWhatTheyHave) {
  constexpr size_t kMost = 3000;
  for (int round = 0; round < 2; ++round) {
    for (size_t n = 0; n <= kMost; ++n) {
      const int64_t before = UsedBytes();
      void* p = n % 2 == 0 ? Allocate(n) : AllocateZeroed(n);
      EXPECT_EQ(UsedBytes() - before, static_cast<int64_t>(UsableSize(p))) << n;
      Free(p);
      EXPECT_EQ(UsedBytes(), before) << n;
    }
  }
}

TEST(MemoryTest, TotalsFollowTheSumWithinTheirError) {
  constexpr int64_t kError = 64 * 1024;
  Counters::SetMemoryError(kError);
  std::vector<void*> blocks;
  for (int i = 0; i < 10'000; ++i) {
    blocks.push_back(Allocate(static_cast<size_t>(i % 700)));
    EXPECT_NEAR(static_cast<double>(Counters::Memory().used), static_cast<double>(UsedBytes()),
                kError);
  }
  for (void* p : blocks) {
    Free(p);
    EXPECT_NEAR(static_cast<double>(Counters::Memory().used), static_cast<double>(UsedBytes()),
                kError);
  }
  Counters::SetMemoryError(INT64_MAX);
}

TEST(MemoryTest, WhatIsFreedInAReclaimScopeCountsUpToItsBytes) {
  const auto reclaimed = [] { return Counters::Sum(Counter::kReclaimedBytes); };
  const int64_t before = reclaimed();
  void* first = Allocate(1000);
  void* second = Allocate(1000);
  const auto size = static_cast<int64_t>(UsableSize(first));
  {
    const ReclaimScope scope(size + 10);
    Free(first);
    EXPECT_EQ(reclaimed(), before + size);
    Free(second);
    EXPECT_EQ(reclaimed(), before + size + 10);
    Free(Allocate(1000));
    EXPECT_EQ(reclaimed(), before + size + 10);
  }
  { const ReclaimScope scope(100); }
  EXPECT_EQ(reclaimed(), before + size + 110) << "what is left counts at the end";
  Free(Allocate(1000));
  EXPECT_EQ(reclaimed(), before + size + 110);
}

TEST(MemoryTest, APacerPausesAfterAsManyFreesAsItSaid) {
  int frees = 0;
  std::vector<int> pauses;
  const auto free_one = [&] {
    ++frees;
    Free(Allocate(10));
  };
  pauses.reserve(10);
  {
    const FreePacer pacer([&] {
      pauses.push_back(frees);
      Free(Allocate(10));  // of the pause itself: does not count
      return 3u;
    });
    for (int i = 0; i < 5; ++i) free_one();
    const ReclaimScope scope(15);
    for (int i = 0; i < 5; ++i) free_one();
  }
  for (int i = 0; i < 10; ++i) free_one();
  EXPECT_EQ(pauses, (std::vector<int>{1, 4, 7, 10}));
}

}  // namespace
}  // namespace mantis::memory
