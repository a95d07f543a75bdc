#include "engine/value/stream.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/memory.h"

namespace mantis {
namespace {

using Pairs = std::vector<Bytes>;

std::string IdText(StreamId id) { return std::to_string(id.ms) + "-" + std::to_string(id.seq); }

std::string TextOfEntry(StreamCursor& at) {
  std::string text = IdText(at.id()) + ":";
  at.ForEachField([&](const Listpack::Item& field, const Listpack::Item& value) {
    char room[2][24];
    text += " " + std::string(field.View(std::span<char, 24>(room[0]))) + "=" +
            std::string(value.View(std::span<char, 24>(room[1])));
  });
  return text;
}

std::vector<std::string> Entries(const Stream& stream, StreamId start = {},
                                 StreamId end = StreamId::Max(), bool reverse = false) {
  std::vector<std::string> all;
  for (StreamCursor at(stream, start, end, reverse); at.Next();) all.push_back(TextOfEntry(at));
  return all;
}

using Lines = std::vector<std::string>;

// Entries 1-0 to n-0 of one field.
std::unique_ptr<Stream> Numbered(uint64_t n, const StreamNodeLimits& limits) {
  auto stream = std::make_unique<Stream>();
  for (uint64_t i = 1; i <= n; ++i) {
    const std::string value = std::to_string(i);
    stream->Append({i, 0}, Pairs{"n", value}, limits);
  }
  return stream;
}

TEST(StreamId, StepsToItsNeighbours) {
  StreamId id{1, UINT64_MAX};
  EXPECT_TRUE(id.Increment());
  EXPECT_EQ(id, (StreamId{2, 0}));
  EXPECT_TRUE(id.Decrement());
  EXPECT_EQ(id, (StreamId{1, UINT64_MAX}));
  id = StreamId::Max();
  EXPECT_FALSE(id.Increment());
  EXPECT_EQ(id, StreamId::Max());
  id = {};
  EXPECT_FALSE(id.Decrement());
  EXPECT_EQ(id, StreamId{});
}

TEST(Stream, KeepsFieldsAsTheyAre) {
  Stream stream;
  const std::string large(5000, 'x');
  stream.Append({1, 1}, Pairs{"a", "1", "b", "007"}, {});
  stream.Append({1, 2}, Pairs{"a", "-5", "b", ""}, {});
  stream.Append({1, 3}, Pairs{"b", "2", "a", "9223372036854775808"}, {});
  stream.Append({7, 0}, Pairs{"", large}, {});
  EXPECT_EQ(Entries(stream), (Lines{"1-1: a=1 b=007", "1-2: a=-5 b=",
                                    "1-3: b=2 a=9223372036854775808", "7-0: =" + large}));
  EXPECT_EQ(stream.nodes().size(), 1u);
  EXPECT_EQ(stream.first_id(), (StreamId{1, 1}));
  EXPECT_EQ(stream.last_id(), (StreamId{7, 0}));
  EXPECT_EQ(stream.entries_added(), 4u);
}

TEST(Stream, LayoutIsThatOfRedis) {
  Stream stream;
  stream.Append({5, 1}, Pairs{"f", "a"}, {});
  stream.Append({6, 0}, Pairs{"g", "b"}, {});
  // live, deleted, fields, "f", 0 | same fields, 0, 0, "a", 4 | none, 1, -1, 1, "g", "b", 6
  const unsigned char wanted[] = {46,   0,    0,   0, 17,   0,   2, 1, 0,    1,    1, 1,
                                  0x81, 'f',  2,   0, 1,    2,   1, 0, 1,    0,    1, 0x81,
                                  'a',  2,    4,   1, 0,    1,   1, 1, 0xdf, 0xff, 2, 1,
                                  1,    0x81, 'g', 2, 0x81, 'b', 2, 6, 1,    0xff};
  EXPECT_EQ(stream.nodes().begin()->second.raw(),
            Bytes(reinterpret_cast<const char*>(wanted), sizeof(wanted)));
}

TEST(Stream, NodesEndAtTheirLimits) {
  EXPECT_EQ(Numbered(100, {0, 10})->nodes().size(), 10u);
  EXPECT_EQ(Numbered(100, {0, 1})->nodes().size(), 100u);
  EXPECT_EQ(Numbered(100, {0, 0})->nodes().size(), 1u);
  EXPECT_EQ(Numbered(10, {1, 0})->nodes().size(), 10u);
  const auto small = Numbered(1000, {200, 0});
  for (const auto& [base, node] : small->nodes()) {
    EXPECT_LE(node.raw().size(), 215u);
  }
}

TEST(Stream, RangesFromBothEnds) {
  const auto stream = Numbered(20, {0, 4});
  EXPECT_EQ(Entries(*stream, {3, 0}, {5, 0}), (Lines{"3-0: n=3", "4-0: n=4", "5-0: n=5"}));
  EXPECT_EQ(Entries(*stream, {4, 1}, {5, 0}, true), (Lines{"5-0: n=5"}));
  EXPECT_EQ(Entries(*stream, {4, 0}, {5, 9}, true), (Lines{"5-0: n=5", "4-0: n=4"}));
  EXPECT_EQ(Entries(*stream, {5, 1}, {5, 9}), Lines{});
  EXPECT_EQ(Entries(*stream, {6, 0}, {5, 0}), Lines{});
  EXPECT_EQ(Entries(*stream, {0, 0}, {0, 9}, true), Lines{});
  EXPECT_EQ(Entries(*stream, {21, 0}, StreamId::Max()), Lines{});
  for (uint64_t i = 1; i <= 20; ++i) {
    EXPECT_EQ(Entries(*stream, {i, 0}).size(), 21 - i);
    EXPECT_EQ(Entries(*stream, {}, {i, 0}, true).size(), i);
    EXPECT_TRUE(stream->Contains({i, 0}));
    EXPECT_FALSE(stream->Contains({i, 1}));
  }
  EXPECT_EQ(stream->CountUpTo({5, 0}, {8, 0}, 100), 4u);
  EXPECT_EQ(stream->CountUpTo({6, 0}, {9, 0}, 100), 8u);
  EXPECT_EQ(stream->CountUpTo({}, StreamId::Max(), 5), 8u);
}

TEST(Stream, ErasedEntriesAreGoneAndNodesWithThem) {
  const auto stream = Numbered(8, {0, 4});
  EXPECT_FALSE(stream->Erase({9, 0}));
  EXPECT_FALSE(stream->Erase({2, 1}));
  EXPECT_TRUE(stream->Erase({2, 0}));
  EXPECT_FALSE(stream->Erase({2, 0}));
  EXPECT_EQ(stream->size(), 7u);
  EXPECT_EQ(stream->first_id(), (StreamId{1, 0}));
  EXPECT_EQ(stream->max_deleted_id(), (StreamId{2, 0}));
  EXPECT_TRUE(stream->Erase({1, 0}));
  EXPECT_EQ(stream->first_id(), (StreamId{3, 0}));
  EXPECT_TRUE(stream->Erase({3, 0}));
  EXPECT_EQ(stream->nodes().size(), 2u);
  EXPECT_TRUE(stream->Erase({4, 0}));
  EXPECT_EQ(stream->nodes().size(), 1u);
  EXPECT_EQ(stream->max_deleted_id(), (StreamId{4, 0}));
  EXPECT_TRUE(stream->Erase({8, 0}));
  EXPECT_EQ(stream->LastLiveId(), (StreamId{7, 0}));
  EXPECT_EQ(Entries(*stream, {}, StreamId::Max(), true),
            (Lines{"7-0: n=7", "6-0: n=6", "5-0: n=5"}));
  for (uint64_t i = 5; i <= 7; ++i) EXPECT_TRUE(stream->Erase({i, 0}));
  EXPECT_EQ(stream->size(), 0u);
  EXPECT_EQ(stream->first_id(), StreamId{});
  EXPECT_EQ(stream->last_id(), (StreamId{8, 0}));
  EXPECT_TRUE(stream->nodes().empty());
}

TEST(Stream, CountsOfANodePastOneByte) {
  const auto stream = Numbered(300, {0, 0});
  for (uint64_t i = 1; i <= 200; ++i) EXPECT_TRUE(stream->Erase({i, 0}));
  EXPECT_EQ(Entries(*stream).size(), 100u);
  EXPECT_EQ(stream->nodes().begin()->second.live(), 100u);
  EXPECT_EQ(stream->nodes().begin()->second.deleted(), 200u);
  EXPECT_EQ(stream->Trim({.by = StreamTrim::By::kLength, .length_max = 30}), 70u);
  EXPECT_EQ(Entries(*stream).front(), "271-0: n=271");
}

TEST(Stream, TrimsToALength) {
  const auto stream = Numbered(20, {0, 5});
  using By = StreamTrim::By;
  EXPECT_EQ(stream->Trim({.by = By::kLength, .length_max = 20}), 0u);
  EXPECT_EQ(stream->Trim({.by = By::kLength, .whole_nodes = true, .length_max = 16}), 0u);
  EXPECT_EQ(stream->Trim({.by = By::kLength, .whole_nodes = true, .length_max = 15}), 5u);
  EXPECT_EQ(stream->Trim({.by = By::kLength, .whole_nodes = true, .limit = 4, .length_max = 0}),
            0u);
  EXPECT_EQ(stream->Trim({.by = By::kLength, .length_max = 7}), 8u);
  EXPECT_EQ(stream->first_id(), (StreamId{14, 0}));
  EXPECT_EQ(Entries(*stream).size(), 7u);
  EXPECT_EQ(stream->max_deleted_id(), StreamId{});
  EXPECT_EQ(stream->Trim({.by = By::kLength, .length_max = 0}), 7u);
  EXPECT_EQ(stream->first_id(), StreamId{});
}

TEST(Stream, TellsWhatTrimmingCosts) {
  const auto stream = Numbered(1000, {0, 10});
  using By = StreamTrim::By;
  EXPECT_EQ(stream->NodesToTrim({}, 1000), 0u);
  EXPECT_EQ(stream->NodesToTrim({.by = By::kLength, .length_max = 1000}, 1000), 0u);
  EXPECT_EQ(stream->NodesToTrim({.by = By::kLength, .length_max = 200}, 1000), 80u);
  EXPECT_EQ(stream->NodesToTrim({.by = By::kLength, .length_max = 200}, 50), 51u);
  EXPECT_EQ(stream->NodesToTrim({.by = By::kId, .first = {1, 0}}, 1000), 0u);
  EXPECT_EQ(stream->NodesToTrim({.by = By::kId, .first = {801, 0}}, 1000), 80u);
  EXPECT_EQ(stream->NodesToTrim({.by = By::kId, .first = {801, 0}}, 50), 51u);
  EXPECT_EQ(stream->NodesToTrim({.by = By::kId, .limit = 30, .first = {801, 0}}, 1000), 5u);
}

TEST(Stream, TrimsToAnId) {
  const auto stream = Numbered(20, {0, 5});
  using By = StreamTrim::By;
  EXPECT_EQ(stream->Trim({.by = By::kId, .first = {1, 0}}), 0u);
  EXPECT_EQ(stream->Trim({.by = By::kId, .whole_nodes = true, .first = {5, 0}}), 0u);
  EXPECT_EQ(stream->Trim({.by = By::kId, .whole_nodes = true, .first = {5, 1}}), 5u);
  EXPECT_TRUE(stream->Erase({10, 0}));
  // Of the first node only a deleted entry is left: it goes.
  EXPECT_EQ(stream->Trim({.by = By::kId, .first = {10, 0}}), 4u);
  EXPECT_EQ(stream->nodes().size(), 2u);
  EXPECT_EQ(stream->first_id(), (StreamId{11, 0}));
  EXPECT_EQ(stream->Trim({.by = By::kId, .first = StreamId::Max()}), 10u);
  EXPECT_EQ(stream->size(), 0u);
}

TEST(Stream, AnIdAgainAfterItsEntryWasErased) {
  Stream stream;
  stream.Append({1, 0}, Pairs{"a", "1"}, {});
  stream.Append({5, 0}, Pairs{"a", "2"}, {});
  EXPECT_TRUE(stream.Erase({5, 0}));
  stream.SetLastId({3, 0});
  stream.Append({4, 0}, Pairs{"a", "3"}, {});
  stream.Append({5, 0}, Pairs{"a", "4"}, {});
  EXPECT_EQ(Entries(stream), (Lines{"1-0: a=1", "4-0: a=3", "5-0: a=4"}));
  EXPECT_EQ(Entries(stream, {5, 0}), (Lines{"5-0: a=4"}));
  EXPECT_EQ(Entries(stream, {4, 0}, {4, 0}, true), (Lines{"4-0: a=3"}));
  EXPECT_TRUE(stream.Erase({5, 0}));
  EXPECT_EQ(stream.size(), 2u);
}

TEST(Stream, BytesFollowWhatIsHeld) {
  const int64_t before = memory::UsedBytes();
  const auto stream = Numbered(20000, {4096, 100});
  const auto used = static_cast<size_t>(memory::UsedBytes() - before);
#ifndef MANTIS_SANITIZED
  EXPECT_GT(stream->bytes(0), used * 9 / 10);
  EXPECT_LT(stream->bytes(0), used * 11 / 10);
#endif
  EXPECT_GT(stream->bytes(5), used / 2);
  EXPECT_EQ(stream->free_effort(), 201u);
}

TEST(StreamGroup, EntriesHaveOneOwner) {
  StreamGroup group("g", {}, 0);
  StreamConsumer* ann = group.AddConsumer("ann", 10);
  StreamConsumer* bob = group.AddConsumer("bob", 20, 30);
  EXPECT_EQ(group.AddConsumer("ann", 99), nullptr);
  EXPECT_EQ(group.FindConsumer("bob"), bob);
  EXPECT_EQ(group.FindConsumer("cid"), nullptr);
  for (uint64_t i = 1; i <= 3; ++i) group.Deliver({i, 0}, ann, 100);
  group.Deliver({2, 0}, bob, 200);
  EXPECT_EQ(ann->pending.size(), 2u);
  EXPECT_EQ(bob->pending.size(), 1u);
  EXPECT_EQ(group.pending().size(), 3u);
  EXPECT_EQ(group.FindPending({2, 0})->owner, bob);
  EXPECT_EQ(group.FindPending({2, 0})->delivered_ms, 200);
  EXPECT_TRUE(group.Acknowledge({1, 0}));
  EXPECT_FALSE(group.Acknowledge({1, 0}));
  EXPECT_EQ(ann->pending.size(), 1u);
  group.DeleteConsumer(bob);
  EXPECT_EQ(group.FindPending({2, 0}), nullptr);
  EXPECT_EQ(group.pending().size(), 1u);
  EXPECT_EQ(group.consumers().size(), 1u);
}

TEST(StreamGroup, IsPutTogetherFromItsParts) {
  StreamGroup group("g", {}, 0);
  EXPECT_TRUE(group.AddPending({1, 0}, 5, 2));
  EXPECT_FALSE(group.AddPending({1, 0}, 5, 2));
  EXPECT_TRUE(group.AddPending({2, 0}, 6, 3));
  StreamConsumer* ann = group.AddConsumer("ann", 10);
  EXPECT_FALSE(group.Assign({3, 0}, ann));
  EXPECT_TRUE(group.Assign({1, 0}, ann));
  EXPECT_FALSE(group.Assign({1, 0}, ann));
  EXPECT_FALSE(group.Complete());
  EXPECT_TRUE(group.Assign({2, 0}, ann));
  EXPECT_TRUE(group.Complete());
  EXPECT_EQ(ann->pending.size(), 2u);
}

TEST(StreamGroup, TellsHowFarItHasRead) {
  const auto stream = Numbered(10, {0, 4});
  StreamGroup* group = stream->AddGroup("g", {}, StreamGroup::kUnknown);
  EXPECT_EQ(stream->AddGroup("g", {}, 0), nullptr);
  EXPECT_EQ(stream->Lag(*group), 10);
  stream->Advance(*group, {1, 0});
  EXPECT_EQ(group->entries_read, 1);
  stream->Advance(*group, {2, 0});
  stream->Advance(*group, {2, 0});
  EXPECT_EQ(group->entries_read, 2);
  EXPECT_EQ(stream->Lag(*group), 8);
  EXPECT_TRUE(stream->Erase({5, 0}));
  EXPECT_EQ(stream->Lag(*group), std::nullopt);
  stream->Advance(*group, {3, 0});
  EXPECT_EQ(group->entries_read, StreamGroup::kUnknown);
  stream->Advance(*group, {10, 0});
  EXPECT_EQ(group->entries_read, 10);
  EXPECT_EQ(stream->Lag(*group), 0);
  EXPECT_EQ(stream->EntriesReadUpTo({11, 0}), StreamGroup::kUnknown);
}

TEST(StreamGroup, HasReadNoMoreThanThereEverWas) {
  const auto stream = Numbered(10, {0, 4});
  StreamGroup* group = stream->AddGroup("g", {10, 0}, 11);
  EXPECT_EQ(group->entries_read, 10);
  stream->SetGroupPlace(*group, {2, 0}, INT64_MAX);
  EXPECT_EQ(group->entries_read, 10);
  EXPECT_EQ(stream->Lag(*group), 0);
  stream->Advance(*group, {3, 0});
  EXPECT_EQ(group->entries_read, 10);
  stream->SetEntriesAdded(9);
  EXPECT_EQ(group->entries_read, 9);
  stream->SetGroupPlace(*group, {2, 0}, StreamGroup::kUnknown);
  EXPECT_EQ(group->entries_read, StreamGroup::kUnknown);
}

TEST(Stream, ClonesShareNothing) {
  auto stream = Numbered(10, {0, 4});
  StreamGroup* group = stream->AddGroup("g", {3, 0}, 3);
  StreamConsumer* ann = group->AddConsumer("ann", 5, 6);
  group->Deliver({1, 0}, ann, 7);
  const auto object = stream->Clone();
  const auto& copy = static_cast<const Stream&>(*object);
  const Lines entries = Entries(*stream);
  stream->Erase({5, 0});
  group->Acknowledge({1, 0});
  stream.reset();
  EXPECT_EQ(Entries(copy), entries);
  EXPECT_EQ(copy.size(), 10u);
  const StreamGroup* twin = copy.FindGroup("g");
  ASSERT_NE(twin, nullptr);
  EXPECT_EQ(twin->last_id, (StreamId{3, 0}));
  const StreamConsumer* owner = twin->FindConsumer("ann");
  ASSERT_NE(owner, nullptr);
  EXPECT_EQ(owner->active_ms, 6);
  EXPECT_EQ(twin->pending().begin()->second.owner, owner);
  EXPECT_TRUE(owner->pending.contains({1, 0}));
}

}  // namespace
}  // namespace mantis
