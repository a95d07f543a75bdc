#include "config/glob.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace mantis::config {
namespace {

using namespace std::string_literals;

bool Matches(const std::string& pattern, const std::string& text) {
  return GlobPattern(pattern).Matches(text);
}

TEST(Glob, Literals) {
  EXPECT_TRUE(Matches("hello", "hello"));
  EXPECT_FALSE(Matches("hello", "hell"));
  EXPECT_FALSE(Matches("hello", "hello!"));
  EXPECT_FALSE(Matches("H", "h"));
  EXPECT_TRUE(Matches("a\0b"s, "a\0b"s));
  EXPECT_FALSE(Matches("a\0b"s, "a\0c"s));
}

TEST(Glob, Wildcards) {
  EXPECT_TRUE(Matches("h?llo", "hxllo"));
  EXPECT_FALSE(Matches("h?llo", "hllo"));
  EXPECT_TRUE(Matches("h*llo", "hllo"));
  EXPECT_TRUE(Matches("h*llo", "heeeello"));
  EXPECT_FALSE(Matches("h*llo", "hello!"));
  EXPECT_TRUE(Matches("*a*b*", "xxaxxbxx"));
  EXPECT_FALSE(Matches("*a*b*", "xxbxxaxx"));
  EXPECT_TRUE(Matches("*ab", "aab"));
  EXPECT_TRUE(Matches("user:*", "user:"));
  EXPECT_TRUE(Matches("user:**", "user:"));
}

TEST(Glob, EmptyText) {
  EXPECT_TRUE(Matches("", ""));
  EXPECT_TRUE(Matches("*", ""));
  EXPECT_FALSE(Matches("**", ""));
  EXPECT_FALSE(Matches("?", ""));
  EXPECT_FALSE(Matches("[^a]", ""));
  EXPECT_FALSE(Matches("", "a"));
}

TEST(Glob, Sets) {
  EXPECT_TRUE(Matches("h[ae]llo", "hallo"));
  EXPECT_FALSE(Matches("h[ae]llo", "hillo"));
  EXPECT_TRUE(Matches("h[^e]llo", "hallo"));
  EXPECT_FALSE(Matches("h[^e]llo", "hello"));
  EXPECT_TRUE(Matches("h[a-c]llo", "hbllo"));
  EXPECT_TRUE(Matches("h[c-a]llo", "hbllo"));
  EXPECT_FALSE(Matches("h[a-c]llo", "hdllo"));
  EXPECT_TRUE(Matches("[\\]]", "]"));
  EXPECT_TRUE(Matches("[a\\-z]", "-"));
  EXPECT_FALSE(Matches("[a\\-z]", "b"));
  EXPECT_TRUE(Matches("[1-3x]*", "x!"));
}

TEST(Glob, MalformedSets) {
  EXPECT_FALSE(Matches("[", "["));
  EXPECT_FALSE(Matches("[]", "]"));
  EXPECT_TRUE(Matches("[^", "x"));
  EXPECT_TRUE(Matches("[^]", "x"));
  EXPECT_TRUE(Matches("h[ab", "hb"));
  EXPECT_TRUE(Matches("[a-", "-"));
  EXPECT_TRUE(Matches("[a-]", "^"));  // from ']' to 'a'
}

TEST(Glob, Escapes) {
  EXPECT_TRUE(Matches("a\\*b", "a*b"));
  EXPECT_FALSE(Matches("a\\*b", "axb"));
  EXPECT_TRUE(Matches("*\\?", "what?"));
  EXPECT_FALSE(Matches("*\\?", "what!"));
  EXPECT_TRUE(Matches("\\", "\\"));
  EXPECT_TRUE(Matches("*\\", "a\\"));
  EXPECT_TRUE(Matches("\\a", "a"));
}

TEST(Glob, LiteralPrefix) {
  const std::string pattern = "a\\*b\\\\c?d";
  const GlobPattern glob(pattern);
  EXPECT_EQ(glob.prefix(), "a*b\\c");
  EXPECT_FALSE(glob.exact());
  EXPECT_EQ(GlobPattern("user:[12]*").prefix(), "user:");
  EXPECT_EQ(GlobPattern("*x").prefix(), "");
  EXPECT_TRUE(GlobPattern("a\\[b").exact());
  EXPECT_EQ(GlobPattern("a\\[b").prefix(), "a[b");
  EXPECT_TRUE(GlobPattern("tail\\").exact());
  EXPECT_EQ(GlobPattern("tail\\").prefix(), "tail\\");
  EXPECT_TRUE(GlobPattern("").exact());
  EXPECT_TRUE(GlobPattern("*").all());
  EXPECT_FALSE(GlobPattern("**").all());
}

// The definition of a glob, by trying every way, for patterns of stars, question marks and letters.
bool MatchesByDefinition(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    for (size_t i = 0; i <= text.size(); ++i) {
      if (MatchesByDefinition(pattern.substr(1), text.substr(i))) return true;
    }
    return false;
  }
  if (text.empty() || (pattern[0] != '?' && pattern[0] != text[0])) return false;
  return MatchesByDefinition(pattern.substr(1), text.substr(1));
}

TEST(Glob, AgreesWithItsDefinition) {
  std::mt19937 random(20250101);
  const auto draw = [&](std::string_view alphabet, size_t max, size_t min) {
    std::string s(min + random() % (max - min + 1), ' ');
    for (char& c : s) c = alphabet[random() % alphabet.size()];
    return s;
  };
  int matches = 0;
  for (int i = 0; i < 200000; ++i) {
    const std::string pattern = draw("ab*?", 8, 0);
    const std::string text = draw("ab", 8, 1);
    const bool expected = MatchesByDefinition(pattern, text);
    ASSERT_EQ(Matches(pattern, text), expected) << pattern << " and " << text;
    ASSERT_TRUE(!expected || text.starts_with(GlobPattern(pattern).prefix()));
    matches += expected ? 1 : 0;
  }
  EXPECT_GT(matches, 1000);
}

TEST(Glob, LongSetsHaveWhatShortOnesHave) {
  std::mt19937 random(20250102);
  for (int i = 0; i < 2000; ++i) {
    std::string items;
    for (size_t n = random() % 6; n > 0; --n) items += "aAzZ_-^\\]\xe9"[random() % 10];
    // What is listed again changes nothing; where a range would run into it, it is another set.
    const bool open = items.ends_with('-') || items.ends_with('\\') || items.find(']') + 1 != 0;
    if (open) continue;
    const std::string more = (items.starts_with('^') ? items.substr(1) : items);
    std::string repeated = items;
    for (int n = 0; n < 50; ++n) repeated += more.empty() ? "" : "\\_" + more;
    const std::string once = "[" + items + (more.empty() ? "" : "\\_") + "]";
    for (const auto letters : {GlobPattern::Case::kMatters, GlobPattern::Case::kIgnored}) {
      const std::string many = "[" + repeated + "]";
      const GlobPattern long_set(many, letters);
      const GlobPattern short_set(once, letters);
      for (int c = 0; c < 256; ++c) {
        const std::string text(1, static_cast<char>(c));
        ASSERT_EQ(long_set.Matches(text), short_set.Matches(text)) << once << " and " << c;
      }
    }
  }
}

TEST(Glob, CaseIgnored) {
  const auto matches = [](std::string_view pattern, std::string_view text) {
    return GlobPattern(pattern, GlobPattern::Case::kIgnored).Matches(text);
  };
  EXPECT_TRUE(matches("MAX*", "maxmemory"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("max*POLICY", "maxmemory-policy"));
  EXPECT_TRUE(matches("max[MN]emory", "maxmemory"));
  EXPECT_TRUE(matches("max[A-Z]emory", "maxmemory"));
  EXPECT_TRUE(matches("max[z-a]emory", "maxmemory"));
  EXPECT_FALSE(matches("max[^M]emory", "maxmemory"));
  EXPECT_TRUE(matches("\\HZ", "hz"));
  EXPECT_TRUE(matches("[\\h]z", "hz"));
  // An escaped byte of a set stands for itself alone, and a range is put in order before it is
  // folded: from 'z' down to 'a' there is nothing.
  EXPECT_FALSE(matches("[\\H]z", "hz"));
  EXPECT_FALSE(matches("[a-Z]", "b"));
  EXPECT_FALSE(matches("memory", "maxmemory"));
  EXPECT_FALSE(matches("", "hz"));
}

TEST(Glob, TimeGrowsWithTheSumOfLengths) {
  const std::string text(1 << 20, 'a');
  const std::string run(1 << 19, 'b');
  for (const auto letters : {GlobPattern::Case::kMatters, GlobPattern::Case::kIgnored}) {
    EXPECT_FALSE(GlobPattern("*[" + run + "]", letters).Matches(text));
    EXPECT_FALSE(GlobPattern("*[" + run + "]*x", letters).Matches(text));
    EXPECT_FALSE(GlobPattern("*[" + run + "][", letters).Matches(text));
    EXPECT_FALSE(GlobPattern("*[^" + run + "]b*", letters).Matches(text));
    EXPECT_TRUE(GlobPattern("*[" + run + "a]*", letters).Matches(text));
  }
  const std::string half = text.substr(text.size() / 2);
  EXPECT_FALSE(Matches("*" + half + "b*", text));
  EXPECT_FALSE(Matches("*" + half + "b", text));
  EXPECT_TRUE(Matches("*" + half + "*a", text));
}

TEST(Glob, ManyStarsTakeNoExponentialTime) {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  EXPECT_FALSE(Matches(pattern + "b", std::string(100000, 'a')));
}

}  // namespace
}  // namespace mantis::config
