#include "protocol/inline_args.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace mantis::protocol {
namespace {

using Strings = std::vector<std::string>;

Strings Split(std::string_view line) {
  Args args;
  std::string scratch;
  if (!SplitInlineArgs(line, args, scratch)) return {"<unbalanced>"};
  return Strings(args.begin(), args.end());
}

TEST(InlineArgs, PlainArgumentsAreViewsIntoTheLine) {
  const std::string line = "  SET key\tvalue ";
  Args args;
  std::string scratch = "left over";
  ASSERT_TRUE(SplitInlineArgs(line, args, scratch));
  ASSERT_EQ(args, (Args{"SET", "key", "value"}));
  EXPECT_EQ(args[0].data(), line.data() + 2);
  EXPECT_EQ(args[2].data(), line.data() + 10);
  EXPECT_TRUE(scratch.empty());
}

TEST(InlineArgs, OnlyBlanksGiveNoArguments) {
  EXPECT_EQ(Split(""), Strings{});
  EXPECT_EQ(Split(" \t\v\f\r "), Strings{});
}

TEST(InlineArgs, DoubleQuotesUnderstandEscapes) {
  EXPECT_EQ(Split(R"("\n\r\t\b\a\\\"\q")"), Strings{"\n\r\t\b\a\\\"q"});
  EXPECT_EQ(Split(R"("\x41\xfF\x0a")"), Strings{"A\xff\n"});
  EXPECT_EQ(Split(R"("\x4")"), Strings{"x4"});
  EXPECT_EQ(Split(R"("\xg1")"), Strings{"xg1"});
  EXPECT_EQ(Split(R"("a'b")"), Strings{"a'b"});
}

TEST(InlineArgs, SingleQuotesUnderstandOnlyTheirOwnEscape) {
  EXPECT_EQ(Split(R"('a\'b\n"\x41')"), Strings{R"(a'b\n"\x41)"});
  EXPECT_EQ(Split(R"('\\ ')"), Strings{R"(\\ )"});
  EXPECT_EQ(Split(R"('\\')"), Strings{"<unbalanced>"});
}

TEST(InlineArgs, QuotesMayOpenInsideAnArgumentAndEndIt) {
  EXPECT_EQ(Split(R"(a"b c" d)"), (Strings{"ab c", "d"}));
  EXPECT_EQ(Split(R"("" '')"), (Strings{"", ""}));
  EXPECT_EQ(Split("\"a\"\vb"), (Strings{"a", "b"}));
}

TEST(InlineArgs, VerticalTabsSeparateOnlyBetweenArguments) {
  EXPECT_EQ(Split("a\vb \v\fc"), (Strings{"a\vb", "c"}));
}

TEST(InlineArgs, CarriageReturnSeparates) { EXPECT_EQ(Split("a\rb"), (Strings{"a", "b"})); }

TEST(InlineArgs, NulIsAnOrdinaryByte) {
  EXPECT_EQ(Split({"a\0b \"\0\"", 7}), (Strings{{"a\0b", 3}, {"\0", 1}}));
}

TEST(InlineArgs, ScratchOfEarlierArgumentsStaysGood) {
  std::string line;
  Strings expected;
  for (int i = 0; i < 500; ++i) {
    line += "\"arg\\x20" + std::to_string(i) + "\" ";
    expected.push_back("arg " + std::to_string(i));
  }
  EXPECT_EQ(Split(line), expected);
}

TEST(InlineArgs, UnbalancedQuotesAreRefused) {
  const Strings unbalanced = {"<unbalanced>"};
  for (const std::string_view line :
       {R"(")", R"(')", R"("a)", R"('a)", R"("a"b)", R"('a'b)", R"("a\")", R"('a\')", R"("a\)",
        R"("\x4)", R"(""")", R"(a"b"c)"}) {
    EXPECT_EQ(Split(line), unbalanced) << line;
  }
}

}  // namespace
}  // namespace mantis::protocol
