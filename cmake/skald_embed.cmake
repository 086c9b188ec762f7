# skald_embed(TARGET NAME FILES ...): files as constants of TARGET. Generates NAME.h, with a function for each file: page.css becomes
# `std::string_view PageCss()` in namespace skald::embedded.
function(skald_embed target name)
  cmake_parse_arguments(ARG "" "" "FILES" ${ARGN})
  list(TRANSFORM ARG_FILES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE paths)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/embedded)
  add_custom_command(
    OUTPUT ${folder}/${name}.h ${folder}/${name}.cc
    COMMAND ${CMAKE_COMMAND} "-DNAME=${name}" "-DFOLDER=${folder}" "-DPATHS=${paths}" -P ${PROJECT_SOURCE_DIR}/cmake/embed_files.cmake
    DEPENDS ${paths} ${PROJECT_SOURCE_DIR}/cmake/embed_files.cmake
    COMMENT "Embedding ${name}"
    VERBATIM)
  target_sources(${target} PRIVATE ${folder}/${name}.cc ${folder}/${name}.h)
  target_include_directories(${target} PRIVATE ${folder})
endfunction()
