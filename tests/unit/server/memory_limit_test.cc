#include "server/core/memory_limit.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace mantis::server {
namespace {

namespace fs = std::filesystem;

TEST(MemoryLimit, ReadsBothFormats) {
  EXPECT_EQ(ParseMemoryMax("1048576\n"), 1048576.0);
  EXPECT_EQ(ParseMemoryMax("max\n"), std::nullopt);
  EXPECT_EQ(ParseMemoryMax(""), std::nullopt);
  EXPECT_EQ(ParseMemoryMax("9223372036854771712\n"), std::nullopt);
}

TEST(MemoryLimit, TheLeastOnTheWayUpBinds) {
  const fs::path root = fs::temp_directory_path() / ("mantis_memory_" + std::to_string(getpid()));
  fs::create_directories(root / "a/b");
  fs::create_directories(root / "memory/job");
  std::ofstream(root / "a/memory.max") << "2000";
  std::ofstream(root / "a/b/memory.max") << "max";
  std::ofstream(root / "memory/job/memory.limit_in_bytes") << "1000";
  EXPECT_EQ(GroupMemory("0::/a/b\n", root), 2000.0);
  EXPECT_EQ(GroupMemory("0::/elsewhere\n", root), std::nullopt);
  EXPECT_EQ(GroupMemory("5:memory:/job\n0::/a/b\n", root), 1000.0);
  fs::remove_all(root);
}

TEST(MemoryLimit, ThereIsAlwaysSome) { EXPECT_GT(UsableMemory(), 0); }

}  // namespace
}  // namespace mantis::server
