// HyperLogLog: the format byte by byte, estimates, damaged values. That the bytes are Redis's own
// is checked against a Redis server by the integration cases.

#include "engine/value/hyperloglog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>

#include "engine/value/hyperloglog_sparse.h"

namespace mantis {
namespace {

namespace hll = hyperloglog;

constexpr size_t kSparseMax = 3000;

std::unique_ptr<StringBuffer> NewValue() {
  auto value = std::make_unique<StringBuffer>(Bytes{});
  hll::Initialize(*value);
  return value;
}

std::string Element(uint64_t i) { return "element:" + std::to_string(i); }

TEST(HyperLogLog, EmptyValue) {
  const auto value = NewValue();
  const Bytes expected("HYLL\1\0\0\0\0\0\0\0\0\0\0\0\x7f\xff", 18);
  EXPECT_EQ(value->text(), expected);
  EXPECT_TRUE(hll::IsValid(value->text()));
  EXPECT_FALSE(hll::IsDense(value->text()));
  EXPECT_EQ(hll::Count(value->text()), 0u);
  EXPECT_EQ(hll::CachedCount(value->text()), 0u);
  EXPECT_EQ(hll::Describe(value->text()), "Z:16384");
}

// Registers and ranks of these words as every Redis has them.
TEST(HyperLogLog, RunsOfAFewElements) {
  const auto value = NewValue();
  EXPECT_EQ(hll::Add(*value, "a", kSparseMax), hll::Outcome::kChanged);
  EXPECT_EQ(hll::Add(*value, "b", kSparseMax), hll::Outcome::kChanged);
  EXPECT_EQ(hll::Add(*value, "c", kSparseMax), hll::Outcome::kChanged);
  EXPECT_EQ(hll::Add(*value, "b", kSparseMax), hll::Outcome::kUnchanged);
  EXPECT_EQ(hll::Describe(value->text()), "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603");
  EXPECT_EQ(hll::Count(value->text()), 3u);
}

TEST(HyperLogLog, NeighboursOfTheSameValueAreJoined) {
  const auto value = NewValue();
  for (const unsigned index : {10u, 12u, 11u, 13u, 14u}) {
    EXPECT_EQ(hll::SetSparse(*value, index, 3, kSparseMax), hll::Set::kChanged);
  }
  EXPECT_EQ(hll::Describe(value->text()), "z:10 v:3,4 v:3,1 Z:16369");
  EXPECT_EQ(hll::SetSparse(*value, 11, 5, kSparseMax), hll::Set::kChanged);
  EXPECT_EQ(hll::Describe(value->text()), "z:10 v:3,1 v:5,1 v:3,3 Z:16369");
  EXPECT_EQ(hll::SetSparse(*value, 11, 4, kSparseMax), hll::Set::kUnchanged);
  EXPECT_EQ(hll::SetSparse(*value, 0, 1, kSparseMax), hll::Set::kChanged);
  EXPECT_EQ(hll::SetSparse(*value, 16383, 32, kSparseMax), hll::Set::kChanged);
  EXPECT_EQ(hll::Describe(value->text()), "v:1,1 z:9 v:3,1 v:5,1 v:3,3 Z:16368 v:32,1");
  EXPECT_EQ(hll::SetSparse(*value, 5, 33, kSparseMax), hll::Set::kNoRoom);
}

TEST(HyperLogLog, BecomesDenseAtTheLimit) {
  const auto value = NewValue();
  uint64_t n = 0;
  while (!hll::IsDense(value->text())) {
    ASSERT_LE(value->size(), 200u);
    (void)hll::Add(*value, Element(n++), 200);
  }
  EXPECT_EQ(value->size(), hll::kDenseBytes);
  EXPECT_EQ(value->capacity(), hll::kDenseBytes);
  EXPECT_GT(n, 40u);
}

TEST(HyperLogLog, BothFormsHoldTheSame) {
  const auto sparse = NewValue();
  const auto dense = NewValue();
  ASSERT_EQ(hll::MakeDense(*dense), hll::Outcome::kChanged);
  ASSERT_EQ(hll::MakeDense(*dense), hll::Outcome::kUnchanged);
  for (uint64_t i = 0; i < 2000; ++i) {
    const auto a = hll::Add(*sparse, Element(i), 100'000);
    EXPECT_EQ(hll::Add(*dense, Element(i), 100'000), a);
    if (i % 100 != 0) continue;
    EXPECT_EQ(hll::Count(sparse->text()), hll::Count(dense->text()));
  }
  ASSERT_FALSE(hll::IsDense(sparse->text()));
  ASSERT_EQ(hll::MakeDense(*sparse), hll::Outcome::kChanged);
  EXPECT_EQ(sparse->text(), dense->text());
}

TEST(HyperLogLog, EstimatesWithinTheError) {
  for (const uint64_t n : {1u, 10u, 100u, 1000u, 10'000u, 100'000u, 1'000'000u}) {
    const auto value = NewValue();
    for (uint64_t i = 0; i < n; ++i) (void)hll::Add(*value, Element(i), kSparseMax);
    const auto count = hll::Count(value->text());
    ASSERT_TRUE(count.has_value());
    // Four standard errors; the elements are fixed, so the outcome is too.
    const double most = std::ceil(static_cast<double>(n) * 4 * 1.04 / 128);
    EXPECT_NEAR(static_cast<double>(*count), static_cast<double>(n), most);
  }
}

TEST(HyperLogLog, MergeIsTheUnion) {
  const auto a = NewValue();
  const auto b = NewValue();
  const auto both = NewValue();
  for (uint64_t i = 0; i < 3000; ++i) {
    (void)hll::Add(i % 3 == 0 ? *a : *b, Element(i), kSparseMax);
    (void)hll::Add(*both, Element(i), kSparseMax);
  }
  const auto merged = std::make_unique<hll::Registers>();
  ASSERT_TRUE(hll::Merge(a->text(), *merged));
  ASSERT_TRUE(hll::Merge(b->text(), *merged));
  EXPECT_EQ(hll::Count(*merged), hll::Count(both->text()));
  EXPECT_EQ(hll::Raise(*a, *merged, kSparseMax), hll::Outcome::kChanged);
  EXPECT_EQ(hll::Count(a->text()), hll::Count(both->text()));
  EXPECT_EQ(hll::Raise(*a, *merged, kSparseMax), hll::Outcome::kUnchanged);
}

TEST(HyperLogLog, CachedCount) {
  const auto value = NewValue();
  hll::SetCachedCount(*value, 123'456'789'012);
  EXPECT_EQ(hll::CachedCount(value->text()), 123'456'789'012u);
  hll::InvalidateCount(*value);
  EXPECT_EQ(hll::CachedCount(value->text()), std::nullopt);
  hll::SetCachedCount(*value, 7);
  EXPECT_EQ(hll::CachedCount(value->text()), 7u);
}

TEST(HyperLogLog, RefusesForeignStrings) {
  EXPECT_FALSE(hll::IsValid(""));
  EXPECT_FALSE(hll::IsValid("HYLL"));
  EXPECT_FALSE(hll::IsValid(std::string("HYLX\1").append(20, '\0')));
  EXPECT_FALSE(hll::IsValid(std::string("HYLL\2").append(20, '\0')));
  EXPECT_FALSE(hll::IsValid(std::string("HYLL").append(21, '\0')));
  std::string dense = "HYLL";
  dense.resize(hll::kDenseBytes);
  EXPECT_TRUE(hll::IsValid(dense));
  dense.push_back('\0');
  EXPECT_FALSE(hll::IsValid(dense));
}

// Whatever follows a valid header, nothing beyond the string is touched (run under ASan) and
// every operation either works or reports the damage.
TEST(HyperLogLog, SurvivesDamage) {
  uint64_t seed = 88172645463325252;
  const auto next = [&seed] {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
  };
  for (int round = 0; round < 3000; ++round) {
    std::string text(NewValue()->text().substr(0, hll::kHeaderBytes));
    const size_t runs = next() % 300;
    for (size_t i = 0; i < runs; ++i) text.push_back(static_cast<char>(next()));
    const auto value = std::make_unique<StringBuffer>(Bytes(text));
    ASSERT_TRUE(hll::IsValid(value->text()));
    const auto registers = std::make_unique<hll::Registers>();
    const bool whole = hll::Merge(value->text(), *registers);
    EXPECT_EQ(hll::Count(value->text()).has_value(), whole);
    EXPECT_EQ(hll::Describe(value->text()).has_value(), whole);
    for (int i = 0; i < 20; ++i) (void)hll::Add(*value, Element(next()), kSparseMax);
    ASSERT_TRUE(hll::IsValid(value->text()));
    (void)hll::Raise(*value, *registers, kSparseMax);
    (void)hll::MakeDense(*value);
  }
}

}  // namespace
}  // namespace mantis
