// Damaged snapshots: every flipped byte, every truncation and every misplaced block is refused with
// an error that names the place, and nothing worse happens.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "engine/persist/snapshot_format.h"
#include "tests/unit/engine/snapshot_store.h"

namespace mantis::persist {
namespace {

class SnapshotDamageTest : public SnapshotTest {};

// A file with small values and one long one, and the positions worth damaging: every byte outside
// of the long value, and some in it.
struct Sample {
  std::string content;
  std::vector<size_t> positions;
};

Sample MakeSample(const std::string& path) {
  Sample sample{ReadFile(path), {}};
  const size_t tail = sample.content.find(std::string(kTailBytesMin, 't'));
  EXPECT_NE(tail, std::string::npos);
  for (size_t i = 0; i < sample.content.size(); ++i) {
    const bool inside = i > tail && i + 1 < tail + kTailBytesMin;
    if (!inside || i % 997 == 0) sample.positions.push_back(i);
  }
  return sample;
}

TEST_F(SnapshotDamageTest, EveryFlippedByteIsNoticed) {
  Store store;
  FillSmall(store);
  store.Set(2, "tail", std::string(kTailBytesMin, 't'));
  ASSERT_EQ(store.Save(path()).error, "");
  const Sample good = MakeSample(path());
  Store loaded;
  for (const size_t i : good.positions) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string bad = good.content;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      WriteFile(path(), bad);
      const LoadResult result = loaded.Load(path());
      ASSERT_NE(result.error, "") << "byte " << i << " flipped with " << flip;
      ASSERT_NE(result.error.find(path()), std::string::npos) << result.error;
    }
  }
}

TEST_F(SnapshotDamageTest, EveryTruncationIsNoticed) {
  Store store;
  FillSmall(store);
  store.Set(2, "tail", std::string(kTailBytesMin, 't'));
  ASSERT_EQ(store.Save(path()).error, "");
  const Sample good = MakeSample(path());
  Store loaded;
  for (const size_t size : good.positions) {
    WriteFile(path(), good.content.substr(0, size));
    const LoadResult result = loaded.Load(path());
    ASSERT_NE(result.error, "") << "cut to " << size << " bytes";
  }
}

TEST_F(SnapshotDamageTest, ErrorsNameTheByte) {
  Store store;
  FillSmall(store);
  ASSERT_EQ(store.Save(path()).error, "");
  const std::string good = ReadFile(path());
  const auto error_of = [&](Bytes content) {
    WriteFile(path(), content);
    return Store().Load(path()).error;
  };
  EXPECT_NE(error_of(good.substr(0, 100)).find("damaged at byte 16:"), std::string::npos);
  EXPECT_NE(error_of(good + "x")
                .find("damaged at byte " + std::to_string(good.size()) +
                      ": there are bytes after the end"),
            std::string::npos);
  // Without the end mark.
  const size_t end = good.size() - sizeof(BlockHeader) - sizeof(EndMark);
  EXPECT_NE(error_of(good.substr(0, end)).find("damaged at byte " + std::to_string(end)),
            std::string::npos);
  // A block twice, and one at another's place.
  EXPECT_NE(error_of(good.substr(0, end) + good.substr(16, end - 16) + good.substr(end))
                .find("damaged at byte " + std::to_string(end) + ": the checksum does not match"),
            std::string::npos);
}

// A file whose only chunk has this table and tail, checksum and all.
std::string FileWith(Bytes table, Bytes tail) {
  std::string file;
  const FileHeader begin;
  file.append(reinterpret_cast<const char*>(&begin), sizeof(begin));
  BlockHeader header;
  header.stored_size = header.table_size = static_cast<uint32_t>(table.size());
  header.tail_size = tail.size();
  BlockHasher hasher(header, file.size());
  hasher.Add(table);
  hasher.Add(tail);
  header.checksum = hasher.Digest();
  file.append(reinterpret_cast<const char*>(&header), sizeof(header));
  return file.append(table).append(tail);
}

// The checksum protects against accidents only: what is in a table must be checked as well.
TEST_F(SnapshotDamageTest, DamageUnderARightChecksumIsNoticed) {
  Store store;
  FillSmall(store);
  ASSERT_EQ(store.Save(path()).error, "");
  const std::string good = ReadFile(path());
  BlockHeader header;
  std::memcpy(&header, good.data() + sizeof(FileHeader), sizeof(header));
  const std::string table =
      good.substr(sizeof(FileHeader) + sizeof(BlockHeader), header.stored_size);
  std::mt19937_64 random(20240517);
  Store loaded;
  for (int i = 0; i < 5000; ++i) {
    std::string bad = table;
    const size_t flips = 1 + random() % 4;
    for (size_t n = 0; n < flips; ++n) bad[random() % bad.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bad.resize(random() % bad.size());
    WriteFile(path(), FileWith(bad, random() % 4 == 0 ? "tail" : ""));
    // The end mark is missing, so it is an error in any case; what matters is that nothing is read
    // or written out of bounds on the way there.
    ASSERT_NE(loaded.Load(path()).error, "") << "round " << i;
  }
  // The table is fine, but there is no record without a value that the tail could belong to.
  WriteFile(path(), FileWith(table, "tail"));
  EXPECT_NE(Store().Load(path()).error.find("without a value"), std::string::npos);
}

}  // namespace
}  // namespace mantis::persist
