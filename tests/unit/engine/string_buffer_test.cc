// StringBuffer by itself, and strings as the keyspace changes them in place.

#include "engine/value/string_buffer.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

using test::RunBatch;

TEST(StringBuffer, GrowsWithZeros) {
  StringBuffer b("abc");
  b.Resize(6);
  EXPECT_EQ(b.text(), Bytes("abc\0\0\0", 6));
  b.Resize(2);
  b.Resize(4);
  EXPECT_EQ(b.text(), Bytes("ab\0\0", 4));
  b.Resize(100'000);
  EXPECT_EQ(b.size(), 100'000u);
  EXPECT_EQ(b.text().find_first_not_of('\0', 2), Bytes::npos);
}

// Bytes that were cut off, or that lie in the spare room, must not come back.
TEST(StringBuffer, SpareRoomIsClearedBeforeItIsUsed) {
  StringBuffer b(std::string(300, 'x'));
  b.Append("tail");
  ASSERT_GT(b.capacity(), b.size());
  b.Resize(10);
  b.Resize(304);
  EXPECT_EQ(b.text().find_first_not_of('\0', 10), Bytes::npos);
  b.Resize(b.capacity());
  EXPECT_EQ(b.text().find_first_not_of('\0', 10), Bytes::npos);
}

TEST(StringBuffer, StartsWithZerosAfterTheText) {
  const StringBuffer b("ab", 5);
  EXPECT_EQ(b.text(), Bytes("ab\0\0\0", 5));
  const StringBuffer empty{Bytes{}};
  EXPECT_EQ(empty.size(), 0u);
  EXPECT_EQ(empty.text(), "");
}

TEST(StringBuffer, AppendsWithoutMovingMostOfTheTime) {
  StringBuffer b{Bytes{}};
  std::string expected;
  size_t moves = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::string piece = std::to_string(i);
    if (b.size() + piece.size() > b.capacity()) ++moves;
    b.Append(piece);
    expected += piece;
  }
  EXPECT_EQ(b.text(), expected);
  EXPECT_LT(moves, 40u);
}

TEST(StringBuffer, AssignLeavesNoSpareRoom) {
  StringBuffer b(std::string(1000, 'x'));
  b.Append("more");
  b.Assign("short");
  EXPECT_EQ(b.text(), "short");
  EXPECT_EQ(b.capacity(), 5u);
  b.Assign({});
  EXPECT_EQ(b.text(), "");
  b.Append("again");
  EXPECT_EQ(b.text(), "again");
}

TEST(StringBuffer, ClonesAreIndependent) {
  StringBuffer b("abc");
  const auto clone = b.Clone();
  b.Append("def");
  EXPECT_EQ(clone->size(), 3u);
  EXPECT_EQ(clone->kind(), Kind::kStringBuffer);
  EXPECT_EQ(clone->encoding(), "raw");
  EXPECT_FALSE(clone->vanishes_when_empty());
}

class StringsInPlace : public ::testing::Test {
 protected:
  Status Append(Bytes key, Bytes tail) {
    return RunBatch(ctx_, [&] {
      return db().Mutate(ctx_, KeyRef::Of(key), [&](const Current& now) -> Update {
        if (now.value.kind() != Kind::kStringBuffer) {
          auto fresh = std::make_unique<StringBuffer>(now.exists() ? test::TextOf(now) : "");
          fresh->Append(tail);
          return Update::Set(fresh.release()->ToWord(), now.deadline_ms, "append");
        }
        static_cast<StringBuffer*>(ObjectOf(now.value))->Append(tail);
        return Update::InPlace("append");
      });
    });
  }
  std::string Get(Bytes key) {
    return RunBatch(ctx_, [&] {
      std::string text;
      EXPECT_EQ(db().ReadString(ctx_, KeyRef::Of(key),
                                [&](Bytes t) {
                                  text = t;
                                  return Status::kOk;
                                }),
                Status::kOk);
      StringRef ref;
      EXPECT_EQ(db().GetString(ctx_, KeyRef::Of(key), &ref), Status::kOk);
      char digits[24];
      EXPECT_EQ(ref.Text(std::span<char, 24>(digits)), text);
      EXPECT_FALSE(ref.is_buffer());
      return text;
    });
  }
  Word ValueOf(Bytes key) {
    return RunBatch(ctx_, [&] {
      Current now;
      EXPECT_EQ(db().Get(ctx_, KeyRef::Of(key), &now), Status::kOk);
      return now.value;
    });
  }
  Database& db() { return engine_.database(0); }

  reclaim::Runtime runtime_;
  Engine engine_{EngineOptions{}};
  OpContext ctx_{engine_};
};

TEST_F(StringsInPlace, TheWordStaysWhileTheContentChanges) {
  ASSERT_EQ(test::SetString(ctx_, 0, "k", "12"), Status::kOk);
  ASSERT_EQ(Append("k", "34"), Status::kOk);
  const Word before = ValueOf("k");
  EXPECT_EQ(before.kind(), Kind::kStringBuffer);
  ASSERT_EQ(Append("k", "56"), Status::kOk);
  EXPECT_EQ(ValueOf("k"), before);
  EXPECT_EQ(Get("k"), "123456");
}

TEST_F(StringsInPlace, WatchersHearOfChangesInPlace) {
  ASSERT_EQ(test::SetString(ctx_, 0, "k", "v"), Status::kOk);
  ASSERT_EQ(Append("k", "1"), Status::kOk);
  RunBatch(ctx_, [&] {
    db().Arm(KeyRef::Of("k"));
    EXPECT_TRUE(db().IsArmed(KeyRef::Of("k")));
  });
  ASSERT_EQ(Append("k", "2"), Status::kOk);
  RunBatch(ctx_, [&] { EXPECT_FALSE(db().IsArmed(KeyRef::Of("k"))); });
}

TEST_F(StringsInPlace, ReplacingAndDeletingFreesTheBuffer) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(Append("k", std::string(1000, 'x')), Status::kOk);
    EXPECT_EQ(Get("k").size(), 1000u);
    if (i % 2 == 0) {
      ASSERT_EQ(test::Delete(ctx_, 0, "k"), Status::kOk);
    } else {
      ASSERT_EQ(test::SetString(ctx_, 0, "k", ""), Status::kOk);
    }
  }
  EXPECT_LE(db().size(), 1u);
}

TEST_F(StringsInPlace, ReadersOfManyKeysGetCopies) {
  ASSERT_EQ(Append("a", "one"), Status::kOk);
  ASSERT_EQ(test::SetString(ctx_, 0, "b", "two"), Status::kOk);
  RunBatch(ctx_, [&] {
    const std::array<KeyRef, 3> keys{KeyRef::Of("a"), KeyRef::Of("b"), KeyRef::Of("c")};
    std::vector<Current> out;
    ASSERT_EQ(db().GetMany(ctx_, keys, out), Status::kOk);
    EXPECT_EQ(test::TextOf(out[0]), "one");
    EXPECT_EQ(out[0].value.kind(), Kind::kString);
    EXPECT_EQ(test::TextOf(out[1]), "two");
    EXPECT_FALSE(out[2].exists());
  });
}

}  // namespace
}  // namespace mantis
