// Threads that change, read, count and replace one string at the same time. Each test states what
// must hold at any moment.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

using test::RunBatch;

#ifdef MANTIS_SANITIZED
constexpr int kScale = 1;
#else
constexpr int kScale = 5;
#endif

// What every appended piece looks like: eight equal letters. A reader that sees anything else saw
// a half-done append.
constexpr size_t kPiece = 8;

class StringBufferStress : public ::testing::Test {
 protected:
  template <class F>
  void OnThreads(int n, F&& body) {
    std::vector<std::thread> threads;
    for (int t = 0; t < n; ++t) {
      threads.emplace_back([&, t] {
        OpContext ctx(engine_);
        body(ctx, t);
      });
    }
    for (std::thread& t : threads) t.join();
  }

  // Appends as APPEND does: a blob while the string is short, in place from then on.
  Status Append(OpContext& ctx, Bytes key, Bytes tail) {
    return RunBatch(ctx, [&] {
      return db().Mutate(ctx, KeyRef::Of(key), [&](const Current& now) -> Update {
        if (now.value.kind() == Kind::kStringBuffer) {
          static_cast<StringBuffer*>(ObjectOf(now.value))->Append(tail);
          return Update::InPlace("append");
        }
        std::string text = now.exists() ? test::TextOf(now) : std::string();
        text += tail;
        if (text.size() > StringBuffer::kBlobMax) {
          return Update::Set((new StringBuffer(text))->ToWord(), now.deadline_ms, "append");
        }
        return Update::Set(Word::Pointer(Kind::kString, Blob::Create(text)), now.deadline_ms,
                           "append");
      });
    });
  }

  template <class F>
  void Retry(F&& f) {
    while (f() == Status::kBusy) std::this_thread::yield();
  }

  static void ExpectWholePieces(Bytes text) {
    ASSERT_EQ(text.size() % kPiece, 0u);
    for (size_t at = 0; at < text.size(); at += kPiece) {
      const Bytes piece = text.substr(at, kPiece);
      ASSERT_EQ(piece.find_first_not_of(piece[0]), Bytes::npos) << piece;
    }
  }

  // One look at the string by each of the ways there are.
  void Look(OpContext& ctx, Bytes key, size_t* size) {
    RunBatch(ctx, [&] {
      StringRef ref;
      if (db().GetString(ctx, KeyRef::Of(key), &ref) == Status::kOk) {
        char digits[24];
        const Bytes text = ref.Text(std::span<char, 24>(digits));
        ExpectWholePieces(text);
        *size = text.size();
      }
      (void)db().ReadString(ctx, KeyRef::Of(key), [&](Bytes text) {
        ExpectWholePieces(text);
        return Status::kOk;
      });
      const std::array<KeyRef, 2> keys{KeyRef::Of(key), KeyRef::Of("other")};
      std::vector<Current> many;
      if (db().GetMany(ctx, keys, many) == Status::kOk && many[0].exists()) {
        ExpectWholePieces(test::TextOf(many[0]));
      }
    });
  }

  Database& db() { return engine_.database(0); }

  reclaim::Runtime runtime_;
  Engine engine_{EngineOptions{}};
};

// No append is lost, none is seen in part, and what a reader sees only grows.
TEST_F(StringBufferStress, AppendsAreWholeAndNeverLost) {
  constexpr int kWriters = 3;
  constexpr int kReaders = 2;
  constexpr int kEach = 3000 * kScale;
  std::atomic<int> writing{kWriters};
  OnThreads(kWriters + kReaders, [&](OpContext& ctx, int t) {
    if (t < kWriters) {
      const std::string piece(kPiece, static_cast<char>('a' + t));
      for (int i = 0; i < kEach; ++i) Retry([&] { return Append(ctx, "k", piece); });
      writing.fetch_sub(1);
      return;
    }
    size_t last = 0;
    while (writing.load() != 0) {
      size_t size = last;
      Look(ctx, "k", &size);
      ASSERT_GE(size, last);
      last = size;
      std::this_thread::yield();
    }
  });
  OpContext ctx(engine_);
  RunBatch(ctx, [&] {
    std::array<size_t, kWriters> pieces = {};
    ASSERT_EQ(db().ReadString(ctx, KeyRef::Of("k"),
                              [&](Bytes text) {
                                for (size_t at = 0; at < text.size(); at += kPiece) {
                                  ++pieces[static_cast<size_t>(text[at] - 'a')];
                                }
                                return Status::kOk;
                              }),
              Status::kOk);
    for (const size_t n : pieces) EXPECT_EQ(n, static_cast<size_t>(kEach));
  });
}

// The same with writers that replace and delete the string: it goes through all its forms, and
// still nobody sees half an append, or a freed buffer (run under ASan and TSan).
TEST_F(StringBufferStress, AppendsAmongReplacements) {
  std::atomic<bool> stop{false};
  OnThreads(5, [&](OpContext& ctx, int t) {
    if (t < 2) {
      const std::string piece(kPiece, static_cast<char>('a' + t));
      // Not without end, where replacements are slow to come.
      size_t size = 0;
      while (!stop.load()) {
        if (size < 100 * kPiece) Retry([&] { return Append(ctx, "k", piece); });
        Look(ctx, "k", &size);
      }
      return;
    }
    if (t == 2) {
      for (int i = 0; i < 200 * kScale; ++i) {
        Retry([&] {
          return i % 3 == 0 ? test::Delete(ctx, 0, "k")
                            : test::SetString(ctx, 0, "k", std::string(kPiece * 40, 'r'));
        });
        std::this_thread::yield();
      }
      stop.store(true);
      return;
    }
    size_t size = 0;
    while (!stop.load()) Look(ctx, "k", &size);
  });
}

// Every append ends in exactly one string: one that was taken away, or the one that is left.
// Readers of several keys lock the absent key meanwhile, whose entry then dies under waiting
// writers.
TEST_F(StringBufferStress, EveryAppendIsTakenOnce) {
  constexpr int kWriters = 2;
  constexpr size_t kEach = 100'000 * kScale;
  std::atomic<int> writing{kWriters};
  std::atomic<size_t> taken{0};
  const auto take = [&](OpContext& ctx) {
    size_t size = 0;
    const Status s = RunBatch(ctx, [&] {
      return db().Mutate(ctx, KeyRef::Of("k"), [&](const Current& now) {
        size = now.exists() ? StringRef(now.value).size() : 0;
        return now.exists() ? Update::Erase("del") : Update::Keep(Status::kNotFound);
      });
    });
    if (s == Status::kOk) taken.fetch_add(size / kPiece);
  };
  OnThreads(kWriters + 3, [&](OpContext& ctx, int t) {
    if (t < kWriters) {
      const std::string piece(kPiece, 'a');
      for (size_t i = 0; i < kEach; ++i) Retry([&] { return Append(ctx, "k", piece); });
      writing.fetch_sub(1);
      return;
    }
    while (writing.load() != 0) {
      if (t == kWriters) {
        take(ctx);
        continue;
      }
      RunBatch(ctx, [&] {
        const std::array<KeyLocks::Target, 1> targets{KeyLocks::Target{&db(), KeyRef::Of("k")}};
        KeyLocks locks(ctx);
        (void)(locks.Acquire(targets) == Status::kOk);
      });
    }
  });
  OpContext ctx(engine_);
  take(ctx);
  EXPECT_EQ(taken.load(), kWriters * kEach);
}

// A counter in a string buffer: increments that are replaced by a buffer of the same text, and
// buffers that are counted on, lose no increment.
TEST_F(StringBufferStress, IncrementsAcrossForms) {
  constexpr int kThreads = 4;
  constexpr int kEach = 2000 * kScale;
  const auto step = [&](OpContext& ctx, bool in_place) {
    return RunBatch(ctx, [&] {
      return db().Mutate(ctx, KeyRef::Of("n"), [&](const Current& now) -> Update {
        const std::string text = now.exists() ? test::TextOf(now) : "0";
        const auto v = ParseCanonicalInteger(text);
        if (!v) return Update::Keep(Status::kNotInteger);
        if (!in_place) return Update::Set(MakeInteger(*v + 1, now.value), now.deadline_ms, "incr");
        const std::string next = std::to_string(*v + 1);
        if (now.value.kind() == Kind::kStringBuffer) {
          static_cast<StringBuffer*>(ObjectOf(now.value))->Assign(next);
          return Update::InPlace("setrange");
        }
        return Update::Set((new StringBuffer(next))->ToWord(), now.deadline_ms, "setrange");
      });
    });
  };
  OnThreads(kThreads, [&](OpContext& ctx, int t) {
    for (int i = 0; i < kEach; ++i) {
      Status s = Status::kBusy;
      while (s == Status::kBusy) s = step(ctx, t % 2 == 0);
      ASSERT_EQ(s, Status::kOk);
    }
  });
  OpContext ctx(engine_);
  RunBatch(ctx, [&] {
    Current now;
    ASSERT_EQ(db().Get(ctx, KeyRef::Of("n"), &now), Status::kOk);
    EXPECT_EQ(test::TextOf(now), std::to_string(kThreads * kEach));
  });
}

}  // namespace
}  // namespace mantis
