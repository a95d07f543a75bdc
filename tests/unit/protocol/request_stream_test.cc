// Streams of requests that arrive in pieces: what comes out must not depend on the pieces, and what
// was parsed once must not be looked at again.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/reply_writer.h"
#include "protocol/request_parser.h"
#include "tests/unit/protocol/parse_stream.h"

namespace mantis::protocol {
namespace {

StreamResult ParseWhole(std::string_view bytes) {
  RequestParser parser{Limits{}};
  return ParseStream(parser, bytes, [](size_t rest) { return rest; });
}

StreamResult ParseByteWise(std::string_view bytes) {
  RequestParser parser{Limits{}};
  return ParseStream(parser, bytes, [](size_t) { return size_t{1}; });
}

const char kGoodStream[] =
    "*3\r\n$3\r\nSET\r\n$12\r\nhello\r\nworld\r\n$0\r\n\r\n"
    "PING\r\n"
    "\r\n"
    "SET \"a b\\x00\\\"\" 'c\\'d' e\"f\" g\n"
    "*-1\r\n*0\r\n"
    "*1\r\n$10\r\n0123456789\r\n"
    "*2\r\n$4\r\nECHO\r\n$8\r\n\r\n$1\r\n*2\r\n"
    "  get\tk \n"
    "*1\r\n$4\r\nQUIT\r\n";

TEST(RequestStream, PipelineInOnePiece) {
  const StreamResult result = ParseWhole(kGoodStream);
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.consumed, sizeof kGoodStream - 1);
  const std::vector<std::vector<std::string>> expected = {
      {"SET", "hello\r\nworld", ""},
      {"PING"},
      {},
      {"SET", {"a b\0\"", 5}, "c'd", "ef", "g"},
      {},
      {},
      {"0123456789"},
      {"ECHO", "\r\n$1\r\n*2"},
      {"get", "k"},
      {"QUIT"},
  };
  EXPECT_EQ(result.commands, expected);
}

TEST(RequestStream, EverySplitGivesTheSame) {
  const std::string_view stream(kGoodStream, sizeof kGoodStream - 1);
  const StreamResult whole = ParseWhole(stream);
  for (size_t first = 1; first < stream.size(); ++first) {
    for (size_t second = 1; second <= stream.size() - first; ++second) {
      RequestParser parser{Limits{}};
      std::vector<size_t> pieces = {stream.size(), second, first};
      const StreamResult split = ParseStream(parser, stream, [&](size_t) {
        const size_t piece = pieces.back();
        pieces.pop_back();
        return piece;
      });
      ASSERT_EQ(split, whole) << "pieces of " << first << " and " << second << " bytes";
    }
  }
  EXPECT_EQ(ParseByteWise(stream), whole);
}

TEST(RequestStream, ErrorsComeAfterTheSameCommandsHoweverSplit) {
  for (const std::string_view bad :
       {"*x\r\n", "*1\r\n$-1\r\n", "*2\r\n$1\r\na\r\n+1\r\n", "GET \"k\r\n", "*1\r\n\r\n"}) {
    const std::string stream = kGoodStream + std::string(bad);
    const StreamResult whole = ParseWhole(stream);
    EXPECT_NE(whole.error, "") << bad;
    EXPECT_EQ(whole.consumed, sizeof kGoodStream - 1) << bad;
    EXPECT_EQ(ParseByteWise(stream), whole) << bad;
  }
}

TEST(RequestStream, LineLimitsHoldHoweverSplit) {
  Limits limits;
  limits.inline_len_max = 64;
  for (const std::string_view start : {"", "*", "*1\r\n$"}) {
    for (size_t length = 60; length < 70; ++length) {
      const std::string stream = std::string(start) + std::string(length, '7') + "\r\n";
      RequestParser whole(limits);
      RequestParser bytewise(limits);
      EXPECT_EQ(ParseStream(bytewise, stream, [](size_t) { return size_t{1}; }),
                ParseStream(whole, stream, [](size_t rest) { return rest; }))
          << stream;
    }
  }
}

TEST(RequestStream, RandomCommandsSurviveWritingSplittingAndParsing) {
  constexpr unsigned kSeed = 20240611;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  for (int round = 0; round < 300; ++round) {
    OutputBuffer stream;
    ReplyWriter writer(stream);
    std::vector<std::vector<std::string>> commands(1 + below(20));
    for (std::vector<std::string>& command : commands) {
      command.resize(1 + below(8));
      writer.Array(command.size());
      for (std::string& arg : command) {
        arg.resize(below(10) == 0 ? below(5000) : below(20));
        std::generate(arg.begin(), arg.end(), [&] { return "\r\n$*0a\"\xff"[below(8)]; });
        writer.Bulk(arg);
      }
    }
    const size_t piece_max = 1 + below(below(2) == 0 ? 16 : 4096);
    RequestParser parser{Limits{}};
    const StreamResult result =
        ParseStream(parser, stream.view(), [&](size_t) { return 1 + below(piece_max); });
    ASSERT_EQ(result.error, "");
    ASSERT_EQ(result.commands, commands) << "round " << round;
    ASSERT_EQ(result.consumed, stream.size());
  }
}

// The tests below overwrite what the parser has seen already: a second look at it would change the
// result. Only the first byte, which tells the kind of command, has to stay.

TEST(RequestStream, ArgumentsAlreadyReadAreNotReadAgain) {
  constexpr size_t kCount = 1024 * 1024;
  constexpr std::string_view kElement = "$1\r\nx\r\n";
  constexpr size_t kPiece = 4099;  // cuts at every place within an element
  std::string data = "*" + std::to_string(kCount) + "\r\n";
  const size_t first = data.size();
  for (size_t i = 0; i < kCount; ++i) data += kElement;

  RequestParser parser{Limits{}};
  Args args;
  size_t overwritten = 1;
  for (size_t arrived = kPiece; arrived < data.size(); arrived += kPiece) {
    ASSERT_EQ(parser.Parse({data.data(), arrived}, args), ParseStatus::kNeedMore);
    ASSERT_GT(parser.BytesWanted(), arrived);
    ASSERT_LE(parser.BytesWanted(), arrived + kElement.size());
    const size_t read = first + (arrived - first) / kElement.size() * kElement.size();
    for (; overwritten < read; ++overwritten) {
      if (data[overwritten] != 'x') data[overwritten] = '!';
    }
  }
  ASSERT_EQ(parser.Parse(data, args), ParseStatus::kCommand);
  EXPECT_EQ(parser.consumed(), data.size());
  ASSERT_EQ(args.size(), kCount);
  EXPECT_TRUE(std::all_of(args.begin(), args.end(), [](std::string_view a) { return a == "x"; }));
}

TEST(RequestStream, ABulkIsNotLookedAtBeforeItIsComplete) {
  const std::string head = "*2\r\n$4\r\nECHO\r\n$1000000\r\n";
  std::string data = head + std::string(1000000, '\r') + "\r\n";
  RequestParser parser{Limits{}};
  Args args;
  ASSERT_EQ(parser.Parse({data.data(), head.size()}, args), ParseStatus::kNeedMore);
  ASSERT_EQ(parser.BytesWanted(), data.size());
  // Other bytes in its place: only their number may matter.
  const std::string garbage(data.size(), '!');
  for (size_t arrived = head.size() + 1; arrived < data.size(); arrived += 1000) {
    ASSERT_EQ(parser.Parse({garbage.data(), arrived}, args), ParseStatus::kNeedMore);
  }
  ASSERT_EQ(parser.Parse(data, args), ParseStatus::kCommand);
  EXPECT_EQ(args[1].size(), 1000000u);
}

TEST(RequestStream, TheEndOfALineIsNotLookedForTwice) {
  for (const std::string_view head : {"a", "*"}) {
    std::string data(head);
    RequestParser parser{Limits{}};
    Args args;
    for (int i = 0; i < 5000; ++i) {
      data += "aaaaaaaaa ";
      ASSERT_EQ(parser.Parse(data, args), ParseStatus::kNeedMore);
      std::fill(data.begin() + 1, data.end(), '\n');
      if (head == "*") std::fill(data.begin() + 1, data.end(), '\r');
    }
    data += "b\r\n";
    const ParseStatus status = parser.Parse(data, args);
    EXPECT_EQ(status, head == "*" ? ParseStatus::kError : ParseStatus::kCommand);
    EXPECT_EQ(parser.consumed(), head == "*" ? 0 : data.size());
  }
}

}  // namespace
}  // namespace mantis::protocol
