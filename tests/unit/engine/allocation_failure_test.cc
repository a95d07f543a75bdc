// What happens when memory cannot be had: who is told by an exception, and what is left behind.
#include "engine/base/allocation_failure.h"

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <string>
#include <thread>

#include "engine/base/memory.h"
#include "engine/value/list.h"
#include "engine/value/string_buffer.h"
#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

// More than any address space has.
constexpr size_t kTooMuch = size_t{1} << 48;

void AskForTooMuch() { memory::Free(memory::Allocate(kTooMuch)); }

TEST(AllocationFailureTest, ThrowsWhereSomebodyIsPrepared) {
  const int64_t used = memory::UsedBytes();
  {
    const memory::MayFail may_fail;
    EXPECT_TRUE(memory::FailureAllowed());
    EXPECT_THROW(AskForTooMuch(), std::bad_alloc);
    EXPECT_THROW((void)std::string(kTooMuch, 'x'), std::bad_alloc);
    EXPECT_THROW(memory::Ensure(kTooMuch), std::bad_alloc);
    memory::Ensure(memory::kLargeBlock);
  }
  EXPECT_FALSE(memory::FailureAllowed());
  memory::Ensure(kTooMuch);  // says nothing here
  EXPECT_EQ(memory::UsedBytes(), used);
}

TEST(AllocationFailureTest, ScopesNest) {
  const memory::MayFail may_fail;
  {
    const memory::MustSucceed must;
    const memory::MustSucceed again;
    EXPECT_FALSE(memory::FailureAllowed());
    {
      const memory::NothingChangedYet yet;
      EXPECT_TRUE(memory::FailureAllowed());
    }
    EXPECT_FALSE(memory::FailureAllowed());
    {
      const memory::MayFail inner;
      EXPECT_TRUE(memory::FailureAllowed());
    }
    EXPECT_FALSE(memory::FailureAllowed());
  }
  EXPECT_TRUE(memory::FailureAllowed());
  std::thread([] { EXPECT_FALSE(memory::FailureAllowed()); }).join();
}

TEST(AllocationFailureTest, NothingIsLiftedWhereNobodyIsPrepared) {
  const memory::MustSucceed must;
  const memory::NothingChangedYet yet;
  EXPECT_FALSE(memory::FailureAllowed());
}

TEST(AllocationFailureTest, TheNothrowFormsGiveNull) {
  EXPECT_EQ(memory::TryAllocateZeroed(kTooMuch), nullptr);
  EXPECT_EQ(::operator new(kTooMuch, std::nothrow), nullptr);
}

TEST(AllocationFailureTest, TheReserveIsGivenUpInPartsAndTakenAgain) {
  static int told = 0;
  memory::OnReserveSpent([] { ++told; });
  ASSERT_TRUE(memory::FillReserve(size_t{8} << 20));
  EXPECT_FALSE(memory::ReserveSpent());
  int parts = 0;
  while (memory::GiveUpReserve()) ++parts;
  EXPECT_GT(parts, 1);
  EXPECT_EQ(told, parts);
  EXPECT_TRUE(memory::ReserveSpent());
  EXPECT_TRUE(memory::FillReserve());
  EXPECT_FALSE(memory::ReserveSpent());
  memory::OnReserveSpent(nullptr);
}

// `f(OpContext&, Database&)` inside a batch of an engine of its own.
template <class F>
void InBatch(F&& f) {
  const reclaim::Runtime runtime;
  Engine engine{EngineOptions{}};
  OpContext ctx(engine);
  test::RunBatch(ctx, [&] { f(ctx, engine.database(0)); });
}

TEST(DatabaseWithoutMemory, GivesLocksBack) {
  InBatch([](OpContext& ctx, Database& db) {
    const KeyRef list = KeyRef::Of("list");
    const auto push = [](List& l) {
      l.Push("element", List::End::kTail);
      return Edited::Yes("rpush");
    };
    const auto make = [] { return std::make_unique<List>(-2); };
    ASSERT_EQ(db.EditOrCreate<List>(ctx, list, make, push), Status::kOk);

    const memory::MayFail may_fail;
    const auto fail = [](const auto&) -> Status {
      AskForTooMuch();
      return Status::kOk;
    };
    EXPECT_THROW((void)db.Read<List>(ctx, list, fail), std::bad_alloc);
    EXPECT_THROW((void)db.ReadValue(ctx, list, fail), std::bad_alloc);
    const auto fail_early = [](List&) {
      const memory::NothingChangedYet yet;
      AskForTooMuch();
      return Edited::No();
    };
    EXPECT_THROW((void)db.Edit<List>(ctx, list, fail_early), std::bad_alloc);
    const KeyRef absent = KeyRef::Of("absent");
    EXPECT_THROW((void)db.EditOrCreate<List>(ctx, absent, make, fail_early), std::bad_alloc);
    EXPECT_EQ(db.size(), 1);

    // In an edit that has begun nothing fails.
    const auto began = [](List& l) {
      EXPECT_FALSE(memory::FailureAllowed());
      l.Push("another", List::End::kTail);
      return Edited::Yes("rpush");
    };
    EXPECT_EQ(db.Edit<List>(ctx, list, began), Status::kOk);
    EXPECT_EQ(db.EditOrCreate<List>(ctx, absent, make, push), Status::kOk);
    EXPECT_EQ(db.size(), 2);
  });
}

TEST(DatabaseWithoutMemory, AStringBufferStaysAsItIs) {
  InBatch([](OpContext& ctx, Database& db) {
    const KeyRef key = KeyRef::Of("string");
    const std::string text(1000, 'a');
    const auto create = [&text](const Current&) {
      return Update::Set(std::make_unique<StringBuffer>(text).release()->ToWord(), kNoDeadline,
                         "set");
    };
    ASSERT_EQ(db.Mutate(ctx, key, create), Status::kOk);
    const memory::MayFail may_fail;
    const auto grow = [](const Current& now) -> Update {
      static_cast<StringBuffer*>(ObjectOf(now.value))->Resize(kTooMuch / 2);
      return Update::InPlace("setrange");
    };
    EXPECT_THROW((void)db.Mutate(ctx, key, grow), std::bad_alloc);
    StringRef found{Word{}};
    ASSERT_EQ(db.GetString(ctx, key, &found), Status::kOk);
    EXPECT_EQ(found.size(), text.size());
    EXPECT_EQ(db.Remove(ctx, key), Status::kOk);
  });
}

}  // namespace
}  // namespace mantis
