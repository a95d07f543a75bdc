// Finds and evicts keys one by one: samples some, keeps the best candidates in a pool of 16 from
// one call to the next, takes the best of the pool (the scheme of Redis 3.0). A random policy takes
// one of the sample.
//
// Thread safety: none; one for each thread that evicts. Inside a batch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/cache/eviction.h"

namespace mantis {

class Database;

class Evictor {
 public:
  // Evicts one key. False: there is none that the policy allows to evict, or all found were locked.
  bool EvictOne(Engine& engine, OpContext& ctx, const CacheOptions& options);

 private:
  // By name: between two calls its entry may be freed.
  struct Candidate {
    uint64_t score = 0;
    int db = -1;
    std::string key;
  };

  // Samples every database that has keys in question.
  void Sample(Engine& engine, OpContext& ctx, const CacheOptions& options);
  bool EvictRandom(Engine& engine, OpContext& ctx);
  void Offer(const Cache& cache, OpContext& ctx, int db, const Entry* e);

  std::vector<Candidate> pool_;  // ascending by score
  struct Sampled {
    int db;
    Entry* entry;
  };
  std::vector<Sampled> samples_;
  std::vector<Entry*> found_;
};

}  // namespace mantis
