# libcds. Its own package file on Debian 12 names a lib64 folder that does not exist there and
# forces -std=c++11, so the library is looked up here: target Cds::cds (the static library).
find_path(Cds_INCLUDE_DIR cds/version.h)
find_library(Cds_LIBRARY NAMES cds-s)
if(Cds_INCLUDE_DIR)
  file(STRINGS ${Cds_INCLUDE_DIR}/cds/version.h _line REGEX "CDS_VERSION_STRING")
  string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" Cds_VERSION "${_line}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Cds REQUIRED_VARS Cds_LIBRARY Cds_INCLUDE_DIR
                                  VERSION_VAR Cds_VERSION)
if(Cds_FOUND AND NOT TARGET Cds::cds)
  add_library(Cds::cds STATIC IMPORTED)
  set_target_properties(Cds::cds PROPERTIES IMPORTED_LOCATION ${Cds_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${Cds_INCLUDE_DIR} INTERFACE_COMPILE_OPTIONS -mcx16)
endif()
