// Blocks of the ordered index on their own: heads and prefixes after every kind of copy, searches
// against the plain order of the keys.
#include "engine/index/block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace mantis::index {
namespace {

struct DestroyBlock {
  void operator()(Block* b) const { Block::Destroy(b); }
};
using OwnedBlock = std::unique_ptr<Block, DestroyBlock>;

class BlockTest : public ::testing::Test {
 protected:
  ~BlockTest() override {
    for (Entry* e : entries_) Entry::Destroy(e);
  }
  Entry* MakeEntry(Bytes key) { return entries_.emplace_back(Entry::Create(key)); }

  // A block of these keys, built by inserting them one at a time in the order given.
  OwnedBlock Build(const std::vector<std::string>& keys) {
    OwnedBlock b(Block::Empty(nullptr));
    for (const std::string& key : keys) {
      b.reset(Block::Inserted(*b, b->Find(key).index, MakeEntry(key)));
      Check(*b);
    }
    return b;
  }

  static std::vector<std::string> Keys(const Block& b) {
    std::vector<std::string> keys;
    for (const Entry* e : b.entries()) keys.emplace_back(e->key());
    return keys;
  }

  // The invariants of block.h, and that every key is found where it is.
  static void Check(const Block& b) {
    for (size_t i = 0; i < b.count(); ++i) {
      const Bytes key = b.entries()[i]->key();
      ASSERT_TRUE(key.starts_with(b.prefix()));
      ASSERT_EQ(b.heads()[i], LeadingEight(key.substr(b.prefix().size())));
      if (i > 0) {
        ASSERT_LT(CompareBytes(b.entries()[i - 1]->key(), key), 0);
      }
      ASSERT_EQ(b.Find(key).index, i);
      ASSERT_TRUE(b.Find(key).equal);
      ASSERT_EQ(b.IndexOf(b.entries()[i]), i);
    }
  }

  std::vector<Entry*> entries_;
};

TEST_F(BlockTest, EmptyBlockFindsNothing) {
  const OwnedBlock b = Build({});
  EXPECT_EQ(b->Find("").index, 0u);
  EXPECT_FALSE(b->Find("x").equal);
  EXPECT_EQ(b->IndexOf(MakeEntry("x")), 0u);
}

TEST_F(BlockTest, PrefixShrinksByAnyAmount) {
  const std::string base = "service:session:user:0000000000";
  for (size_t cut = 0; cut <= base.size(); ++cut) {
    const std::string breaker = base.substr(0, cut) + "!";
    const OwnedBlock b = Build({base + "17", base + "42", base + "0099", breaker});
    EXPECT_EQ(b->prefix(), base.substr(0, cut));
    const OwnedBlock shorter = Build({base + "17", base + "42", base.substr(0, cut)});
    EXPECT_EQ(shorter->prefix(), base.substr(0, cut));
  }
}

TEST_F(BlockTest, ZeroBytesAndShortKeysTieButKeepTheirOrder) {
  using namespace std::string_literals;
  const OwnedBlock b = Build({"ab"s, "ab\0"s, "ab\0\0"s, "ab\0\0\0\0\0\0\0\0\0"s, "ab\xff"s,
                              "ab\0\0\0\0\0\0\0\0\1"s, "ab\0\1"s});
  EXPECT_EQ(b->prefix(), "ab");
  EXPECT_FALSE(b->Find("ab\0\0\0"s).equal);
  EXPECT_EQ(b->Find("ab\0\0\0"s).index, 3u);
  EXPECT_EQ(b->Find("a").index, 0u);
  EXPECT_EQ(b->Find("b").index, b->count());
}

TEST_F(BlockTest, SliceLengthensThePrefixWhenHeadsTie) {
  std::vector<std::string> keys = {"a"};
  for (int i = 10; i < 40; ++i) keys.push_back("long:common:prefix:" + std::to_string(i));
  const OwnedBlock b = Build(keys);
  EXPECT_EQ(b->prefix(), "");
  auto* right = reinterpret_cast<Node*>(64);
  const OwnedBlock upper(Block::Slice(*b, 1, b->count(), right));
  Check(*upper);
  EXPECT_EQ(upper->prefix(), "long:common:prefix:");
  EXPECT_EQ(upper->right(), right);
  const OwnedBlock lower(Block::Slice(*b, 0, 1, nullptr));
  Check(*lower);
  const OwnedBlock joined(Block::Joined(*lower, *upper));
  Check(*joined);
  EXPECT_EQ(Keys(*joined), Keys(*b));
  EXPECT_EQ(joined->right(), right);
}

TEST_F(BlockTest, JoiningWithAnEmptyBlockKeepsThePrefix) {
  const OwnedBlock full = Build({"user:1", "user:2"});
  const OwnedBlock empty = Build({});
  const OwnedBlock a(Block::Joined(*full, *empty));
  const OwnedBlock b(Block::Joined(*empty, *full));
  const OwnedBlock none(Block::Joined(*empty, *empty));
  Check(*a);
  Check(*b);
  EXPECT_EQ(a->prefix(), "user:");
  EXPECT_EQ(b->prefix(), "user:");
  EXPECT_EQ(none->count(), 0u);
}

TEST_F(BlockTest, PrefixBeyondTheLimitIsCut) {
  const std::string shared(Block::kPrefixBytesMax + 100, 'k');
  const OwnedBlock b = Build({shared + "3", shared + "1", shared + "2", shared});
  EXPECT_EQ(b->prefix().size(), Block::kPrefixBytesMax);
  EXPECT_FALSE(b->Find(shared + "11").equal);
  EXPECT_EQ(b->Find(shared + "11").index, 2u);
}

TEST_F(BlockTest, EraseAndReplaceTouchOneEntry) {
  const OwnedBlock b = Build({"k1", "k2", "k3"});
  const OwnedBlock erased(Block::Erased(*b, 1));
  Check(*erased);
  EXPECT_EQ(Keys(*erased), (std::vector<std::string>{"k1", "k3"}));
  Entry* twin = MakeEntry("k2");
  const OwnedBlock replaced(Block::Replaced(*b, 1, twin));
  Check(*replaced);
  EXPECT_EQ(replaced->entries()[1], twin);
  EXPECT_EQ(replaced->IndexOf(b->entries()[1]), replaced->count());
}

TEST_F(BlockTest, SearchesAgreeWithTheSortedKeys) {
  std::mt19937 random(7);
  const auto random_key = [&random] {
    std::string key = random() % 3 == 0 ? "p" : "prefix-of-many-keys/";
    for (size_t n = random() % 12; n > 0; --n) key += static_cast<char>('a' + random() % 3);
    return key;
  };
  for (int round = 0; round < 50; ++round) {
    std::vector<std::string> keys;
    for (size_t i = 0; i < Block::kCapacity; ++i) keys.push_back(random_key());
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    std::vector<std::string> shuffled = keys;
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    const OwnedBlock b = Build(shuffled);
    ASSERT_EQ(Keys(*b), keys);
    for (int i = 0; i < 200; ++i) {
      const std::string probe = random_key();
      const auto expected = std::lower_bound(keys.begin(), keys.end(), probe);
      const Block::Position found = b->Find(probe);
      ASSERT_EQ(found.index, static_cast<size_t>(expected - keys.begin()));
      ASSERT_EQ(found.equal, expected != keys.end() && *expected == probe);
    }
  }
}

}  // namespace
}  // namespace mantis::index
