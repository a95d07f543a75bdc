# The checks of scripts/ that need nothing but the sources, as tests with the label "style".
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
set(_scripts ${CMAKE_SOURCE_DIR}/scripts)
add_test(NAME style_includes COMMAND ${Python3_EXECUTABLE} -B ${_scripts}/check_includes.py)
add_test(NAME style_sizes COMMAND ${Python3_EXECUTABLE} -B ${_scripts}/check_sizes.py)
add_test(NAME style_paths COMMAND ${Python3_EXECUTABLE} -B ${_scripts}/check_paths.py)
add_test(NAME style_checks_test COMMAND ${Python3_EXECUTABLE} -B ${_scripts}/checks_test.py)
set_tests_properties(style_includes style_sizes style_paths style_checks_test
                     PROPERTIES LABELS style TIMEOUT 60)
