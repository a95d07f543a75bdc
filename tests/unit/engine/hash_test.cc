// Hash: its three forms and the changes between them, deadlines of fields, random choice, copies.
#include "engine/value/hash.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

constexpr int64_t kNow = 1'000'000;

std::string TextOf(const Hash::Text& text) {
  char digits[24];
  return std::string(text.View(std::span<char, 24>(digits)));
}

using Fields = std::map<std::string, std::pair<std::string, int64_t>>;

Fields FieldsOf(const Hash& hash, int64_t now_ms = kNow) {
  Fields all;
  hash.ForEach(now_ms, [&](const Hash::Field& f) {
    const bool fresh =
        all.emplace(TextOf(f.name), std::pair{TextOf(f.value), f.deadline_ms}).second;
    EXPECT_TRUE(fresh) << TextOf(f.name) << " comes twice";
  });
  return all;
}

std::string ValueOf(const Hash& hash, Bytes name, int64_t now_ms = kNow) {
  const auto value = hash.Get(name, now_ms);
  return value ? TextOf(*value) : "(absent)";
}

// What holds for all forms is tested on each: compact and as a table.
class HashTest : public ::testing::TestWithParam<bool> {
 protected:
  HashTest() {
    if (GetParam()) limits_.hash_max_listpack_entries = 0;
  }
  bool table() const { return GetParam(); }
  bool Set(Bytes name, Bytes value, int64_t now_ms = kNow) {
    return hash_.Set(name, value, limits_, now_ms);
  }

  ValueLimits limits_;
  Hash hash_;
};

TEST_P(HashTest, SetsGetsAndErases) {
  EXPECT_EQ(ValueOf(hash_, "a"), "(absent)");
  EXPECT_FALSE(hash_.Erase("a", kNow));
  EXPECT_TRUE(Set("a", "1"));
  EXPECT_TRUE(Set("b", "two"));
  EXPECT_FALSE(Set("a", "one"));
  EXPECT_EQ(hash_.size(), 2u);
  EXPECT_EQ(hash_.encoding(), table() ? "hashtable" : "listpack");
  EXPECT_EQ(ValueOf(hash_, "a"), "one");
  EXPECT_EQ(ValueOf(hash_, "b"), "two");
  EXPECT_EQ(hash_.next_deadline_ms(), kNoDeadline);
  EXPECT_TRUE(hash_.Erase("a", kNow));
  EXPECT_FALSE(hash_.Erase("a", kNow));
  EXPECT_EQ(hash_.live_size(kNow), 1u);
  EXPECT_TRUE(hash_.Erase("b", kNow));
  EXPECT_EQ(hash_.size(), 0u);
}

TEST_P(HashTest, NamesAndValuesAreAnyBytes) {
  const std::string zeros(5, '\0');
  EXPECT_TRUE(Set("", ""));
  EXPECT_TRUE(Set(zeros, "\r\n"));
  EXPECT_TRUE(Set("0", "0"));
  EXPECT_TRUE(Set("-0", "007"));
  EXPECT_EQ(FieldsOf(hash_), (Fields{{"", {"", kNoDeadline}},
                                     {zeros, {"\r\n", kNoDeadline}},
                                     {"0", {"0", kNoDeadline}},
                                     {"-0", {"007", kNoDeadline}}}));
}

TEST_P(HashTest, ValuesOfAllSizesReplaceEachOther) {
  Set("f", "");
  for (const size_t size : {1u, 64u, 3u, 60u, 0u, 17u, 64u, 8u, 40u}) {
    const std::string value(size, 'x');
    EXPECT_FALSE(Set("f", value));
    EXPECT_EQ(ValueOf(hash_, "f"), value);
  }
}

TEST_P(HashTest, DeadlinesHideFieldsFromTheirMomentOn) {
  Set("a", "1");
  Set("b", "2");
  Set("c", "3");
  EXPECT_EQ(hash_.DeadlineOf("a", kNow), kNoDeadline);
  EXPECT_EQ(hash_.DeadlineOf("x", kNow), std::nullopt);
  hash_.SetDeadline("a", kNow + 10);
  hash_.SetDeadline("b", kNow + 20);
  EXPECT_EQ(hash_.encoding(), table() ? "hashtable" : "listpackex");
  EXPECT_EQ(hash_.pairs(), nullptr);
  EXPECT_EQ(hash_.next_deadline_ms(), kNow + 10);
  EXPECT_EQ(ValueOf(hash_, "a", kNow + 9), "1");
  EXPECT_EQ(ValueOf(hash_, "a", kNow + 10), "(absent)");
  EXPECT_EQ(hash_.DeadlineOf("a", kNow + 10), std::nullopt);
  EXPECT_FALSE(hash_.Erase("a", kNow + 10));
  EXPECT_EQ(hash_.live_size(kNow + 10), 2u);
  EXPECT_EQ(hash_.size(), 3u);
  EXPECT_EQ(FieldsOf(hash_, kNow + 20), (Fields{{"c", {"3", kNoDeadline}}}));
}

TEST_P(HashTest, ExpirePartsTakesWhatIsDue) {
  for (int i = 0; i < 10; ++i) {
    const std::string name = "f" + std::to_string(i);
    Set(name, "v");
    if (i != 0) hash_.SetDeadline(name, kNow + i);
  }
  EXPECT_EQ(hash_.ExpireParts(kNow, 100), 0u);
  EXPECT_EQ(hash_.ExpireParts(kNow + 5, 3), 3u);
  EXPECT_EQ(hash_.size(), 7u);
  EXPECT_EQ(hash_.live_size(kNow + 5), 5u);
  EXPECT_LE(hash_.next_deadline_ms(), kNow + 5);
  EXPECT_EQ(hash_.ExpireParts(kNow + 5, 100), 2u);
  EXPECT_EQ(hash_.size(), 5u);
  EXPECT_EQ(hash_.next_deadline_ms(), kNow + 6);
  EXPECT_EQ(hash_.ExpireParts(kNow + 100, 100), 4u);
  EXPECT_EQ(hash_.next_deadline_ms(), kNoDeadline);
  EXPECT_EQ(FieldsOf(hash_), (Fields{{"f0", {"v", kNoDeadline}}}));
}

TEST_P(HashTest, SettingClearsTheDeadlineUnlessItIsKept) {
  Set("a", "1");
  Set("b", "2");
  hash_.SetDeadline("a", kNow + 10);
  hash_.SetDeadline("b", kNow + 20);
  EXPECT_FALSE(hash_.Set("a", "longer than before", limits_, kNow, Hash::Deadline::kKeep));
  EXPECT_EQ(hash_.DeadlineOf("a", kNow), kNow + 10);
  EXPECT_FALSE(Set("a", "3"));
  EXPECT_EQ(hash_.DeadlineOf("a", kNow), kNoDeadline);
  EXPECT_EQ(hash_.next_deadline_ms(), kNow + 20);
  hash_.SetDeadline("b", kNoDeadline);
  EXPECT_EQ(hash_.next_deadline_ms(), kNoDeadline);
  EXPECT_EQ(hash_.ExpireParts(kNow + 100, 100), 0u);
  EXPECT_EQ(FieldsOf(hash_, kNow + 100),
            (Fields{{"a", {"3", kNoDeadline}}, {"b", {"2", kNoDeadline}}}));
}

TEST_P(HashTest, SettingAnExpiredFieldMakesItAnew) {
  for (const auto deadline : {Hash::Deadline::kKeep, Hash::Deadline::kClear}) {
    Set("a", "1");
    hash_.SetDeadline("a", kNow + 10);
    EXPECT_TRUE(hash_.Set("a", "2", limits_, kNow + 10, deadline));
    EXPECT_EQ(hash_.DeadlineOf("a", kNow + 10), kNoDeadline);
    EXPECT_EQ(hash_.size(), 1u);
    EXPECT_EQ(hash_.ExpireParts(kNow + 100, 100), 0u);
  }
}

TEST_P(HashTest, ErasingTheEarliestDeadlineMovesTheNext) {
  Set("a", "1");
  Set("b", "2");
  hash_.SetDeadline("a", kNow + 10);
  hash_.SetDeadline("b", kNow + 20);
  hash_.SetDeadline("a", kNow + 30);
  EXPECT_EQ(hash_.next_deadline_ms(), kNow + 20);
  EXPECT_TRUE(hash_.Erase("b", kNow));
  EXPECT_EQ(hash_.next_deadline_ms(), kNow + 30);
  EXPECT_TRUE(hash_.Erase("a", kNow));
  EXPECT_EQ(hash_.next_deadline_ms(), kNoDeadline);
}

TEST_P(HashTest, ACopyIsTheSameAndItsOwn) {
  for (int i = 0; i < 100; ++i) Set("f" + std::to_string(i), "v" + std::to_string(i));
  hash_.SetDeadline("f7", kNow + 7);
  hash_.SetDeadline("f9", kNow + 9);
  const auto copy = hash_.Clone();
  auto& other = static_cast<Hash&>(*copy);
  EXPECT_EQ(other.encoding(), hash_.encoding());
  EXPECT_EQ(FieldsOf(other), FieldsOf(hash_));
  EXPECT_EQ(other.next_deadline_ms(), kNow + 7);
  EXPECT_EQ(other.ExpireParts(kNow + 7, 10), 1u);
  other.Set("f1", "changed", limits_, kNow);
  EXPECT_EQ(hash_.size(), 100u);
  EXPECT_EQ(ValueOf(hash_, "f1"), "v1");
}

TEST_P(HashTest, SampleGivesEachFieldOnceAndDrawAny) {
  uint64_t random = 12345;
  const auto draw_nothing = [](const Hash::Field&) { FAIL() << "there are no fields"; };
  hash_.Draw(5, kNow, random, draw_nothing);
  hash_.Sample(5, kNow, random, draw_nothing);
  for (int i = 0; i < 50; ++i) Set("f" + std::to_string(i), std::to_string(i));
  hash_.SetDeadline("f0", kNow + 10);
  for (const int64_t now_ms : {kNow, kNow + 10}) {
    const size_t live = hash_.live_size(now_ms);
    for (const size_t count : {0u, 1u, 5u, 30u, 49u, 50u, 1000u}) {
      std::set<std::string> names;
      hash_.Sample(count, now_ms, random, [&](const Hash::Field& f) {
        EXPECT_TRUE(names.insert(TextOf(f.name)).second);
        EXPECT_EQ("f" + TextOf(f.value), TextOf(f.name));
      });
      EXPECT_EQ(names.size(), std::min(count, live));
      EXPECT_TRUE(now_ms == kNow || names.count("f0") == 0);
    }
    std::set<std::string> drawn;
    size_t calls = 0;
    hash_.Draw(5000, now_ms, random, [&](const Hash::Field& f) {
      drawn.insert(TextOf(f.name));
      ++calls;
    });
    EXPECT_EQ(calls, 5000u);
    EXPECT_EQ(drawn.size(), live);
  }
}

TEST_P(HashTest, ScanGivesEveryFieldOnce) {
  for (int i = 0; i < 400; ++i) Set("f" + std::to_string(i), "v");
  hash_.SetDeadline("f3", kNow);
  std::multiset<std::string> seen;
  uint64_t cursor = 0;
  size_t calls = 0;
  do {
    cursor =
        hash_.Scan(cursor, 20, kNow, [&](const Hash::Field& f) { seen.insert(TextOf(f.name)); });
    ++calls;
  } while (cursor != 0);
  EXPECT_EQ(seen.size(), 399u);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 399u);
  EXPECT_EQ(seen.count("f3"), 0u);
  EXPECT_EQ(calls > 1, table());
}

TEST_P(HashTest, AccountsForItsMemory) {
  const int64_t before = memory::UsedBytes();
  auto hash = std::make_unique<Hash>();
  for (int i = 0; i < 500; ++i) {
    hash->Set("field:" + std::to_string(i), "value:" + std::to_string(i), limits_, kNow);
  }
  hash->SetDeadline("field:1", kNow + 10);
  const auto used = static_cast<double>(memory::UsedBytes() - before);
  const auto told = static_cast<double>(hash->bytes(0));
  if (used > 0) {  // a sanitizer's allocator is not counted
    EXPECT_NEAR(told, used, used / 10);
    EXPECT_NEAR(static_cast<double>(hash->bytes(50)), told, told / 10);
  }
  EXPECT_EQ(hash->free_effort(), table() ? 500u : 1u);
  hash.reset();
  EXPECT_EQ(memory::UsedBytes(), before);
}

INSTANTIATE_TEST_SUITE_P(Forms, HashTest, ::testing::Bool(),
                         [](const auto& form) { return form.param ? "Table" : "Compact"; });

TEST(HashForms, BecomesATableWithTooManyFields) {
  const ValueLimits limits{.hash_max_listpack_entries = 3};
  Hash hash;
  for (const char* name : {"1", "b", "c"}) hash.Set(name, "7", limits, kNow);
  hash.SetDeadline("b", kNow + 5);
  const Fields before = FieldsOf(hash);
  EXPECT_EQ(hash.encoding(), "listpackex");
  hash.Set("1", "7", limits, kNow);
  EXPECT_EQ(hash.encoding(), "listpackex");
  hash.Set("d", "7", limits, kNow);
  EXPECT_EQ(hash.encoding(), "hashtable");
  EXPECT_EQ(hash.next_deadline_ms(), kNow + 5);
  EXPECT_TRUE(hash.Erase("d", kNow));
  EXPECT_EQ(FieldsOf(hash), before);
  EXPECT_EQ(hash.encoding(), "hashtable");
}

TEST(HashForms, BecomesATableWithALongText) {
  const ValueLimits limits{.hash_max_listpack_value = 10};
  for (const bool long_name : {false, true}) {
    Hash hash;
    hash.Set("a", std::string(10, 'x'), limits, kNow);
    EXPECT_EQ(hash.encoding(), "listpack");
    const std::string text(11, 'y');
    hash.Set(long_name ? text : "b", long_name ? "b" : text, limits, kNow);
    EXPECT_EQ(hash.encoding(), "hashtable");
    EXPECT_EQ(hash.size(), 2u);
    EXPECT_EQ(ValueOf(hash, long_name ? text : "b"), long_name ? "b" : text);
  }
}

TEST(HashForms, PairsAreWhatRedisKeeps) {
  Hash hash;
  hash.Set("name", "1", {}, kNow);
  hash.Set("2", "value", {}, kNow);
  ASSERT_NE(hash.pairs(), nullptr);
  Listpack wanted;
  for (const char* text : {"name", "1", "2", "value"}) wanted.Append(Bytes(text));
  EXPECT_EQ(hash.pairs()->raw(), wanted.raw());
  const auto back = Hash::FromListpack(hash.pairs()->Clone(), {});
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(FieldsOf(*back), FieldsOf(hash));
  EXPECT_EQ(back->encoding(), "listpack");
}

TEST(HashForms, FromListpackRefusesWhatIsNoHash) {
  Listpack odd;
  for (const char* text : {"a", "1", "b"}) odd.Append(Bytes(text));
  EXPECT_EQ(Hash::FromListpack(odd.Clone(), {}), nullptr);
  Listpack twice;
  for (const char* text : {"5", "1", "b", "1", "5", "2"}) twice.Append(Bytes(text));
  EXPECT_EQ(Hash::FromListpack(twice.Clone(), {}), nullptr);
}

TEST(HashForms, FromListpackKeepsToTheLimits) {
  Listpack pairs;
  for (const char* text : {"a", "1", "b", "12345678901"}) pairs.Append(Bytes(text));
  const auto many = Hash::FromListpack(pairs.Clone(), {.hash_max_listpack_entries = 1});
  ASSERT_NE(many, nullptr);
  EXPECT_EQ(many->encoding(), "hashtable");
  EXPECT_EQ(ValueOf(*many, "b"), "12345678901");
  Listpack longer;
  for (const char* text : {"a", "abcdefghijk"}) longer.Append(Bytes(text));
  const auto text = Hash::FromListpack(longer.Clone(), {.hash_max_listpack_value = 10});
  ASSERT_NE(text, nullptr);
  EXPECT_EQ(text->encoding(), "hashtable");
}

// The database takes due fields away, and with the last one the key.
TEST(HashExpiry, GoesThroughTheDatabase) {
  reclaim::Runtime runtime;
  Engine engine(EngineOptions{});
  OpContext ctx(engine);
  Database& db = engine.database(0);
  const KeyRef key = KeyRef::Of("h");
  const auto make = [] { return std::make_unique<Hash>(); };
  const auto edit = [&](auto&& f) {
    return test::RunBatch(ctx, [&] {
      return db.EditOrCreate<Hash>(ctx, key, make, [&](Hash& hash) {
        f(hash);
        return Edited::Yes("hset");
      });
    });
  };
  const int64_t soon_ms = WallClockMs() + 30;
  const Status set = edit([&](Hash& hash) {
    for (const char* name : {"a", "b", "c"}) hash.Set(name, "v", {}, 0);
    hash.SetDeadline("a", soon_ms);
    hash.SetDeadline("b", soon_ms + 60'000);
  });
  ASSERT_EQ(set, Status::kOk);
  const auto run_until = [&](int64_t when_ms) {
    // What is due comes up when its tick has ended.
    while (WallClockMs() <= when_ms + ExpiryIndex::kTickMs) std::this_thread::yield();
    test::RunBatch(ctx, [&] { return db.ExpireDue(ctx, 0, 1, 1000); });
  };
  run_until(soon_ms);
  const Status left = test::RunBatch(ctx, [&] {
    return db.Read<Hash>(ctx, key, [](const Hash& hash) {
      EXPECT_EQ(hash.size(), 2u);
      return Status::kOk;
    });
  });
  EXPECT_EQ(left, Status::kOk);
  const int64_t end_ms = WallClockMs() + 20;
  const Status shorten = edit([&](Hash& hash) {
    hash.SetDeadline("b", end_ms);
    hash.SetDeadline("c", end_ms);
  });
  ASSERT_EQ(shorten, Status::kOk);
  run_until(end_ms);
  EXPECT_EQ(db.size(), 0u);
}

}  // namespace
}  // namespace mantis
