#include "protocol/number.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <string_view>

namespace mantis::protocol {
namespace {

constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();
constexpr int64_t kInt64Min = std::numeric_limits<int64_t>::min();
constexpr uint64_t kUint64Max = std::numeric_limits<uint64_t>::max();

std::string Format(double value) {
  char out[kDoubleCharsMax];
  return {out, FormatDouble(out, value)};
}

TEST(Number, IntegersWithinRange) {
  EXPECT_EQ(ParseInteger("0"), 0);
  EXPECT_EQ(ParseInteger("7"), 7);
  EXPECT_EQ(ParseInteger("-1"), -1);
  EXPECT_EQ(ParseInteger("1000000000000000000"), 1000000000000000000);
  EXPECT_EQ(ParseInteger("9223372036854775807"), kInt64Max);
  EXPECT_EQ(ParseInteger("-9223372036854775807"), kInt64Min + 1);
  EXPECT_EQ(ParseInteger("-9223372036854775808"), kInt64Min);
}

TEST(Number, IntegersMustBeCanonical) {
  for (const std::string_view text :
       {"", "-", "+1", " 1", "1 ", "01", "00", "-0", "-01", "1x", "x", "1.0", "0x1", "--1", "1-",
        "9223372036854775808", "-9223372036854775809", "18446744073709551616",
        "99999999999999999999999999"}) {
    EXPECT_EQ(ParseInteger(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseInteger({"1\0", 2}), std::nullopt);
}

TEST(Number, Unsigned) {
  EXPECT_EQ(ParseUnsigned("0"), 0u);
  EXPECT_EQ(ParseUnsigned("18446744073709551615"), kUint64Max);
  for (const std::string_view text : {"", "-1", "-0", "+1", "00", "18446744073709551616", "1 "}) {
    EXPECT_EQ(ParseUnsigned(text), std::nullopt) << text;
  }
}

TEST(Number, IntegersFormatted) {
  for (const int64_t value : {int64_t{0}, int64_t{9}, int64_t{10}, int64_t{-1}, int64_t{-10},
                              int64_t{123456}, kInt64Max, kInt64Min}) {
    char out[kIntegerCharsMax];
    EXPECT_EQ(std::string(out, FormatInteger(out, value)), std::to_string(value));
  }
  char out[kIntegerCharsMax];
  EXPECT_EQ(std::string(out, FormatUnsigned(out, kUint64Max)), "18446744073709551615");
}

TEST(Number, Doubles) {
  EXPECT_EQ(ParseDouble("0"), 0.0);
  EXPECT_EQ(ParseDouble("3.25"), 3.25);
  EXPECT_EQ(ParseDouble("+3.25"), 3.25);
  EXPECT_EQ(ParseDouble(".5"), 0.5);
  EXPECT_EQ(ParseDouble("5."), 5.0);
  EXPECT_EQ(ParseDouble("007"), 7.0);
  EXPECT_EQ(ParseDouble("1e3"), 1000.0);
  EXPECT_EQ(ParseDouble("-1E-3"), -0.001);
  EXPECT_EQ(ParseDouble("0x10p1"), 32.0);
  EXPECT_EQ(ParseDouble("4.9e-324"), 4.9e-324);
  EXPECT_EQ(ParseDouble(std::string(400, '0') + "1"), 1.0);
  for (const std::string_view text : {"inf", "+inf", "Inf", "INFINITY", "+infinity"}) {
    EXPECT_EQ(ParseDouble(text), std::numeric_limits<double>::infinity()) << text;
  }
  EXPECT_EQ(ParseDouble("-inf"), -std::numeric_limits<double>::infinity());
}

TEST(Number, DoublesRefused) {
  for (const std::string_view text : {"", " 1", "1 ", "\t1", "x", "1x", "1e", "--1", "+-1", "nan",
                                      "-NaN", "nan(1)", "1e400", "-1e400", "1e-400", "infin"}) {
    EXPECT_EQ(ParseDouble(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseDouble({"1\0", 2}), std::nullopt);
  for (const std::string_view text : {"", " 1", "1 ", "x", "1x", "nan", "1e99999", "1e-99999"}) {
    EXPECT_EQ(ParseLongDouble(text), std::nullopt) << text;
  }
}

TEST(Number, LongDoubles) {
  EXPECT_EQ(ParseLongDouble("3.0e3"), 3000.0L);
  EXPECT_EQ(ParseLongDouble("0.1"), 0.1L);
  EXPECT_EQ(ParseLongDouble("-inf"), -std::numeric_limits<long double>::infinity());
  EXPECT_EQ(ParseLongDouble("1e400"), 1e400L);
  EXPECT_EQ(ParseLongDouble(std::string(5119, '0')), 0.0L);
  EXPECT_EQ(ParseLongDouble(std::string(5120, '0')), std::nullopt);
}

TEST(Number, DoublesFormatted) {
  EXPECT_EQ(Format(0.0), "0");
  EXPECT_EQ(Format(-0.0), "-0");
  EXPECT_EQ(Format(3.0), "3");
  EXPECT_EQ(Format(-17.0), "-17");
  EXPECT_EQ(Format(0.1), "0.1");
  EXPECT_EQ(Format(-1.5), "-1.5");
  EXPECT_EQ(Format(3.141592653589793), "3.141592653589793");
  EXPECT_EQ(Format(1e15), "1000000000000000");
  EXPECT_EQ(Format(4611686018427387904.0), "4611686018427387904");
  EXPECT_EQ(Format(1e19), "1e+19");
  EXPECT_EQ(Format(12345678901234567000.0), "12345678901234567000");
  EXPECT_EQ(Format(1.5e300), "1.5e+300");
  EXPECT_EQ(Format(0.000001), "0.000001");
  EXPECT_EQ(Format(0.0000001), "1e-7");
  EXPECT_EQ(Format(0.0012345678), "0.0012345678");
  EXPECT_EQ(Format(0.00012345678), "1.2345678e-4");
  EXPECT_EQ(Format(12345.6789012), "1.23456789012e+4");
  EXPECT_EQ(Format(1234.56789012), "1234.56789012");
  EXPECT_EQ(Format(-2.2250738585072014e-308), "-2.2250738585072014e-308");
  EXPECT_EQ(Format(5e-324), "5e-324");
  EXPECT_EQ(Format(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(Format(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(Format(-std::numeric_limits<double>::quiet_NaN()), "nan");
}

TEST(Number, RandomDoublesReadBackAsTheSame) {
  constexpr unsigned kSeed = 4711;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 100000; ++i) {
    const bool any_bits = i % 2 == 0;
    const double value = any_bits ? std::bit_cast<double>(random())
                                  : static_cast<double>(random() % 1000000000) / 100000;
    if (std::isnan(value) || std::isinf(value)) continue;
    const std::string text = Format(value);
    ASSERT_LE(text.size(), kDoubleCharsMax);
    ASSERT_EQ(ParseDouble(text), value) << text;
  }
}

}  // namespace
}  // namespace mantis::protocol
