// Streams built from stored parts: what Redis could have written is taken, anything else refused.

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "engine/value/stream.h"
#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

// A node's elements as they stand.
Listpack Pack(std::initializer_list<std::string> elements) {
  Listpack pack;
  for (const std::string& e : elements) pack.Append(Bytes(e));
  return pack;
}

bool Accepts(StreamId base, const Listpack& pack) {
  Stream stream;
  return stream.AddNode(base, pack.raw());
}

TEST(StreamParts, NodesOfTheRightForm) {
  EXPECT_TRUE(Accepts({1, 0}, Pack({"1", "0", "1", "f", "0", "2", "0", "0", "v", "4"})));
  EXPECT_TRUE(Accepts({1, 0}, Pack({"1", "0", "1", "f", "0", "0", "0", "0", "1", "g", "v", "6"})));
  EXPECT_TRUE(Accepts({1, 0}, Pack({"1", "0", "0", "0", "2", "5", "-1", "3"})));
  // Deleted entries may be out of order.
  EXPECT_TRUE(Accepts({1, 0}, Pack({"2", "1", "0", "0", "2", "0", "0", "3", "3", "9", "0", "3", "2",
                                    "4", "0", "3"})));
}

TEST(StreamParts, NodesOfAnotherForm) {
  const StreamId base{1, 0};
  EXPECT_FALSE(Accepts(base, Listpack()));
  EXPECT_FALSE(Accepts(base, Pack({"0"})));
  EXPECT_FALSE(Accepts(base, Pack({"0", "0", "x", "0"})));
  EXPECT_FALSE(Accepts(base, Pack({"1", "0", "0", "0"}))) << "an entry too few";
  EXPECT_FALSE(Accepts(base, Pack({"0", "0", "0", "0", "2", "0", "0", "3"}))) << "one too many";
  EXPECT_FALSE(Accepts(base, Pack({"0", "1", "0", "0", "2", "0", "0", "3"}))) << "not deleted";
  EXPECT_FALSE(Accepts(base, Pack({"1", "0", "9", "f", "0", "2", "0", "0", "v", "4"})));
  EXPECT_FALSE(Accepts(base, Pack({"1", "0", "-1", "0", "2", "0", "0", "3"})));
  EXPECT_FALSE(Accepts(base, Pack({"1", "0", "9223372036854775807", "0", "2", "0", "0", "3"})));
  EXPECT_FALSE(Accepts(base, Pack({"1", "0", "1", "f", "7", "2", "0", "0", "v", "4"})));
  EXPECT_FALSE(Accepts(base, Pack({"1", "0", "1", "f", "0", "2", "0", "0", "v", "5"})));
  EXPECT_FALSE(Accepts(base, Pack({"1", "0", "1", "f", "0", "6", "0", "0", "v", "4"})));
  EXPECT_FALSE(Accepts(base, Pack({"1", "0", "1", "f", "0", "2", "x", "0", "v", "4"})));
  EXPECT_FALSE(Accepts(base, Pack({"1", "0", "1", "f", "0", "0", "0", "0", "99", "g", "v", "6"})));
  EXPECT_FALSE(Accepts(base, Pack({"1", "0", "1", "f", "0", "2", "0", "0", "v"})));
  EXPECT_FALSE(Accepts(base, Pack({"1", "0", "0", "0", "2", "-1", "0", "3"}))) << "below the base";
  EXPECT_FALSE(Accepts(base, Pack({"2", "0", "0", "0", "2", "1", "0", "3", "2", "1", "0", "3"})))
      << "an id twice";
}

TEST(StreamParts, NodesInOrder) {
  const Listpack one = Pack({"1", "0", "0", "0", "2", "5", "0", "3"});
  Stream stream;
  EXPECT_TRUE(stream.AddNode({1, 0}, one.raw()));
  EXPECT_FALSE(stream.AddNode({1, 0}, one.raw()));
  EXPECT_FALSE(stream.AddNode({6, 0}, one.raw())) << "its base is an id of the node before";
  EXPECT_TRUE(stream.AddNode({7, 0}, one.raw()));
  EXPECT_FALSE(stream.SetTotals({.length = 3, .last_id = {20, 0}}));
  EXPECT_FALSE(stream.SetTotals({.length = 2, .last_id = {11, 0}}));
  EXPECT_TRUE(stream.SetTotals({.length = 2, .last_id = {12, 0}, .entries_added = 5}));
  EXPECT_EQ(stream.first_id(), (StreamId{6, 0}));
  EXPECT_EQ(stream.entries_added(), 5u);
}

TEST(StreamParts, WhatWasStoredComesBack) {
  Stream stream;
  for (uint64_t i = 1; i <= 50; ++i) {
    const std::string value(i, 'x');
    stream.Append({i, i}, std::vector<Bytes>{i % 3 == 0 ? "f" : "g", value}, {0, 7});
    if (i % 4 == 0) {
      EXPECT_TRUE(stream.Erase({i, i}));
    }
  }
  Stream twin;
  for (const auto& [base, node] : stream.nodes()) ASSERT_TRUE(twin.AddNode(base, node.raw()));
  ASSERT_TRUE(twin.SetTotals(
      {stream.size(), stream.last_id(), stream.max_deleted_id(), stream.entries_added()}));
  EXPECT_EQ(twin.first_id(), stream.first_id());
  StreamCursor a(stream, {}, StreamId::Max());
  StreamCursor b(twin, {}, StreamId::Max());
  while (a.Next()) {
    ASSERT_TRUE(b.Next());
    EXPECT_EQ(a.id(), b.id());
  }
  EXPECT_FALSE(b.Next());
}

// Whatever is accepted can be read, changed and freed.
TEST(StreamParts, DamagedNodesDoNoHarm) {
  std::mt19937_64 rng(test::TestSeed());
  Stream whole;
  for (uint64_t i = 1; i <= 20; ++i) {
    const std::string value = std::to_string(i * 1000);
    whole.Append({i, 0}, std::vector<Bytes>{i % 5 == 0 ? "f" : "g", value}, {});
  }
  const std::string raw(whole.nodes().begin()->second.raw());
  size_t accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = raw;
    for (size_t n = rng() % 3 + 1; n > 0; --n) {
      damaged[rng() % damaged.size()] = static_cast<char>(rng());
    }
    Stream stream;
    if (!stream.AddNode({1, 0}, damaged)) continue;
    ++accepted;
    size_t seen = 0;
    for (StreamCursor at(stream, {}, StreamId::Max(), rng() % 2 == 0); at.Next(); ++seen) {
      at.ForEachField([](const Listpack::Item&, const Listpack::Item&) {});
    }
    EXPECT_EQ(seen, stream.size());
    const StreamId last = stream.LastLiveId();
    EXPECT_TRUE(stream.size() == 0 || stream.Erase(last));
    stream.Trim({.by = StreamTrim::By::kLength, .length_max = rng() % 10});
  }
  EXPECT_GT(accepted, 0u);
}

}  // namespace
}  // namespace mantis
