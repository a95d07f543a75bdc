# Compiler and linker flags every target of ours shares, as one interface target.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")

add_library(mantis_flags INTERFACE)
target_include_directories(mantis_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(mantis_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
                                              -fno-omit-frame-pointer)
if(MANTIS_WERROR)
  target_compile_options(mantis_flags INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(mantis_flags INTERFACE -Wthread-safety)
endif()
if(MANTIS_SANITIZER)
  # Sanitizers replace malloc themselves, so mimalloc steps aside in these builds (engine/base).
  target_compile_options(mantis_flags INTERFACE -fsanitize=${MANTIS_SANITIZER}
                                                -fno-sanitize-recover=all)
  target_link_options(mantis_flags INTERFACE -fsanitize=${MANTIS_SANITIZER})
  target_compile_definitions(mantis_flags INTERFACE MANTIS_SANITIZED=1)
  if(MANTIS_SANITIZER MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC warns that TSan does not model stand-alone fences; libcds's RCU is the only user of them.
    target_compile_options(mantis_flags INTERFACE -Wno-tsan)
  endif()
endif()
if(MANTIS_FUZZ)
  # Coverage feedback in our own code; a fuzz target adds libFuzzer's main with -fsanitize=fuzzer.
  target_compile_options(mantis_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(mantis_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
