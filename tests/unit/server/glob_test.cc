#include "server/commands/glob.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace mantis::server {
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

TEST(Glob, ManyStarsTakeNoExponentialTime) {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  EXPECT_FALSE(Matches(pattern + "b", std::string(100000, 'a')));
}

}  // namespace
}  // namespace mantis::server
