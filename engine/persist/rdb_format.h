// Redis's format of one value, as in RDB files and in DUMP payloads: numbers that the writer and
// the reader share.
//
// A value is a type byte and what belongs to the type, built of lengths and strings. A length is
// 6, 14, 32 or 64 bits wide, told by its first byte; a string is a length and bytes, or one of the
// special forms below, which the two top bits of the first byte announce.
// A DUMP payload is a value followed by the format's version (u16) and the CRC-64 of all before
// (u64), little-endian.
//
// Thread safety: constants.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mantis::persist {

enum class RdbType : uint8_t {
  kString = 0,
  kList = 1,
  kSet = 2,
  kSortedSet = 3,  // scores in decimal
  kHash = 4,
  kSortedSet2 = 5,  // scores in binary
  kHashZipmap = 9,
  kListZiplist = 10,
  kSetIntset = 11,
  kSortedSetZiplist = 12,
  kHashZiplist = 13,
  kListQuicklist = 14,  // of ziplists
  kStreamListpacks = 15,
  kHashListpack = 16,
  kSortedSetListpack = 17,
  kListQuicklist2 = 18,  // of listpacks and single elements
  kStreamListpacks2 = 19,
  kSetListpack = 20,
  kStreamListpacks3 = 21,
  // Hashes whose fields have deadlines: Redis 7.4, its release candidates first.
  kHashMetadataOfCandidates = 22,
  kHashListpackExOfCandidates = 23,
  kHashMetadata = 24,
  kHashListpackEx = 25,
};

// What is written, and what is read. Redis writes 10 since 7.0, 11 since 7.2, 12 since 7.4.
inline constexpr uint16_t kRdbVersionWritten = 10;
inline constexpr uint16_t kRdbVersionReadMax = 12;
// From this one on there are kSetListpack and kStreamListpacks3.
inline constexpr uint16_t kRdbVersionOfSetListpack = 11;
// Hashes with deadlines of fields need this one, whatever the others are written in.
inline constexpr uint16_t kRdbVersionOfMetadata = 12;

// First bytes of lengths and strings.
inline constexpr uint8_t kRdbLength14 = 0x40;
inline constexpr uint8_t kRdbLength32 = 0x80;
inline constexpr uint8_t kRdbLength64 = 0x81;
inline constexpr uint8_t kRdbInt8 = 0xc0;
inline constexpr uint8_t kRdbInt16 = 0xc1;
inline constexpr uint8_t kRdbInt32 = 0xc2;
inline constexpr uint8_t kRdbLzf = 0xc3;

// Nodes of kListQuicklist2.
inline constexpr uint64_t kRdbNodePlain = 1;
inline constexpr uint64_t kRdbNodePacked = 2;

// Doubles in decimal: a length byte and digits, or one of these.
inline constexpr uint8_t kRdbDecimalNan = 253;
inline constexpr uint8_t kRdbDecimalPlusInf = 254;
inline constexpr uint8_t kRdbDecimalMinusInf = 255;

inline constexpr size_t kRdbFooterBytes = 10;

}  // namespace mantis::persist
