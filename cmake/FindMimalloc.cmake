# mimalloc. Debian ships the shared library only, while its package file also asks for a static
# one: target Mimalloc::mimalloc. Linking it replaces malloc and free in the whole process.
find_path(Mimalloc_INCLUDE_DIR mimalloc.h PATH_SUFFIXES mimalloc-2.0 mimalloc)
find_library(Mimalloc_LIBRARY NAMES mimalloc)
if(Mimalloc_INCLUDE_DIR)
  file(STRINGS ${Mimalloc_INCLUDE_DIR}/mimalloc.h _line REGEX "define MI_MALLOC_VERSION")
  string(REGEX MATCH "MI_MALLOC_VERSION +([0-9])([0-9])([0-9]+)" _ "${_line}")
  set(Mimalloc_VERSION "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}.${CMAKE_MATCH_3}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Mimalloc REQUIRED_VARS Mimalloc_LIBRARY Mimalloc_INCLUDE_DIR
                                  VERSION_VAR Mimalloc_VERSION)
if(Mimalloc_FOUND AND NOT TARGET Mimalloc::mimalloc)
  add_library(Mimalloc::mimalloc SHARED IMPORTED)
  set_target_properties(Mimalloc::mimalloc PROPERTIES IMPORTED_LOCATION ${Mimalloc_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${Mimalloc_INCLUDE_DIR})
endif()
