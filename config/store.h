// The settings of a running server and CONFIG GET, SET and REWRITE over them.
//
// Thread safety: every method may be called from any thread. Readers share an immutable snapshot;
// writers run one after another and publish a new snapshot. A loop that reads settings for every
// command keeps its own shared_ptr and takes a new one when version() has moved.
// Ownership: the store owns the values; a snapshot stays valid for as long as it is held.
// Invariants: a published snapshot holds only values that passed their row's checks; a failed Set
// changes nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "config/values.h"

namespace mantis::config {

class ConfigStore {
 public:
  // Why a Set is refused, and the name (as in the table) of the option it is refused for.
  struct ApplyError {
    std::string_view option;
    std::string reason;
  };
  // Called with the settings before and after, and the names that change, before a Set is
  // published. An error refuses the Set and becomes its reply.
  using ApplyHook = std::function<std::optional<ApplyError>(
      const Settings& before, const Settings& after, std::span<const std::string_view> changed)>;

  // Every option at its default, no configuration file.
  ConfigStore();
  // `config_file` is the absolute path CONFIG REWRITE writes to; empty when there is none.
  ConfigStore(Values values, std::string config_file);

  ConfigStore(const ConfigStore&) = delete;
  ConfigStore& operator=(const ConfigStore&) = delete;

  [[nodiscard]] std::shared_ptr<const Settings> snapshot() const;

  // Grows with every published change; starts at 1.
  [[nodiscard]] uint64_t version() const { return version_.load(std::memory_order_acquire); }

  // CONFIG GET: each matching name once, in table order within a pattern. Names match whatever
  // their case; hidden options answer to their exact name only.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Get(
      std::span<const std::string_view> globs) const;

  // CONFIG SET, all or nothing. Returns Redis's error text (with "ERR "), or nothing on success.
  // `changed`, when given, receives the names (as in the table) of options whose value differs
  // now. `local_client` matters where enable-protected-configs is "local".
  // The names in `changed` live as long as the program.
  [[nodiscard]] std::optional<std::string> Set(
      std::span<const std::pair<std::string_view, std::string_view>> pairs,
      std::vector<std::string_view>* changed = nullptr, bool local_client = false);

  // CONFIG REWRITE. Returns the error text, or nothing on success.
  [[nodiscard]] std::optional<std::string> Rewrite();

  // At most one hook; set it before clients are served. It runs under the writers' lock, so it
  // must not call Set or Rewrite.
  void SetApplyHook(ApplyHook hook);

  // Empty when the server runs without a file.
  [[nodiscard]] const std::string& config_file() const { return config_file_; }

  // The lines that would say, in a file, what differs from the defaults; passwords hidden.
  [[nodiscard]] std::vector<std::string> DescribeChanges() const;

 private:
  [[nodiscard]] Values CopyValues() const;
  void Publish(Values values);

  const std::string config_file_;
  std::mutex writer_mutex_;  // serialises Set and Rewrite; taken before mutex_
  ApplyHook hook_;           // guarded by writer_mutex_

  mutable std::mutex mutex_;  // guards the two below, held for copies only
  Values values_;
  std::shared_ptr<const Settings> settings_;
  std::atomic<uint64_t> version_{1};
};

}  // namespace mantis::config
