# Precompiled headers (MANTIS_PCH), which about halve the time of a build from scratch. They hide
# missing includes, so the release preset, which everybody builds, goes without.
function(mantis_precompile)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Of precompiled code GCC 12 says things about bounds that it does not say without.
    target_compile_options(mantis_flags INTERFACE -Wno-array-bounds -Wno-restrict
                                                  -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
  set(_std <algorithm> <array> <atomic> <charconv> <chrono> <cstdint> <cstring> <functional> <map>
           <memory> <mutex> <optional> <random> <span> <string> <string_view> <thread>
           <unordered_map> <utility> <variant> <vector>)
  set(_cds <cds/init.h> <cds/urcu/general_buffered.h>)
  set(_absl <absl/container/btree_set.h> <absl/container/flat_hash_map.h>
            <absl/container/flat_hash_set.h>)
  # For ThreadSanitizer both declare the same functions, each in its own way.
  if(MANTIS_SANITIZER MATCHES "thread")
    set(_cds "")
    set(_absl "")
  endif()
  target_precompile_headers(mantis_config PRIVATE ${_std})
  target_precompile_headers(mantis_engine PRIVATE ${_std} ${_cds})
  target_precompile_headers(mantis_server PRIVATE ${_std} <boost/asio/io_context.hpp>
                            <boost/asio/post.hpp> <boost/asio/steady_timer.hpp> ${_absl})
endfunction()
