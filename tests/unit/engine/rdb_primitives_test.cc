// Lengths, strings, numbers and the checksum of the RDB format, byte for byte.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/persist/rdb_crc64.h"
#include "engine/persist/rdb_payload.h"
#include "engine/persist/rdb_reader.h"
#include "engine/persist/rdb_writer.h"

namespace mantis::persist {
namespace {

using namespace std::string_literals;

TEST(RdbCrc64, IsTheOneOfJones) {
  EXPECT_EQ(RdbCrc64(0, ""), 0u);
  EXPECT_EQ(RdbCrc64(0, "123456789"), 0xe9c6d914c4b8d9caull);
}

TEST(RdbCrc64, IsTheSameHoweverTheBytesAreCut) {
  std::string text;
  for (int i = 0; i < 67; ++i) text.push_back(static_cast<char>(i * 37));
  const uint64_t whole = RdbCrc64(0, text);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const Bytes bytes(text);
    EXPECT_EQ(RdbCrc64(RdbCrc64(0, bytes.substr(0, cut)), bytes.substr(cut)), whole) << cut;
  }
}

std::string LengthBytes(uint64_t n) {
  std::string out;
  RdbWriter(&out).Length(n);
  return out;
}

TEST(RdbLength, TakesTheLeastWidth) {
  EXPECT_EQ(LengthBytes(0), "\0"s);
  EXPECT_EQ(LengthBytes(63), "\x3f");
  EXPECT_EQ(LengthBytes(64), "\x40\x40");
  EXPECT_EQ(LengthBytes(16383), "\x7f\xff");
  EXPECT_EQ(LengthBytes(16384), "\x80\x00\x00\x40\x00"s);
  EXPECT_EQ(LengthBytes(0xffffffff), "\x80\xff\xff\xff\xff");
  EXPECT_EQ(LengthBytes(0x100000000), "\x81\x00\x00\x00\x01\x00\x00\x00\x00"s);
}

TEST(RdbLength, ComesBack) {
  for (const uint64_t n : {0ull, 1ull, 63ull, 64ull, 300ull, 16383ull, 16384ull, 0xffffffffull,
                           0x100000000ull, 0xffffffffffffffffull}) {
    const std::string bytes = LengthBytes(n);
    RdbReader in(bytes);
    uint64_t read = 0;
    ASSERT_TRUE(in.Length(&read));
    EXPECT_EQ(read, n);
    EXPECT_TRUE(in.at_end());
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      RdbReader part(Bytes(bytes).substr(0, cut));
      EXPECT_FALSE(part.Length(&read));
      EXPECT_FALSE(part.ok());
    }
  }
}

TEST(RdbLength, OfASpecialStringIsNone) {
  for (const int first : {0x82, 0xbf, 0xc0, 0xff}) {
    const std::string bytes = std::string(1, static_cast<char>(first)) + "12345678";
    RdbReader in(bytes);
    uint64_t n = 0;
    EXPECT_FALSE(in.Length(&n)) << first;
  }
}

TEST(RdbCount, IsNoMoreThanWhatIsLeft) {
  RdbReader enough(
      "\x03"
      "abc");
  uint64_t n = 0;
  EXPECT_TRUE(enough.Count(&n));
  RdbReader short_of_one(
      "\x04"
      "abc");
  EXPECT_FALSE(short_of_one.Count(&n));
}

std::string StringBytes(Bytes text, RdbWriter::Compression c = RdbWriter::Compression::kNone) {
  std::string out;
  RdbWriter(&out, c).String(text);
  return out;
}

std::string Read(Bytes bytes) {
  RdbReader in(bytes);
  std::string room;
  Bytes text;
  if (!in.String(&room, &text)) return "(refused)";
  EXPECT_TRUE(in.at_end());
  return std::string(text);
}

TEST(RdbString, OfASmallIntegerIsANumber) {
  EXPECT_EQ(StringBytes("0"), "\xc0\x00"s);
  EXPECT_EQ(StringBytes("-128"), "\xc0\x80");
  EXPECT_EQ(StringBytes("127"), "\xc0\x7f");
  EXPECT_EQ(StringBytes("128"), "\xc1\x80\x00"s);
  EXPECT_EQ(StringBytes("-32768"), "\xc1\x00\x80"s);
  EXPECT_EQ(StringBytes("32768"), "\xc2\x00\x80\x00\x00"s);
  EXPECT_EQ(StringBytes("-2147483648"), "\xc2\x00\x00\x00\x80"s);
  EXPECT_EQ(StringBytes("2147483648"),
            "\x0a"
            "2147483648");
  EXPECT_EQ(StringBytes("007"),
            "\x03"
            "007");
  EXPECT_EQ(StringBytes("-0"), "\x02-0");
  EXPECT_EQ(StringBytes(""), "\0"s);
}

TEST(RdbString, ComesBackInEveryForm) {
  for (const Bytes text : {"", "a", "0", "-128", "127", "-32768", "40000", "-2147483648",
                           "2147483648", "-9223372036854775808", "007"}) {
    EXPECT_EQ(Read(StringBytes(text)), text);
  }
  for (const size_t size : {20u, 21u, 63u, 64u, 16383u, 16384u, 100000u}) {
    const std::string text(size, 'x');
    EXPECT_EQ(Read(StringBytes(text)), text);
    EXPECT_EQ(Read(StringBytes(text, RdbWriter::Compression::kLzf)), text);
  }
}

TEST(RdbString, IsCompressedWhereThatSavesSomething) {
  const std::string packed = StringBytes(std::string(1000, 'x'), RdbWriter::Compression::kLzf);
  EXPECT_LT(packed.size(), 60u);
  EXPECT_EQ(static_cast<uint8_t>(packed[0]), kRdbLzf);
  std::string noise;
  for (uint32_t i = 1; i < 200; ++i) noise.push_back(static_cast<char>(i * i * 2654435761u >> 13));
  EXPECT_EQ(StringBytes(noise, RdbWriter::Compression::kLzf), StringBytes(noise));
}

TEST(RdbString, ThatIsNotThereIsRefused) {
  EXPECT_EQ(Read(""), "(refused)");
  EXPECT_EQ(Read("\x05"
                 "abcd"),
            "(refused)");
  EXPECT_EQ(Read("\xc0"), "(refused)");
  EXPECT_EQ(Read("\xc1"
                 "a"),
            "(refused)");
  EXPECT_EQ(Read("\xc4"
                 "abc"),
            "(refused)");
  // Lengths that nothing could bear out.
  EXPECT_EQ(Read("\x81\x7f\xff\xff\xff\xff\xff\xff\xff"
                 "abc"),
            "(refused)");
  EXPECT_EQ(Read("\x80\xff\xff\xff\xff"
                 "abc"),
            "(refused)");
}

TEST(RdbString, CompressedThatPromisesTooMuchIsRefusedBeforeItTakesMemory) {
  // 8 bytes packed, 2 GB unpacked.
  EXPECT_EQ(Read("\xc3\x08\x80\x7f\xff\xff\xff"
                 "\x00"
                 "aaaaaaa"s),
            "(refused)");
  // More packed bytes than there are.
  EXPECT_EQ(Read("\xc3\x3f\x20"
                 "abc"s),
            "(refused)");
  // Well-formed, but of another size than stated.
  std::string packed = StringBytes(std::string(1000, 'x'), RdbWriter::Compression::kLzf);
  ++packed[3];
  EXPECT_EQ(Read(packed), "(refused)");
  // A reference to before the beginning.
  EXPECT_EQ(Read("\xc3\x02\x03\x20\x7f"s), "(refused)");
}

double Decimal(Bytes bytes) {
  RdbReader in(bytes);
  double v = 0;
  return in.DecimalDouble(&v) ? v : std::numeric_limits<double>::quiet_NaN();
}

TEST(RdbDouble, ReadsBothForms) {
  EXPECT_EQ(Decimal("\x03"
                    "1.5"),
            1.5);
  EXPECT_EQ(Decimal("\x17"
                    "-1.7976931348623157e+30"),
            -1.7976931348623157e+30);
  EXPECT_EQ(Decimal("\xfe"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(Decimal("\xff"), -std::numeric_limits<double>::infinity());
  for (const Bytes wrong : {Bytes("\xfd"),
                            Bytes("\x03"
                                  "nan"),
                            Bytes("\x00", 1),
                            Bytes("\x02"
                                  "1x"),
                            Bytes("\x05"
                                  "1.5"),
                            Bytes()}) {
    EXPECT_TRUE(std::isnan(Decimal(wrong)));
  }
  std::string out;
  RdbWriter(&out).BinaryDouble(-0.1);
  RdbReader in(out);
  double v = 0;
  EXPECT_TRUE(in.BinaryDouble(&v));
  EXPECT_EQ(v, -0.1);
  EXPECT_FALSE(in.BinaryDouble(&v));
}

TEST(RdbPayload, OpensOnlyWhatIsWhole) {
  std::string payload =
      "\x00\x03"
      "bar"s;
  SealPayload(10, &payload);
  // What Redis 7.0 answers to DUMP of a key that holds "bar".
  EXPECT_EQ(payload,
            "\x00\x03"
            "bar\x0a\x00\xe6\xbe\x49\x60\xee\x66\xfd\x17"s);
  EXPECT_EQ(OpenPayload(payload), Bytes("\x00\x03"
                                        "bar",
                                        5));
  for (size_t i = 0; i < payload.size(); ++i) {
    std::string damaged = payload;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
    EXPECT_FALSE(OpenPayload(damaged)) << i;
    EXPECT_FALSE(OpenPayload(Bytes(payload).substr(0, i))) << i;
  }
}

TEST(RdbPayload, OpensVersionsUpToTheLatestKnown) {
  const auto opens = [](uint16_t version, const std::string& value) {
    std::string payload = value;
    SealPayload(version, &payload);
    return OpenPayload(payload).has_value();
  };
  const std::string text =
      "\x00\x03"
      "bar"s;
  EXPECT_TRUE(opens(1, text));
  EXPECT_TRUE(opens(kRdbVersionReadMax, text));
  EXPECT_FALSE(opens(kRdbVersionReadMax + 1, text));
  EXPECT_TRUE(opens(kRdbVersionOfMetadata, "\x18"));
  EXPECT_FALSE(opens(kRdbVersionOfMetadata + 1, "\x18"));
}

}  // namespace
}  // namespace mantis::persist
