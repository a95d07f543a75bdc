#include "protocol/output_buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace mantis::protocol {
namespace {

TEST(OutputBuffer, StartsWithoutMemory) {
  OutputBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.capacity(), 0u);
  EXPECT_EQ(buffer.view(), "");
  buffer.Append("");
  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(OutputBuffer, KeepsItsBytesWhenItGrows) {
  OutputBuffer buffer;
  std::string expected;
  size_t growths = 0;
  for (int i = 0; i < 20000; ++i) {
    const size_t capacity = buffer.capacity();
    buffer.Append(std::to_string(i));
    expected += std::to_string(i);
    if (buffer.capacity() != capacity) ++growths;
  }
  EXPECT_EQ(buffer.view(), expected);
  EXPECT_LE(growths, 10u);  // geometric
}

TEST(OutputBuffer, CommitsPartOfWhatWasReserved) {
  OutputBuffer buffer;
  char* room = buffer.Reserve(1000);
  room[0] = 'a';
  room[1] = 'b';
  buffer.Commit(2);
  EXPECT_EQ(buffer.view(), "ab");
  EXPECT_GE(buffer.capacity(), 1000u);
}

TEST(OutputBuffer, ClearAndTruncateKeepMemoryShrinkGivesItBack) {
  OutputBuffer buffer;
  buffer.Append(std::string(10000, 'x'));
  const size_t capacity = buffer.capacity();
  buffer.Truncate(100);
  EXPECT_EQ(buffer.view(), std::string(100, 'x'));
  EXPECT_EQ(buffer.capacity(), capacity);
  buffer.ShrinkTo(2 * capacity);
  EXPECT_EQ(buffer.capacity(), capacity);
  buffer.ShrinkTo(10);
  EXPECT_EQ(buffer.capacity(), 100u);
  EXPECT_EQ(buffer.view(), std::string(100, 'x'));
  buffer.Clear();
  buffer.ShrinkTo(0);
  EXPECT_EQ(buffer.capacity(), 0u);
  buffer.Append("again");
  EXPECT_EQ(buffer.view(), "again");
}

TEST(OutputBuffer, Moves) {
  OutputBuffer buffer;
  buffer.Append("bytes");
  OutputBuffer other(std::move(buffer));
  EXPECT_EQ(other.view(), "bytes");
  OutputBuffer third;
  third.Append("dropped");
  third = std::move(other);
  EXPECT_EQ(third.view(), "bytes");
}

TEST(OutputBuffer, ImpossibleSizesThrow) {
  OutputBuffer buffer;
  buffer.Append("x");
  EXPECT_THROW(static_cast<void>(buffer.Reserve(static_cast<size_t>(-1))), std::bad_alloc);
  EXPECT_EQ(buffer.view(), "x");
}

bool enforced = true;

TEST(OutputBuffer, GrowsBeyondItsBoundOnlyWhereThatIsNotEnforced) {
  constexpr size_t kMost = 10'000;
  OutputBuffer buffer;
  buffer.set_bound({kMost, [] { return enforced; }});
  const std::string piece(100, 'x');
  for (size_t n = 0; n < kMost; n += piece.size()) buffer.Append(piece);
  EXPECT_EQ(buffer.size(), kMost);
  EXPECT_THROW(buffer.Append("y"), ReplyTooLong);
  EXPECT_EQ(buffer.size(), kMost);
  enforced = false;
  buffer.Append("y");
  EXPECT_EQ(buffer.size(), kMost + 1);
  enforced = true;
  buffer.Truncate(5);
  EXPECT_EQ(buffer.view(), "xxxxx");

  // The bytes move, the bound does not.
  OutputBuffer other(std::move(buffer));
  for (size_t n = 0; n <= kMost; n += piece.size()) other.Append(piece);
  EXPECT_GT(other.size(), kMost);
}

}  // namespace
}  // namespace mantis::protocol
