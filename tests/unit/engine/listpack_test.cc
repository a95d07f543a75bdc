// Listpack: the encodings to the byte, positions, changes, and Parse against damaged bytes.

#include "engine/value/listpack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace mantis {
namespace {

using namespace std::string_literals;

std::string TextAt(const Listpack& lp, Listpack::Pos p) {
  char digits[24];
  return std::string(lp.Get(p).View(std::span<char, 24>(digits)));
}

std::vector<std::string> All(const Listpack& lp) {
  std::vector<std::string> all;
  for (auto p = lp.First(); p != Listpack::kEnd; p = lp.Next(p)) all.push_back(TextAt(lp, p));
  return all;
}

Listpack Of(std::initializer_list<Bytes> texts) {
  Listpack lp;
  for (const Bytes t : texts) lp.Append(t);
  return lp;
}

// A whole listpack around the given entries.
std::string Wrap(const std::string& entries, uint16_t count) {
  std::string raw(6, '\0');
  const auto total = static_cast<uint32_t>(entries.size() + 7);
  std::memcpy(raw.data(), &total, 4);
  std::memcpy(raw.data() + 4, &count, 2);
  return raw + entries + '\xff';
}

// What a single element is encoded as.
std::string EntryOf(Bytes text) {
  const Listpack lp = Of({text});
  EXPECT_EQ(lp.raw().size(), 7 + Listpack::EncodedBytes(text));
  return std::string(lp.raw().substr(6, lp.total() - 7));
}

TEST(ListpackTest, IntegersTakeTheLeastWidth) {
  EXPECT_EQ(EntryOf("0"), "\x00\x01"s);
  EXPECT_EQ(EntryOf("127"), "\x7f\x01"s);
  EXPECT_EQ(EntryOf("128"), "\xc0\x80\x02"s);
  EXPECT_EQ(EntryOf("-1"), "\xdf\xff\x02"s);
  EXPECT_EQ(EntryOf("4095"), "\xcf\xff\x02"s);
  EXPECT_EQ(EntryOf("-4096"), "\xd0\x00\x02"s);
  EXPECT_EQ(EntryOf("4096"), "\xf1\x00\x10\x03"s);
  EXPECT_EQ(EntryOf("-4097"), "\xf1\xff\xef\x03"s);
  EXPECT_EQ(EntryOf("32767"), "\xf1\xff\x7f\x03"s);
  EXPECT_EQ(EntryOf("-32768"), "\xf1\x00\x80\x03"s);
  EXPECT_EQ(EntryOf("32768"), "\xf2\x00\x80\x00\x04"s);
  EXPECT_EQ(EntryOf("-8388608"), "\xf2\x00\x00\x80\x04"s);
  EXPECT_EQ(EntryOf("8388607"), "\xf2\xff\xff\x7f\x04"s);
  EXPECT_EQ(EntryOf("8388608"), "\xf3\x00\x00\x80\x00\x05"s);
  EXPECT_EQ(EntryOf("-2147483648"), "\xf3\x00\x00\x00\x80\x05"s);
  EXPECT_EQ(EntryOf("2147483648"), "\xf4\x00\x00\x00\x80\x00\x00\x00\x00\x09"s);
  EXPECT_EQ(EntryOf("-9223372036854775808"), "\xf4\x00\x00\x00\x00\x00\x00\x00\x80\x09"s);
  EXPECT_EQ(EntryOf("9223372036854775807"), "\xf4\xff\xff\xff\xff\xff\xff\xff\x7f\x09"s);
}

TEST(ListpackTest, WhatIsNoCanonicalIntegerStaysAString) {
  for (const Bytes text : {"", "-", "-0", "+1", "01", "-01", " 1", "1 ", "1.0", "0x1", "1e3",
                           "9223372036854775808", "-9223372036854775809", "99999999999999999999"}) {
    const std::string entry = EntryOf(text);
    EXPECT_EQ(static_cast<uint8_t>(entry[0]), 0x80 | text.size()) << text;
    EXPECT_EQ(entry.substr(1, text.size()), text);
    EXPECT_EQ(static_cast<size_t>(entry.back()), 1 + text.size());
  }
}

TEST(ListpackTest, StringsTakeTheLeastHeader) {
  EXPECT_EQ(EntryOf("abc"),
            "\x83"
            "abc\x04"s);
  EXPECT_EQ(EntryOf(std::string(63, 'x')), "\xbf" + std::string(63, 'x') + "\x40");
  EXPECT_EQ(EntryOf(std::string(64, 'x')), "\xe0\x40" + std::string(64, 'x') + "\x42");
  EXPECT_EQ(EntryOf(std::string(4095, 'x')), "\xef\xff" + std::string(4095, 'x') + "\x20\x81");
  EXPECT_EQ(EntryOf(std::string(4096, 'x')),
            "\xf0\x00\x10\x00\x00"s + std::string(4096, 'x') + "\x20\x85");
}

TEST(ListpackTest, LengthsBehindEntriesGrowAtRedissBounds) {
  // Length of the text, of the back length, and its bytes: the last text before and the first after
  // each bound.
  const std::vector<std::pair<size_t, std::string>> bounds{
      {125, "\x7f"s},           {126, "\x01\x80"s},         {16377, "\x7f\xfe"s},
      {16378, "\x00\xff\xff"s}, {2097145, "\x7f\xff\xfe"s}, {2097146, "\x00\xff\xff\xff"s},
  };
  for (const auto& [length, back] : bounds) {
    const std::string text(length, 'b');
    const Listpack lp = Of({"first", text, "last"});
    const Bytes raw = lp.raw();
    const size_t last = 1 + 4 + 1;
    EXPECT_EQ(raw.substr(raw.size() - 1 - last - back.size(), back.size()), back) << length;
    EXPECT_EQ(TextAt(lp, lp.Prev(lp.Last())), text);
    EXPECT_EQ(TextAt(lp, lp.Prev(lp.Prev(lp.Last()))), "first");
    ASSERT_TRUE(Listpack::Parse(raw).has_value()) << length;
  }
}

TEST(ListpackTest, EmptyHasRedissBytesAndNoMemory) {
  Listpack lp;
  EXPECT_EQ(lp.raw(), "\x07\x00\x00\x00\x00\x00\xff"s);
  EXPECT_EQ(lp.allocated_bytes(), 0u);
  EXPECT_TRUE(lp.empty());
  EXPECT_EQ(lp.First(), Listpack::kEnd);
  EXPECT_EQ(lp.Last(), Listpack::kEnd);
  EXPECT_EQ(lp.At(0), Listpack::kEnd);
  EXPECT_EQ(lp.Find("x", lp.First()), Listpack::kEnd);
  lp.Append("x");
  EXPECT_GE(lp.allocated_bytes(), lp.total());
  lp.Erase(lp.First());
  EXPECT_EQ(lp.allocated_bytes(), 0u);
  EXPECT_EQ(lp.raw(), Listpack().raw());
}

TEST(ListpackTest, WholeBytesOfAMixedListpack) {
  const Listpack lp = Of({"foo", "300", "-5"});
  EXPECT_EQ(lp.raw(), Wrap("\x83"
                           "foo\x04\xc1\x2c\x02\xdf\xfb\x02"s,
                           3));
}

TEST(ListpackTest, WalksBothWays) {
  const Listpack lp = Of({"a", "1", std::string(100, 'y'), "-40000", ""});
  EXPECT_EQ(lp.size(), 5u);
  std::vector<std::string> backwards;
  for (auto p = lp.Last(); p != Listpack::kEnd; p = lp.Prev(p)) backwards.push_back(TextAt(lp, p));
  std::reverse(backwards.begin(), backwards.end());
  EXPECT_EQ(backwards, All(lp));
  for (int64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(TextAt(lp, lp.At(i)), backwards[static_cast<size_t>(i)]);
    EXPECT_EQ(lp.At(i), lp.At(i - 5));
  }
  EXPECT_EQ(lp.At(5), Listpack::kEnd);
  EXPECT_EQ(lp.At(-6), Listpack::kEnd);
  EXPECT_EQ(lp.At(INT64_MIN), Listpack::kEnd);
}

TEST(ListpackTest, FindsStringsAndNumbersWithSkip) {
  const Listpack lp = Of({"k", "v", "5", "k", "v", "5"});
  EXPECT_EQ(lp.Find("k", lp.First()), lp.At(0));
  EXPECT_EQ(lp.Find("k", lp.At(1)), lp.At(3));
  EXPECT_EQ(lp.Find("5", lp.First()), lp.At(2));
  EXPECT_EQ(lp.Find("05", lp.First()), Listpack::kEnd);
  EXPECT_EQ(lp.Find("v", lp.First(), 1), lp.At(4));
  EXPECT_EQ(lp.Find("k", lp.At(1), 1), lp.At(3));
  EXPECT_EQ(lp.Find("5", lp.First(), 2), Listpack::kEnd);
  EXPECT_EQ(lp.Find("k", Listpack::kEnd), Listpack::kEnd);
  EXPECT_TRUE(lp.Get(lp.At(2)) == "5");
  EXPECT_FALSE(lp.Get(lp.At(2)) == "05");
  EXPECT_TRUE(lp.Get(lp.At(0)) == "k");
  EXPECT_FALSE(lp.Get(lp.At(0)) == "5");
}

TEST(ListpackTest, InsertReplaceErase) {
  Listpack lp = Of({"a", "c"});
  auto at = lp.Insert(lp.At(1), "b");
  EXPECT_EQ(at, lp.At(1));
  at = lp.Insert(Listpack::kEnd, 1000);
  EXPECT_EQ(at, lp.At(3));
  lp.Prepend("first");
  EXPECT_EQ(All(lp), (std::vector<std::string>{"first", "a", "b", "c", "1000"}));
  at = lp.Replace(lp.At(1), std::string(5000, 'z'));
  EXPECT_EQ(at, lp.At(1));
  at = lp.Replace(lp.At(4), 7);
  EXPECT_EQ(at, lp.At(4));
  EXPECT_EQ(All(lp), (std::vector<std::string>{"first", std::string(5000, 'z'), "b", "c", "7"}));
  at = lp.Erase(lp.At(1), 2);
  EXPECT_EQ(at, lp.At(1));
  EXPECT_EQ(All(lp), (std::vector<std::string>{"first", "c", "7"}));
  EXPECT_EQ(lp.Erase(lp.At(1), 100), Listpack::kEnd);
  EXPECT_EQ(All(lp), (std::vector<std::string>{"first"}));
  EXPECT_EQ(lp.raw(), Of({"first"}).raw());
}

TEST(ListpackTest, CloneAndMoveAndAppendAnother) {
  Listpack a = Of({"a", "1"});
  Listpack b = a.Clone();
  b.Append("x");
  EXPECT_EQ(a.size(), 2u);
  a.Append(b);
  EXPECT_EQ(a.raw(), Of({"a", "1", "a", "1", "x"}).raw());
  a.Append(Listpack());
  EXPECT_EQ(a.size(), 5u);
  Listpack c = std::move(a);
  EXPECT_EQ(c.size(), 5u);
  a = std::move(b);
  EXPECT_EQ(a.size(), 3u);
  Listpack none;
  none.Append(a);
  EXPECT_EQ(none.raw(), a.raw());
}

TEST(ListpackTest, CountsBeyondTheHeadersRange) {
  Listpack lp;
  for (int64_t i = 0; i < 70000; ++i) lp.Append(i % 100);
  EXPECT_EQ(lp.size(), 70000u);
  EXPECT_EQ(lp.raw().substr(4, 2), "\xff\xff");
  EXPECT_TRUE(lp.Get(lp.At(69999)) == "99");
  const auto parsed = Listpack::Parse(lp.raw());
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->size(), 70000u);
  lp.Erase(lp.First(), 69000);
  EXPECT_EQ(lp.size(), 1000u);
  EXPECT_EQ(lp.raw().substr(4, 2), "\xe8\x03");
}

TEST(ListpackTest, ParseTakesWhatRedisWrites) {
  const std::string raw = Wrap(
      "\x83"
      "foo\x04\xc1\x2c\x02"s,
      2);
  const auto lp = Listpack::Parse(raw);
  ASSERT_TRUE(lp.has_value());
  EXPECT_EQ(All(*lp), (std::vector<std::string>{"foo", "300"}));
  EXPECT_EQ(lp->raw(), raw);
  EXPECT_TRUE(Listpack::Parse(Listpack().raw()).has_value());
  EXPECT_EQ(Listpack::Parse(Wrap("\x05\x01"s, 65535))->size(), 1u);
}

TEST(ListpackTest, ParseBringsWideEncodingsIntoTheLeastForm) {
  const std::string wide = Wrap(
      "\x81"
      "5\x02"
      "\xe0\x02"
      "ab\x04"
      "\xf0\x01\x00\x00\x00"
      "c\x06"
      "\xc0\x05\x02"
      "\xf4\x05\x00\x00\x00\x00\x00\x00\x00\x09"s,
      5);
  const auto lp = Listpack::Parse(wide);
  ASSERT_TRUE(lp.has_value());
  EXPECT_EQ(lp->raw(), Of({"5", "ab", "c", "5", "5"}).raw());
  EXPECT_EQ(lp->Find("5", lp->First()), lp->At(0));
}

TEST(ListpackTest, ParseRefusesDamage) {
  const std::string good = Wrap(
      "\x83"
      "foo\x04"s,
      1);
  ASSERT_TRUE(Listpack::Parse(good).has_value());
  for (size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(Listpack::Parse(good.substr(0, n))) << n;
  EXPECT_FALSE(Listpack::Parse(good + "x"));
  EXPECT_FALSE(
      Listpack::Parse(Wrap("\x83"
                           "foo\x04"s,
                           2)));  // more announced
  EXPECT_FALSE(
      Listpack::Parse(Wrap("\x83"
                           "foo\x04"s,
                           0)));  // fewer announced
  EXPECT_FALSE(
      Listpack::Parse(Wrap("\x83"
                           "foo\x05"s,
                           1)));  // wrong back length
  EXPECT_FALSE(
      Listpack::Parse(Wrap("\x83"
                           "foo\x00\x84"s,
                           1)));  // long back length
  EXPECT_FALSE(
      Listpack::Parse(Wrap("\x85"
                           "foo\x06"s,
                           1)));                        // reaches too far
  EXPECT_FALSE(Listpack::Parse(Wrap("\xff\x01"s, 1)));  // ends early
  EXPECT_FALSE(
      Listpack::Parse(Wrap("\xf0\xff\xff\xff\xff"
                           "a\x06"s,
                           1)));
  EXPECT_FALSE(Listpack::Parse(Wrap("\xf0\x01"s, 1)));
  EXPECT_FALSE(Listpack::Parse(Wrap("\xe0"s, 1)));
  EXPECT_FALSE(Listpack::Parse(Wrap("\xc0"s, 1)));
  EXPECT_FALSE(Listpack::Parse(Wrap("\xf4\x01\x02"s, 1)));
  EXPECT_FALSE(Listpack::Parse(Wrap("\x05"s, 1)));
  for (int b = 0xf5; b <= 0xff; ++b) {
    EXPECT_FALSE(Listpack::Parse(Wrap(std::string(1, static_cast<char>(b)) + "\x01", 1))) << b;
  }
  std::string total_off = good;
  ++total_off[0];
  EXPECT_FALSE(Listpack::Parse(total_off));
  std::string no_end = good;
  no_end.back() = '\x01';
  EXPECT_FALSE(Listpack::Parse(no_end));
}

}  // namespace
}  // namespace mantis
