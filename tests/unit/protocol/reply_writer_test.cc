#include "protocol/reply_writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace mantis::protocol {
namespace {

// What `write` produces in the given protocol.
template <typename Write>
std::string Reply(int protocol, Write write) {
  OutputBuffer buffer;
  ReplyWriter writer(buffer);
  writer.set_protocol(protocol);
  write(writer);
  EXPECT_EQ(&writer.buffer(), &buffer);
  return std::string(buffer.view());
}

template <typename Write>
void ExpectReply(Write write, const std::string& resp2, const std::string& resp3) {
  EXPECT_EQ(Reply(2, write), resp2);
  EXPECT_EQ(Reply(3, write), resp3);
}

template <typename Write>
void ExpectReply(Write write, const std::string& both) {
  ExpectReply(write, both, both);
}

TEST(ReplyWriter, ProtocolIsTwoUntilSet) {
  OutputBuffer buffer;
  ReplyWriter writer(buffer);
  EXPECT_EQ(writer.protocol(), 2);
  writer.set_protocol(3);
  EXPECT_EQ(writer.protocol(), 3);
}

TEST(ReplyWriter, Lines) {
  ExpectReply([](ReplyWriter& w) { w.Ok(); }, "+OK\r\n");
  ExpectReply([](ReplyWriter& w) { w.SimpleString("PONG"); }, "+PONG\r\n");
  ExpectReply([](ReplyWriter& w) { w.SimpleString(""); }, "+\r\n");
  ExpectReply([](ReplyWriter& w) { w.Error("WRONGTYPE no"); }, "-WRONGTYPE no\r\n");
}

TEST(ReplyWriter, LinesCannotBeBrokenFromWithin) {
  ExpectReply([](ReplyWriter& w) { w.Error("ERR a\r\nb\nc\r\n"); }, "-ERR a  b c\r\n");
  ExpectReply([](ReplyWriter& w) { w.SimpleString("a\r\n+b"); }, "+a  +b\r\n");
  ExpectReply([](ReplyWriter& w) { w.Error("\r\n"); }, "-\r\n");
}

TEST(ReplyWriter, Integers) {
  ExpectReply([](ReplyWriter& w) { w.Integer(0); }, ":0\r\n");
  ExpectReply([](ReplyWriter& w) { w.Integer(-42); }, ":-42\r\n");
  ExpectReply([](ReplyWriter& w) { w.Integer(std::numeric_limits<int64_t>::min()); },
              ":-9223372036854775808\r\n");
  ExpectReply([](ReplyWriter& w) { w.BulkInteger(12345); }, "$5\r\n12345\r\n");
  ExpectReply([](ReplyWriter& w) { w.BulkInteger(std::numeric_limits<int64_t>::min()); },
              "$20\r\n-9223372036854775808\r\n");
}

TEST(ReplyWriter, Bulks) {
  ExpectReply([](ReplyWriter& w) { w.Bulk(""); }, "$0\r\n\r\n");
  ExpectReply([](ReplyWriter& w) { w.Bulk({"a\0\r\n", 4}); }, std::string("$4\r\na\0\r\n\r\n", 10));
  for (const size_t size : {9u, 10u, 99u, 100u, 100000u}) {
    const std::string bytes(size, 'v');
    ExpectReply([&](ReplyWriter& w) { w.Bulk(bytes); },
                "$" + std::to_string(size) + "\r\n" + bytes + "\r\n");
  }
  ExpectReply([](ReplyWriter& w) { w.BulkHeader(123456); }, "$123456\r\n");
}

TEST(ReplyWriter, Nulls) {
  ExpectReply([](ReplyWriter& w) { w.Null(); }, "$-1\r\n", "_\r\n");
  ExpectReply([](ReplyWriter& w) { w.NullArray(); }, "*-1\r\n", "_\r\n");
}

TEST(ReplyWriter, Aggregates) {
  ExpectReply([](ReplyWriter& w) { w.Array(3); }, "*3\r\n");
  ExpectReply([](ReplyWriter& w) { w.Array(0); }, "*0\r\n");
  ExpectReply([](ReplyWriter& w) { w.Map(12); }, "*24\r\n", "%12\r\n");
  ExpectReply([](ReplyWriter& w) { w.Set(2); }, "*2\r\n", "~2\r\n");
  ExpectReply([](ReplyWriter& w) { w.Push(3); }, "*3\r\n", ">3\r\n");
}

TEST(ReplyWriter, Doubles) {
  ExpectReply([](ReplyWriter& w) { w.Double(3); }, "$1\r\n3\r\n", ",3\r\n");
  ExpectReply([](ReplyWriter& w) { w.Double(0.1); }, "$3\r\n0.1\r\n", ",0.1\r\n");
  ExpectReply([](ReplyWriter& w) { w.Double(-std::numeric_limits<double>::infinity()); },
              "$4\r\n-inf\r\n", ",-inf\r\n");
}

TEST(ReplyWriter, OtherScalars) {
  ExpectReply([](ReplyWriter& w) { w.Boolean(true); }, ":1\r\n", "#t\r\n");
  ExpectReply([](ReplyWriter& w) { w.Boolean(false); }, ":0\r\n", "#f\r\n");
  ExpectReply([](ReplyWriter& w) { w.BigNumber("-123456789012345678901"); },
              "$22\r\n-123456789012345678901\r\n", "(-123456789012345678901\r\n");
  ExpectReply([](ReplyWriter& w) { w.Verbatim("some\r\ntext"); }, "$10\r\nsome\r\ntext\r\n",
              "=14\r\ntxt:some\r\ntext\r\n");
  ExpectReply([](ReplyWriter& w) { w.Verbatim("", "mkd"); }, "$0\r\n\r\n", "=4\r\nmkd:\r\n");
  ExpectReply([](ReplyWriter& w) { w.Verbatim("x", "m"); }, "$1\r\nx\r\n", "=5\r\nm  :x\r\n");
  ExpectReply([](ReplyWriter& w) { w.Raw(":1\r\n:2\r\n"); }, ":1\r\n:2\r\n");
}

TEST(ReplyWriter, DeferredArraysOfAnyLength) {
  for (const size_t n : {0u, 1u, 9u, 10u, 99u, 100u, 12345u}) {
    std::string elements;
    for (size_t i = 0; i < n; ++i) elements += ":" + std::to_string(i) + "\r\n";
    ExpectReply(
        [&](ReplyWriter& w) {
          w.Ok();
          const size_t mark = w.DeferredArray();
          for (size_t i = 0; i < n; ++i) w.Integer(static_cast<int64_t>(i));
          w.SetDeferredArray(mark, n);
          w.Ok();
        },
        "+OK\r\n*" + std::to_string(n) + "\r\n" + elements + "+OK\r\n");
  }
}

TEST(ReplyWriter, DeferredAggregatesNest) {
  const auto write = [](ReplyWriter& w) {
    const size_t outer = w.DeferredArray();
    for (int64_t i = 0; i < 11; ++i) {
      const size_t map = w.DeferredMap();
      for (int64_t pair = 0; pair < 5 * i; ++pair) {
        w.Integer(pair);
        const size_t inner = w.DeferredArray();
        w.SetDeferredArray(inner, 0);
      }
      w.SetDeferredMap(map, static_cast<size_t>(5 * i));
    }
    w.SetDeferredArray(outer, 11);
  };
  for (const int protocol : {2, 3}) {
    const std::string expected = Reply(protocol, [](ReplyWriter& w) {
      w.Array(11);
      for (int64_t i = 0; i < 11; ++i) {
        w.Map(static_cast<size_t>(5 * i));
        for (int64_t pair = 0; pair < 5 * i; ++pair) {
          w.Integer(pair);
          w.Array(0);
        }
      }
    });
    EXPECT_EQ(Reply(protocol, write), expected);
  }
}

}  // namespace
}  // namespace mantis::protocol
