#include "server/info/memory_report.h"

#include <algorithm>

#include "engine/base/memory.h"
#include "server/core/shared_state.h"
#include "server/net/client_eviction.h"

namespace mantis::server {
namespace {

// An item of the expiry index: deadline and entry.
constexpr size_t kExpiryItemBytes = 16;

// Below this much data every ratio is noise.
constexpr int64_t kTooSmallToJudge = 5 * 1024 * 1024;
constexpr double kFragmentationMax = 1.4;
constexpr double kPeakRatioMax = 1.5;
constexpr int64_t kClientBytesMax = int64_t{256} * 1024 * 1024;

MemoryReport::Database Describe(int index, Database& db) {
  const size_t keys = db.size();
  const size_t deadlines = db.deadlines();
  return {index,
          static_cast<int64_t>(keys * (sizeof(Entry) + kIndexBytesPerKey) +
                               db.index().bucket_count() * sizeof(uint64_t)),
          static_cast<int64_t>(deadlines * (sizeof(Box) + kExpiryItemBytes))};
}

}  // namespace

MemoryReport MakeMemoryReport(SharedState& shared) {
  MemoryReport m;
  m.used = std::max<int64_t>(0, memory::UsedBytes());
  m.fixed = memory::FixedBytes();
  m.peak = memory::PeakBytes();
  m.resident = memory::ResidentBytes();
  m.startup = shared.startup_bytes;
  m.clients = std::max<int64_t>(0, shared.client_eviction->held());
  m.overhead = m.startup + m.clients;
  for (int i = 0; i < shared.engine.database_count(); ++i) {
    Database& db = shared.engine.database(i);
    if (db.size() == 0) continue;
    m.keys += static_cast<int64_t>(db.size());
    m.databases.push_back(Describe(i, db));
    m.overhead += m.databases.back().key_overhead + m.databases.back().deadline_overhead;
  }
  m.overhead = std::min(m.overhead, m.used);
  m.dataset = m.used - m.overhead;
  return m;
}

std::string DiagnoseMemory(const MemoryReport& m) {
  if (m.used < kTooSmallToJudge) {
    return "There is hardly any data yet; ask again once more than 5 MB are in use.\n";
  }
  std::string found;
  if (static_cast<double>(m.peak) > kPeakRatioMax * static_cast<double>(m.used)) {
    found +=
        " * Much more memory was in use earlier than is now. The resident set follows as the "
        "allocator hands pages back; MEMORY PURGE makes it do so at once.\n";
  }
  if (m.fragmentation() > kFragmentationMax) {
    found +=
        " * The process holds far more memory than is allocated (fragmentation ratio above 1.4). "
        "MEMORY PURGE hands free pages back to the system.\n";
  }
  if (m.clients > kClientBytesMax) {
    found +=
        " * Clients' buffers take more than 256 MB. CLIENT LIST shows in omem and qbuf whose; "
        "client-output-buffer-limit bounds them.\n";
  }
  if (found.empty()) return "No memory problem was found.\n";
  return "These memory problems were found:\n\n" + found;
}

}  // namespace mantis::server
