// List: its encodings, how nodes fill, split and merge, and what memory it keeps.

#include "engine/value/list.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

using End = List::End;

std::string TextOf(const List::Item& item) {
  char digits[24];
  return std::string(item.View(std::span<char, 24>(digits)));
}

std::vector<std::string> All(const List& list) {
  std::vector<std::string> all;
  for (auto it = list.First(); it.valid(); it.Next()) all.push_back(TextOf(it.item()));
  return all;
}

List::Iterator FindIn(const List& list, Bytes text) {
  auto it = list.First();
  while (it.valid() && !it.Is(List::Needle(text))) it.Next();
  return it;
}

TEST(ListTest, EmptyListHasNoPlaces) {
  const List list(-2);
  EXPECT_EQ(list.size(), 0u);
  EXPECT_EQ(list.node_count(), 0u);
  EXPECT_FALSE(list.First().valid());
  EXPECT_FALSE(list.Last().valid());
  EXPECT_FALSE(list.At(0).valid());
  EXPECT_FALSE(list.At(-1).valid());
  EXPECT_EQ(list.encoding(), "listpack");
}

TEST(ListTest, EncodingChangesWhenANodeIsFull) {
  List list(3);
  for (const Bytes text : {"a", "b", "c"}) list.Push(text, End::kTail);
  EXPECT_EQ(list.encoding(), "listpack");
  list.Push("d", End::kTail);
  EXPECT_EQ(list.encoding(), "quicklist");
  EXPECT_EQ(list.node_count(), 2u);
  list.Drop(2, End::kTail);
  EXPECT_EQ(list.encoding(), "listpack");
  EXPECT_EQ(All(list), (std::vector<std::string>{"a", "b"}));
}

TEST(ListTest, NodeLimitsInBytes) {
  const std::string text(100, 'x');  // 103 bytes as an entry
  for (const auto& [limit, bytes] : std::vector<std::pair<int, size_t>>{
           {-1, 4096}, {-2, 8192}, {-3, 16384}, {-4, 32768}, {-5, 65536}, {-100, 65536}}) {
    List list(limit);
    while (list.node_count() <= 1) list.Push(text, End::kHead);
    EXPECT_EQ(list.node(1).count(), (bytes - 7) / 103) << limit;
    EXPECT_EQ(list.node(0).count(), 1u);
  }
}

TEST(ListTest, CountedNodesAreBoundedInBytesToo) {
  List list(32767);
  while (list.node_count() <= 1) list.Push("12345678901", End::kTail);
  EXPECT_LE(list.node(0).listpack_bytes(), 8192u);
  List one_each(0);
  one_each.Push("a", End::kTail);
  one_each.Push("b", End::kTail);
  EXPECT_EQ(one_each.node_count(), 2u);
}

TEST(ListTest, LargeElementsHaveANodeToThemselves) {
  const std::string large(10000, 'L');
  List list(-2);
  list.Push("a", End::kTail);
  EXPECT_FALSE(list.LoneElement(0).valid());
  list.Push(large, End::kTail);
  list.Push("z", End::kTail);
  ASSERT_EQ(list.node_count(), 3u);
  EXPECT_FALSE(list.LoneElement(0).valid());
  ASSERT_TRUE(list.LoneElement(1).valid());
  EXPECT_EQ(TextOf(list.LoneElement(1).item()), large);
  // In place, and in the middle of a node.
  EXPECT_TRUE(list.Set(1, "small again"));
  EXPECT_EQ(list.encoding(), "listpack");
  EXPECT_TRUE(list.Set(1, large));
  EXPECT_EQ(All(list), (std::vector<std::string>{"a", large, "z"}));
  EXPECT_EQ(list.node_count(), 3u);

  List alone(-2);
  alone.Push(large, End::kHead);
  EXPECT_EQ(alone.encoding(), "quicklist");
  EXPECT_TRUE(alone.LoneElement(0).valid());
}

TEST(ListTest, InsertingIntoAFullNodeSplitsIt) {
  List list(4);
  for (const Bytes text : {"1", "2", "3", "4"}) list.Push(text, End::kTail);
  list.InsertAfter(list.At(1), "2.5");
  EXPECT_EQ(All(list), (std::vector<std::string>{"1", "2", "2.5", "3", "4"}));
  EXPECT_EQ(list.node_count(), 2u);
  // At the seam the neighbour's room is used.
  list.InsertBefore(list.At(0), "0");
  list.InsertAfter(FindIn(list, "2.5"), "2.7");
  EXPECT_EQ(All(list), (std::vector<std::string>{"0", "1", "2", "2.5", "2.7", "3", "4"}));
  EXPECT_EQ(list.node_count(), 2u);
}

TEST(ListTest, ManyInsertionsAtOnePlaceLeaveFullNodes) {
  List list(-1);
  list.Push("first", End::kTail);
  list.Push("last", End::kTail);
  constexpr int kCount = 20000;
  for (int i = 0; i < kCount; ++i) list.InsertBefore(list.Last(), "element " + std::to_string(i));
  EXPECT_EQ(list.size(), size_t{kCount} + 2);
  size_t bytes = 0;
  for (size_t i = 0; i < list.node_count(); ++i) bytes += list.node(i).bytes();
  EXPECT_LE(list.node_count(), bytes / 2048 + 1) << "nodes less than half full on average";
}

TEST(ListTest, RemovalsLeaveNoCrumbs) {
  List list(-1);
  for (int i = 0; i < 30000; ++i) {
    list.Push(i % 100 == 0 ? "keep " + std::to_string(i) : "drop", End::kTail);
  }
  const size_t before = list.node_count();
  EXPECT_EQ(list.Remove("drop", SIZE_MAX, End::kHead), 29700u);
  EXPECT_EQ(list.size(), 300u);
  EXPECT_LT(list.node_count(), before / 10);
  EXPECT_EQ(TextOf(list.At(7).item()), "keep 700");
  EXPECT_EQ(list.Remove("nothing like it", SIZE_MAX, End::kTail), 0u);
}

TEST(ListTest, RemovesFromTheEndAsked) {
  const std::vector<std::string> texts{"x", "a", "x", "b", "x", "c", "x"};
  for (const int limit : {2, -2}) {
    List list(limit);
    for (const auto& t : texts) list.Push(t, End::kTail);
    EXPECT_EQ(list.Remove("x", 2, End::kTail), 2u);
    EXPECT_EQ(All(list), (std::vector<std::string>{"x", "a", "x", "b", "c"}));
    EXPECT_EQ(list.Remove("x", 1, End::kHead), 1u);
    EXPECT_EQ(All(list), (std::vector<std::string>{"a", "x", "b", "c"}));
  }
}

// A queue's elements move through the buffer; it must neither grow nor be copied for ever.
TEST(ListTest, QueuesKeepTheirMemory) {
  const auto owned = std::make_unique<List>(-2);  // bytes() asks the allocator
  List& list = *owned;
  for (int i = 0; i < 300; ++i) list.Push("element number " + std::to_string(i), End::kTail);
  const size_t bytes = list.bytes(0);
  for (int i = 300; i < 100000; ++i) {
    list.Push("element number " + std::to_string(i), End::kTail);
    list.Pop(End::kHead, [](const List::Item&) {});
    if (i % 1000 == 0) {
      ASSERT_LE(list.bytes(0), 2 * bytes);
    }
  }
  EXPECT_EQ(TextOf(list.First().item()), "element number 99700");
}

TEST(ListTest, ShrinksAsItIsPopped) {
  const auto owned = std::make_unique<List>(-2);  // bytes() asks the allocator
  List& list = *owned;
  for (int i = 0; i < 1000; ++i) list.Push("12345678", End::kTail);
  const size_t bytes = list.bytes(0);
  list.Drop(990, End::kHead);
  EXPECT_LT(list.bytes(0), bytes / 10);
}

TEST(ListTest, MemoryOfAManyElementList) {
  const auto owned = std::make_unique<List>(-2);  // bytes() asks the allocator
  List& list = *owned;
  constexpr size_t kCount = 100000;
  for (size_t i = 0; i < kCount; ++i) list.Push("value:" + std::to_string(100000 + i), End::kTail);
  // 12 bytes of text, two of its entry.
  EXPECT_LT(static_cast<double>(list.bytes(0)) / kCount, 14.1);
  EXPECT_NEAR(static_cast<double>(list.bytes(5)), static_cast<double>(list.bytes(0)),
              0.05 * static_cast<double>(list.bytes(0)));
}

TEST(ListTest, AppendsForeignListpacks) {
  Listpack lp;
  for (int64_t i = 0; i < 10; ++i) lp.Append(i);
  List small(4);
  ASSERT_TRUE(small.AppendListpack(lp.raw()));  // too many for one node here
  EXPECT_EQ(small.size(), 10u);
  EXPECT_EQ(small.node_count(), 3u);
  List list(-2);
  ASSERT_TRUE(list.AppendListpack(lp.raw()));
  ASSERT_TRUE(list.AppendListpack(Listpack().raw()));
  EXPECT_EQ(list.node_count(), 1u);
  ASSERT_TRUE(list.AppendListpack(lp.raw()));
  EXPECT_EQ(list.size(), 20u);
  EXPECT_EQ(TextOf(list.At(19).item()), "9");
  std::string damaged(lp.raw());
  damaged[6] = '\xfe';
  EXPECT_FALSE(list.AppendListpack(damaged));
  EXPECT_EQ(list.size(), 20u);
  std::string raw(list.node(0).listpack_bytes(), '\0');
  list.node(0).WriteListpack(raw.data());
  EXPECT_EQ(raw, lp.raw());
}

TEST(ListTest, ClonesAreIndependent) {
  for (const int limit : {2, -2}) {
    List list(limit);
    for (const Bytes text : {"a", "b", "c", "d", "e"}) list.Push(text, End::kTail);
    const auto copy = list.Clone();
    list.Drop(5, End::kHead);
    EXPECT_EQ(list.size(), 0u);
    EXPECT_EQ(All(static_cast<const List&>(*copy)),
              (std::vector<std::string>{"a", "b", "c", "d", "e"}));
    EXPECT_EQ(copy->kind(), Kind::kList);
  }
}

}  // namespace
}  // namespace mantis
