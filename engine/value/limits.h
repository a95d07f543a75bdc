// Up to which size values keep their compact forms: Redis's options of the same names.
//
// Thread safety: plain data.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mantis {

struct ValueLimits {
  int list_max_listpack_size = -2;  // elements of a node, or -1..-5: 4, 8, 16, 32, 64 KiB
  size_t hash_max_listpack_entries = 512;
  size_t hash_max_listpack_value = 64;
  size_t set_max_intset_entries = 512;
  size_t set_max_listpack_entries = 128;
  size_t set_max_listpack_value = 64;
  size_t zset_max_listpack_entries = 128;
  size_t zset_max_listpack_value = 64;
  size_t stream_node_max_bytes = 4096;
  size_t stream_node_max_entries = 100;
  size_t hll_sparse_max_bytes = 3000;
};

}  // namespace mantis
