// Where the process's memory goes, for INFO memory and MEMORY STATS.
//
// Thread safety: MakeMemoryReport runs inside a batch of the calling core; the report is a plain
// value.
// Units: bytes. Overheads are computed from counts, as Redis computes its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mantis::server {

struct SharedState;

// A slot of the hash index, and a pointer with eight leading bytes in a block of the ordered one.
inline constexpr size_t kIndexBytesPerKey = 8 + 16;

struct MemoryReport {
  struct Database {
    int index;
    int64_t key_overhead;       // entries' headers and both indexes
    int64_t deadline_overhead;  // boxes and the expiry index
  };

  int64_t used = 0;   // without `fixed`
  int64_t fixed = 0;  // buffers and tables of threads, which are there whatever is stored
  int64_t peak = 0;
  int64_t resident = 0;
  int64_t startup = 0;
  int64_t clients = 0;
  int64_t overhead = 0;
  int64_t dataset = 0;
  int64_t keys = 0;
  std::vector<Database> databases;  // those with keys

  int64_t allocated() const { return used + fixed; }
  int64_t net() const { return used > startup ? used - startup : 1; }
  double dataset_percent() const {
    return 100.0 * static_cast<double>(dataset) / static_cast<double>(net());
  }
  double peak_percent() const {
    return peak == 0 ? 0 : 100.0 * static_cast<double>(used) / static_cast<double>(peak);
  }
  double fragmentation() const {
    return used == 0 ? 0 : static_cast<double>(resident) / static_cast<double>(used);
  }
  double allocator_fragmentation() const {
    return static_cast<double>(resident) / static_cast<double>(allocated() > 0 ? allocated() : 1);
  }
};

MemoryReport MakeMemoryReport(SharedState& shared);

// MEMORY DOCTOR's findings in prose.
std::string DiagnoseMemory(const MemoryReport& report);

}  // namespace mantis::server
