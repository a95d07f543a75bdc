// Random bit commands against a vector of booleans, on strings that grow from blobs into string
// buffers.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/value/bits.h"
#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

// A string as its bits.
class Model {
 public:
  void Grow(size_t bytes) {
    if (bits_.size() < bytes * 8) bits_.resize(bytes * 8);
  }
  void Set(uint64_t at, bool on) { bits_[at] = on; }
  bool Get(uint64_t at) const { return at < bits_.size() && bits_[at]; }
  size_t size() const { return bits_.size(); }

  uint64_t Count(uint64_t first, uint64_t last) const {
    uint64_t n = 0;
    for (uint64_t i = first; i <= last; ++i) n += bits_[i] ? 1 : 0;
    return n;
  }
  uint64_t Find(bool value, uint64_t first, uint64_t last) const {
    for (uint64_t i = first; i <= last; ++i) {
      if (bits_[i] == value) return i;
    }
    return bits::kNone;
  }
  uint64_t Field(uint64_t at, unsigned width) const {
    uint64_t v = 0;
    for (unsigned i = 0; i < width; ++i) v = v << 1 | (Get(at + i) ? 1 : 0);
    return v;
  }
  std::string Text() const {
    std::string s(bits_.size() / 8, '\0');
    for (size_t i = 0; i < bits_.size(); ++i) {
      if (bits_[i]) s[i / 8] = static_cast<char>(s[i / 8] | 0x80 >> i % 8);
    }
    return s;
  }

 private:
  std::vector<bool> bits_;
};

class BitsModel : public ::testing::Test {
 protected:
  uint64_t Draw(uint64_t below) { return rng_() % below; }
  // Mostly short, so that there are edges; sometimes long.
  size_t DrawBytes() { return Draw(4) == 0 ? Draw(3000) : Draw(70); }

  std::mt19937_64 rng_{test::TestSeed()};
};

TEST_F(BitsModel, OneStringUnderRandomOperations) {
  for (int round = 0; round < 60; ++round) {
    StringBuffer buffer{Bytes{}};
    Model model;
    const size_t bytes_max = 1 + DrawBytes();
    for (int step = 0; step < 400; ++step) {
      const uint64_t at = Draw(bytes_max * 8);
      const auto width = static_cast<unsigned>(1 + Draw(64));
      const uint64_t end = at + width;
      if (Draw(2) == 0) {
        const size_t size = std::max<size_t>(buffer.size(), (end + 7) / 8);
        buffer.Resize(size);
        model.Grow(size);
        const uint64_t value = rng_() >> Draw(64);
        bits::StoreField(buffer.data(), at, width, value);
        for (unsigned i = 0; i < width; ++i) {
          model.Set(at + i, (value >> (width - 1 - i) & 1) != 0);
        }
      } else if (at < model.size()) {
        const bool on = Draw(2) == 0;
        EXPECT_EQ(bits::Test(buffer.data(), at), model.Get(at));
        bits::Assign(buffer.data(), at, on);
        model.Set(at, on);
      }
      EXPECT_EQ(bits::LoadField(buffer.text(), at, width), model.Field(at, width));
      if (model.size() == 0) continue;
      uint64_t first = Draw(model.size());
      uint64_t last = Draw(model.size());
      if (first > last) std::swap(first, last);
      EXPECT_EQ(bits::CountOnes(buffer.text(), first, last), model.Count(first, last));
      const bool value = Draw(2) == 0;
      EXPECT_EQ(bits::Find(buffer.text(), value, first, last), model.Find(value, first, last));
    }
    ASSERT_EQ(buffer.text(), model.Text());
    ASSERT_EQ(bits::CountOnes(buffer.text()),
              model.size() == 0 ? 0 : model.Count(0, model.size() - 1));
  }
}

TEST_F(BitsModel, RunsOfEqualBits) {
  for (int round = 0; round < 300; ++round) {
    const size_t size = 1 + DrawBytes();
    const bool value = Draw(2) == 0;
    std::string s(size, value ? '\0' : '\xff');
    const uint64_t at = Draw(size * 8);
    bits::Assign(s.data(), at, value);
    const uint64_t first = Draw(size * 8);
    const uint64_t last = first + Draw(size * 8 - first);
    const bool inside = at >= first && at <= last;
    EXPECT_EQ(bits::Find(s, value, first, last), inside ? at : bits::kNone);
  }
}

TEST_F(BitsModel, Combinations) {
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> texts(1 + Draw(5));
    size_t size = 0;
    for (std::string& t : texts) {
      t.resize(Draw(10) == 0 ? Draw(60'000) : DrawBytes());
      for (char& c : t) c = static_cast<char>(rng_());
      size = std::max(size, t.size());
    }
    const std::vector<Bytes> sources(texts.begin(), texts.end());
    for (const bits::Op op : {bits::Op::kAnd, bits::Op::kOr, bits::Op::kXor, bits::Op::kNot}) {
      const auto used = std::span(sources).first(op == bits::Op::kNot ? 1 : sources.size());
      const size_t length = op == bits::Op::kNot ? texts[0].size() : size;
      std::string expected;
      for (size_t i = 0; i < length; ++i) {
        const auto byte = [&](size_t k) {
          return i < used[k].size() ? static_cast<uint8_t>(used[k][i]) : 0;
        };
        int v = byte(0);
        if (op == bits::Op::kNot) v = ~v;
        for (size_t k = 1; k < used.size(); ++k) {
          if (op == bits::Op::kAnd) v &= byte(k);
          if (op == bits::Op::kOr) v |= byte(k);
          if (op == bits::Op::kXor) v ^= byte(k);
        }
        expected.push_back(static_cast<char>(v));
      }
      std::string out(length, '?');
      bits::Combine(op, used, out.data());
      ASSERT_EQ(out, expected);
    }
  }
}

}  // namespace
}  // namespace mantis
