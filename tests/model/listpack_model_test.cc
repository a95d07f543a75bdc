// Listpack against std::deque<std::string> under random changes, and Parse under random damage.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "engine/value/listpack.h"
#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

std::vector<std::string> All(const Listpack& lp) {
  std::vector<std::string> all;
  char digits[24];
  for (auto p = lp.First(); p != Listpack::kEnd; p = lp.Next(p)) {
    all.emplace_back(lp.Get(p).View(std::span<char, 24>(digits)));
  }
  return all;
}

std::string RandomText(std::mt19937_64& rng) {
  switch (rng() % 8) {
    case 0:
      return std::to_string(static_cast<int64_t>(rng()) >> (rng() % 64));
    case 1:
      return std::string(rng() % 300, 'q');
    case 2:
      return std::string(rng() % 20000, 'w');
    case 3:
      return std::to_string(rng() % 200);
    default: {
      std::string text(rng() % 12, '\0');
      for (char& ch : text) ch = static_cast<char>(rng());
      return text;
    }
  }
}

// Damaged bytes are refused or, where what they say still makes sense, can be walked.
TEST(ListpackModelTest, ParseOfRandomDamage) {
  std::mt19937_64 rng(test::TestSeed());
  for (int round = 0; round < 20000; ++round) {
    Listpack lp;
    for (size_t n = 1 + rng() % 6; n > 0; --n) lp.Append(RandomText(rng).substr(0, 80));
    std::string raw(lp.raw());
    for (size_t n = 1 + rng() % 3; n > 0; --n) raw[rng() % raw.size()] = static_cast<char>(rng());
    const auto parsed = Listpack::Parse(raw);
    if (!parsed) continue;
    const auto all = All(*parsed);
    EXPECT_EQ(all.size(), parsed->size());
    Listpack again;
    for (const auto& text : all) again.Append(text);
    EXPECT_EQ(again.raw(), parsed->raw());
  }
}

class ListpackModel {
 public:
  explicit ListpackModel(uint64_t seed) : rng_(seed) {}

  void Step() {
    const size_t n = model_.size();
    const size_t at = n == 0 ? 0 : rng_() % n;
    const std::string text = RandomText(rng_);
    switch (rng_() % (n > 60 ? 9 : 6)) {
      case 0:
        lp_.Append(text);
        model_.push_back(text);
        break;
      case 1:
        lp_.Prepend(text);
        model_.push_front(text);
        break;
      case 2:
      case 3:
        EXPECT_EQ(lp_.Insert(Place(at), text), n == 0 ? 6 : Place(at));
        model_.insert(Iterator(at), text);
        break;
      case 4:
        if (n == 0) break;
        EXPECT_EQ(lp_.Replace(Place(at), text), Place(at));
        model_[at] = text;
        break;
      case 5: {
        const auto v = static_cast<int64_t>(rng_()) >> (rng_() % 64);
        lp_.Append(v);
        model_.push_back(std::to_string(v));
        break;
      }
      default: {
        const size_t count = 1 + rng_() % 8;
        const size_t gone = std::min(count, n - at);
        EXPECT_EQ(lp_.Erase(Place(at), count) == Listpack::kEnd, at + gone == n);
        model_.erase(Iterator(at), Iterator(at + gone));
      }
    }
  }

  void Check() {
    ASSERT_EQ(All(lp_), std::vector<std::string>(model_.begin(), model_.end()));
    ASSERT_EQ(lp_.size(), model_.size());
    const auto parsed = Listpack::Parse(lp_.raw());
    ASSERT_TRUE(parsed.has_value());
    ASSERT_EQ(parsed->raw(), lp_.raw());
    if (model_.empty()) return;
    const size_t at = rng_() % model_.size();
    const auto first = std::find(model_.begin(), model_.end(), model_[at]) - model_.begin();
    ASSERT_EQ(lp_.Find(model_[at], lp_.First()), lp_.At(first));
  }

 private:
  Listpack::Pos Place(size_t at) const { return lp_.At(static_cast<int64_t>(at)); }
  std::deque<std::string>::iterator Iterator(size_t at) {
    return model_.begin() + static_cast<ptrdiff_t>(at);
  }

  std::mt19937_64 rng_;
  Listpack lp_;
  std::deque<std::string> model_;
};

TEST(ListpackModelTest, AgreesWithADequeOfStrings) {
  ListpackModel model(test::TestSeed());
  for (int i = 0; i < 5000; ++i) {
    model.Step();
    model.Check();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace mantis
