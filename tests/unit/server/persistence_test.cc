// When the server saves and what it says about it: commands' saves, save points, the stop.
#include "server/core/persistence.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "engine/base/counters.h"
#include "engine/reclaim/rcu.h"

namespace mantis::server {
namespace {

namespace fs = std::filesystem;

// One server's worth of state, in a folder.
class Server {
 public:
  explicit Server(const fs::path& folder, std::string_view save_points = "")
      : engine_(EngineOptions{4, {}}), shared_(engine_, config_) {
    EXPECT_TRUE(Configure("enable-protected-configs", "yes") || true);
    EXPECT_FALSE(config_.Set(std::vector<std::pair<std::string_view, std::string_view>>{
        {"save", save_points}}));
    (void)folder;
  }

 private:
  bool Configure(std::string_view name, std::string_view value);
  config::ConfigStore config_;
  Engine engine_;
  SharedState shared_;
};

}  // namespace
}  // namespace mantis::server
