#include "engine/value/hyperloglog.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/value/hyperloglog_sparse.h"

namespace mantis::hyperloglog {
namespace {

constexpr unsigned kIndexBits = 14;
constexpr unsigned kRankMax = 64 - kIndexBits + 1;
constexpr size_t kEncodingAt = 4;
constexpr size_t kCountAt = 8;
constexpr size_t kStaleAt = 15;
constexpr uint8_t kStale = 0x80;
constexpr char kDense = 0;
constexpr char kSparse = 1;

// How many registers have each value; six bits hold no more than that.
using Histogram = std::array<uint32_t, 64>;

// Appleby's MurmurHash64A with Redis's seed: part of the format, as it decides the registers.
uint64_t Hash(Bytes text) {
  constexpr uint64_t kMultiplier = 0xc6a4a7935bd1e995;
  constexpr int kShift = 47;
  uint64_t h = 0xadc83b19 ^ text.size() * kMultiplier;
  const char* p = text.data();
  size_t left = text.size();
  for (; left >= 8; left -= 8, p += 8) {
    uint64_t word = 0;
    std::memcpy(&word, p, 8);
    word *= kMultiplier;
    word ^= word >> kShift;
    h = (h ^ word * kMultiplier) * kMultiplier;
  }
  if (left != 0) {
    uint64_t tail = 0;
    std::memcpy(&tail, p, left);
    h = (h ^ tail) * kMultiplier;
  }
  h = (h ^ h >> kShift) * kMultiplier;
  return h ^ h >> kShift;
}

struct Place {
  unsigned index;
  unsigned rank;
};

Place PlaceOf(Bytes element) {
  const uint64_t hash = Hash(element);
  // The bit that ends the search of a hash without ones gives the greatest rank.
  const uint64_t rest = hash >> kIndexBits | uint64_t{1} << (kRankMax - 1);
  return {static_cast<unsigned>(hash % kRegisters),
          static_cast<unsigned>(std::countr_zero(rest)) + 1};
}

// Register `index` lies in one or two bytes.
unsigned GetDense(const char* registers, size_t index) {
  const size_t byte = index * 6 / 8;
  const auto shift = static_cast<unsigned>(index * 6 % 8);
  unsigned pair = static_cast<uint8_t>(registers[byte]);
  if (shift > 2) pair |= static_cast<unsigned>(static_cast<uint8_t>(registers[byte + 1])) << 8;
  return pair >> shift & 63;
}

void SetDense(char* registers, size_t index, unsigned rank) {
  const size_t byte = index * 6 / 8;
  const auto shift = static_cast<unsigned>(index * 6 % 8);
  const auto put = [&](size_t at, unsigned mask, unsigned bits) {
    registers[at] =
        static_cast<char>((static_cast<uint8_t>(registers[at]) & ~mask) | (bits & mask));
  };
  put(byte, 63u << shift & 0xff, rank << shift);
  if (shift > 2) put(byte + 1, 63u >> (8 - shift), rank >> (8 - shift));
}

// `f(register, value)` for all of a dense value: eight registers are six bytes.
template <class F>
void ForEachDense(Bytes text, F&& f) {
  const char* p = text.data() + kHeaderBytes;
  for (size_t i = 0; i < kRegisters; i += 8, p += 6) {
    uint64_t eight = 0;
    std::memcpy(&eight, p, 6);
    for (size_t k = 0; k < 8; ++k) f(i + k, static_cast<uint8_t>(eight >> 6 * k & 63));
  }
}

// Four histograms, so that equal registers in a row need not wait for one another.
class Counts {
 public:
  void Add(size_t i, uint8_t value) { ++parts_[i % 4][value]; }
  Histogram Sum() const {
    Histogram sum = {};
    for (size_t v = 0; v < sum.size(); ++v) {
      for (const Histogram& part : parts_) sum[v] += part[v];
    }
    return sum;
  }

 private:
  std::array<Histogram, 4> parts_ = {};
};

// The two series of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches",
// arXiv:1702.01284, summed until they change no more.
double Sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double sum = x;
  double last = 0;
  double weight = 1;
  do {
    x *= x;
    last = sum;
    sum += x * weight;
    weight += weight;
  } while (sum != last);
  return sum;
}

double Tau(double x) {
  if (x == 0 || x == 1) return 0;
  double sum = 1 - x;
  double last = 0;
  double weight = 1;
  do {
    x = std::sqrt(x);
    last = sum;
    weight *= 0.5;
    sum -= std::pow(1 - x, 2) * weight;
  } while (sum != last);
  return sum / 3;
}

uint64_t Estimate(const Histogram& h) {
  constexpr double kHalfByLn2 = 0.721347520444481703680;
  constexpr double kM = kRegisters;
  double z = kM * Tau((kM - h[kRankMax]) / kM);
  for (size_t v = kRankMax - 1; v >= 1; --v) z = (z + h[v]) * 0.5;
  z += kM * Sigma(h[0] / kM);
  const double estimate = kHalfByLn2 * kM * kM / z;
  // Only registers beyond the greatest rank, which no hash has, make it infinite.
  return std::isfinite(estimate) ? static_cast<uint64_t>(std::llround(estimate)) : 0;
}

}  // namespace

bool IsValid(Bytes text) {
  if (text.size() < kHeaderBytes || !text.starts_with("HYLL")) return false;
  const char encoding = text[kEncodingAt];
  return encoding == kSparse || (encoding == kDense && text.size() == kDenseBytes);
}

bool IsDense(Bytes text) { return text[kEncodingAt] == kDense; }

void Initialize(StringBuffer& value) {
  value.Resize(0);
  value.Append("HYLL");
  value.Append({&kSparse, 1});
  value.Resize(kHeaderBytes);
  // One run of zeros for all registers.
  constexpr char kAllZeros[] = {static_cast<char>(0x40 | (kRegisters - 1) >> 8),
                                static_cast<char>((kRegisters - 1) & 0xff)};
  value.Append({kAllZeros, sizeof(kAllZeros)});
}

Outcome MakeDense(StringBuffer& value) {
  if (IsDense(value.text())) return Outcome::kUnchanged;
  std::string dense(value.text().substr(0, kHeaderBytes));
  dense[kEncodingAt] = kDense;
  dense.resize(kDenseBytes);
  char* registers = dense.data() + kHeaderBytes;
  const bool whole = ForEachRun(value.text(), [&](size_t first, const Run& run) {
    if (run.value == 0) return;
    for (size_t i = 0; i < run.length; ++i) SetDense(registers, first + i, run.value);
  });
  if (!whole) return Outcome::kDamaged;
  value.Assign(dense);
  return Outcome::kChanged;
}

namespace {

Outcome RaiseOne(StringBuffer& value, const Place& place, size_t sparse_bytes_max) {
  if (!IsDense(value.text())) {
    switch (SetSparse(value, place.index, place.rank, sparse_bytes_max)) {
      case Set::kUnchanged:
        return Outcome::kUnchanged;
      case Set::kChanged:
        return Outcome::kChanged;
      case Set::kDamaged:
        return Outcome::kDamaged;
      case Set::kNoRoom:
        if (MakeDense(value) == Outcome::kDamaged) return Outcome::kDamaged;
    }
  }
  char* registers = value.data() + kHeaderBytes;
  if (GetDense(registers, place.index) >= place.rank) return Outcome::kUnchanged;
  SetDense(registers, place.index, place.rank);
  return Outcome::kChanged;
}

}  // namespace

Outcome Add(StringBuffer& value, Bytes element, size_t sparse_bytes_max) {
  return RaiseOne(value, PlaceOf(element), sparse_bytes_max);
}

Outcome Raise(StringBuffer& value, const Registers& least, size_t sparse_bytes_max) {
  Outcome outcome = Outcome::kUnchanged;
  for (unsigned i = 0; i < kRegisters; ++i) {
    if (least[i] == 0) continue;
    const Outcome one = RaiseOne(value, {i, least[i]}, sparse_bytes_max);
    if (one == Outcome::kDamaged) return one;
    if (one == Outcome::kChanged) outcome = one;
  }
  return outcome;
}

std::optional<uint64_t> CachedCount(Bytes text) {
  if ((static_cast<uint8_t>(text[kStaleAt]) & kStale) != 0) return std::nullopt;
  uint64_t count = 0;
  std::memcpy(&count, text.data() + kCountAt, sizeof(count));
  return count;
}

void SetCachedCount(StringBuffer& value, uint64_t count) {
  std::memcpy(value.data() + kCountAt, &count, sizeof(count));
}

void InvalidateCount(StringBuffer& value) {
  char& last = value.data()[kStaleAt];
  last = static_cast<char>(static_cast<uint8_t>(last) | kStale);
}

std::optional<uint64_t> Count(Bytes text) {
  Counts counts;
  if (IsDense(text)) {
    ForEachDense(text, [&](size_t i, uint8_t value) { counts.Add(i, value); });
    return Estimate(counts.Sum());
  }
  Histogram histogram = {};
  const bool whole =
      ForEachRun(text, [&](size_t, const Run& run) { histogram[run.value] += run.length; });
  if (!whole) return std::nullopt;
  return Estimate(histogram);
}

uint64_t Count(const Registers& registers) {
  Counts counts;
  for (size_t i = 0; i < kRegisters; ++i) counts.Add(i, registers[i]);
  return Estimate(counts.Sum());
}

bool Merge(Bytes text, Registers& into) {
  const auto raise = [&into](size_t i, uint8_t value) { into[i] = std::max(into[i], value); };
  if (IsDense(text)) {
    ForEachDense(text, raise);
    return true;
  }
  return ForEachRun(text, [&](size_t first, const Run& run) {
    if (run.value == 0) return;
    for (size_t i = 0; i < run.length; ++i) raise(first + i, static_cast<uint8_t>(run.value));
  });
}

std::optional<std::string> Describe(Bytes text) {
  std::string words;
  const bool whole = ForEachRun(text, [&](size_t, const Run& run) {
    if (!words.empty()) words += ' ';
    if (run.value != 0) {
      words += "v:" + std::to_string(run.value) + ',';
    } else {
      words += run.bytes == 2 ? "Z:" : "z:";
    }
    words += std::to_string(run.length);
  });
  if (!whole) return std::nullopt;
  return words;
}

namespace {

std::string TestRegisters(uint64_t seed) {
  constexpr int kRounds = 200;
  std::array<char, kRegisters* 6 / 8> packed = {};
  Registers plain = {};
  for (int round = 0; round < kRounds; ++round) {
    for (size_t i = 0; i < kRegisters; ++i) {
      seed = seed * 6364136223846793005 + 1442695040888963407;
      plain[i] = static_cast<uint8_t>(seed >> 58);
      SetDense(packed.data(), i, plain[i]);
    }
    for (size_t i = 0; i < kRegisters; ++i) {
      const unsigned value = GetDense(packed.data(), i);
      if (value == plain[i]) continue;
      return "Register " + std::to_string(i) + " should be " + std::to_string(plain[i]) +
             " but is " + std::to_string(value);
    }
  }
  return {};
}

}  // namespace

std::string SelfTest(uint64_t seed, size_t sparse_bytes_max) {
  constexpr uint64_t kElements = 10'000'000;
  const double standard_error = 1.04 / std::sqrt(static_cast<double>(kRegisters));
  std::string problem = TestRegisters(seed);
  if (!problem.empty()) return problem;
  StringBuffer sparse{Bytes{}};
  Initialize(sparse);
  StringBuffer dense(sparse.text());
  (void)MakeDense(dense);
  uint64_t checkpoint = 1;
  for (uint64_t n = 1; n <= kElements; ++n) {
    const uint64_t element = n ^ seed;
    const Bytes bytes{reinterpret_cast<const char*>(&element), sizeof(element)};
    (void)Add(dense, bytes, sparse_bytes_max);
    (void)Add(sparse, bytes, sparse_bytes_max);
    if (n != checkpoint) continue;
    checkpoint *= 10;
    if (n < sparse_bytes_max / 2 && IsDense(sparse.text())) return "sparse encoding not used";
    const auto estimate = static_cast<double>(Count(dense.text()).value_or(0));
    if (Count(dense.text()) != Count(sparse.text())) return "dense/sparse disagree";
    // Six standard errors; among ten elements one collision is likely enough to be let pass.
    const double error = std::abs(estimate - static_cast<double>(n));
    const double most = n == 10 ? 1 : std::ceil(standard_error * 6 * static_cast<double>(n));
    if (error > most) {
      return "Too big error. card:" + std::to_string(n) +
             " abserr:" + std::to_string(static_cast<uint64_t>(error));
    }
  }
  return {};
}

}  // namespace mantis::hyperloglog
