#include "protocol/request_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace mantis::protocol {
namespace {

constexpr size_t kLineMax = 64 * 1024;

// The message that `bytes` end in, or what else came of them.
std::string ErrorOf(std::string_view bytes, bool authenticated = true, Limits limits = {}) {
  RequestParser parser(limits);
  parser.set_authenticated(authenticated);
  Args args;
  switch (parser.Parse(bytes, args)) {
    case ParseStatus::kCommand:
      return "command";
    case ParseStatus::kNeedMore:
      return "need more";
    case ParseStatus::kError:
      EXPECT_TRUE(args.empty());
      EXPECT_EQ(parser.consumed(), 0u);
      return std::string(parser.error());
  }
  return "";
}

TEST(RequestParser, MultibulkArgumentsAreViewsIntoTheBuffer) {
  const std::string data = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\nrest";
  RequestParser parser{Limits{}};
  Args args;
  ASSERT_EQ(parser.Parse(data, args), ParseStatus::kCommand);
  EXPECT_EQ(args, (Args{"SET", "k", ""}));
  EXPECT_EQ(args[0].data(), data.data() + 8);
  EXPECT_EQ(parser.consumed(), data.size() - 4);
  EXPECT_FALSE(parser.ArgsInScratch());
}

TEST(RequestParser, BulksHoldAnyBytes) {
  const std::string value("\r\n\0$*\xff", 6);
  RequestParser parser{Limits{}};
  Args args;
  const std::string data = "*1\r\n$6\r\n" + value + "\r\n";
  ASSERT_EQ(parser.Parse(data, args), ParseStatus::kCommand);
  EXPECT_EQ(args, Args{value});
}

TEST(RequestParser, InlineCommandsEndInLfOrCrlf) {
  RequestParser parser{Limits{}};
  Args args;
  const std::string data = "PING  a\nGET k\r\n";
  ASSERT_EQ(parser.Parse(data, args), ParseStatus::kCommand);
  EXPECT_EQ(args, (Args{"PING", "a"}));
  EXPECT_EQ(parser.consumed(), 8u);
  ASSERT_EQ(parser.Parse(std::string_view(data).substr(8), args), ParseStatus::kCommand);
  EXPECT_EQ(args, (Args{"GET", "k"}));
  EXPECT_EQ(parser.consumed(), 7u);
}

TEST(RequestParser, QuotedInlineArgumentsLiveInScratch) {
  RequestParser parser{Limits{}};
  Args args;
  ASSERT_EQ(parser.Parse("SET k \"a\\x20b\"\r\n", args), ParseStatus::kCommand);
  EXPECT_EQ(args, (Args{"SET", "k", "a b"}));
  EXPECT_TRUE(parser.ArgsInScratch());
  ASSERT_EQ(parser.Parse("PING\r\n", args), ParseStatus::kCommand);
  EXPECT_FALSE(parser.ArgsInScratch());
}

TEST(RequestParser, CommandsWithoutArgumentsAreConsumed) {
  for (const std::string_view data :
       {"\n", "\r\n", " \t\r\n", "*0\r\n", "*-1\r\n", "*-9223372036854775808\r\n"}) {
    RequestParser parser{Limits{}};
    Args args = {"stale"};
    ASSERT_EQ(parser.Parse(data, args), ParseStatus::kCommand) << data;
    EXPECT_TRUE(args.empty()) << data;
    EXPECT_EQ(parser.consumed(), data.size()) << data;
  }
}

TEST(RequestParser, BytesBesideCrAndAfterBulksAreNotChecked) {
  RequestParser parser{Limits{}};
  Args args;
  ASSERT_EQ(parser.Parse("*1\rX$4\rXPINGxx", args), ParseStatus::kCommand);
  EXPECT_EQ(args, Args{"PING"});
}

TEST(RequestParser, InvalidMultibulkLengths) {
  for (const std::string_view count :
       {"", "x", "01", "+1", "-0", "-", " 1", "1 ", "1x", "2147483648", "9223372036854775808",
        "-9223372036854775809", "99999999999999999999999"}) {
    EXPECT_EQ(ErrorOf("*" + std::string(count) + "\r\n"),
              "Protocol error: invalid multibulk length")
        << count;
  }
  EXPECT_EQ(ErrorOf("*2147483647\r\n"), "need more");
}

TEST(RequestParser, InvalidBulkLengths) {
  for (const std::string_view length : {"", "x", "01", "+1", "-0", "-1", " 1", "536870913",
                                        "9223372036854775808", "99999999999999999999999"}) {
    EXPECT_EQ(ErrorOf("*1\r\n$" + std::string(length) + "\r\n"),
              "Protocol error: invalid bulk length")
        << length;
  }
  EXPECT_EQ(ErrorOf("*1\r\n$536870912\r\n"), "need more");
}

TEST(RequestParser, ExpectedDollar) {
  EXPECT_EQ(ErrorOf("*1\r\nfoo\r\n"), "Protocol error: expected '$', got 'f'");
  EXPECT_EQ(ErrorOf("*1\r\n:3\r\n"), "Protocol error: expected '$', got ':'");
  EXPECT_EQ(ErrorOf("*2\r\n$1\r\na\r\n*1\r\n"), "Protocol error: expected '$', got '*'");
  // CR and LF would break the reply.
  EXPECT_EQ(ErrorOf("*1\r\n\r\n"), "Protocol error: expected '$', got ' '");
  EXPECT_EQ(ErrorOf("*1\r\n\n\r\n"), "Protocol error: expected '$', got ' '");
  EXPECT_EQ(ErrorOf({"*1\r\n\0\r\n", 7}),
            std::string("Protocol error: expected '$', got '\0'", 37));
}

TEST(RequestParser, LinesThatAreTooLong) {
  const std::string ones(kLineMax, '1');
  EXPECT_EQ(ErrorOf("*" + ones), "Protocol error: too big mbulk count string");
  EXPECT_EQ(ErrorOf("*" + ones + "\r\n"), "Protocol error: too big mbulk count string");
  EXPECT_EQ(ErrorOf("*1\r\n$" + ones), "Protocol error: too big bulk count string");
  EXPECT_EQ(ErrorOf(ones + "1"), "Protocol error: too big inline request");
  EXPECT_EQ(ErrorOf(ones + "1\n"), "Protocol error: too big inline request");

  const std::string fewer(kLineMax - 1, '1');
  EXPECT_EQ(ErrorOf("*" + fewer), "need more");
  EXPECT_EQ(ErrorOf("*1\r\n$" + fewer), "need more");
  EXPECT_EQ(ErrorOf(ones), "need more");
  EXPECT_EQ(ErrorOf(ones + "\n"), "command");
}

TEST(RequestParser, UnbalancedQuotes) {
  EXPECT_EQ(ErrorOf("PING \"a\r\n"), "Protocol error: unbalanced quotes in request");
  EXPECT_EQ(ErrorOf("PING 'a'b\n"), "Protocol error: unbalanced quotes in request");
  EXPECT_EQ(ErrorOf("PING \"a"), "need more");
}

TEST(RequestParser, TighterLimitsBeforeAuthentication) {
  EXPECT_EQ(ErrorOf("*11\r\n", false), "Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(ErrorOf("*10\r\n", false), "need more");
  EXPECT_EQ(ErrorOf("*1\r\n$16385\r\n", false), "Protocol error: unauthenticated bulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$16384\r\n", false), "need more");
  // What is wrong for everybody is named as such.
  EXPECT_EQ(ErrorOf("*2147483648\r\n", false), "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$536870913\r\n", false), "Protocol error: invalid bulk length");
}

TEST(RequestParser, OwnLimits) {
  Limits limits;
  limits.bulk_len_max = 4;
  limits.args_max = 2;
  EXPECT_EQ(ErrorOf("*2\r\n$4\r\nPING\r\n", true, limits), "need more");
  EXPECT_EQ(ErrorOf("*2\r\n$5\r\n", true, limits), "Protocol error: invalid bulk length");
  EXPECT_EQ(ErrorOf("*3\r\n", true, limits), "Protocol error: invalid multibulk length");

  RequestParser parser{Limits{}};
  parser.SetLimits(limits);
  Args args;
  EXPECT_EQ(parser.Parse("*3\r\n", args), ParseStatus::kError);
}

TEST(RequestParser, ErrorsStickUntilReset) {
  RequestParser parser{Limits{}};
  Args args;
  ASSERT_EQ(parser.Parse("*x\r\n", args), ParseStatus::kError);
  EXPECT_EQ(parser.Parse("PING\r\n", args), ParseStatus::kError);
  EXPECT_EQ(parser.error(), "Protocol error: invalid multibulk length");
  parser.Reset();
  EXPECT_EQ(parser.error(), "");
  ASSERT_EQ(parser.Parse("PING\r\n", args), ParseStatus::kCommand);
  EXPECT_EQ(args, Args{"PING"});
}

TEST(RequestParser, ResetForgetsAHalfReadCommand) {
  RequestParser parser{Limits{}};
  Args args;
  ASSERT_EQ(parser.Parse("*2\r\n$3\r\nGET\r\n$100\r\n", args), ParseStatus::kNeedMore);
  parser.Reset();
  ASSERT_EQ(parser.Parse("*1\r\n$4\r\nPING\r\n", args), ParseStatus::kCommand);
  EXPECT_EQ(args, Args{"PING"});
}

TEST(RequestParser, SaysHowManyBytesItWants) {
  RequestParser parser{Limits{}};
  Args args;
  const std::string head = "*2\r\n$3\r\nGET\r\n$1000\r\n";
  EXPECT_EQ(parser.Parse("", args), ParseStatus::kNeedMore);
  EXPECT_EQ(parser.BytesWanted(), 1u);
  EXPECT_EQ(parser.Parse(head.substr(0, 2), args), ParseStatus::kNeedMore);
  EXPECT_EQ(parser.BytesWanted(), 3u);
  EXPECT_EQ(parser.Parse(head.substr(0, 9), args), ParseStatus::kNeedMore);
  EXPECT_EQ(parser.BytesWanted(), 13u);
  EXPECT_EQ(parser.Parse(head, args), ParseStatus::kNeedMore);
  EXPECT_EQ(parser.BytesWanted(), head.size() + 1002);
  EXPECT_TRUE(args.empty());
  const std::string data = head + std::string(1000, 'k') + "\r\n";
  ASSERT_EQ(parser.Parse(data, args), ParseStatus::kCommand);
  EXPECT_EQ(args, (Args{"GET", std::string(1000, 'k')}));
}

}  // namespace
}  // namespace mantis::protocol
