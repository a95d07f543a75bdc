# Precompiled headers (MANTIS_PCH), which about halve the time of a build from scratch. They hide
# missing includes, so the release preset, which everybody builds, goes without.
function(mantis_precompile)
  set(_std <algorithm> <array> <atomic> <charconv> <chrono> <cstdint> <cstring> <functional> <map>
           <memory> <mutex> <optional> <random> <span> <string> <string_view> <thread>
           <unordered_map> <utility> <variant> <vector>)
  target_precompile_headers(mantis_config PRIVATE ${_std})
  target_precompile_headers(mantis_engine PRIVATE ${_std} <cds/init.h>
                            <cds/urcu/general_buffered.h>)
  target_precompile_headers(mantis_server PRIVATE ${_std} <boost/asio/io_context.hpp>
                            <boost/asio/post.hpp> <boost/asio/steady_timer.hpp>
                            <absl/container/btree_set.h> <absl/container/flat_hash_map.h>
                            <absl/container/flat_hash_set.h>)
endfunction()
