#include "engine/persist/rdb_crc64.h"

#include <array>
#include <bit>
#include <cstring>

namespace mantis::persist {
namespace {

static_assert(std::endian::native == std::endian::little, "eight bytes are read as they lie");

// 0xad93d23594c935a9 with its bits in reverse order.
constexpr uint64_t kPolynomial = 0x95ac9329ac4bc9b5ull;

using Table = std::array<uint64_t, 256>;

// Table k tells what a byte does to the checksum when k more bytes follow it in the same step
// (slicing by eight: Kounavis and Berry, 2005).
constexpr std::array<Table, 8> MakeTables() {
  std::array<Table, 8> tables{};
  for (uint64_t byte = 0; byte < 256; ++byte) {
    uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint64_t before = tables[k - 1][byte];
      tables[k][byte] = tables[0][before & 0xff] ^ (before >> 8);
    }
  }
  return tables;
}

constexpr std::array<Table, 8> kTables = MakeTables();

}  // namespace

uint64_t RdbCrc64(uint64_t crc, Bytes data) {
  const char* p = data.data();
  size_t n = data.size();
  for (; n >= 8; n -= 8, p += 8) {
    uint64_t eight = 0;
    std::memcpy(&eight, p, 8);
    crc ^= eight;
    uint64_t next = 0;
    for (size_t k = 0; k < 8; ++k) next ^= kTables[7 - k][(crc >> (8 * k)) & 0xff];
    crc = next;
  }
  for (; n > 0; --n, ++p) crc = kTables[0][(crc ^ static_cast<uint8_t>(*p)) & 0xff] ^ (crc >> 8);
  return crc;
}

}  // namespace mantis::persist
