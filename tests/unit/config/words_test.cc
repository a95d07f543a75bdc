#include "config/words.h"

#include <gtest/gtest.h>

namespace mantis::config {
namespace {

using Words = std::vector<std::string>;

TEST(SplitWords, PlainAndQuoted) {
  EXPECT_EQ(SplitWords("  save  900\t1 "), (Words{"save", "900", "1"}));
  EXPECT_EQ(SplitWords(""), Words{});
  EXPECT_EQ(SplitWords("save \"\""), (Words{"save", ""}));
  EXPECT_EQ(SplitWords("logfile ''"), (Words{"logfile", ""}));
  EXPECT_EQ(SplitWords(R"(a "b c" 'd "e"')"), (Words{"a", "b c", "d \"e\""}));
  EXPECT_EQ(SplitWords(R"(a 'it\'s' 'b\n')"), (Words{"a", "it's", "b\\n"}));
  EXPECT_EQ(SplitWords(R"("\x41\n\t\"\\\q\xZZ")"), (Words{"A\n\t\"\\qxZZ"}));
  EXPECT_EQ(SplitWords(R"(pre"quoted" next)"), (Words{"prequoted", "next"}));
}

TEST(SplitWords, RefusesUnbalancedQuotes) {
  for (const char* line : {"\"a", "'a", "\"a\"b", "'a'b", "x \"", "\"a\\"}) {
    EXPECT_FALSE(SplitWords(line).has_value()) << line;
  }
}

TEST(QuoteWord, ReadsBackWhateverTheBytes) {
  std::string all_bytes;
  for (int byte = 0; byte < 256; ++byte) all_bytes.push_back(static_cast<char>(byte));
  for (const std::string& word : {std::string(), std::string("a b"), std::string("\\\"'"),
                                  std::string("x41"), std::string("\\x41"), all_bytes}) {
    EXPECT_EQ(SplitWords(QuoteWord(word)), Words{word});
  }
}

TEST(ParseMemory, UnitsInEitherCase) {
  EXPECT_EQ(ParseMemory("0"), 0);
  EXPECT_EQ(ParseMemory("17"), 17);
  EXPECT_EQ(ParseMemory("17b"), 17);
  EXPECT_EQ(ParseMemory("1k"), 1000);
  EXPECT_EQ(ParseMemory("1kb"), 1024);
  EXPECT_EQ(ParseMemory("3M"), 3'000'000);
  EXPECT_EQ(ParseMemory("3Mb"), 3 * 1048576);
  EXPECT_EQ(ParseMemory("2g"), 2'000'000'000);
  EXPECT_EQ(ParseMemory("2GB"), 2147483648);
  EXPECT_EQ(ParseMemory("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(ParseMemory(""), 0);
  EXPECT_EQ(ParseMemory("mb"), 0);
  EXPECT_EQ(ParseMemory("9223372036854775808"), uint64_t{1} << 63);
  EXPECT_EQ(ParseMemory("18446744073709551615"), UINT64_MAX);
}

TEST(ParseMemory, WhatDoesNotFitIsTheLargest) {
  for (const char* text : {"18446744073709551616", "99999999999999999999kb", "17179869184gb"}) {
    EXPECT_EQ(ParseMemory(text), UINT64_MAX) << text;
  }
}

TEST(ParseMemory, RefusesWhatIsNoSize) {
  for (const char* text : {"-1", "1.5gb", "1tb", "1 mb", " 1", "1mbx", "+1", "%", "0x10"}) {
    EXPECT_FALSE(ParseMemory(text).has_value()) << text;
  }
}

TEST(FormatMemory, ShortestUnitThatReadsBack) {
  EXPECT_EQ(FormatMemory(0), "0");
  EXPECT_EQ(FormatMemory(1000), "1000");
  EXPECT_EQ(FormatMemory(2048), "2kb");
  EXPECT_EQ(FormatMemory(104857600), "100mb");
  EXPECT_EQ(FormatMemory(3221225472), "3gb");
  for (const int64_t bytes : {int64_t{1}, int64_t{1023}, int64_t{1} << 40, INT64_MAX}) {
    EXPECT_EQ(ParseMemory(FormatMemory(bytes)), bytes);
  }
}

TEST(ParseInteger, OneSpellingOnly) {
  EXPECT_EQ(ParseInteger("-12"), -12);
  for (const char* text : {"", "+1", "01", " 1", "1 ", "1k", "0x1", "-0", "99999999999999999999"}) {
    EXPECT_FALSE(ParseInteger(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace mantis::config
