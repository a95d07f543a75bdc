#include "server/info/slow_log.h"

#include <algorithm>

namespace mantis::server {
namespace {

// What SLOWLOG keeps of a command; clients parse the notes about the rest.
constexpr size_t kArgsMax = 32;
constexpr size_t kArgBytesMax = 128;

std::string Shorten(Bytes arg) {
  if (arg.size() <= kArgBytesMax) return std::string(arg);
  std::string text(arg.substr(0, kArgBytesMax));
  text += "... (" + std::to_string(arg.size() - kArgBytesMax) + " more bytes)";
  return text;
}

std::vector<std::string> Shorten(std::span<const Bytes> args) {
  std::vector<std::string> kept;
  kept.reserve(std::min(args.size(), kArgsMax));
  // The last place tells how many do not fit, itself included.
  const size_t whole = args.size() <= kArgsMax ? args.size() : kArgsMax - 1;
  for (const Bytes arg : args.first(whole)) kept.push_back(Shorten(arg));
  if (whole < args.size()) {
    kept.push_back("... (" + std::to_string(args.size() - whole) + " more arguments)");
  }
  return kept;
}

}  // namespace

void SlowLog::Add(int64_t unix_seconds, int64_t duration_us, std::span<const Bytes> args,
                  const std::string& client_address, const std::string& client_name,
                  size_t length_max) {
  Item item{0, unix_seconds, duration_us, Shorten(args), client_address, client_name};
  const std::lock_guard lock(mutex_);
  item.id = next_id_++;
  items_.push_front(std::move(item));
  while (items_.size() > length_max) items_.pop_back();
}

std::vector<SlowLog::Item> SlowLog::Latest(int64_t n) const {
  const std::lock_guard lock(mutex_);
  const size_t wanted = n < 0 ? items_.size() : std::min(items_.size(), static_cast<size_t>(n));
  return {items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(wanted)};
}

size_t SlowLog::size() const {
  const std::lock_guard lock(mutex_);
  return items_.size();
}

void SlowLog::Reset() {
  const std::lock_guard lock(mutex_);
  items_.clear();
}

}  // namespace mantis::server
