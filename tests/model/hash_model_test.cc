// Random operations on hashes against a std::map that is told the same, with a clock that moves on
// and limits small enough that every form and every conversion happens.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "engine/value/hash.h"
#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

std::string TextOf(const Hash::Text& text) {
  char digits[24];
  return std::string(text.View(std::span<char, 24>(digits)));
}

class HashModel : public ::testing::Test {
 protected:
  struct Value {
    std::string text;
    int64_t deadline_ms = kNoDeadline;
    bool operator==(const Value&) const = default;
  };

  std::string RandomName() {
    const uint64_t n = rng_() % names_;
    return n % 3 == 0 ? std::to_string(n) : "field:" + std::to_string(n);
  }
  std::string RandomText() {
    switch (rng_() % 4) {
      case 0:
        return std::to_string(static_cast<int64_t>(rng_()) >> rng_() % 64);
      case 1:
        return {};
      default:
        return std::string(rng_() % 24, static_cast<char>(rng_()));
    }
  }
  // The field's value if it has not expired.
  const Value* Live(const std::string& name) const {
    const auto it = model_.find(name);
    return it == model_.end() || it->second.deadline_ms <= now_ms_ ? nullptr : &it->second;
  }

  void Set() {
    const std::string name = RandomName();
    const std::string text = RandomText();
    const auto keep = rng_() % 4 == 0 ? Hash::Deadline::kKeep : Hash::Deadline::kClear;
    const Value* before = Live(name);
    ASSERT_EQ(hash_->Set(name, text, limits_, now_ms_, keep), before == nullptr);
    const bool kept = before != nullptr && keep == Hash::Deadline::kKeep;
    const int64_t deadline_ms = kept ? before->deadline_ms : kNoDeadline;
    model_[name] = {text, deadline_ms};
  }
  void Erase() {
    const std::string name = RandomName();
    const bool there = Live(name) != nullptr;
    ASSERT_EQ(hash_->Erase(name, now_ms_), there);
    if (there) model_.erase(name);
  }
  void SetDeadline() {
    const std::string name = RandomName();
    const Value* before = Live(name);
    const auto deadline_ms = hash_->DeadlineOf(name, now_ms_);
    ASSERT_EQ(deadline_ms.has_value(), before != nullptr);
    if (before == nullptr) return;
    ASSERT_EQ(*deadline_ms, before->deadline_ms);
    const int64_t next_ms =
        rng_() % 4 == 0 ? kNoDeadline : now_ms_ + 1 + static_cast<int64_t>(rng_() % 2000);
    hash_->SetDeadline(name, next_ms);
    model_[name].deadline_ms = next_ms;
  }
  void Expire() {
    now_ms_ += static_cast<int64_t>(rng_() % 50);
    if (rng_() % 2 == 0) return;  // lazily: it is only time that passes
    const size_t limit = 1 + rng_() % 8;
    size_t due = 0;
    for (const auto& [name, value] : model_) due += value.deadline_ms <= now_ms_ ? 1 : 0;
    const size_t before = hash_->size();
    const size_t removed = hash_->ExpireParts(now_ms_, limit);
    ASSERT_EQ(removed, std::min(limit, due));
    ASSERT_EQ(hash_->size(), before - removed);
    // Any of the due ones: see which.
    std::set<std::string> left;
    hash_->Walk([&left](const Hash::Field& f) { return left.insert(TextOf(f.name)).second; });
    ASSERT_EQ(left.size(), hash_->size());
    std::erase_if(model_, [&](const auto& f) {
      return f.second.deadline_ms <= now_ms_ && !left.contains(f.first);
    });
    ASSERT_EQ(model_.size(), left.size());
  }
  void Get() {
    const std::string name = RandomName();
    const Value* wanted = Live(name);
    const auto value = hash_->Get(name, now_ms_);
    ASSERT_EQ(value.has_value(), wanted != nullptr);
    if (value) {
      ASSERT_EQ(TextOf(*value), wanted->text);
    }
  }
  void Choose() {
    const size_t live = hash_->live_size(now_ms_);
    const size_t count = rng_() % 20;
    std::set<std::string> chosen;
    hash_->Sample(count, now_ms_, random_, [&](const Hash::Field& f) {
      const std::string name = TextOf(f.name);
      ASSERT_NE(Live(name), nullptr);
      ASSERT_TRUE(chosen.insert(name).second);
    });
    ASSERT_EQ(chosen.size(), std::min(count, live));
    size_t drawn = 0;
    hash_->Draw(count, now_ms_, random_, [&](const Hash::Field& f) {
      ASSERT_NE(Live(TextOf(f.name)), nullptr);
      ++drawn;
    });
    ASSERT_EQ(drawn, live == 0 ? 0 : count);
  }

  std::map<std::string, Value> Contents() const {
    std::map<std::string, Value> all;
    hash_->ForEach(now_ms_, [&](const Hash::Field& f) {
      all[TextOf(f.name)] = {TextOf(f.value), f.deadline_ms};
    });
    return all;
  }
  void Compare() {
    std::map<std::string, Value> wanted;
    int64_t next_ms = kNoDeadline;
    for (const auto& [name, value] : model_) {
      if (value.deadline_ms > now_ms_) wanted[name] = value;
      next_ms = std::min(next_ms, value.deadline_ms);
    }
    ASSERT_EQ(Contents(), wanted);
    ASSERT_EQ(hash_->live_size(now_ms_), wanted.size());
    ASSERT_EQ(hash_->next_deadline_ms(), next_ms);
    std::map<std::string, Value> scanned;
    uint64_t cursor = 0;
    do {
      cursor = hash_->Scan(cursor, 7, now_ms_, [&](const Hash::Field& f) {
        scanned[TextOf(f.name)] = {TextOf(f.value), f.deadline_ms};
      });
    } while (cursor != 0);
    ASSERT_EQ(scanned, wanted);
  }
  // Goes on with a copy now and then, and with what a listpack of the pairs gives back.
  void Copy() {
    std::unique_ptr<Object> copy = hash_->Clone();
    ASSERT_EQ(copy->encoding(), hash_->encoding());
    hash_.reset(static_cast<Hash*>(copy.release()));
    if (hash_->pairs() == nullptr) return;
    hash_ = Hash::FromListpack(hash_->pairs()->Clone(), limits_);
    ASSERT_NE(hash_, nullptr);
  }

  void Step() {
    switch (rng_() % 16) {
      case 0:
      case 1:
        return Erase();
      case 2:
      case 3:
        return SetDeadline();
      case 4:
        return Expire();
      case 5:
        return Choose();
      case 6:
      case 7:
      case 8:
        return Get();
      default:
        return Set();
    }
  }

  void Run(size_t names, size_t entries, int steps) {
    names_ = names;
    limits_.hash_max_listpack_entries = entries;
    limits_.hash_max_listpack_value = 20;
    hash_ = std::make_unique<Hash>();
    model_.clear();
    for (int i = 0; i < steps && !HasFatalFailure(); ++i) {
      Step();
      if (i % 64 == 0) Compare();
      if (i % 512 == 0) Copy();
      // Back to an empty hash, so that the smaller forms are met again.
      if (i % 4096 == 4095 && rng_() % 2 == 0) {
        hash_ = std::make_unique<Hash>();
        model_.clear();
      }
    }
  }

  std::mt19937_64 rng_{test::TestSeed()};
  uint64_t random_ = rng_() | 1;
  int64_t now_ms_ = 1'000'000;
  size_t names_ = 0;
  ValueLimits limits_;
  std::unique_ptr<Hash> hash_;
  std::map<std::string, Value> model_;
};

TEST_F(HashModel, Small) { Run(20, 100, 40'000); }
TEST_F(HashModel, AboutTheLimit) { Run(40, 16, 40'000); }
TEST_F(HashModel, Large) { Run(3000, 16, 60'000); }

}  // namespace
}  // namespace mantis
