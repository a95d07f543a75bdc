#include "server/core/cpu_count.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace mantis::server {
namespace {

namespace fs = std::filesystem;

class CpuCount : public testing::Test {
 protected:
  CpuCount() : root_(fs::temp_directory_path() / ("mantis_cpu_" + std::to_string(getpid()))) {
    fs::create_directories(root_);
  }
  ~CpuCount() override { fs::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  const fs::path root_;
};

TEST(CpuQuota, ReadsBothFormats) {
  EXPECT_EQ(ParseCpuMax("150000 100000\n"), 1.5);
  EXPECT_EQ(ParseCpuMax("max 100000\n"), std::nullopt);
  EXPECT_EQ(ParseCpuMax(""), std::nullopt);
  EXPECT_EQ(ParseCpuMax("100000"), std::nullopt);
  EXPECT_EQ(ParseCfsQuota("50000\n", "100000\n"), 0.5);
  EXPECT_EQ(ParseCfsQuota("-1\n", "100000\n"), std::nullopt);
  EXPECT_EQ(ParseCfsQuota("50000\n", "0\n"), std::nullopt);
}

TEST_F(CpuCount, Version2TakesTheLeastOnTheWayUp) {
  Write("a/cpu.max", "200000 100000");
  Write("a/b/cpu.max", "max 100000");
  Write("a/b/c/cpu.max", "300000 100000");
  EXPECT_EQ(QuotaCores("0::/a/b/c\n", root_), 2.0);
  EXPECT_EQ(QuotaCores("0::/elsewhere\n", root_), std::nullopt);
}

TEST_F(CpuCount, InsideAContainerTheMountIsTheGroup) {
  Write("cpu.max", "50000 100000");
  EXPECT_EQ(QuotaCores("0::/\n", root_), 0.5);
  EXPECT_EQ(QuotaCores("0::/docker/0123\n", root_), 0.5);
}

TEST_F(CpuCount, Version1NamesItsController) {
  Write("cpu,cpuacct/job/cpu.cfs_quota_us", "250000\n");
  Write("cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  Write("cpuset/job/cpu.cfs_quota_us", "1000\n");
  EXPECT_EQ(QuotaCores("5:cpuset:/job\n4:cpu,cpuacct:/job\n1:memory:/job\n", root_), 2.5);
}

TEST_F(CpuCount, NonsenseIsNoLimit) {
  EXPECT_EQ(QuotaCores("", root_), std::nullopt);
  EXPECT_EQ(QuotaCores("no colons at all\n::\n", root_), std::nullopt);
}

TEST(UsableCores, IsAtLeastOneAndAtMostWhatTheMachineHas) {
  EXPECT_GE(UsableCores(), 1);
  EXPECT_LE(UsableCores(), static_cast<int>(sysconf(_SC_NPROCESSORS_CONF)));
}

}  // namespace
}  // namespace mantis::server
