# Language level, warnings, sanitizers and ccache, set once for every target of the project.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(SKALD_CCACHE ccache)
if(SKALD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SKALD_CCACHE})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${SKALD_CCACHE})
endif()

add_library(skald_options INTERFACE)
# Costs on CPU and GPU must have the same bits: no contraction of a*b+c into a fused operation.
# GCC 12 sees overlaps and overflows inside std::string and std::vector that are not there.
target_compile_options(skald_options INTERFACE
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict -Wno-stringop-overflow>
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic>
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wshadow=compatible-local>
  $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off ${SKALD_ARCH_FLAGS}>)
if(SKALD_SANITIZE)
  target_compile_options(skald_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${SKALD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all>)
  target_link_options(skald_options INTERFACE -fsanitize=${SKALD_SANITIZE})
endif()

# skald_library(NAME SOURCES ... PUBLIC ... PRIVATE ...): a static library of this project.
function(skald_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_PUBLIC} PRIVATE skald_options ${ARG_PRIVATE})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/src)
endfunction()

# skald_test(NAME SOURCES ... LIBRARIES ... LABELS ...): one GoogleTest program, registered as one CTest test.
function(skald_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE skald_options skald_test_support ${ARG_LIBRARIES} GTest::gmock GTest::gtest_main)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  set(launcher)
  if("gpu" IN_LIST ARG_LABELS)
    set(launcher ${PROJECT_SOURCE_DIR}/scripts/run-gpu)
  endif()
  add_test(NAME ${name} COMMAND ${launcher} $<TARGET_FILE:${name}>)
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} SKIP_REGULAR_EXPRESSION "\\[  PASSED  \\] 0 tests")
endfunction()

# skald_emulator_checks(NAME FILTER CHECKS ...): runs a test of skald_test with the label gpu again under the emulator, in random orders of
# blocks and warps (orders), with streams that interleave at random (streams). A device ignores what is asked for.
function(skald_emulator_checks name filter)
  cmake_parse_arguments(ARG "" "" "CHECKS" ${ARGN})
  set(environment_orders VGPU_SEED=1)
  set(environment_streams VGPU_SEED=2 VGPU_ASYNC=1)
  get_test_property(${name} LABELS labels)
  foreach(check ${ARG_CHECKS})
    add_test(NAME ${name}_${check} COMMAND ${PROJECT_SOURCE_DIR}/scripts/run-gpu $<TARGET_FILE:${name}> --gtest_filter=${filter})
    set_tests_properties(${name}_${check} PROPERTIES LABELS "${labels}" TIMEOUT 300 ENVIRONMENT "${environment_${check}}"
      SKIP_REGULAR_EXPRESSION "\\[  PASSED  \\] 0 tests")
  endforeach()
endfunction()
