#include "server/core/collation.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <map>
#include <mutex>

namespace mantis::server {
namespace {

// nullptr stands for the order of bytes. Release and acquire: who sees the pointer sees the locale.
std::atomic<locale_t> in_use{nullptr};

// "C" and its kin order by bytes, and strcoll is slow.
bool OrdersByBytes(const std::string& name) { return name == "C" || name == "POSIX"; }

// What the empty name stands for, by the rules of POSIX.
std::string NameFromEnvironment() {
  for (const char* variable : {"LC_ALL", "LC_COLLATE", "LANG"}) {
    // Nobody changes the environment once threads run.
    const char* value = getenv(variable);  // NOLINT(concurrency-mt-unsafe)
    if (value != nullptr && *value != '\0') return value;
  }
  return "C";
}

}  // namespace

bool SetCollation(const std::string& name) {
  static std::mutex mutex;
  static std::map<std::string, locale_t> known;
  const std::string wanted = name.empty() ? NameFromEnvironment() : name;
  const std::lock_guard lock(mutex);
  auto it = known.find(wanted);
  if (it == known.end()) {
    locale_t fresh = nullptr;
    if (!OrdersByBytes(wanted)) {
      fresh = newlocale(LC_COLLATE_MASK, wanted.c_str(), nullptr);
      if (fresh == nullptr) return false;
    }
    it = known.emplace(wanted, fresh).first;
  }
  in_use.store(it->second, std::memory_order_release);
  return true;
}

int Collate(Bytes a, Bytes b) {
  const locale_t locale = in_use.load(std::memory_order_acquire);
  if (locale != nullptr) {
    thread_local std::string a_text;
    thread_local std::string b_text;
    a_text.assign(a);
    b_text.assign(b);
    const int order = strcoll_l(a_text.c_str(), b_text.c_str(), locale);
    if (order != 0) return order;
  }
  return CompareBytes(a, b);
}

}  // namespace mantis::server
