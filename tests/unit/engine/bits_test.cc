// Bits and fields at the edges; random strings are in bits_model_test.cc.

#include "engine/value/bits.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace mantis {
namespace {

TEST(Bits, CountFromTheMostSignificantBit) {
  std::string s(2, '\0');
  bits::Assign(s.data(), 0, true);
  bits::Assign(s.data(), 15, true);
  EXPECT_EQ(s, "\x80\x01");
  EXPECT_TRUE(bits::Test(s.data(), 0));
  EXPECT_FALSE(bits::Test(s.data(), 1));
  EXPECT_TRUE(bits::Test(s.data(), 15));
  bits::Assign(s.data(), 0, false);
  EXPECT_EQ(s, Bytes("\0\x01", 2));
}

// Lengths around each width that the loops work in.
TEST(Bits, CountOnesOfAllLengths) {
  for (size_t n = 0; n < 1100; ++n) {
    const std::string ones(n, '\xff');
    EXPECT_EQ(bits::CountOnes(ones), 8 * n);
    const std::string one_each(n, '\x10');
    EXPECT_EQ(bits::CountOnes(one_each), n);
  }
  const std::string large(10'000'000, '\xff');
  EXPECT_EQ(bits::CountOnes(large), 80'000'000u);
}

TEST(Bits, CountOnesInRanges) {
  const std::string s("\xff\x0f\xf0\xff", 4);
  EXPECT_EQ(bits::CountOnes(s, 0, 31), 24u);
  EXPECT_EQ(bits::CountOnes(s, 4, 4), 1u);
  EXPECT_EQ(bits::CountOnes(s, 8, 11), 0u);
  EXPECT_EQ(bits::CountOnes(s, 7, 12), 2u);
  EXPECT_EQ(bits::CountOnes(s, 31, 31), 1u);
  EXPECT_EQ(bits::CountOnes(s, 9, 14), 3u);
}

TEST(Bits, FindsAtEveryPosition) {
  for (const size_t size : {1u, 2u, 9u, 40u, 41u, 100u}) {
    std::string zeros(size, '\0');
    std::string ones(size, '\xff');
    const uint64_t last = size * 8 - 1;
    EXPECT_EQ(bits::Find(zeros, true, 0, last), bits::kNone);
    EXPECT_EQ(bits::Find(ones, false, 0, last), bits::kNone);
    for (uint64_t at = 0; at <= last; ++at) {
      bits::Assign(zeros.data(), at, true);
      bits::Assign(ones.data(), at, false);
      EXPECT_EQ(bits::Find(zeros, true, 0, last), at);
      EXPECT_EQ(bits::Find(ones, false, 0, last), at);
      EXPECT_EQ(bits::Find(zeros, true, at, at), at);
      if (at > 0) {
        EXPECT_EQ(bits::Find(zeros, true, 0, at - 1), bits::kNone);
        EXPECT_EQ(bits::Find(ones, false, 0, at - 1), bits::kNone);
      }
      if (at < last) {
        EXPECT_EQ(bits::Find(zeros, true, at + 1, last), bits::kNone);
      }
      bits::Assign(zeros.data(), at, false);
      bits::Assign(ones.data(), at, true);
    }
  }
}

TEST(Bits, CombineTreatsMissingBytesAsZeros) {
  const std::array<Bytes, 3> sources{Bytes("\xff\xff\xff", 3), Bytes("\x0f", 1), Bytes()};
  std::string out(3, 'x');
  bits::Combine(bits::Op::kAnd, sources, out.data());
  EXPECT_EQ(out, Bytes("\0\0\0", 3));
  bits::Combine(bits::Op::kOr, sources, out.data());
  EXPECT_EQ(out, "\xff\xff\xff");
  bits::Combine(bits::Op::kXor, sources, out.data());
  EXPECT_EQ(out, "\xf0\xff\xff");
  bits::Combine(bits::Op::kAnd, std::span(sources).first(2), out.data());
  EXPECT_EQ(out, Bytes("\x0f\0\0", 3));
  bits::Combine(bits::Op::kNot, std::span(sources).subspan(1, 1), out.data());
  EXPECT_EQ(out.substr(0, 1), "\xf0");
}

TEST(Bits, FieldsOfAllWidthsAtAllOffsets) {
  for (unsigned width = 1; width <= 64; ++width) {
    const uint64_t all = ~uint64_t{0} >> (64 - width);
    for (uint64_t at = 0; at < 20; ++at) {
      std::string s(12, '\0');
      bits::StoreField(s.data(), at, width, ~uint64_t{0});
      EXPECT_EQ(bits::CountOnes(s), width);
      EXPECT_EQ(bits::Find(s, true, 0, 95), at);
      EXPECT_EQ(bits::LoadField(s, at, width), all);
      EXPECT_EQ(bits::LoadField(s, at + width, 8), 0u);
      std::string ones(12, '\xff');
      bits::StoreField(ones.data(), at, width, 0);
      EXPECT_EQ(bits::CountOnes(ones), 96 - width);
      EXPECT_EQ(bits::LoadField(ones, at, width), 0u);
    }
  }
}

TEST(Bits, FieldsBeyondTheEndAreZeros) {
  EXPECT_EQ(bits::LoadField("\xff", 4, 8), 0xf0u);
  EXPECT_EQ(bits::LoadField("\xff", 8, 64), 0u);
  EXPECT_EQ(bits::LoadField("", 0, 1), 0u);
  EXPECT_EQ(bits::LoadField("\x01", 1'000'000'007, 63), 0u);
}

TEST(Bits, SignExtension) {
  EXPECT_EQ(bits::SignExtend(0x7f, 8), 127);
  EXPECT_EQ(bits::SignExtend(0x80, 8), -128);
  EXPECT_EQ(bits::SignExtend(1, 1), -1);
  EXPECT_EQ(bits::SignExtend(~uint64_t{0}, 64), -1);
  EXPECT_EQ(bits::SignExtend(uint64_t{1} << 62, 64), int64_t{1} << 62);
}

}  // namespace
}  // namespace mantis
