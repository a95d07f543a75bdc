// Values of every type in RDB format: what Redis wrote is read, what is written comes back, and
// nothing that is not well-formed is taken.
#include "engine/persist/rdb_value.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "engine/persist/rdb_format.h"
#include "tests/support/describe_value.h"
#include "tests/support/sample_values.h"

namespace mantis::persist {
namespace {

using namespace std::string_literals;
using test::Describe;

std::string FromHex(Bytes hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

ValueLimits TinyLimits() {
  ValueLimits limits;
  limits.list_max_listpack_size = 3;
  limits.hash_max_listpack_entries = 2;
  limits.set_max_intset_entries = 2;
  limits.set_max_listpack_entries = 2;
  limits.zset_max_listpack_entries = 2;
  return limits;
}

std::string Decoded(Bytes bytes, const ValueLimits& limits = {}) {
  OwnedValue value;
  return DecodeValue(bytes, limits, &value) ? Describe(value.word()) : "(refused)";
}

std::string Encoded(Word value, uint16_t version_max = kRdbVersionWritten,
                    uint16_t* version = nullptr) {
  std::string bytes;
  RdbWriter out(&bytes, RdbWriter::Compression::kLzf, version_max);
  const uint16_t needed = EncodeValue(value, out);
  if (version != nullptr) *version = needed;
  return bytes;
}

struct Written {
  std::string hex;
  std::string value;
};

// Answers of Redis 7.0.15 to DUMP, without the footer; some of them with rdbcompression.
std::vector<Written> ByRedis() {
  return {
      {"00c13930", "string{12345}"},
      {"00c3094064017878e05700017878", "string{" + std::string(100, 'x') + "}"},
      {"120102c31e4068166800000006008161028162020101dffb02c12c02e05078e046000152ff",
       "list{a b 1 -5 300 " + std::string(80, 'x') + "}"},
      {"0b18040000000400000001000000020000000300000070110100", "set{1 2 3 70000}"},
      {"02030162c0010161", "set{1 a b}"},
      {"1012120000000400816602817602816e020101ff", "hash{f=v n=1}"},
      {"0402016ec00101660176", "hash{f=v n=1}"},
      {"111d1d0000000600816302842d696e6605816102010181620283322e3504ff", "zset{c=-inf a=1 b=2.5}"},
      {"0503016200000000000004400161000000000000f03f0163000000000000f0ff",
       "zset{c=-inf a=1 b=2.5}"},
      {"130110000000000000000100000000000000013c3c0000001800020101010101816602000102010001000181760"
       "204"
       "0103010001010181770204010001010100010201816702010181680202010801ff0202010101010203020367727"
       "002"
       "01030200000000000000010000000000000001bbfb2105a20100000100000000000000020000000000000001bbf"
       "b21"
       "05a2010000010205616c696365bbfb2105a2010000010000000000000001000000000000000103626f62bbfb210"
       "5a2"
       "01000001000000000000000200000000000000010469646c65020181ffffffffffffffff0000",
       "stream{2-1 1-1 1-2 3 1-1,f=v 2-1,g=1,h=2 "
       "grp@2-1/3{1-1:alice:1795382442939:1 2-1:bob:1795382442939:1 alice:1795382442939:1 "
       "bob:1795382442939:1} idle@2-1/-1{}}"},
  };
}

TEST(RdbValue, ReadsWhatRedisWrites) {
  for (const Written& w : ByRedis()) {
    if (w.value.empty()) continue;
    EXPECT_EQ(Decoded(FromHex(w.hex)), w.value) << w.hex;
    EXPECT_EQ(Decoded(FromHex(w.hex), TinyLimits()), w.value) << w.hex;
  }
}

TEST(RdbValue, WritesWhatRedisWrites) {
  for (const Written& w : ByRedis()) {
    OwnedValue value;
    ASSERT_TRUE(DecodeValue(FromHex(w.hex), {}, &value));
    const auto type = static_cast<RdbType>(FromHex(w.hex)[0]);
    // What came from a table takes the small form here, and streams are written uncompressed above.
    if (type == RdbType::kHash || type == RdbType::kSet || type == RdbType::kSortedSet2 ||
        type == RdbType::kStreamListpacks2) {
      continue;
    }
    EXPECT_EQ(Encoded(value.word()), FromHex(w.hex)) << w.hex;
  }
}

// A ziplist of entries that are given without the length of the one before.
std::string Ziplist(const std::vector<std::string>& entries) {
  std::string out(10, '\0');
  size_t before = 0;
  size_t last = out.size();
  for (const std::string& entry : entries) {
    last = out.size();
    out.push_back(static_cast<char>(before));
    out += entry;
    before = entry.size() + 1;
  }
  out.push_back('\xff');
  const auto total = static_cast<uint32_t>(out.size());
  const auto tail = static_cast<uint32_t>(last);
  const auto count = static_cast<uint16_t>(entries.size());
  std::memcpy(out.data(), &total, 4);
  std::memcpy(out.data() + 4, &tail, 4);
  std::memcpy(out.data() + 8, &count, 2);
  std::string bytes;
  RdbWriter(&bytes).String(out);
  return bytes;
}

TEST(RdbValue, ReadsTheEncodingsOfFormerVersions) {
  EXPECT_EQ(Decoded(FromHex("0910020266310200763102663202007632ff")), "hash{f1=v1 f2=v2}");
  const std::string pairs =
      Ziplist({"\x02"
               "f1",
               "\x02"
               "v1",
               "\x02"
               "f2",
               "\x02"
               "v2"});
  EXPECT_EQ(pairs, FromHex("1b1b0000001600000004000002663104027631040266320402763"
                           "2ff"));
  EXPECT_EQ(Decoded("\x0d" + pairs), "hash{f1=v1 f2=v2}");
  EXPECT_EQ(Decoded("\x0a" + pairs), "list{f1 v1 f2 v2}");
  EXPECT_EQ(Decoded("\x0e\x02" + pairs + pairs), "list{f1 v1 f2 v2 f1 v1 f2 v2}");
  EXPECT_EQ(Decoded("\x0c" + Ziplist({"\x03"
                                      "one",
                                      "\xf2",
                                      "\x03"
                                      "two",
                                      "\x04"
                                      "-0.5"})),
            "zset{two=-0.5 one=1}");
}

TEST(RdbValue, ReadsEveryKindOfZiplistEntry) {
  const std::string text(70, 'm');
  EXPECT_EQ(
      Decoded("\x0a" + Ziplist({"\xfe\xff", "\xc0\x00\x80"s, "\xd0\x00\x00\x00\x80"s,
                                "\xe0\x00\x00\x00\x00\x00\x00\x00\x80"s, "\xf0\x00\x00\x80"s,
                                "\xf0\xff\xff\x7f"s, "\xf1", "\xfd", "\x40\x46" + text,
                                "\x80\x00\x00\x00\x03"
                                "abc"s,
                                "\0"s})),
      "list{-1 -32768 -2147483648 -9223372036854775808 -8388608 8388607 0 12 " + text + " abc }");
  // Lengths before of five bytes.
  const std::string longer(300, 'n');
  std::string raw = FromHex(
                        "00000000"
                        "00000000"
                        "0200") +
                    "\0\x41\x2c"s + longer + "\xfe" + FromHex("2f010000") +
                    "\x01"
                    "a\xff";
  const auto total = static_cast<uint32_t>(raw.size());
  const uint32_t tail = 10 + 303;
  std::memcpy(raw.data(), &total, 4);
  std::memcpy(raw.data() + 4, &tail, 4);
  std::string bytes = "\x0a";
  RdbWriter(&bytes).String(raw);
  EXPECT_EQ(Decoded(bytes), "list{" + longer + " a}");
}

TEST(RdbValue, ReadsPlainForms) {
  EXPECT_EQ(Decoded("\x01\x02\x01"
                    "a\xc0\x05"s),
            "list{a 5}");
  EXPECT_EQ(Decoded("\x03\x02\x01"
                    "a\x03"
                    "1.5\x01"
                    "b\xff"s),
            "zset{b=-inf a=1.5}");
  EXPECT_EQ(Decoded("\x12\x02\x01\x03"
                    "abc\x02\x07\x07\x00\x00\x00\x00\x00\xff"s),
            "list{abc}");
  EXPECT_EQ(Decoded(FromHex("140c0c00000002008161020101ff")), "set{1 a}");
  EXPECT_EQ(Decoded(FromHex("19"
                            "8813000000000000"
                            "1616000000060081660281760200016702017402"
                            "f28813030000ff")),
            "(refused)");
}

TEST(RdbValue, EveryValueComesBack) {
  for (const ValueLimits& limits : {ValueLimits{}, TinyLimits()}) {
    for (const auto& [name, value] : test::SampleValues(limits)) {
      const std::string text = Describe(value.word());
      for (const uint16_t version : {kRdbVersionWritten, kRdbVersionReadMax}) {
        uint16_t needed = 0;
        const std::string bytes = Encoded(value.word(), version, &needed);
        EXPECT_EQ(needed, name.find("deadlines") == 0 ? kRdbVersionOfMetadata : version) << name;
        EXPECT_EQ(Decoded(bytes, limits), text) << name;
        EXPECT_EQ(Decoded(bytes), text) << name;
      }
    }
  }
}

TEST(RdbValue, OfVersion10HasNoTypeThatRedis70DoesNotKnow) {
  for (const ValueLimits& limits : {ValueLimits{}, TinyLimits()}) {
    for (const auto& [name, value] : test::SampleValues(limits)) {
      const auto type = static_cast<RdbType>(Encoded(value.word())[0]);
      if (name.find("deadlines") == 0) {
        EXPECT_EQ(type, RdbType::kHashMetadata) << name;
      } else {
        EXPECT_LE(type, RdbType::kStreamListpacks2) << name;
      }
    }
  }
}

TEST(RdbValue, OfVersion11KeepsWhenAConsumerWasActive) {
  const OwnedValue stream = test::SampleStream(5);
  const auto active = [&](uint16_t version) {
    OwnedValue copy;
    EXPECT_TRUE(DecodeValue(Encoded(stream.word(), version), {}, &copy));
    const auto& read = static_cast<const Stream&>(*ObjectOf(copy.word()));
    return read.FindGroup("readers")->FindConsumer("alice")->active_ms;
  };
  EXPECT_EQ(active(kRdbVersionReadMax), 1'700'000'000'001);
  EXPECT_EQ(active(kRdbVersionWritten), 1'700'000'000'000);
}

TEST(RdbValue, HalfAValueIsRefused) {
  for (const auto& [name, value] : test::SampleValues(TinyLimits())) {
    const std::string bytes = Encoded(value.word());
    const size_t step = bytes.size() < 2000 ? 1 : bytes.size() / 500;
    for (size_t cut = 0; cut < bytes.size(); cut += step) {
      EXPECT_EQ(Decoded(Bytes(bytes).substr(0, cut), TinyLimits()), "(refused)")
          << name << " " << cut << " of " << bytes.size();
    }
  }
}

TEST(RdbValue, DamagedValuesAreRefusedOrValues) {
  for (const auto& [name, value] : test::SampleValues({})) {
    const std::string bytes = Encoded(value.word());
    if (bytes.size() > 1000) continue;
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (const int change : {1, 0x80, 0x40, 0xff}) {
        std::string damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ change);
        OwnedValue read;
        if (!DecodeValue(damaged, {}, &read)) continue;
        // What is taken for a value can be written and read again.
        EXPECT_EQ(Decoded(Encoded(read.word())), Describe(read.word())) << name << " " << i;
      }
    }
  }
}

TEST(RdbValue, RefusesWhatCannotBe) {
  const std::pair<const char*, std::string> kWrong[] = {
      {"nothing", ""},
      {"an unknown type",
       "\x08\x01"
       "a"},
      {"a type of modules",
       "\x07\x01"
       "a"},
      {"an empty list", "\x01\x00"s},
      {"a list of empty nodes", "\x12\x01\x02\x07\x07\x00\x00\x00\x00\x00\xff"s},
      {"a node of an unknown form",
       "\x12\x01\x03\x01"
       "a"},
      {"an empty plain node", "\x12\x01\x01\x00"s},
      {"an empty set", "\x02\x00"s},
      {"a member twice",
       "\x02\x02\x01"
       "a\x01"
       "a"},
      {"an integer twice", "\x02\x02\xc0\x01\xc0\x01"},
      {"integers out of order", FromHex("0b0c020000000200000002000100")},
      {"an empty integer set", FromHex("0b080200000000000000")},
      {"integers of odd width", FromHex("0b0b0300000001000000010000")},
      {"an empty hash", "\x04\x00"s},
      {"a field twice",
       "\x04\x02\x01"
       "a\x01"
       "1\x01"
       "a\x01"
       "2"},
      {"a field without a value", FromHex("10"
                                          "0b"
                                          "0b0000000300816102816202ff")},
      {"an empty sorted set", "\x05\x00"s},
      {"no number as score",
       "\x05\x01\x01"
       "a\0\0\0\0\0\0\xf8\x7f"s},
      {"a sorted set out of order", FromHex("11"
                                            "0f"
                                            "0f000000040081610202018162020101ff")},
      {"more than there is",
       "\x02\x81\x00\x00\x00\x00\x00\xff\xff\xff\x01"
       "a"s},
      {"a zipmap without end", FromHex("0906"
                                       "020266310200")},
      {"a ziplist of another size", FromHex("0a"
                                            "0b"
                                            "0c0000000a0000000000ff")},
  };
  for (const auto& [what, bytes] : kWrong) EXPECT_EQ(Decoded(bytes), "(refused)") << what;
}

TEST(RdbValue, DeadlinesOfFieldsAreRedis74s) {
  auto hash = std::make_unique<Hash>();
  hash->Set("a", "1", {}, 0);
  hash->Set("b", "2", {}, 0);
  hash->SetDeadline("b", 5000);
  const OwnedValue value(std::move(hash));
  // The first deadline, then fields with what theirs is after that, plus one; 0 is none.
  EXPECT_EQ(Encoded(value.word()),
            "\x18\x88\x13\x00\x00\x00\x00\x00\x00\x02\x00\x01"
            "a\xc0\x01\x01\x01"
            "b\xc0\x02"s);
  EXPECT_EQ(Decoded(Encoded(value.word())), "hash{a=1 b=2@5000}");
}

}  // namespace
}  // namespace mantis::persist
