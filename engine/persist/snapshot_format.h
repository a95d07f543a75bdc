// Layout of a snapshot file, shared by its writer and its reader.
//
//   FileHeader, then blocks: BlockHeader, `stored_size` bytes of table, `tail_size` bytes of tail.
//
// A chunk's table is a FlatBuffers Chunk (snapshot.fbs) of about 1 MB. A large value is not in the
// table but is the tail, raw: then it needs no copy, and FlatBuffers' limit of 2 GB does not bind
// it. The last block is the end mark, its table an EndMark; nothing follows it.
//
// The checksum covers header, table and tail, seeded with the block's offset in the file, so that
// a block in a wrong place is as wrong as a damaged one.
//
// Thread safety: constants and plain values. Integers are little-endian; sizes in bytes.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/base/bytes.h"

struct XXH3_state_s;

namespace mantis::persist {

static_assert(std::endian::native == std::endian::little, "the file is read and written in place");

inline constexpr std::array<char, 8> kMagic = {'M', 'A', 'N', 'T', 'I', 'S', 'D', 'B'};
// What is written. Version 1 knew strings only; it is read as well.
inline constexpr uint32_t kFormatVersion = 2;
inline constexpr uint32_t kFormatVersionMin = 1;

struct FileHeader {
  std::array<char, 8> magic = kMagic;
  uint32_t version = kFormatVersion;
  uint32_t reserved = 0;
};
static_assert(sizeof(FileHeader) == 16);

enum class BlockKind : uint32_t { kChunk = 1, kEnd = 2 };
enum class Codec : uint32_t { kPlain = 0 };

struct BlockHeader {
  BlockKind kind = BlockKind::kChunk;
  Codec codec = Codec::kPlain;
  uint32_t stored_size = 0;  // of the table in the file
  uint32_t table_size = 0;   // of the table when uncompressed; the same for kPlain
  uint64_t tail_size = 0;
  uint64_t checksum = 0;
};
static_assert(sizeof(BlockHeader) == 32);

struct EndMark {
  uint64_t keys = 0;
  uint64_t chunks = 0;
};
static_assert(sizeof(EndMark) == 16);

// A table is closed when it has reached this size.
inline constexpr size_t kChunkBytes = 1 << 20;
// Values from this size on are tails.
inline constexpr size_t kTailBytesMin = 64 << 10;
// A key is always in a table, which FlatBuffers limits to 2 GB.
inline constexpr size_t kKeyBytesMax = 1 << 30;

// XXH3-64 over the parts of one block.
class BlockHasher {
 public:
  // Starts with the header, its checksum field excepted.
  BlockHasher(const BlockHeader& header, uint64_t offset);
  void Add(Bytes part);
  uint64_t Digest() const;

 private:
  struct FreeState {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, FreeState> state_;
};

}  // namespace mantis::persist
