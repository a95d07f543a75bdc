// The allocator front: what it says of its blocks is what they are.
#include "engine/base/memory.h"

#include <gtest/gtest.h>

#include <thread>

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

}  // namespace
}  // namespace mantis::memory
