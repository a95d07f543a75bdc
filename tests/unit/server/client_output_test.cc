#include "server/net/client_output.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>

#include "engine/base/allocation_failure.h"

namespace mantis::server {
namespace {

// Takes up to `n` bytes off, as a socket would.
std::string Take(ClientOutput& output, size_t n, size_t parts_max = 64) {
  std::string taken;
  while (n > 0 && !output.empty()) {
    std::vector<iovec> parts(parts_max);
    const size_t count = output.Gather(parts, n);
    size_t now = 0;
    for (size_t i = 0; i < count; ++i) {
      taken.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
      now += parts[i].iov_len;
    }
    EXPECT_GT(now, 0u);
    EXPECT_LE(now, n);
    if (now == 0 || now > n) return taken;
    output.Consume(now);
    n -= now;
  }
  return taken;
}

struct BlobHolder {
  explicit BlobHolder(const std::string& text) : blob(Blob::Create(text)) {}
  ~BlobHolder() { blob->Unref(); }
  Blob* blob;
};

TEST(ClientOutput, SendsBlobsWhereTheyWereAttached) {
  ClientOutput output;
  const BlobHolder large(std::string(100, 'L'));
  const BlobHolder second(std::string(50, 'S'));
  output.buffer().Append("before ");
  output.Attach(large.blob);
  output.Attach(second.blob);
  output.buffer().Append(" after");
  const std::string expected = "before " + std::string(100, 'L') + std::string(50, 'S') + " after";
  EXPECT_EQ(output.pending(), expected.size());
  EXPECT_EQ(output.attachments(), 2u);
  EXPECT_EQ(Take(output, expected.size()), expected);
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(output.attachments(), 0u);
}

TEST(ClientOutput, RewindDropsWhatCameAfterTheMark) {
  ClientOutput output;
  const BlobHolder kept("kept blob");
  const BlobHolder dropped("dropped blob");
  output.buffer().Append("a");
  output.Attach(kept.blob);
  const ClientOutput::Mark mark = output.mark();
  output.buffer().Append("b");
  output.Attach(dropped.blob);
  output.Rewind(mark);
  output.buffer().Append("c");
  EXPECT_EQ(Take(output, 1000), "akept blobc");
}

TEST(ClientOutput, ShrinkGivesMemoryBackOnlyWhenNothingWaits) {
  ClientOutput output;
  output.buffer().Append("waits");
  output.Shrink();
  EXPECT_EQ(Take(output, 2), "wa");
  output.Shrink();
  EXPECT_EQ(Take(output, 100), "its");
  EXPECT_GT(output.memory(), 0u);
  output.Shrink();
  EXPECT_EQ(output.memory(), 0u);
}

TEST(ClientOutput, ABacklogIsSealedAndGivesItsMemoryBackAsItIsSent) {
  ClientOutput output;
  const std::string piece(ClientOutput::kSealMin, 'x');
  std::string expected;
  for (int i = 0; i < 20; ++i) {
    output.buffer().Append(piece);
    output.buffer().Append(std::to_string(i));
    expected += piece + std::to_string(i);
    output.Seal();
    EXPECT_EQ(output.pending_open(), 0u);
  }
  output.buffer().Append("small");
  expected += "small";
  output.Seal();
  EXPECT_EQ(output.sealed_parts(), 20u);
  EXPECT_EQ(output.pending_open(), 5u);
  EXPECT_EQ(output.pending(), expected.size());
  const size_t all = output.memory();
  std::string taken = Take(output, expected.size() / 2);
  EXPECT_LT(output.memory(), all * 6 / 10);
  taken += Take(output, SIZE_MAX);
  EXPECT_EQ(taken, expected);
  EXPECT_TRUE(output.empty());
}

TEST(ClientOutput, AdoptKeepsTheOrder) {
  ClientOutput output;
  output.buffer().Append("first ");
  const BlobHolder blob("blob ");
  ClientOutput large;
  large.buffer().Append(std::string(ClientOutput::kSealMin, 'y'));
  large.Attach(blob.blob);
  large.buffer().Append("after");
  ClientOutput small;
  small.buffer().Append("small");
  output.Adopt(large);
  output.Adopt(small);
  EXPECT_TRUE(large.empty());
  EXPECT_EQ(Take(output, SIZE_MAX),
            "first " + std::string(ClientOutput::kSealMin, 'y') + "blob aftersmall");
}

TEST(ClientOutput, AnEmptyBlobIsNothing) {
  ClientOutput output;
  const BlobHolder nothing("");
  output.Attach(nothing.blob);
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(output.attachments(), 0u);
}

// Any interleaving of writing, attaching and partial sends yields the bytes in order. The sizes
// make the backlog pass the point from which its sent part is moved over.
TEST(ClientOutput, AnySequenceOfSendsKeepsTheOrder) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    ClientOutput output;
    std::string written;
    std::string sent;
    for (int step = 0; step < 400; ++step) {
      const std::string piece(random() % 4000, static_cast<char>('a' + step % 26));
      switch (random() % 4) {
        case 0:
        case 1:
          output.buffer().Append(piece);
          written += piece;
          break;
        case 2: {
          const BlobHolder blob(piece);
          output.Attach(blob.blob);
          written += piece;
          break;
        }
        default:
          sent += Take(output, random() % 3500, 1 + random() % 4);
      }
      ASSERT_EQ(output.pending(), written.size() - sent.size());
    }
    sent += Take(output, written.size());
    EXPECT_EQ(sent, written);
    EXPECT_TRUE(output.empty());
  }
}

TEST(ClientOutput, OneReplyIsBoundedWhereItsCommandIsPreparedForThat) {
  ClientOutput output;
  constexpr size_t kMost = 100'000;
  output.set_reply_max(kMost);
  const BlobHolder blob(std::string(60'000, 'b'));
  output.Attach(blob.blob);
  const ClientOutput::Mark mark = output.mark();
  {
    const memory::MayFail may_fail;
    output.buffer().Append("x");
    EXPECT_THROW(output.Attach(blob.blob), protocol::ReplyTooLong);
    EXPECT_THROW(output.buffer().Append(std::string(kMost, 'x')), protocol::ReplyTooLong);
    output.Rewind(mark);
  }
  EXPECT_EQ(output.pending(), 60'000u);
  // Replies that nobody is prepared to cut, and what was sealed before, are for the limits.
  output.Attach(blob.blob);
  EXPECT_EQ(output.pending(), 120'000u);
  output.Seal();
  const memory::MayFail may_fail;
  output.Attach(blob.blob);
  EXPECT_THROW(output.Attach(blob.blob), protocol::ReplyTooLong);
  EXPECT_EQ(output.pending(), 180'000u);
}

}  // namespace
}  // namespace mantis::server
